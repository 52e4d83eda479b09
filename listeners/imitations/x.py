"""A local imitation of the X API v2: filtered stream with rules, recent search, rate limits, and misbehaviour on demand.

It keeps what a listener relies on, as X documents it: one connection, keep-alives, rules matched against posts, search
newest first by pages, `since_id` of at most seven days, fields and expansions only when asked for, rate-limit headers.
All methods are called from the event loop that `start` ran in; a post is in the stream before `post` gives way.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from aiohttp import web

from listeners.clock import SystemClock
from listeners.contract import Clock
from listeners.imitations.x_posts import Posts
from listeners.imitations.x_query import Test, parse
from listeners.rates import Window
from listeners.x_ids import first_of
from records.times import DAY, to_ms

Kind = Literal["status", "close", "reset", "half_line", "stall", "disconnect", "garbage"]
LIMITS = {"stream": 50, "search": 450, "rules": 450, "rules_write": 100}
WINDOW = 900.0
REACH = 7 * DAY

_TITLES = {400: "Invalid Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}


class Fault(msgspec.Struct, frozen=True):
    """One misbehaviour. status: answers `status` (with `headers`). On a stream: close = at once after 200; reset = cut
    hard; half_line = cut inside a line; stall = silence without keep-alives; disconnect = error object, then close;
    garbage = `body` as a line of its own, and on."""

    kind: Kind
    status: int = 503
    headers: dict[str, str] = {}
    body: bytes = b""


class _Connection:
    def __init__(self, request: web.Request) -> None:
        self.transport = request.transport
        self.query = dict(request.query)
        self.items: asyncio.Queue[bytes | Fault | None] = asyncio.Queue()

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()


class XImitation:
    """The server. `stream_faults`, `search_faults`, `rules_faults`: each next request takes one. `unstreamed`: so many
    next posts are not streamed (a gap). `twice`: every line comes twice. `held`: so many posts are held back and then
    come in reverse order. `index_lag`: seconds until search finds a post. What was asked stands in `connects`,
    `searches`, `rule_writes` and `throttled` (answers 429); `keep_alives`: empty lines sent."""

    def __init__(
        self,
        *,
        token: str = "imitation",  # noqa: S107 - it opens nothing but this imitation
        clock: Clock | None = None,
        keep_alive: float = 20.0,
        port: int = 0,
    ) -> None:
        self.token, self.keep_alive, self._port = token, keep_alive, port
        self._clock: Clock = clock or SystemClock()
        self.posts = Posts()
        self.rules: dict[str, dict[str, str]] = {}
        self.stream_faults: deque[Fault] = deque()
        self.search_faults: deque[Fault] = deque()
        self.rules_faults: deque[Fault] = deque()
        self.unstreamed = 0
        self.twice = False
        self.held = 0
        self.index_lag = 0.0
        self.connects = 0
        self.keep_alives = 0
        self.throttled = 0
        self.searches: list[dict[str, str]] = []
        self.rule_writes: list[dict[str, Any]] = []
        self.limits = {name: Window(calls, WINDOW) for name, calls in LIMITS.items()}
        self._tests: dict[str, Test] = {}
        self._connections: list[_Connection] = []
        self._back: list[dict[str, Any]] = []
        self._runner: web.AppRunner | None = None
        self.connected = asyncio.Event()

    @property
    def url(self) -> str:
        """Base address, for `base_url`."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listens on the loopback, on a free port unless one was given."""
        app = web.Application()
        app.router.add_get("/2/tweets/search/stream", self._guard("stream", self.stream_faults, self._stream))
        app.router.add_get("/2/tweets/search/stream/rules", self._guard("rules", self.rules_faults, self._get_rules))
        app.router.add_post(
            "/2/tweets/search/stream/rules", self._guard("rules_write", self.rules_faults, self._post_rules)
        )
        app.router.add_get("/2/tweets/search/recent", self._guard("search", self.search_faults, self._search))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Closes every connection."""
        for connection in self._connections:
            connection.items.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()

    # what happens on X ------------------------------------------------------------------------------------------------

    def user(self, handle: str, **more: Any) -> str:
        """Creates a user; returns the id. See `Posts.user`."""
        return self.posts.user(handle, **more)

    def post(self, text: str, *, author: str, at: int | None = None, **more: Any) -> dict[str, Any]:
        """Posts, and streams to whoever has a matching rule. `at`: milliseconds since 1970. See `Posts.create`."""
        post = self.posts.create(text, author, self._clock.now() if at is None else at, more)
        self._publish(post)
        return post

    def edit(self, post_id: str, text: str, *, at: int | None = None) -> dict[str, Any]:
        """Edits a post: it comes again under a new id."""
        post = self.posts.edit(post_id, text, self._clock.now() if at is None else at)
        self._publish(post)
        return post

    def misbehave(self, fault: Fault) -> None:
        """Does this to the open connections, now."""
        for connection in self._open():
            connection.items.put_nowait(fault)

    def cut(self) -> None:
        """Closes the open connections cleanly."""
        self.misbehave(Fault("close"))

    def add_rule(self, value: str, tag: str) -> str:
        """A rule as somebody else on the same app would have made it; returns its id. Raises ValueError."""
        rule_id = str(1_600_000_000_000_000_000 + len(self.rules) + len(self.rule_writes) * 1000)
        self._tests[rule_id] = parse(value)
        self.rules[rule_id] = {"id": rule_id, "value": value, "tag": tag}
        return rule_id

    @property
    def open_connections(self) -> int:
        """Streams open now."""
        return len(self._open())

    def _open(self) -> list[_Connection]:
        self._connections = [one for one in self._connections if one.is_open]
        return self._connections

    def _publish(self, post: dict[str, Any]) -> None:
        if self.unstreamed > 0:
            self.unstreamed -= 1
            return
        if self.held > 0:
            self._back.append(post)
            if len(self._back) < self.held:
                return
            waiting, self._back, self.held = self._back[::-1], [], 0
        else:
            waiting = [post]
        for one in waiting:
            subject = self.posts.subject(one)
            matched = [rule for rule_id, rule in self.rules.items() if self._tests[rule_id](subject)]
            if matched:
                for connection in self._open():
                    line = self._line(one, matched, connection.query)
                    for _ in range(2 if self.twice else 1):
                        connection.items.put_nowait(line)

    def _line(self, post: dict[str, Any], matched: list[dict[str, str]], query: dict[str, str]) -> bytes:
        body = {
            "data": self.posts.shown(post, query),
            "includes": self.posts.includes([post], query),
            "matching_rules": [{"id": rule["id"], "tag": rule["tag"]} for rule in matched],
        }
        return json.dumps(body, ensure_ascii=False).encode() + b"\r\n"

    # the API ----------------------------------------------------------------------------------------------------------

    def _guard(
        self, name: str, faults: deque[Fault], handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Bearer, rate limit, ordered faults: what every endpoint has."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            now, window = self._clock.now(), self.limits[name]
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return _problem(401, self._limit_headers(name))
            if window.wait(now) > 0:
                self.throttled += 1
                return _problem(429, self._limit_headers(name))
            window.take(now)
            if name == "stream":
                self.connects += 1
            if faults and faults[0].kind == "status":
                fault = faults.popleft()
                return _problem(fault.status, {**self._limit_headers(name), **fault.headers}, fault.body)
            response = await handler(request)
            if not response.prepared:
                response.headers.update(self._limit_headers(name))
            return response

        return guarded

    def _limit_headers(self, name: str) -> dict[str, str]:
        now, window = self._clock.now(), self.limits[name]
        return {
            "x-rate-limit-limit": str(LIMITS[name]),
            "x-rate-limit-remaining": str(window.left(now)),
            "x-rate-limit-reset": str(now // 1000 + int(window.wait(now) or WINDOW)),
        }

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self._open():
            return _problem(429, body=b'{"title":"ConnectionException","connection_issue":"TooManyConnections"}')
        connection = _Connection(request)
        headers = {"Content-Type": "application/json; charset=utf-8", **self._limit_headers("stream")}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        self._connections.append(connection)
        self.connected.set()
        if self.stream_faults:
            connection.items.put_nowait(self.stream_faults.popleft())
        try:
            await self._serve(connection, response)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the listener went away
        finally:
            if connection in self._connections:
                self._connections.remove(connection)
            if not self._connections:
                self.connected.clear()
        return response

    async def _serve(self, connection: _Connection, response: web.StreamResponse) -> None:
        while connection.is_open:
            try:
                item = await asyncio.wait_for(connection.items.get(), self.keep_alive)
            except TimeoutError:
                await response.write(b"\r\n")
                self.keep_alives += 1
                continue
            if item is None:
                return
            if isinstance(item, bytes):
                await response.write(item)
            elif await self._misbehaves(item, connection, response):
                return

    async def _misbehaves(self, fault: Fault, connection: _Connection, response: web.StreamResponse) -> bool:
        """Whether the connection is over."""
        if fault.kind == "garbage":
            await response.write(fault.body + b"\r\n")
            return False
        if fault.kind == "stall":
            await asyncio.Event().wait()  # until the server stops
        elif fault.kind == "disconnect":
            problem = {
                "title": "operational-disconnect",
                "disconnect_type": "UpstreamOperationalDisconnect",
                "detail": "This stream has been disconnected upstream for operational reasons.",
                "type": "https://api.x.com/2/problems/operational-disconnect",
            }
            await response.write(json.dumps({"errors": [problem]}).encode() + b"\r\n")
        elif fault.kind in {"half_line", "reset"}:
            await response.write(fault.body or b'{"data":{"id":"18')
            if fault.kind == "reset" and connection.transport is not None:
                await asyncio.sleep(0.02)  # the half line shall arrive before the cut
                connection.transport.abort()
        return True

    async def _get_rules(self, request: web.Request) -> web.StreamResponse:
        rules = list(self.rules.values())
        meta = {"sent": "2026-01-01T00:00:00.000Z", "result_count": len(rules)}
        return web.json_response({"data": rules, "meta": meta} if rules else {"meta": meta})

    async def _post_rules(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.rule_writes.append(body)
        for rule_id in body.get("delete", {}).get("ids", ()):
            self.rules.pop(rule_id, None)
            self._tests.pop(rule_id, None)
        if "add" not in body:
            return web.json_response({"meta": {"summary": {"deleted": len(body["delete"]["ids"]), "not_deleted": 0}}})
        created: list[dict[str, str]] = []
        errors: list[dict[str, Any]] = []
        for rule in body["add"]:
            duplicate = next((one for one in self.rules.values() if one["value"] == rule["value"]), None)
            if duplicate is not None:
                errors.append({"value": rule["value"], "id": duplicate["id"], "title": "DuplicateRule"})
                continue
            try:
                rule_id = self.add_rule(rule["value"], rule.get("tag", ""))
            except ValueError as error:
                errors.append({"value": rule["value"], "details": [str(error)], "title": "UnprocessableEntity"})
                continue
            created.append(self.rules[rule_id])
        summary = {"created": len(created), "not_created": len(errors), "valid": len(created), "invalid": len(errors)}
        answer: dict[str, Any] = {"meta": {"summary": summary}}
        if created:
            answer["data"] = created
        if errors:
            answer["errors"] = errors
        return web.json_response(answer, status=201)

    async def _search(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        self.searches.append(query)
        now = self._clock.now()
        try:
            test = parse(query["query"])
            below = int(query["next_token"].removeprefix("b26v")) if "next_token" in query else None
        except ValueError as error:
            return _invalid("next_token" if "next_token" in query else "query", str(error))
        above = int(query.get("since_id", "0"))
        if "since_id" in query and above < first_of(now - REACH):
            return _invalid("since_id", f"'since_id' must be a tweet id created after [{first_of(now - REACH)}]")
        if "start_time" in query and "since_id" not in query:
            if to_ms(query["start_time"]) < now - REACH:
                return _invalid("start_time", "'start_time' must be on or after 7 days ago")
            above = first_of(to_ms(query["start_time"])) - 1
        size = min(100, max(10, int(query.get("max_results", "10"))))
        newest = first_of(now - int(self.index_lag * 1000) + 1)
        found = [
            post
            for post_id, post in sorted(self.posts.posts.items(), reverse=True)
            if above < post_id and (below is None or post_id < below) and (self.index_lag == 0 or post_id < newest)
            if not any(one["type"] == "retweeted" for one in post.get("referenced_tweets", ()))
            if post_id >= first_of(now - REACH) and test(self.posts.subject(post))
        ]
        page = found[:size]
        meta: dict[str, Any] = {"result_count": len(page)}
        answer: dict[str, Any] = {"meta": meta}
        if page:
            answer["data"] = [self.posts.shown(post, query) for post in page]
            answer["includes"] = self.posts.includes(page, query)
            meta.update(newest_id=page[0]["id"], oldest_id=page[-1]["id"])
        if len(found) > size:
            meta["next_token"] = f"b26v{page[-1]['id']}"
        return web.json_response(answer)


def _problem(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> web.Response:
    title = _TITLES.get(status, "Service Unavailable")
    default = json.dumps({"title": title, "status": status, "detail": title, "type": "about:blank"}).encode()
    return web.Response(status=status, headers=headers, body=body or default, content_type="application/problem+json")


def _invalid(parameter: str, message: str) -> web.Response:
    body = {
        "errors": [{"parameters": {parameter: []}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.x.com/2/problems/invalid-request",
    }
    return web.json_response(body, status=400)
