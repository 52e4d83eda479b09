"""Mentions or customer facts from NDJSON: as a listener over a file or standard input, and as a plain iterator.

The order of the lines is kept, nothing is sorted and nothing is lost: a line that cannot be used becomes a `Bad` with its
place and its bytes, and the rest goes on. Event time as the clock is the engine's matter; records carry `occurred_at`.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import BinaryIO, Literal, TypeVar

from listeners.clock import Stopped, SystemClock, pause
from listeners.contract import Bad, Clock, Cursor, Health, Listener, Publisher
from listeners.ndjson import KEPT, Line, read_lines
from listeners.outlet import Outlet
from listeners.source import FileSource, Source, StreamSource
from listeners.status import Status
from records.errors import Poison, Refused
from records.facts import CustomerFact
from records.mention import Mention
from records.normalise import normalise_mention
from records.normalise_facts import normalise_fact
from records.times import from_ms, to_ms

T = TypeVar("T")

BATCH = 500  # records a transaction: enough that its cost is small, few enough that a batch is judged within a second


def read_mentions(
    stream: BinaryIO, *, observed_at: str, until: str | None = None, name: str = "stdin", listener: str = "replay"
) -> Iterator[Mention | Bad]:
    """The stream's mentions in the order of its lines; a line that cannot be used gives a Bad in its place.

    observed_at: now; until: the time of a mention that names none (default: observed_at). name: stands in `Bad.origin`.
    """
    for line in read_lines(stream):
        yield _mention(line, observed_at, until, name, listener)


def read_facts(stream: BinaryIO, *, observed_at: str, name: str = "stdin") -> Iterator[CustomerFact | Bad]:
    """The stream's customer facts in the order of its lines; a line that cannot be used gives a Bad in its place."""
    for line in read_lines(stream):
        yield _fact(line, observed_at, name)


class ReplayListener(Listener):
    """Reads a file, or standard input, of mentions or facts.

    speed: None = as fast as the engine takes them; 10.0 = ten times as fast as they happened, by differences of
    `occurred_at` (facts: `at`); what is older than the one before, or names no time, comes at once. follow: a live source,
    not a replay: goes on as the file grows, is replaced or does not exist yet; an unfinished last line waits for its end.
    until: time of a mention without one. `run` raises Refused for a file that cannot be read, unless it follows one that
    is not there.
    """

    channel = "file"

    def __init__(
        self,
        source: str | BinaryIO,
        kind: Literal["mentions", "facts"] = "mentions",
        *,
        clock: Clock | None = None,
        speed: float | None = None,
        follow: bool = False,
        until: str | None = None,
        batch: int = BATCH,
    ) -> None:
        if speed is not None and not speed > 0:
            raise ValueError("speed is a multiple of real time, greater than 0")
        self._place = source if isinstance(source, str) else "stdin"
        self.name = f"replay:{self._place}"
        self._kind, self._until, self._batch, self._follow = kind, until, batch, follow
        self._clock = clock or SystemClock()
        self._pace = None if speed is None else Pace(speed)
        self._status = Status(self._clock)
        self._source: Source = (
            FileSource(source, self._clock, self._status, follow=follow)
            if isinstance(source, str)
            else StreamSource(source)
        )

    async def run(self, out: Publisher, stop: asyncio.Event) -> None:
        """Publishes every line; returns at the end of a source that is not followed, or when `stop` is set."""
        outlet = Outlet(out, self._clock, stop, self._status, random.random)
        try:
            await self._run(outlet, stop)
        except Stopped:
            self._status.say("stopped")
        except Refused as error:
            self._status.say("stopped", str(error))
            raise
        else:
            self._status.say("stopped", "read to the end")
        finally:
            await self._source.close()

    def health(self) -> Health:
        """How it is now."""
        return self._status.health()

    async def _run(self, outlet: Outlet, stop: asyncio.Event) -> None:
        pending = _Pending()
        cursor = await outlet.cursor(self.name) if self._source.seekable else None
        async with aclosing(self._source.read(cursor, stop)) as chunks:
            async for lines in chunks:
                self._status.say("live")
                for line in lines:
                    await self._take(line, outlet, stop, pending)
                # What was read is given before more is waited for: a followed file may stay as it is for hours.
                await self._flush(outlet, pending)

    async def _take(self, line: Line, outlet: Outlet, stop: asyncio.Event, pending: "_Pending") -> None:
        now = self._clock.now()
        record = self._normalise(line, from_ms(now))
        wait = 0.0 if self._pace is None else self._pace.wait(_time(record, from_ms(now)), now)
        if wait > 0:
            await self._flush(outlet, pending)
            await pause(self._clock, wait, stop)
        pending.add(record, line)
        if pending.size >= self._batch:
            await self._flush(outlet, pending)

    async def _flush(self, outlet: Outlet, pending: "_Pending") -> None:
        if pending.last is None:
            return
        value = self._source.position(pending.last)
        cursor = None if value is None else Cursor(key=self.name, value=value)
        await outlet.give(pending.mentions, facts=pending.facts, bad=pending.bad, cursor=cursor)
        pending.clear()

    def _normalise(self, line: Line, observed_at: str) -> Mention | CustomerFact | Bad:
        if self._kind == "facts":
            return _fact(line, observed_at, self._place)
        return _mention(line, observed_at, self._until, self._place, self.name, replay=not self._follow)


