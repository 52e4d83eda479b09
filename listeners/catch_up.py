"""Catching up behind a fresh connection: sweeps a search from the low-water mark to now, newest first, page by page.

Connect first, then search, so that nothing falls between; what comes twice is deduped downstream. Two passes: one at
once, one after `settle` seconds, because a search index lags (X searches up to 30 seconds ago). Every page is durable
together with its place in the sweep, so a crash or a dropped connection goes on from there; the low-water mark moves only
when the last sweep is through.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence

import structlog
from msgspec.structs import replace

from listeners.backoff import Backoff, Random
from listeners.clock import pause
from listeners.contract import Bad, Clock, Cursor
from listeners.guard import guarded
from listeners.outlet import Outlet
from listeners.poll import Checkpoint, Page, TokenExpired, advance
from listeners.position import Position
from listeners.status import Status
from records.errors import Permanent, Refused, Transient
from records.mention import Mention

log = structlog.get_logger(__name__)

FAILURES = Backoff(base=5.0, cap=320.0)
REFUSED_SECONDS = 300.0


class FoundPage(Page, frozen=True, kw_only=True):
    """A page of a catch-up. `lost`: the other side no longer reaches back to the mark, posts may be missing for good."""

    lost: bool = False


class Archive(ABC):
    """The search behind a stream. Its pages end the sweep by `next_token` None alone."""

    @abstractmethod
    def queries(self) -> tuple[str, ...]:
        """Stable names of the queries that together find what the stream hears; empty = there is no search. Asked anew
        for each pass: a query that is refused may come again in parts."""

    @abstractmethod
    async def search(self, query: str, position: Position, checkpoint: Checkpoint) -> FoundPage:
        """One page after `checkpoint.done_to`. Raises Transient, Refused, Permanent (this query never works), TokenExpired."""


class Ledger:
    """The position, and the one place where it changes: two writers (live, catch-up) never overtake each other."""

    def __init__(self, key: str, position: Position, outlet: Outlet, clock: Clock) -> None:
        self._key, self._outlet, self._clock = key, outlet, clock
        self._lock = asyncio.Lock()
        self.position = position
        self.gap_open = True
        self.first_start = False
        self._live_to: int | None = None
        self._noted_at = 0

    async def begin(self) -> None:
        """Makes the position of the very first start durable."""
        async with self._lock:
            await self._write(self.position, (), ())
            self.first_start = True

    def gap_opens(self) -> None:
        """A connection opens: what came before it has to be caught up."""
        self.gap_open, self._live_to = True, None

    async def live(self, mentions: Sequence[Mention], bad: Sequence[Bad], newest: int | None) -> None:
        """Makes live items durable; moves the mark unless a gap lies behind them."""
        async with self._lock:
            if self.gap_open:
                await self._outlet.give(mentions, bad=bad)
                marks = [mark for mark in (self._live_to, newest) if mark is not None]
                self._live_to = max(marks, default=None)
                return
            mentions, lost = _confess(mentions, self.position.lost)
            await self._write(self.position.moved(newest, self._clock.now(), lost=lost), mentions, bad)

    async def alive(self, every: float) -> None:
        """The stream is whole at this moment; remembered durably every so many seconds."""
        if self._clock.now() - self._noted_at >= every * 1000 and not self.gap_open:
            await self.live((), (), None)

    async def swept(self, query: str, after: Checkpoint, page: FoundPage) -> None:
        """Makes a page of a catch-up durable with its place in the sweep."""
        async with self._lock:
            mentions: Sequence[Mention] = page.mentions
            lost = self.position.lost or page.lost
            if after.sweep_token is None:
                mentions, lost = _confess(mentions, lost)
            await self._write(self.position.swept(query, after, lost=lost), mentions, page.bad)

    async def gap_closes(self, queries: tuple[str, ...]) -> None:
        """Every sweep is through: the mark moves."""
        async with self._lock:
            await self._write(self.position.closed(self._live_to, queries, self._clock.now()), (), ())
            self.gap_open = self.first_start = False

    async def lost(self) -> None:
        """Posts may be missing for good: the next mention will say so."""
        async with self._lock:
            await self._write(replace(self.position, lost=True), (), ())

    async def _write(self, position: Position, mentions: Sequence[Mention], bad: Sequence[Bad]) -> None:
        noted_at = self._clock.now()
        await self._outlet.give(mentions, bad=bad, cursor=Cursor(key=self._key, value=position.dump()))
        self.position, self._noted_at = position, noted_at


def _confess(mentions: Sequence[Mention], lost: bool) -> tuple[Sequence[Mention], bool]:
    """Marks the earliest mention with `gap_before`, if posts were lost and there is one to say it."""
    if not lost or not mentions:
        return mentions, lost
    earliest = min(range(len(mentions)), key=lambda index: mentions[index].occurred_at)
    marked = list(mentions)
    marked[earliest] = replace(marked[earliest], ingest=replace(marked[earliest].ingest, gap_before=True))
    return marked, False


class CatchUp:
    """One run of the catch-up behind one connection; `run` ends when the gap is closed."""

    def __init__(
        self,
        name: str,
        archive: Archive,
        ledger: Ledger,
        *,
        clock: Clock,
        stop: asyncio.Event,
        status: Status,
        settle: float,
        rng: Random,
    ) -> None:
        self._name, self._archive, self._ledger = name, archive, ledger
        self._clock, self._stop, self._status, self._settle, self._random = clock, stop, status, settle, rng

    async def run(self) -> None:
        """Sweeps all queries twice, then closes the gap. Raises Stopped."""
        queries: tuple[str, ...] = ()
        broken: set[str] = set()
        for settle in (0.0, self._settle):
            if settle:
                await pause(self._clock, settle, self._stop)
            queries = self._archive.queries()
            broken = {query for query in queries if not await self._sweep(query)}
            self._status.say("live", "search refuses a catch-up query" if broken else "")
        if (broken or not queries) and not self._ledger.first_start:
            await self._ledger.lost()
        await self._ledger.gap_closes(tuple(query for query in queries if query not in broken))

    async def _sweep(self, query: str) -> bool:
        """One sweep to its end; a half one of an earlier connection first, then one from the top. False: it never works."""
        checkpoint = self._ledger.position.sweep(query)
        resumed = checkpoint.sweep_token is not None
        attempt = 0
        while True:
            try:
                work = self._archive.search(query, self._ledger.position, checkpoint)
                page = await guarded(self._name, work, self._stop)
            except TokenExpired:
                checkpoint, resumed = Checkpoint(done_to=checkpoint.done_to), False
                continue
            except (Transient, Refused) as error:
                attempt += 1
                await self._wait(error, attempt)
                continue
            except Permanent as error:
                log.warning("catch-up query never works", listener=self._name, error=str(error))
                return False
            attempt = 0
            checkpoint = advance(checkpoint, page)
            await self._ledger.swept(query, checkpoint, page)
            if checkpoint.sweep_token is None:
                if not resumed:
                    return True
                resumed = False
            elif page.pause > 0:
                await pause(self._clock, page.pause, self._stop)

    async def _wait(self, error: Transient | Refused, attempt: int) -> None:
        if isinstance(error, Refused):
            seconds = REFUSED_SECONDS
        else:
            seconds = FAILURES.wait(attempt, self._random, error.retry_after)
        self._status.say("catching_up", str(error), self._clock.now() + int(seconds * 1000))
        log.warning("catch-up waits", listener=self._name, error=str(error), seconds=round(seconds, 1))
        await pause(self._clock, seconds, self._stop)
