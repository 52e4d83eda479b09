"""deliver on Kafka: the ledger as the state of a stage.

`tickets` ─take_in→ state, changelog `deliveries`. Taking an operation in is the stage's step, with the offset in its
transaction. Then, apart from any input: intents in one transaction, HTTP outside of any, results in another. The whole wanted
ticket lies in the state, so the offset need not wait for the helpdesk: a helpdesk that is down holds up nothing but its own
writes, and a version that was superseded meanwhile is never sent.

A result for a partition that was taken away is dropped: its intent stands, and the new owner looks the ticket up first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog

from records import codec
from records.errors import HilferufError
from records.events import DeadLetter, Helpdesk, Observed, Redrive
from records.tickets import Delivery, Ticket, TicketOperation
from records.topics import AUTHOR_EVENTS, DELIVERIES, TICKETS, WHOLE
from streams import deliver, metrics
from streams.agenda import Agenda
from streams.kafka.cluster import Cluster
from streams.kafka.shard import Blocked, Shard, ShardClosed
from streams.kafka.turn import Turn
from streams.runner import Route
from streams.stage import Output, Stage

T = TypeVar("T")
log = structlog.get_logger("deliver")


class Deliver(Stage[Delivery]):
    """The ledger of one sink. Records beside the tickets' own (`ticket id|…`) concern that ticket."""

    source = TICKETS
    changelog = DELIVERIES

    def __init__(self, route: Route) -> None:
        super().__init__(Delivery)
        self.route, self.name = route, f"deliver-{route.sink}"
        self._prefix = f"{route.sink}|"

    def changelog_key(self, key: str) -> str:
        """`sink|ticket id`: all sinks share the topic."""
        return self._prefix + key

    def key_of(self, changelog_key: str) -> str | None:
        """The ticket id."""
        return changelog_key.removeprefix(self._prefix) if changelog_key.startswith(self._prefix) else None

    def decode(self, data: bytes) -> TicketOperation | Observed | Redrive:
        """A record of `tickets`. Raises Poison."""
        return codec.tickets.decode(data)

    def read(self, key: str, value: bytes | None) -> tuple[str, Any] | None:
        """A tombstone of a ticket is an event; one of a record beside it is none."""
        ticket, beside, _ = key.partition("|")
        if value is None:
            return None if beside else (ticket, None)
        return ticket, self.decode(value)

    def step(self, key: str, state: Delivery | None, record: Any) -> tuple[Delivery | None, list[Output]]:
        """One operation; what a person did there; the wish to try again; or (None) the end of the ticket's author here."""
        if record is None:
            if state is None or state.state != "pending":
                return None, []
            return msgspec.structs.replace(state, ended=True), []
        if isinstance(record, Observed):
            return state, self._observed(state, record)
        if isinstance(record, Redrive):
            mine = record.sink == self.route.sink and state is not None
            return (deliver.again(state) if mine and state is not None else state), []
        if state is None and not self._begins(record.ticket):
            return None, []
        return deliver.take_in(state, record, self.route.sink, self.route.rerank_minutes), []

    def _begins(self, ticket: Ticket) -> bool:
        """Whether a ticket that this sink never had comes to it: a sink that is added later reads old ones that are over."""
        brands = self.route.brands
        return ticket.status in ("open", "answered") and (not brands or ticket.brand in brands)

    def _observed(self, state: Delivery | None, record: Observed) -> list[Output]:
        if record.event.sink != self.route.sink:
            return []
        done = Output(TICKETS, record.key, None, beside=record.event.ticket_id)
        return [done] if state is None else [Output(AUTHOR_EVENTS, state.author_key, record.event), done]


class LedgerShard(Shard[Delivery]):
    """A partition of the ledger with its agenda, which is made anew at every opening."""

    agenda: Agenda
    hand_over: Callable[[], Awaitable[None]]

    async def close(self) -> None:
        """What is being written is waited for before the partition goes."""
        await self.hand_over()
        await super().close()

    async def open(self) -> None:
        """Raises Blocked, also for an entry that this program cannot read, and aiokafka's errors."""
        await super().open()
        self.agenda = Agenda()
        try:
            for ticket, entry in self.states.items():
                self.note_work(ticket, entry)
        except HilferufError as error:
            await self.close()
            raise Blocked(str(error)) from error

    def note_work(self, ticket: str, entry: Delivery | None) -> None:
        """Keep the agenda."""
        if entry is not None and entry.state == "pending":
            self.agenda.put(ticket, entry.wanted.ticket.rank_key, deliver.ready_at(entry))
        else:
            self.agenda.remove(ticket)


