"""Writing a transaction's records as whole batches of a partition. aiokafka's way for single records keeps a future for each
of them, which costs more than everything else that a worker does for an event."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition


class Keyed(NamedTuple):
    """A record as it goes into a batch."""

    key: bytes
    value: bytes | None


def by_partition(records: Iterable[tuple[TopicPartition, Keyed]]) -> dict[TopicPartition, list[Keyed]]:
    """In the order in which they are to lie there."""
    found: dict[TopicPartition, list[Keyed]] = {}
    for tp, record in records:
        found.setdefault(tp, []).append(record)
    return found


class Writing:
    """Batches on their way. `begin` hands them to the producer, `end` waits until they are written."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._sent: list[tuple[TopicPartition, int, Any]] = []

    async def begin(self, records: Mapping[TopicPartition, Sequence[Keyed]]) -> None:
        """Within a transaction. Raises aiokafka's errors."""
        for tp, wanted in records.items():
            batch = self._producer.create_batch()
            for record in wanted:
                if batch.append(timestamp=None, key=record.key, value=record.value) is None:  # full
                    await self._send(tp, batch)
                    batch = self._producer.create_batch()
                    batch.append(timestamp=None, key=record.key, value=record.value)  # a first one fits, however large
            await self._send(tp, batch)

    async def _send(self, tp: TopicPartition, batch: Any) -> None:
        count = batch.record_count()
        self._sent.append((tp, count, await self._producer.send_batch(batch, tp.topic, partition=tp.partition)))

    async def end(self) -> dict[TopicPartition, int]:
        """The offset after our last record of each partition. Raises aiokafka's errors."""
        written = await asyncio.gather(*(future for _, _, future in self._sent))
        return {tp: place.offset + count for (tp, count, _), place in zip(self._sent, written, strict=True)}
