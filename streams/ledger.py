"""The ledger of one sink as its deliverer sees it, and how the embedded engine keeps it. On Kafka: `streams.kafka.deliver`."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from records import codec
from records.events import DeadLetter, Helpdesk
from records.tickets import Delivery
from records.topics import AUTHOR_EVENTS
from streams import dead_letters, deliver
from streams.embedded import EmbeddedEngine
from streams.store import Store


class Ledger(Protocol):
    """Every call is a transaction of its own, durable when it returns. Raises Transient when nothing can be written now."""

    @property
    def observes(self) -> bool:
        """Whether this process is the one that looks what people did in the helpdesk."""
        ...

    async def claim(self, limit: int, busy: frozenset[str], now: int) -> list[Delivery]:
        """Transaction 1: entries that are due, highest rank first, none of `busy` (ticket ids), with an intent; given as they
        were before: an intent that stood already says "look up first". `now`: milliseconds since 1970."""
        ...

    async def settle(
        self, entry: Delivery, change: Callable[[Delivery], Delivery], letter: DeadLetter | None = None
    ) -> None:
        """Transaction 2: the change is applied to the entry as it stands now, since a newer operation may have come."""
        ...

    async def cursor(self) -> dict[str, Any] | None:
        """Where observing reads on."""
        ...

    async def observed(self, events: Sequence[Helpdesk], cursor: dict[str, Any], now: int) -> int:
        """What people did goes to the authors of the tickets that the ledger knows, together with the cursor. Returns how many
        events were taken."""
        ...


class EmbeddedLedger:
    """In the embedded engine's file."""

    observes = True

    def __init__(self, engine: EmbeddedEngine, sink: str) -> None:
        self._engine, self._sink = engine, sink

    async def claim(self, limit: int, busy: frozenset[str], now: int) -> list[Delivery]:
        """See Ledger."""

        def work(store: Store) -> list[Delivery]:
            due = store.due_deliveries(self._sink, now, limit + len(busy))
            chosen = [entry for entry in due if entry.ticket_id not in busy][:limit]
            for entry in chosen:
                store.put_delivery(deliver.begin(entry, now), now)
            return chosen

        return await self._engine.call(work)

    async def settle(
        self, entry: Delivery, change: Callable[[Delivery], Delivery], letter: DeadLetter | None = None
    ) -> None:
        """See Ledger."""

        def work(store: Store) -> None:
            current = store.delivery(entry.sink, entry.ticket_id)
            if current is None:
                return
            changed = change(current)
            store.put_delivery(changed, deliver.ready_at(changed))
            if letter is not None:
                dead_letters.write(store, [letter], self._engine.now())

        await self._engine.call(work)

    async def cursor(self) -> dict[str, Any] | None:
        """See Ledger."""
        return await self._engine.call(lambda store: store.cursor(f"observe:{self._sink}"))

    async def observed(self, events: Sequence[Helpdesk], cursor: dict[str, Any], now: int) -> int:
        """See Ledger."""

        def work(store: Store) -> int:
            records: list[tuple[str, bytes]] = []
            for event in events:
                entry = store.delivery(self._sink, event.ticket_id)
                if entry is not None:
                    records.append((entry.author_key, codec.encode(event)))
            store.append(AUTHOR_EVENTS, records, now)
            store.set_cursor(f"observe:{self._sink}", cursor)
            return len(records)

        return await self._engine.call(work)
