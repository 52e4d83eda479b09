"""Faust's transport, changed in three places so that an agent gets whole batches and nothing is skipped in silence.

1. One Faust message a polled partition batch. Faust's cost is per message (about 140 µs); so it is paid once in hundreds of
   records.
2. Chain of custody. Every batch says at which position of the log it starts. Faust drops polled records when a rebalance comes
   in between, and the next poll goes on behind them; a shard that is handed a batch which starts beyond its own position
   refuses it, and the application seeks back. It is positions that are compared, not offsets of records: transaction markers
   leave gaps between those by nature.
3. Offsets are not committed here: they travel in the shards' transactions. A position that the log does not have (retention ran
   over it, the topic was made anew) is told to the application instead of being reset to one that it has.

What is overridden is private to Faust 0.15 and aiokafka 0.14; tests/streams/kafka/test_private_parts.py says which parts, and
breaks loudly when an upgrade changes them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver

from streams.kafka.assignment import assigning

SCHEME = "hilferuf"
POLLED = 8_000  # records of all partitions in one poll; a fetch bounds their bytes (1 MB a partition). Why: docs/benchmarks.md


class Batch(NamedTuple):
    """The records of one partition that came with one poll. start: log position before the first of them, None = not known;
    end: log position after the last one, markers included."""

    start: int | None
    records: list[Any]
    end: int


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Polls in a thread of its own, so that a long step never holds up a heartbeat."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._starts: dict[TopicPartition, int | None] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._before: dict[TopicPartition, int] = {}

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        """Faust's own reads uncommitted records and cannot be told otherwise."""
        settings = self.app.conf
        self._assignor = assigning(settings.topic_partitions)  # a partition that stays needs no state read anew
        return AIOKafkaConsumer(
            **transport.app.client_options,
            client_id=settings.broker_client_id,
            group_id=settings.id,
            group_instance_id=settings.consumer_group_instance_id,
            partition_assignment_strategy=[self._assignor],
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_poll_records=settings.broker_max_poll_records,
            max_poll_interval_ms=int((settings.broker_max_poll_interval or 0) * 1000),
            fetch_max_wait_ms=500,
            request_timeout_ms=int(settings.broker_request_timeout * 1000),
            session_timeout_ms=int(settings.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(settings.broker_heartbeat_interval * 1000),
            rebalance_timeout_ms=int(settings.broker_rebalance_timeout * 1000),
        )

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        self.tp_last_committed_at.update(dict.fromkeys(offsets, time.monotonic()))
        return True

    async def seek_in_thread(self, partition: TopicPartition, offset: int) -> None:
        """Seek, if the partition is still ours. It may well come while a poll waits, which then gives what was sought."""
        consumer = self._ensure_consumer()
        if partition in consumer.assignment():
            consumer.seek(partition, offset)
            self._before[partition] = offset

    async def _fetch_records(  # type: ignore[override]
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: Any,
        timeout: Any = None,  # noqa: ASYNC109 - as in Faust
        max_records: Any = None,
    ) -> dict[TopicPartition, Batch]:
        self._before = _positions(consumer)
        try:
            polled = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)
        except OffsetOutOfRangeError as error:
            app: Any = self.app
            app.out_of_range(set(error.args[0]))
            await asyncio.sleep(0.05)
            return {}
        except NoOffsetForPartitionError as error:
            await self._begin(consumer, error.args[0])
            return {}
        # Nothing waits between here and the moment when the records were taken.
        before, after = self._before, _positions(consumer)
        # Where the part of each log begins that no batch has covered yet. A position that moved without a poll was sought.
        starts: dict[TopicPartition, int | None] = {
            tp: self._starts.get(tp) if tp in before and before[tp] == self._ends.get(tp) else before.get(tp)
            for tp in after
        }
        batches: dict[TopicPartition, Batch] = {}
        for tp, records in polled.items():
            if records:
                batches[tp] = Batch(starts.get(tp), records, max(after.get(tp, 0), records[-1].offset + 1))
                starts[tp] = after.get(tp)
        self._starts, self._ends, self._before = starts, after, dict(after)
        return batches

    async def _begin(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
        """A partition that was never worked: its shard will seek when it is open. Until then, which may be long where the shard
        stands still, it must not fail every poll of the others."""
        first = (await consumer.beginning_offsets([partition]))[partition]
        if partition in consumer.assignment() and partition not in _positions(consumer):
            await self.seek_in_thread(partition, first)


def _positions(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    subscription = consumer._subscription.subscription
    assignment = subscription and subscription.assignment
    if not assignment:
        return {}
    states = {tp: assignment.state_value(tp) for tp in assignment.tps}
    return {tp: state.position for tp, state in states.items() if state.has_valid_position}


class Consumer(driver.Consumer):
    """Hands whole batches to Faust."""

    _thread: ConsumerThread

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _seek(self, partition: Any, offset: int) -> None:
        tp = TopicPartition(partition.topic, partition.partition)
        await self._thread.call_thread(self._thread.seek_in_thread, tp, offset)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109 - as in Faust
        """(partition, message whose value is a Batch). What a rebalance drops here is read again: the chain shows it."""
        polled: Any
        polled, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        for tp, batch in (polled or {}).items():
            if self.should_stop or not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                message: Any = self._to_message(tp, batch.records[-1])
                message.value = batch
                self._read_offset[tp] = None  # else Faust drops what it believes to have read already
                yield tp, message


class Transport(driver.Transport):
    """Registered under the entry point group `faust.transports` for broker addresses `hilferuf://`."""

    Consumer: ClassVar[type[Any]] = Consumer
