"""The brokers as one consumer group sees them: offsets, ends of logs, producers. Every wait has a limit."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from config.kafka import KafkaSettings, client_options
from streams.kafka.turn import Send

TRANSACTION_SECONDS = 25.0  # the broker aborts one after 30
WAIT_SECONDS = 20.0


class Bounds(NamedTuple):
    """First offset that a log still has, and the one that it will give next."""

    first: int
    end: int


class Cluster:
    """See the module. `topic_ids`: the brokers' id of every topic, by its name in `records.topics`; `clock`: ms since 1970."""

    def __init__(
        self, kafka: KafkaSettings, group: str, client_id: str, topic_ids: Mapping[str, str], clock: Callable[[], int]
    ) -> None:
        self.kafka, self.group, self.client_id, self.topic_ids, self.clock = kafka, group, client_id, topic_ids, clock
        self.options: dict[str, Any] = client_options(kafka)
        self._offsets: AIOKafkaConsumer | None = None
        self._plain: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises aiokafka.errors.KafkaError."""
        self._offsets = AIOKafkaConsumer(
            **self.options, client_id=self.client_id, group_id=self.group, enable_auto_commit=False
        )
        await asyncio.wait_for(self._offsets.start(), WAIT_SECONDS)
        self._plain = AIOKafkaProducer(**self.options, client_id=self.client_id, acks="all", enable_idempotence=True)
        await asyncio.wait_for(self._plain.start(), WAIT_SECONDS)

    async def stop(self) -> None:
        """Close the connections."""
        for client in (self._offsets, self._plain):
            if client is not None:
                await asyncio.wait_for(client.stop(), WAIT_SECONDS)

    def tp(self, topic: str, partition: int) -> TopicPartition:
        """A partition by its topic's name in `records.topics`."""
        return TopicPartition(self.kafka.topic(topic), partition)

    async def committed(self, tp: TopicPartition) -> int | None:
        """The offset that the group reads next, None = never committed. Final only once the last owner was fenced."""
        assert self._offsets is not None
        offset = await asyncio.wait_for(self._offsets.committed(tp), WAIT_SECONDS)
        return None if offset is None else int(offset)

    async def bounds(self, tp: TopicPartition) -> Bounds:
        """Of the log as it is, uncommitted records included."""
        assert self._offsets is not None
        first = await asyncio.wait_for(self._offsets.beginning_offsets([tp]), WAIT_SECONDS)
        end = await asyncio.wait_for(self._offsets.end_offsets([tp]), WAIT_SECONDS)
        return Bounds(first[tp], end[tp])

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that each log will give next."""
        assert self._offsets is not None
        if not partitions:
            return {}
        return dict(await asyncio.wait_for(self._offsets.end_offsets(partitions), WAIT_SECONDS))

    def partition(self, send: Send) -> int:
        """Where a record is to lie. All topics have the same partition count: a start is refused else."""
        if send.partition is not None:
            return send.partition
        return int((murmur2(send.key if send.beside is None else send.beside) & 0x7FFFFFFF) % self.kafka.partitions)

    def transactional(self, name: str) -> AIOKafkaProducer:
        """A producer that is not started yet; `name`: topic and partition that it belongs to."""
        return AIOKafkaProducer(
            **self.options,
            client_id=self.client_id,
            transactional_id=f"{self.group}-{name}",
            transaction_timeout_ms=30_000,
            linger_ms=0,
            compression_type="lz4",
            max_batch_size=131_072,
            metadata_max_age_ms=60_000,
            retry_backoff_ms=30,  # a transaction that follows closely on another one is told to try again
        )

    def reader(self) -> AIOKafkaConsumer:
        """A consumer of committed records that belongs to no group; not started yet."""
        return AIOKafkaConsumer(
            **self.options,
            client_id=self.client_id,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 * 1024 * 1024,
            fetch_max_wait_ms=100,
        )

    async def send(self, topic: str, partition: int, key: str, value: bytes) -> None:
        """Write one record outside any transaction, and wait until it is written."""
        assert self._plain is not None
        tp = self.tp(topic, partition)
        sent = self._plain.send_and_wait(tp.topic, value, key=key.encode(), partition=partition)
        await asyncio.wait_for(sent, WAIT_SECONDS)
