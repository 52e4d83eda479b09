"""The states of one partition in memory, with their timers. Changed only after a transaction was committed."""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from records.errors import HilferufError
from records.ids import digest
from streams.stage import Stage

S = TypeVar("S")
LIVE = 4_000  # states of a partition that are kept decoded; the others as the bytes that stand in the changelog


class States(Generic[S]):
    """Key -> state. Held as bytes, since a million decoded states would take several times the memory, and the newest ones
    decoded as well. Timers: (due, key), milliseconds since 1970."""

    def __init__(self, stage: Stage[S]) -> None:
        self._stage = stage
        self._stored: dict[str, bytes] = {}
        self._live: dict[str, S] = {}
        self._due: dict[str, int] = {}
        self._timers: list[tuple[int, str]] = []
        self._fired: dict[str, int] = {}
        self._sorted: list[str] | None = None

    def __len__(self) -> int:
        return len(self._stored)

    def get(self, key: str) -> S | None:
        """The state, None = none. Raises HilferufError for one that cannot be read: to go on without it would make its tickets
        anew."""
        state = self._live.get(key)
        if state is None:
            data = self._stored.get(key)
            if data is None:
                return None
            state = self._decoded(key, data)
            self._remember(key, state)
        return state

    def _decoded(self, key: str, data: bytes) -> S:
        try:
            return self._stage.load(data)
        except Exception as error:
            raise HilferufError(
                f"the state of {self._stage.name} {digest(key)} cannot be read ({type(error).__name__}: {error}); "
                "use the program that wrote it, or one that is newer"
            ) from error

    def _remember(self, key: str, state: S) -> None:
        if len(self._live) >= LIVE:
            for old in list(self._live)[: LIVE // 4]:
                del self._live[old]
        self._live[key] = state

    def put(self, key: str, state: S | None, data: bytes | None) -> None:
        """A state and its bytes; None deletes."""
        if state is None or data is None:
            self._forget(key)
            return
        if self._sorted is not None and key not in self._stored:
            self._sorted = None
        self._stored[key] = data
        self._live.pop(key, None)
        self._remember(key, state)
        self._set_timer(key, self._stage.due(state))

    def _set_timer(self, key: str, due: int | None) -> None:
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._timers, (due, key))
            if len(self._timers) > 1_000 + 2 * len(self._due):  # most of them are stale
                self._timers = [(at, name) for name, at in self._due.items()]
                heapq.heapify(self._timers)

    def _forget(self, key: str) -> None:
        self._stored.pop(key, None)
        self._live.pop(key, None)
        self._due.pop(key, None)
        self._sorted = None

    # timers

    def due(self, now: int, limit: int) -> list[str]:
        """Keys whose timer has come, by (time, key), at most `limit`; they come but once, until `rewind` or `settle`."""
        found: list[str] = []
        while self._timers and self._timers[0][0] <= now and len(found) < limit:
            at, key = heapq.heappop(self._timers)
            if self._due.get(key) == at != self._fired.get(key):  # one that was moved away and back stands there twice
                self._fired[key] = at
                found.append(key)
        return found

    def rewind(self) -> None:
        """The turn is run again: its timers fire again."""
        for key, at in self._fired.items():
            heapq.heappush(self._timers, (at, key))
        self._fired.clear()

    def settle(self) -> None:
        """The turn was committed. A timer that fired and is due as before belongs to a step that failed, and would fail at
        every Tick: it waits for the next change of its state or the next opening."""
        for key, at in self._fired.items():
            if self._due.get(key) == at:
                del self._due[key]
        self._fired.clear()

    def next_due(self) -> int | None:
        """When the earliest timer comes; it may be one that was moved since."""
        return self._timers[0][0] if self._timers else None

    # all of it

    def keys_after(self, after: str, limit: int) -> list[str]:
        """Keys in order, after one."""
        if self._sorted is None:
            self._sorted = sorted(self._stored)
        at = bisect_right(self._sorted, after)
        return self._sorted[at : at + limit]

    def items(self) -> Iterator[tuple[str, S]]:
        """Every key with its state, in no order."""
        for key, data in self._stored.items():
            live = self._live.get(key)
            yield key, self._decoded(key, data) if live is None else live

    def stored(self) -> list[tuple[str, int | None, bytes]]:
        """(key, due, bytes) of every state: what a snapshot holds."""
        return [(key, self._due.get(key), data) for key, data in self._stored.items()]

    def load(self, rows: Iterable[tuple[str, int | None, bytes]]) -> None:
        """Take in a snapshot."""
        for key, due, data in rows:
            self._stored[key] = data
            if due is not None:
                self._due[key] = due
        self._timers = [(due, key) for key, due in self._due.items()]
        heapq.heapify(self._timers)

    def restore(self, key: str, data: bytes | None) -> None:
        """One record of the changelog."""
        if data is None:
            self._forget(key)
            return
        state = self._decoded(key, data) if self._stage.timed else None
        if self._sorted is not None and key not in self._stored:
            self._sorted = None
        self._stored[key] = data
        self._live.pop(key, None)
        if state is not None:
            self._set_timer(key, self._stage.due(state))
