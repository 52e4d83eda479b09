"""What a deliverer does next: entries of the ledger that have work, highest rank first among those that are due.

Two heaps whose stale items are passed over, so that every change costs O(log n): of ten thousand tickets that moved, an
emergency is the next one at once.

Clocks get set. What lies further ahead than anything is ever put off was written by one that was wrong, and is due at once.
"""

import heapq
from collections.abc import Collection

from streams.deliver import LONGEST_WAIT


class Agenda:
    """Ticket id -> (rank key, not before). Times in milliseconds since 1970; 0 = at once."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, int]] = {}
        self._ready: list[tuple[int, str, int]] = []  # minus rank, ticket, not before
        self._waiting: list[tuple[int, str, int]] = []  # not before, ticket, rank
        self._now: int | None = None  # when it was asked last

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, ticket: str, rank: int, not_before: int) -> None:
        """The ticket has work."""
        not_before = self._honest(not_before)
        if self._entries.get(ticket) == (rank, not_before):
            return
        self._entries[ticket] = (rank, not_before)
        if not_before:
            heapq.heappush(self._waiting, (not_before, ticket, rank))
        else:
            heapq.heappush(self._ready, (-rank, ticket, 0))
        if len(self._ready) + len(self._waiting) > 1_000 + 3 * len(self._entries):
            self._tidy()

    def remove(self, ticket: str) -> None:
        """The ticket has none."""
        self._entries.pop(ticket, None)

    def due(self, now: int, limit: int, busy: Collection[str] = ()) -> list[tuple[int, str]]:
        """(rank, ticket) of what is due and not busy, highest rank first. It stays on the agenda."""
        set_back = self._now is None or now < self._now
        self._now = now
        if set_back:
            far = {ticket: (rank, 0) for ticket, (rank, at) in self._entries.items() if self._honest(at) != at}
            if far:
                self._entries.update(far)
                self._tidy()
        while self._waiting and self._waiting[0][0] <= now:
            not_before, ticket, rank = heapq.heappop(self._waiting)
            if self._entries.get(ticket) == (rank, not_before):
                heapq.heappush(self._ready, (-rank, ticket, not_before))
        seen: dict[str, tuple[int, str, int]] = {}
        found: list[tuple[int, str]] = []
        while self._ready and len(found) < limit:
            item = heapq.heappop(self._ready)
            rank, ticket = -item[0], item[1]
            if self._entries.get(ticket) != (rank, item[2]) or ticket in seen:
                continue
            seen[ticket] = item
            if ticket not in busy:
                found.append((rank, ticket))
        for item in seen.values():
            heapq.heappush(self._ready, item)
        return found

    def _honest(self, not_before: int) -> int:
        return 0 if self._now is not None and not_before > self._now + LONGEST_WAIT else not_before

    def _tidy(self) -> None:
        self._ready = [(-rank, ticket, at) for ticket, (rank, at) in self._entries.items() if not at]
        self._waiting = [(at, ticket, rank) for ticket, (rank, at) in self._entries.items() if at]
        heapq.heapify(self._ready)
        heapq.heapify(self._waiting)
