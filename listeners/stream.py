"""Base loop of the channels that are streamed: one connection a call, our own reconnects, a bounded queue, catch-up.

An SDK's own reconnect is never used: tweepy's opens 700 connections in 1.5 seconds when the other side closes cleanly.
A connection ends in one of the ways of `Ended`; how long to wait before the next depends on the way, and only a
connection that was healthy for a minute makes the failures before it forgotten.

A channel gives `connect` (one connection), `read` (one item, pure), `archive` (its search) and `prepare`.
"""

import asyncio
import random
from abc import abstractmethod
from asyncio import Event
from typing import Literal

import msgspec
import structlog

from listeners.backoff import Backoff, Random
from listeners.catch_up import Archive, CatchUp, Ledger
from listeners.clock import Stopped, pause, unless_stopped
from listeners.contract import Bad, Clock, Health, Listener, Publisher
from listeners.feed import ALIVE, Feed
from listeners.guard import guarded
from listeners.outlet import Outlet
from listeners.position import Position, load
from listeners.rates import Window
from listeners.status import Status, origin
from records.errors import HilferufError, Permanent, Refused, Transient
from records.mention import Mention

log = structlog.get_logger(__name__)

Reason = Literal["closed", "network", "http", "rate_limited", "refused", "stalled", "full"]
# What X asks for; other platforms are content with it. A clean close counts as a network error: it may come at once.
NETWORK = Backoff(base=0.25, cap=16.0, growth="linear")
HTTP = Backoff(base=5.0, cap=320.0)
RATE_LIMITED = Backoff(base=60.0, cap=900.0)
HEALTHY_SECONDS = 60.0
REFUSED_SECONDS = 300.0
ALIVE_SECONDS = 60.0
BATCH = 200


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection ended. `wait`: seconds the other side asked for before the next one. `detail`: for a person."""

    reason: Reason
    detail: str = ""
    wait: float | None = None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the stream, read. `mark`: for the low-water mark; `problem`: the other side says why it will close."""

    mentions: tuple[Mention, ...] = ()
    bad: tuple[Bad, ...] = ()
    mark: int | None = None
    problem: str | None = None


class StreamListener(Listener):
    """Hears a stream. `stall`: silence in seconds after which a connection counts as dead; `queue_limit`: items between
    socket and engine; `connects`: budget of connections, shared by whatever uses the same credential."""

    def __init__(
        self,
        name: str,
        channel: str,
        *,
        clock: Clock,
        stall: float = 25.0,
        settle: float = 40.0,
        queue_limit: int = 1000,
        connects: Window | None = None,
        rng: Random = random.random,
    ) -> None:
        self.name, self.channel = name, channel
        self._clock, self._stall, self._settle, self._queue_limit = clock, stall, settle, queue_limit
        self._connects = connects or Window(45, 900.0)
        self._random = rng
        self._status = Status(clock)
        self._attempts: dict[Reason, int] = {}
        self._connections = 0
        self.ignored = 0  # items of a kind that is not known: no error, but worth a look

    @abstractmethod
    async def prepare(self) -> None:
        """What must be so before a connection (rules). Raises Transient, Refused or Permanent."""

    @abstractmethod
    async def connect(self, feed: Feed) -> Ended:
        """One connection, from its opening to its end, never a second one. Cancelling it closes the socket at once."""

    @abstractmethod
    def read(self, item: bytes, observed_at: int) -> Heard:
        """One item. Pure; `observed_at` in milliseconds since 1970. What cannot be read becomes `bad`."""

    @abstractmethod
    def archive(self) -> Archive:
        """The search to catch up with."""

    def first_position(self, now: int) -> Position:
        """Where to begin at the very first start. `now` in milliseconds since 1970."""
        return Position(alive_at=now)

    def health(self) -> Health:
        """How it is now."""
        return self._status.health()

    async def run(self, out: Publisher, stop: Event) -> None:
        """Connect, hear, reconnect, until `stop` is set."""
        outlet = Outlet(out, self._clock, stop, self._status, self._random)
        try:
            ledger = await self._load(outlet)
            while not stop.is_set():
                budget = self._connects.wait(self._clock.now())
                if budget > 0:
                    self._status.say("throttled", "too many connections", self._clock.now() + int(budget * 1000))
                    await pause(self._clock, budget, stop)
                    continue
                ended, healthy = await self._once(ledger, stop)
                await self._back_off(ended, healthy, stop)
        except Stopped:
            pass
        finally:
            self._status.say("stopped")

    async def _load(self, outlet: Outlet) -> Ledger:
        stored = await outlet.cursor(self.name)
        if stored is not None:
            try:
                return Ledger(self.name, load(stored), outlet, self._clock)
            except msgspec.ValidationError as error:
                raise Permanent(f"{self.name}: the stored cursor cannot be read: {error}") from error
        ledger = Ledger(self.name, self.first_position(self._clock.now()), outlet, self._clock)
        # Durable before the first connection: a crash before the first post must not move the start to a later "now".
        await ledger.begin()
        return ledger

    async def _once(self, ledger: Ledger, stop: Event) -> tuple[Ended, bool]:
        """Prepares and holds one connection. Returns how it ended and whether it was healthy."""
        try:
            await guarded(self.name, self.prepare(), stop)
        except Refused as error:
            return Ended(reason="refused", detail=str(error)), False
        except Transient as error:
            return Ended(reason="http", detail=str(error), wait=error.retry_after), False
        except HilferufError as error:
            return Ended(reason="refused", detail=str(error)), False
        self._connects.take(self._clock.now())
        self._connections += 1
        if self._connections > 1:
            self._status.reconnected()
        begun = self._clock.now()
        ended = await _Connection(self, ledger, stop).hold()
        return ended, self._clock.now() - begun >= HEALTHY_SECONDS * 1000

    async def _back_off(self, ended: Ended, healthy: bool, stop: Event) -> None:
        if healthy:
            self._attempts.clear()
        attempt = self._attempts[ended.reason] = self._attempts.get(ended.reason, 0) + 1
        if ended.reason == "refused":
            wait = max(REFUSED_SECONDS, ended.wait or 0.0)
        else:
            family = {"http": HTTP, "rate_limited": RATE_LIMITED}.get(ended.reason, NETWORK)
            wait = family.wait(attempt, self._random, ended.wait)
        until = self._clock.now() + int(wait * 1000)
        if ended.reason == "refused":
            self._status.say("auth_failed", ended.detail, until)
        elif ended.reason == "rate_limited":
            self._status.say("throttled", ended.detail, until)
        else:
            self._status.say("reconnecting", ended.detail or ended.reason, until)
        # Details are ours: neither tokens nor texts.
        log.warning("stream ended", listener=self.name, reason=ended.reason, detail=ended.detail, wait=round(wait, 2))
        await pause(self._clock, wait, stop)

    def _read(self, item: bytes) -> Heard:
        """`read`, with what nobody foresaw as a dead letter: one odd item must not end a stream."""
        try:
            return self.read(item, self._clock.now())
        except Exception as error:  # noqa: BLE001 - it is kept as a dead letter with its place
            reason = f"unforeseen {type(error).__name__} at {origin(error)}"
            return Heard(bad=(Bad(original=item, reason=reason, origin=self.name),))


