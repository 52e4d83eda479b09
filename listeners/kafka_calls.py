"""Calls of `publish` that are not yet durable: bounded in number and bytes, for the producer itself knows no bound."""

import asyncio
from asyncio import Future
from collections import deque
from itertools import takewhile

from listeners.spool import Record
from records.errors import Backpressure

MAX_RECORDS = 20_000  # more than these, or these bytes, is Backpressure; one call alone may be larger
MAX_BYTES = 64_000_000


class Call:
    """One call. mark: its cursor; line: the cursor's key, whose calls become durable in their order; since: loop time."""

    def __init__(self, records: list[Record], mark: Record | None, line: str | None, since: float) -> None:
        self.records, self.mark, self.line, self.since = records, mark, line, since
        self.all = records if mark is None else [*records, mark]
        self.bytes = sum(record.size for record in self.all)
        self.acked = False
        self.done: Future[None] = asyncio.get_running_loop().create_future()


class Open:
    """The calls that wait, in the order they came. records: how many records they hold."""

    def __init__(self) -> None:
        self._calls: dict[Call, None] = {}
        self.records = self._bytes = 0

    def all(self) -> list[Call]:
        """All of them, oldest first."""
        return list(self._calls)

    def of(self, calls: list[Call]) -> list[Call]:
        """Those of them that still wait: some are acknowledged late."""
        return [call for call in calls if call in self._calls]

    def due_in(self, since: float) -> float | None:
        """Seconds until the oldest is one that came at `since`; 0 = it came before, None = there is none."""
        oldest = next(iter(self._calls), None)
        return None if oldest is None else max(0.0, oldest.since - since)

    def add(self, call: Call) -> None:
        """Take one in. Raises Backpressure."""
        too_many = self.records + len(call.all) > MAX_RECORDS or self._bytes + call.bytes > MAX_BYTES
        if self._calls and too_many:
            raise Backpressure(f"{self.records:,} records wait to become durable", retry_after=1.0)
        self._calls[call] = None
        self.records += len(call.all)
        self._bytes += call.bytes

    def finish(self, call: Call, error: Exception | None = None) -> None:
        """It is durable, or failed; whoever waits for it is told. One that is not open is left alone."""
        if call not in self._calls:
            return
        del self._calls[call]
        self.records -= len(call.all)
        self._bytes -= call.bytes
        if error is None:
            call.done.set_result(None)
        else:
            call.done.set_exception(error)


class Lines:
    """Calls that were given to Kafka, by their cursor: a cursor is sent when all of its call and of all earlier ones is
    acknowledged, one of a line at a time; the newest covers those before it."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Call]] = {}
        self._sending: set[str] = set()

    def add(self, call: Call) -> None:
        """The newest call of its line, if it has one."""
        if call.line is not None:
            self._lines.setdefault(call.line, deque()).append(call)

    def ready(self, line: str) -> list[Call]:
        """The calls whose newest cursor is to be sent now; `sent` says when it is acknowledged."""
        ready = list(takewhile(lambda call: call.acked, self._lines.get(line, ())))
        if line in self._sending or not ready:
            return []
        self._sending.add(line)
        return ready

    def sent(self, line: str, ready: list[Call]) -> None:
        """Those are done."""
        self._sending.discard(line)
        for _ in ready:
            self._lines[line].popleft()
        if not self._lines[line]:
            del self._lines[line]
