"""Deliverers on a real broker without Faust: which partitions each owns, and when it takes in what is new, the test says."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from config.kafka import KafkaSettings
from listeners.clock import SystemClock
from records import codec
from records.tickets import Delivery, Ticket, TicketOperation
from records.topics import AUTHOR_EVENTS, DEAD_LETTERS, DELIVERIES, TICKETS
from sinks.contract import Sink
from sinks.protocol import converge
from sinks.queue import QueueSink
from streams.deliverer import Deliverer
from streams.kafka.cluster import Cluster
from streams.kafka.deliver import Deliver, KafkaLedger, is_control
from streams.kafka.shard import Shard
from streams.kafka.transport import Batch
from streams.runner import Route
from tests.sinks.contract_suite import a_ticket
from tests.streams.kafka.desk_rig import make, settings_for

START = 1_790_000_000_000


class Clock(SystemClock):
    def __init__(self) -> None:
        self.ms = START

    def now(self) -> int:
        return self.ms


class Watched(QueueSink):
    """The local queue. `before`, `after`: awaited round every create; `created`: our ids."""

    def __init__(self, path: Path, name: str = "queue") -> None:
        super().__init__(path)
        self.name = name
        self.created: list[str] = []
        self.before: Callable[[Ticket], Awaitable[None]] | None = None
        self.after: Callable[[Ticket], Awaitable[None]] | None = None

    async def create(self, ticket: Ticket, follows: str | None = None) -> str:
        if self.before is not None:
            await self.before(ticket)
        remote = await super().create(ticket, follows)
        self.created.append(ticket.id)
        if self.after is not None:
            await self.after(ticket)
        return remote


class Hold:
    """Holds a write up, once, until the test lets it go."""

    def __init__(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, ticket: Ticket) -> None:
        self.reached.set()
        await self.go.wait()


class Process:
    """A deliverer of one sink as a process of its own: connections, ledger, shards."""

    def __init__(self, desk: "Desk", sink: Sink, route: Route, concurrency: int) -> None:
        self.desk, self.sink = desk, sink
        kafka = desk.kafka
        self.cluster = Cluster(kafka, kafka.group(f"deliver-{sink.name}"), "test", {}, desk.clock.now)
        self.ledger = KafkaLedger(Deliver(route))
        self.failed: list[BaseException] = []
        self.ledger.fail = lambda error, where: self.failed.append(error)
        self.deliverer = Deliverer(
            sink, self.ledger, converge, clock=desk.clock, concurrency=concurrency, spread=lambda: 1.0
        )
        self.shards: dict[int, Shard[Delivery]] = {}
        self.kept: dict[int, Shard[Delivery]] = {}

    async def own(self, *partitions: int) -> None:
        """As after a rebalance: a shard that was ours before comes back with its states."""
        for partition in partitions:
            shard = self.kept.pop(partition, None) or self.ledger.shard(self.cluster, partition, None)
            self.shards[partition] = shard
            await shard.open()
            self.ledger.opened(shard)

    async def give_up(self, *partitions: int) -> None:
        for partition in partitions:
            shard = self.kept[partition] = self.shards.pop(partition)
            self.ledger.closed(shard)
            await shard.close()

    async def take_in(self) -> None:
        """Everything that stands in the topic now."""
        for shard in self.shards.values():
            tp = self.cluster.tp(TICKETS, shard.partition)
            end = (await self.cluster.bounds(tp)).end
            self.desk.reader.assign([tp])
            self.desk.reader.seek(tp, shard.position)
            while shard.position < end:
                start = await self.desk.reader.position(tp)
                records = (await self.desk.reader.getmany(tp, timeout_ms=200)).get(tp, [])
                after = await self.desk.reader.position(tp)
                if after > start:
                    assert await shard.apply(Batch(start, records, after))

    async def work(self) -> None:
        await self.take_in()
        await self.deliverer.drain()

    def shard_of(self, ticket: Ticket) -> Shard[Delivery]:
        """The one that knows the ticket."""
        return next(shard for shard in self.shards.values() if shard.states.get(ticket.id) is not None)

    def kill(self) -> None:
        """SIGKILL: what is underway ends where it stands; nothing is given up."""
        for task in self.deliverer._working.values():
            task.cancel()


class Desk:
    """The topics of one deployment, and everything that outlives its deliverers."""

    def __init__(self, addresses: list[str], prefix: str, folder: Path) -> None:
        self.kafka: KafkaSettings = settings_for(addresses, prefix)
        make(self.kafka, TICKETS, DELIVERIES, AUTHOR_EVENTS, DEAD_LETTERS)
        self.folder, self.clock = folder, Clock()
        self.processes: list[Process] = []

    async def __aenter__(self) -> "Desk":
        self.base = Cluster(self.kafka, self.kafka.group("test"), "test", {}, self.clock.now)
        await self.base.start()
        self.reader, self.looker = self.base.reader(), self.base.reader()
        await self.reader.start()
        await self.looker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            for shard in process.shards.values():
                await shard.close()
            await process.cluster.stop()
            await process.sink.aclose()
        await self.reader.stop()
        await self.looker.stop()
        await self.base.stop()

    async def process(
        self, sink: Sink | None = None, route: Route | None = None, concurrency: int = 1, own: tuple[int, ...] = (0, 1)
    ) -> Process:
        sink = sink or Watched(self.folder / "queue.db")
        process = Process(self, sink, route or Route(sink.name), concurrency)
        self.processes.append(process)
        await process.cluster.start()
        await process.own(*own)
        return process

    async def put(self, *operations: TicketOperation) -> None:
        """As the workers emit them."""
        await self.write(*((operation.ticket_id, codec.encode(operation)) for operation in operations))

    async def write(self, *records: tuple[str, bytes | None]) -> None:
        producer: AIOKafkaProducer | None = self.base._plain
        assert producer is not None
        name = self.kafka.topic(TICKETS)
        for sent in [await producer.send(name, value, key=key.encode()) for key, value in records]:
            await sent

    async def read(self, topic: str) -> list[Any]:
        """Committed records."""
        tps = [self.base.tp(topic, partition) for partition in range(self.kafka.partitions)]
        self.looker.assign(tps)
        found: list[Any] = []
        for tp in tps:
            end = (await self.base.bounds(tp)).end
            self.looker.seek(tp, 0)
            while await self.looker.position(tp) < end:
                found += (await self.looker.getmany(tp, timeout_ms=200)).get(tp, [])
        return found

    async def entries(self) -> dict[str, Delivery]:
        """The ledger as the topic has it, key -> entry."""
        newest = {record.key.decode(): record.value for record in await self.read(DELIVERIES)}
        return {
            key: codec.deliveries.decode(value)
            for key, value in newest.items()
            if value is not None and not is_control(key)
        }

    async def entry(self, ticket: Ticket, sink: str = "queue") -> Delivery | None:
        return (await self.entries()).get(f"{sink}|{ticket.id}")


def operation(ticket: Ticket, version: int = 1, **more: Any) -> TicketOperation:
    ticket = msgspec.structs.replace(ticket, **more)
    return TicketOperation(ticket_id=ticket.id, version=version, op="update", ticket=ticket)


def tickets(number: int, **more: Any) -> list[Ticket]:
    return [a_ticket(author=f"a{n}", **more) for n in range(number)]
