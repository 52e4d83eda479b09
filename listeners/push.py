"""Base loop of the channels that are pushed: one HTTP server, a route each. verify -> parse -> publish -> 200.

A 200 is a promise: what was sent is durable. Until then the sender keeps it and gives it again, so every other answer loses
nothing: 503 when the engine does not take it, 401, 413 and 400 for what can never be taken.
"""

import asyncio
import contextlib
from asyncio import Event
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from listeners.contract import Bad, Clock, Health, Listener, Publisher
from listeners.status import Status, origin
from listeners.threads import in_thread
from records.errors import Refused, Transient
from records.facts import CustomerFact
from records.mention import Mention
from records.times import from_ms

log = structlog.get_logger(__name__)

READ_SECONDS = 30.0  # a body that takes longer is not waited for
PUBLISH_SECONDS = 10.0  # longer than this and the sender has given up
STOP_SECONDS = 1.4  # running requests may take so long after `stop`; a listener has two seconds in all
CUT_SECONDS = 0.1  # what the server then gives them before it cuts them off
MAX_RUNNING = 64  # requests at once; with the body's limit this bounds memory
INLINE_BYTES = 32_768  # larger bodies are parsed in a thread: the loop serves the others meanwhile
_KINDS = 100  # different words that are counted; the words come from the sender


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """What a body said: records to publish, dead letters, counts of what was left out, and the answer once it is durable."""

    mentions: Sequence[Mention] = ()
    facts: Sequence[CustomerFact] = ()
    bad: Sequence[Bad] = ()
    ignored: Mapping[str, int] = {}
    status: int = 200
    answer: Any = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One path. `verify(headers, body)` says what is wrong with the signature, None = it is right; `read(body, content type,
    observed_at)` takes the body apart, never raises for its content, and runs in a thread when it is long."""

    path: str
    verify: Callable[[Mapping[str, str], bytes], str | None]
    read: Callable[[bytes, str, str], Pushed]


class PushListener(Listener):
    """Serves its routes until `stop`. `ready` is set once it serves, `port` is then the port in use. `ignored` counts what
    was left out on purpose, `refused` the requests that were turned away, both by reason."""

    def __init__(
        self,
        name: str,
        channel: str,
        *,
        clock: Clock,
        host: str,
        port: int,
        max_body_bytes: int,
        routes: Sequence[Route],
    ) -> None:
        self.name, self.channel = name, channel
        self.port = port
        self.ready = Event()
        self.ignored: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._clock, self._host, self._max_body_bytes, self._routes = clock, host, max_body_bytes, routes
        self._status = Status(clock)
        self._running, self._idle = 0, Event()
        self._idle.set()

    def health(self) -> Health:
        """How it is now."""
        return self._status.health()

    def add_to(self, app: web.Application) -> None:
        """Further handlers of a subclass, such as a challenge that is answered to GET."""

    async def run(self, out: Publisher, stop: Event) -> None:
        """Serve until `stop` is set; requests that run then are still answered. Raises Refused for an address in use."""
        app = web.Application(client_max_size=self._max_body_bytes)
        for route in self._routes:
            app.router.add_post(route.path, self._handler(route, out))
        self.add_to(app)
        # No access log: a query may hold a verify token.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CUT_SECONDS, handle_signals=False)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self.port, reuse_address=True)
            try:
                await site.start()
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise Refused(f"{self.name}: cannot listen on {self._host}:{self.port}: {reason}") from error
            self.port = runner.addresses[0][1]
            self._status.say("live", f"serving on {self._host}:{self.port}")
            self.ready.set()
            await stop.wait()
            await site.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), STOP_SECONDS)
        finally:
            await runner.cleanup()
            self._status.say("stopped")

    def _handler(self, route: Route, out: Publisher) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if self._running >= MAX_RUNNING:
                return self._refuse(503, "too many requests at once", retry_after=1)
            self._running += 1
            self._idle.clear()
            try:
                return await self._take(route, request, out)
            finally:
                self._running -= 1
                if not self._running:
                    self._idle.set()

        return handle

    async def _take(self, route: Route, request: web.Request, out: Publisher) -> web.Response:
        """1. read the raw bytes; 2. verify them; 3. take them apart; 4. publish, wait until it is durable; 5. answer 200."""
        try:  # 1
            body = await asyncio.wait_for(request.read(), READ_SECONDS)
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(413, f"the body has more than {self._max_body_bytes} bytes; send it in parts")
        except TimeoutError:
            return self._refuse(408, "the body did not come in time")
        except (OSError, web.RequestPayloadError, HttpProcessingError):
            return self._refuse(400, "the body ended too early, or its encoding is broken")
        wrong = route.verify(request.headers, body)  # 2
        if wrong is not None:
            return self._refuse(401, wrong)
        now = from_ms(self._clock.now())
        if len(body) > INLINE_BYTES:  # 3
            pushed = await in_thread(route.read, body, request.content_type, now, name=self.name)
        else:
            pushed = route.read(body, request.content_type, now)
        for what, times in pushed.ignored.items():
            self.ignored[what if what in self.ignored or len(self.ignored) < _KINDS else "other"] += times
        refusal = await self._publish(pushed, out)  # 4
        if refusal is not None:
            return refusal
        return _answer(pushed.status, pushed.answer)  # 5

    async def _publish(self, pushed: Pushed, out: Publisher) -> web.Response | None:
        """None once everything is durable, else the answer that makes the sender give it again."""
        if not (pushed.mentions or pushed.facts or pushed.bad):
            return None
        try:
            work = out.publish(pushed.mentions, facts=pushed.facts, bad=pushed.bad)
            await asyncio.wait_for(work, PUBLISH_SECONDS)
        except Transient as error:
            return self._not_durable("the engine is busy", error.retry_after)
        except TimeoutError:
            return self._not_durable("the engine did not answer in time", None)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing is durable and the sender must try again
            # The kind only: an engine's error text may hold a post.
            log.warning("publish failed", listener=self.name, error=type(error).__name__, where=origin(error))
            return self._not_durable(f"the engine failed ({type(error).__name__})", None)
        self._status.published(pushed.mentions, pushed.bad)
        self._status.say("live", f"serving on {self._host}:{self.port}")
        return None

    def _not_durable(self, reason: str, retry_after: float | None) -> web.Response:
        self._status.say("live", f"{reason}; senders are asked to try again")
        return self._refuse(503, reason, retry_after=max(1, round(retry_after or 5)))

    def _refuse(self, status: int, reason: str, retry_after: int | None = None) -> web.Response:
        self.refused[str(status)] += 1
        response = _answer(status, {"error": reason})
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response


def _answer(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
