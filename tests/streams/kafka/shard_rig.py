"""Shards on a real broker without Faust: what they read is cut into batches by the test."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from config.kafka import KafkaSettings
from config.settings import Retention
from listeners.clock import SystemClock
from records import codec
from records.facts import CustomerFact
from records.mention import Mention
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, DEAD_LETTERS, MENTIONS, TICKETS, state_of
from streams.assess import Assess
from streams.kafka import admin
from streams.kafka.cluster import Cluster
from streams.kafka.shard import Shard
from streams.kafka.transport import Batch
from streams.profile import Profile
from streams.screen import Screen
from streams.stage import Stage
from tests.streams.conftest import RULES, judge
from tests.streams.kafka.desk_rig import settings_for

TOPICS = (
    MENTIONS,
    CUSTOMER_FACTS,
    AUTHOR_EVENTS,
    TICKETS,
    DEAD_LETTERS,
    *map(state_of, ("screen", "profile", "assess")),
)


def stages() -> list[Stage[Any]]:
    return [Screen(judge), Profile(), Assess(RULES, judge)]


class Broker:
    """The topics of one deployment, made, and a cluster and a reader on them."""

    def __init__(self, addresses: list[str], prefix: str, **more: Any) -> None:
        self.kafka: KafkaSettings = settings_for(addresses, prefix, **more)
        admin.apply(self.kafka, Retention())
        self.clock: Callable[[], int] = SystemClock().now
        self.opened: list[Shard[Any]] = []
        self.cluster = self.new_cluster()

    def new_cluster(self) -> Cluster:
        ids = admin.topic_ids(self.kafka, TOPICS)
        return Cluster(self.kafka, self.kafka.group("work"), "hilferuf-work-test", ids, lambda: self.clock())  # noqa: PLW0108 - a test may turn it

    async def __aenter__(self) -> "Broker":
        await self.cluster.start()
        self.reader = self.cluster.reader()
        await self.reader.start()
        self.reader.assign([self.cluster.tp(topic, p) for topic in TOPICS for p in range(self.kafka.partitions)])
        return self

    async def __aexit__(self, *_: object) -> None:
        for shard in self.opened:
            await shard.close()
        await self.reader.stop()
        await self.cluster.stop()

    async def open(self, stage: Stage[Any], partition: int = 0, folder: Path | None = None, **more: Any) -> Shard[Any]:
        shard = Shard(stage, partition, self.cluster, folder=folder, **more)
        self.opened.append(shard)
        await shard.open()
        return shard

    async def write(self, topic: str, partition: int | None, *records: tuple[bytes | None, bytes | None]) -> None:
        """In one go, outside any transaction. partition None = by the key."""
        producer = self.cluster._plain
        assert producer is not None
        name = self.kafka.topic(topic)
        for sent in [await producer.send(name, value, key=key, partition=partition) for key, value in records]:
            await sent

    async def publish(self, events: Iterable[Mention | CustomerFact]) -> None:
        """As the listeners do it."""
        for event in events:
            if isinstance(event, Mention):
                await self.write(MENTIONS, None, (event.id.encode(), codec.encode(event)))
            else:
                await self.write(CUSTOMER_FACTS, None, (event.customer.encode(), codec.encode(event)))

    async def read(self, topic: str, partition: int, start: int = 0) -> tuple[list[Any], int]:
        """Committed records from an offset on, and the position after them."""
        tp = self.cluster.tp(topic, partition)
        bounds = await self.cluster.bounds(tp)
        records: list[Any] = []
        self.reader.seek(tp, max(start, bounds.first))
        while await self.reader.position(tp) < bounds.end:
            records += (await self.reader.getmany(tp, timeout_ms=200)).get(tp, [])
        return records, bounds.end

    async def all(self, topic: str) -> list[Any]:
        """Committed records of all partitions."""
        return [r for p in range(self.kafka.partitions) for r in (await self.read(topic, p))[0]]

    async def newest(self, topic: str, partition: int | None = None) -> dict[str, bytes]:
        """The newest value of every key, without tombstones."""
        records = await self.all(topic) if partition is None else (await self.read(topic, partition))[0]
        newest = {record.key.decode(): record.value for record in records}
        return {key: value for key, value in newest.items() if value is not None}

    async def letters(self) -> list[Any]:
        return [codec.dead_letters.decode(record.value) for record in await self.all(DEAD_LETTERS)]

    async def batch(self, shard: Shard[Any]) -> Batch:
        """All that the shard has not taken in."""
        records, end = await self.read(shard.stage.source, shard.partition, shard.position)
        return Batch(shard.position, records, end)

    async def work(self, shard: Shard[Any]) -> None:
        """The shard takes in all there is."""
        assert await shard.apply(await self.batch(shard))


def cuts(batch: Batch, chance: random.Random) -> list[Batch]:
    """The same in pieces, as several polls would have given it."""
    pieces, start, records = [], batch.start, list(batch.records)
    while records:
        size = chance.randint(1, max(1, len(records)))
        taken, records = records[:size], records[size:]
        end = batch.end if not records else taken[-1].offset + 1
        pieces.append(Batch(start, taken, end))
        start = end
    return pieces