class KafkaLedger:
    """The partitions of a sink's ledger that this process owns now (see streams.ledger.Ledger). `wake`: there may be new work;
    `finish`: what is being written to these tickets has to end, since another process will write them; `fail`: a transaction
    failed, after which nothing may be written any more: leaves the process."""

    def __init__(self, stage: Deliver) -> None:
        self.stage = stage
        self.wake: Callable[[], None] = _nothing
        self.finish: Callable[[Collection[str]], Awaitable[None]] = _left_alone
        self.fail: Callable[[BaseException, str], None] = _raise
        self._shards: list[LedgerShard] = []
        self._claimed: dict[str, LedgerShard] = {}
        self._looked_from: dict[str, Any] | None = None

    def shard(self, cluster: Cluster, partition: int, folder: Path | None) -> LedgerShard:
        """A shard whose changes this ledger follows."""

        def watch(ticket: str, entry: Delivery | None) -> None:
            shard.note_work(ticket, entry)
            self._changed()

        shard = LedgerShard(self.stage, partition, cluster, watch=watch, folder=folder)
        shard.hand_over = partial(self._hand_over, shard)
        return shard

    def opened(self, shard: Shard[Any]) -> None:
        """The shard is worked from now on, unless it was taken away just now."""
        if isinstance(shard, LedgerShard) and shard.is_open:
            self._shards = [*(other for other in self._shards if other.partition != shard.partition), shard]
        self._changed()

    def closed(self, shard: Shard[Any]) -> None:
        """The shard is being taken away: nothing more is begun there."""
        self._shards = [other for other in self._shards if other is not shard]
        self._changed()

    async def _hand_over(self, shard: LedgerShard) -> None:
        """A request that is sent after the new owner's could undo what that one wrote. When the shard comes back, another
        process has worked it meanwhile: what was claimed before says nothing then."""
        await self.finish([ticket for ticket, owner in self._claimed.items() if owner is shard])
        self._claimed = {ticket: owner for ticket, owner in self._claimed.items() if owner is not shard}

    def _changed(self) -> None:
        metrics.PENDING.labels(self.stage.route.sink).set(self.pending)
        self.wake()

    @property
    def observes(self) -> bool:
        """The owner of the first partition does."""
        return self._first() is not None

    def _first(self) -> LedgerShard | None:
        return next((shard for shard in self._shards if shard.partition == 0 and shard.is_open), None)

    @property
    def pending(self) -> int:
        """Entries with work left, in the partitions of this process."""
        return sum(len(shard.agenda) for shard in self._shards)

    async def claim(self, limit: int, busy: frozenset[str], now: int) -> list[Delivery]:
        """See Ledger."""
        due = [
            (rank, ticket, shard)
            for shard in self._shards
            if shard.is_open
            for rank, ticket in shard.agenda.due(now, limit, busy)
        ]
        due.sort(key=lambda item: (-item[0], item[1]))
        by_shard: dict[LedgerShard, list[str]] = {}
        for _, ticket, shard in due[:limit]:
            by_shard.setdefault(shard, []).append(ticket)
        begun = await asyncio.gather(*(self._begin(shard, tickets, now) for shard, tickets in by_shard.items()))
        # A partition may have gone during the other ones' transactions.
        ours = [one for entries in begun for one in entries if self._claimed.get(one.ticket_id) in self._shards]
        return sorted(ours, key=lambda entry: (-entry.wanted.ticket.rank_key, entry.ticket_id))

    async def _begin(self, shard: LedgerShard, tickets: Sequence[str], now: int) -> list[Delivery]:
        try:
            begun = await self._change(shard, partial(_begin, tickets=tickets, now=now))
        except ShardClosed:
            return []
        if shard in self._shards:  # else it was taken away just now, and the intents stand for the new owner
            self._claimed |= {entry.ticket_id: shard for entry in begun}
        return begun

    async def settle(
        self, entry: Delivery, change: Callable[[Delivery], Delivery], letter: DeadLetter | None = None
    ) -> None:
        """See Ledger. An entry whose ticket has ended goes with its last write."""
        shard = self._claimed.get(entry.ticket_id)

        def work(turn: Turn[Delivery]) -> None:
            current = turn.get(entry.ticket_id)
            if current is not None:
                changed = change(current)
                turn.put(entry.ticket_id, None if changed.ended and changed.state != "pending" else changed)
                if letter is not None:
                    turn.bury(letter)

        try:
            if shard is None:
                raise ShardClosed("its partition was taken away")
            await self._change(shard, work)
        except ShardClosed as error:
            log.info("result left to the new owner", sink=entry.sink, ticket=entry.ticket_id, reason=str(error))
        finally:
            self._claimed.pop(entry.ticket_id, None)

    async def _change(self, shard: LedgerShard, work: Callable[[Turn[Delivery]], T]) -> T:
        """A transaction to its end, though the caller be cancelled: one that breaks off in the middle of its commit would leave
        memory behind the log."""
        task = asyncio.ensure_future(shard.change(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise
        except HilferufError:
            raise
        except Exception as error:
            self.fail(error, f"writing {shard.name}")
            raise

    async def cursor(self) -> dict[str, Any] | None:
        """See Ledger."""
        first = self._first()
        self._looked_from = first.note.cursor if first is not None and first.note is not None else None
        return self._looked_from

    async def observed(self, events: Sequence[Helpdesk], cursor: dict[str, Any], now: int) -> int:
        """See Ledger. Whether a ticket is known shows only where its partition is read."""
        first = self._first()
        if first is None:
            return 0  # taken away meanwhile: the new owner looks again from the old cursor
        if not events and first.note is not None and first.note.cursor == cursor:
            return 0

        def work(turn: Turn[Delivery]) -> int:
            if turn.note.cursor != self._looked_from:
                return 0  # the partition was away and came back: another process has observed meanwhile
            for event in events:
                record = Observed(event=event)
                turn.send(Output(TICKETS, record.key, record, beside=event.ticket_id))
            turn.note = msgspec.structs.replace(turn.note, cursor=cursor)
            return len(events)

        try:
            return await self._change(first, work)
        except ShardClosed:
            return 0


def _nothing() -> None:
    """Nobody waits."""


async def _left_alone(tickets: Collection[str]) -> None:
    """Nobody writes."""


def _raise(error: BaseException, where: str) -> None:
    """Where nothing else was said."""
    raise error


def _begin(turn: Turn[Delivery], tickets: Sequence[str], now: int) -> list[Delivery]:
    found: list[Delivery] = []
    for ticket in tickets:
        entry = turn.get(ticket)
        if entry is not None and entry.state == "pending" and deliver.ready_at(entry) <= now:
            turn.put(ticket, deliver.begin(entry, now))
            found.append(entry)
    return found


def is_control(changelog_key: str) -> bool:
    """Whether a record of `deliveries` is what a shard keeps for itself, and no ticket's entry."""
    return changelog_key.endswith(f"|{WHOLE}")