class Pace:
    """When the next record is due, at a multiple of real time. Waits are counted from the first record, so that the time
    spent on publishing is not added to them."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._start: tuple[int, int] | None = None

    def wait(self, happened: int | None, now: int) -> float:
        """Seconds to wait before giving a record that happened then; both in milliseconds since 1970."""
        if happened is None:
            return 0.0
        if self._start is None:
            self._start = (happened, now)
        first, began = self._start
        return max(0.0, (happened - first) / self._speed - (now - began)) / 1000


class _Pending:
    """What was read and is not durable yet."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.mentions: list[Mention] = []
        self.facts: list[CustomerFact] = []
        self.bad: list[Bad] = []
        self.last: Line | None = None

    @property
    def size(self) -> int:
        return len(self.mentions) + len(self.facts) + len(self.bad)

    def add(self, record: Mention | CustomerFact | Bad, line: Line) -> None:
        if isinstance(record, Bad):
            self.bad.append(record)
        elif isinstance(record, Mention):
            self.mentions.append(record)
        else:
            self.facts.append(record)
        self.last = line


def _time(record: Mention | CustomerFact | Bad, observed_at: str) -> int | None:
    """When it happened; None where that is not known, or only as the time when we read it."""
    if isinstance(record, Bad):
        return None
    if isinstance(record, Mention):
        return None if record.time_quality == "observed" else to_ms(record.occurred_at)
    return None if record.at == observed_at else to_ms(record.at)


def _mention(
    line: Line, observed_at: str, until: str | None, name: str, listener: str, *, replay: bool = True
) -> Mention | Bad:
    return _guard(
        line,
        name,
        lambda data: normalise_mention(
            data, observed_at=observed_at, listener=listener, default_occurred_at=until, replay=replay
        ),
    )


def _fact(line: Line, observed_at: str, name: str) -> CustomerFact | Bad:
    return _guard(line, name, lambda data: normalise_fact(data, observed_at=observed_at))


def _guard(line: Line, name: str, normalise: Callable[[bytes], T]) -> T | Bad:
    origin = f"{name}:{line.number}"
    if line.too_long:
        reason = f"the line has {line.size} bytes, only the first {KEPT} are kept"
        return Bad(original=line.data, reason=reason, origin=origin)
    try:
        return normalise(line.data)
    except Poison as error:
        return Bad(original=line.data, reason=str(error), origin=origin, field=error.field)
