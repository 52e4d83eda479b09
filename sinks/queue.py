"""The local queue as a sink: what runs where no helpdesk is configured, and what the demo shows.

The same contract as every helpdesk, over an SQLite file (`sinks.queue_store`): our id is unique there, so a create that is
repeated finds what it made. People work on it with `solve`, `reopen`, `answer` and `set_priority`; `observe` brings that
back as from any helpdesk.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

from config.settings import QueueSettings
from records.errors import Permanent
from records.events import Helpdesk
from records.tickets import Held, Priority, Ticket
from records.times import from_ms
from sinks.contract import Observed, Sink
from sinks.queue_store import Done, QueueEntry, QueueStore


class QueueSink(Sink):
    """The sink. `now`: milliseconds since 1970. The store's blocking calls run in a thread."""

    name = "queue"
    tells_editors = True

    def __init__(
        self,
        path: Path,
        *,
        mode: str = "full",
        rerank_minutes: float = 0.0,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.rerank_minutes = rerank_minutes
        self.store = QueueStore(path, mode=mode, rerank_minutes=rerank_minutes)
        self._now = now

    @classmethod
    def from_settings(cls, settings: QueueSettings, data_dir: Path) -> "QueueSink":
        """The sink of the settings' section; its path is relative to the data folder."""
        return cls(data_dir / settings.path, mode=settings.text, rerank_minutes=settings.rerank_minutes)

    async def find(self, ticket_id: str) -> tuple[Held, ...]:
        """At most one: our id is unique here."""
        found = await asyncio.to_thread(self.store.find, ticket_id)
        return (found,) if found else ()

    async def read(self, remote_id: str) -> Held | None:
        """By number; None for what is no number of this queue."""
        number = _as_number(remote_id)
        return None if number is None else await asyncio.to_thread(self.store.read, number)

    async def create(self, ticket: Ticket, follows: str | None = None) -> str:
        """Whole at once: posts, rank and note. `follows` does not occur: nothing is closed for good here."""
        return str(await asyncio.to_thread(self.store.create, ticket))

    async def write(self, held: Held, ticket: Ticket) -> Held:
        """In one transaction."""
        number = _as_number(held.remote_id)
        if number is None:
            raise Permanent(f"queue: {held.remote_id!r} is no ticket number")
        return await asyncio.to_thread(self.store.write, number, frozenset(held.human), ticket)

    async def merge(self, loser: str, winner: str) -> None:
        """The loser's number leads to the winner."""
        await asyncio.to_thread(self.store.merge, int(loser), int(winner))

    async def observe(self, cursor: dict[str, Any] | None) -> Observed:
        """By a number that grows with every act, so nothing is lost at equal seconds. Cursor: `{"seq": int}`."""
        seq = None if cursor is None else int(cursor.get("seq", 0))
        done, last = await asyncio.to_thread(self.store.done_since, seq)
        await asyncio.to_thread(self.store.forget)
        return Observed(events=tuple(_event(self.name, act) for act in done), cursor={"seq": last})

    async def aclose(self) -> None:
        """Close the file."""
        self.store.close()

    # --- people; blocking, short ---------------------------------------------------------------------------------------

    def top(self, limit: int = 20, *, over: bool = False) -> list[QueueEntry]:
        """The first `limit` tickets by rank key, highest first; `over`: also solved and withdrawn ones."""
        return self.store.top(limit, over=over)

    def show(self, ticket: int | str) -> QueueEntry | None:
        """One ticket by its number or by our id."""
        return self.store.show(ticket)

    def solve(self, ticket: int | str) -> None:
        """A person solved it. Raises Permanent where there is no such ticket, as the next three do."""
        self._act(ticket, "solved")

    def reopen(self, ticket: int | str) -> None:
        """A person opened it again."""
        self._act(ticket, "reopened")

    def answer(self, ticket: int | str) -> None:
        """A person answered the author."""
        self._act(ticket, "answered")

    def set_priority(self, ticket: int | str, priority: Priority) -> None:
        """A person set the priority word; it is never written again by us."""
        if priority not in get_args(Priority):
            raise Permanent(f"{priority!r} is no priority; one of {', '.join(get_args(Priority))}")
        self._act(ticket, "priority", priority)

    def _act(
        self, ticket: int | str, what: Literal["solved", "reopened", "answered", "priority"], value: str | None = None
    ) -> None:
        self.store.act(ticket, from_ms(self._now()), what, value)


def _event(sink: str, act: Done) -> Helpdesk:
    what: Any = act.what  # the table holds nothing but the words that `_act` takes
    return Helpdesk(sink=sink, id=str(act.seq), ticket_id=act.ticket_id, at=act.at, what=what, value=act.value)


def _as_number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
