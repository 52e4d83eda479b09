"""How far a stream listener has come: pure. One value a listener, written with the records it follows from.

`done_to` is a low-water mark: everything up to it is durable. Between a connection's opening and the end of the catch-up
behind it there is a gap, so live items do not move the mark; after a crash the gap is caught up from the mark again.
"""

from typing import Any

import msgspec

from listeners.poll import Checkpoint


class Position(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The cursor of a stream.

    done_to: mark (an integer that grows with time, such as an id) up to which everything is durable; None = nothing yet.
    alive_at: when the stream was last known to be whole, milliseconds since 1970. lost: posts may be missing for good and
    no mention has said so yet. sweeps: how far each catch-up query has come while there is a gap.
    """

    done_to: int | None = None
    alive_at: int | None = None
    lost: bool = False
    sweeps: dict[str, Checkpoint] = {}

    def sweep(self, query: str) -> Checkpoint:
        """Where the catch-up of this query stands; a query without one starts at the mark."""
        return self.sweeps.get(query) or Checkpoint(done_to=self.done_to)

    def swept(self, query: str, checkpoint: Checkpoint, *, lost: bool) -> "Position":
        """After a page of a catch-up; `lost` as it is then."""
        return msgspec.structs.replace(self, sweeps={**self.sweeps, query: checkpoint}, lost=lost)

    def closed(self, live_to: int | None, queries: tuple[str, ...], now: int) -> "Position":
        """After the last page of the last catch-up: the mark goes to the newest item durable by then."""
        marks = [self.done_to, live_to, *(self.sweep(query).done_to for query in queries)]
        done_to = max((mark for mark in marks if mark is not None), default=None)
        return Position(done_to=done_to, alive_at=now, lost=self.lost)

    def moved(self, newest: int | None, now: int, *, lost: bool) -> "Position":
        """After live items, with no gap behind them."""
        marks = [mark for mark in (self.done_to, newest) if mark is not None]
        return msgspec.structs.replace(self, done_to=max(marks, default=None), alive_at=now, lost=lost, sweeps={})

    def dump(self) -> dict[str, Any]:
        """As a cursor's value."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        return value


def load(value: dict[str, Any]) -> Position:
    """From a cursor's value. Raises msgspec.ValidationError."""
    return msgspec.convert(value, Position)