class _Connection:
    """One connection: its feed, its catch-up, and the way to the engine."""

    def __init__(self, listener: StreamListener, ledger: Ledger, stop: Event) -> None:
        self._listener, self._ledger, self._stop = listener, ledger, stop
        self._feed = Feed(listener._queue_limit)
        self._problem: str | None = None
        self._catch_up: asyncio.Task[None] | None = None

    async def hold(self) -> Ended:
        """From the opening to the end; what was heard is durable when it returns. Raises Stopped."""
        socket = asyncio.ensure_future(self._listener.connect(self._feed))
        socket.add_done_callback(lambda _: self._feed.notify())
        try:
            ended = await self._pump(socket)
        finally:
            await _cancel(socket)
            await _cancel(self._catch_up)
        if self._problem is not None and ended.reason in {"closed", "network"}:
            return Ended(reason=ended.reason, detail=self._problem, wait=ended.wait)
        return ended

    async def _pump(self, socket: "asyncio.Future[Ended]") -> Ended:
        while True:
            self._opened()
            items = self._feed.take(BATCH)
            if items:
                await self._publish(items)
                continue
            if self._feed.overflowed:
                return Ended(reason="full", detail="the engine is slower than the stream; the rest is caught up")
            if socket.done():
                return self._outcome(socket)
            self._check_catch_up()
            try:
                async with asyncio.timeout(self._listener._stall):
                    await unless_stopped(self._feed.changed(), self._stop)
            except TimeoutError:
                return Ended(reason="stalled", detail=f"silent for {self._listener._stall:g} s")

    def _opened(self) -> None:
        """The first sign of life: from here on the gap behind is caught up."""
        if not self._feed.is_open or self._catch_up is not None:
            return
        listener = self._listener
        listener._status.say("catching_up")
        self._ledger.gap_opens()
        run = CatchUp(
            listener.name,
            listener.archive(),
            self._ledger,
            clock=listener._clock,
            stop=self._stop,
            status=listener._status,
            settle=listener._settle,
            rng=listener._random,
        ).run()
        self._catch_up = asyncio.ensure_future(run)
        self._catch_up.add_done_callback(lambda _: self._feed.notify())

    def _check_catch_up(self) -> None:
        """What the catch-up raises (the engine died, the service stops) belongs to the one who runs the listener."""
        if self._catch_up is not None and self._catch_up.done():
            self._catch_up.result()

    async def _publish(self, items: list[bytes | None]) -> None:
        heard = [self._listener._read(item) for item in items if item is not ALIVE]
        for one in heard:
            self._problem = one.problem or self._problem
        mentions = tuple(mention for one in heard for mention in one.mentions)
        bad = tuple(letter for one in heard for letter in one.bad)
        self._listener.ignored += sum(1 for one in heard if not (one.mentions or one.bad or one.problem))
        newest = max((one.mark for one in heard if one.mark is not None), default=None)
        if mentions or bad:
            await self._ledger.live(mentions, bad, newest)
        else:
            await self._ledger.alive(ALIVE_SECONDS)

    def _outcome(self, socket: "asyncio.Future[Ended]") -> Ended:
        if socket.cancelled():
            return Ended(reason="network", detail="the connection was cancelled")
        error = socket.exception()
        if error is None:
            return socket.result()
        return Ended(reason="network", detail=f"unforeseen {type(error).__name__} at {origin(error)}")


async def _cancel(task: "asyncio.Future[object] | asyncio.Future[Ended] | asyncio.Future[None] | None") -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
