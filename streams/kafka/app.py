"""Stages as Faust agents over Kafka: one application is one consumer group of one process.

    poll (thread) ─> Batch ─> agent ─> the shard's queue ─> apply: one transaction
                       ^                      │ refused: records are missing before it
                       └────── seek back ─────┘

An agent only hands batches on. A shard that is still opening takes none: what came too early is dropped, and the first thing
after opening is a seek to the shard's own position. Any error that nobody foresaw ends the process by `os._exit`: everything
gentler in Faust acknowledges or hangs on its way out. What was not committed did not happen; the orchestrator starts us again.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import faust
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from faust import streams as faust_streams
from faust.app.base import BootStrategy

from records import codec
from records.errors import HilferufError
from records.events import Rules
from records.topics import WHOLE
from streams import metrics
from streams.kafka.cluster import Cluster
from streams.kafka.owned import Owned
from streams.kafka.shard import Blocked, Shard
from streams.kafka.transport import POLLED, SCHEME
from streams.stage import Stage

log = structlog.get_logger("worker")

FATAL = 70  # the exit code after which we are to be started again
OPENING = 8  # shards that open at the same time
SEEK_AGAIN = 2.0  # seconds: batches polled before a seek still come, and are dropped
BLOCKED_AGAIN = 15.0
HOUSEKEEPING = 2.0
CLOSE_SECONDS = 8.0
CHURN = 8  # rebalances in a minute that are worth a line

_NO_RIGHT = (GroupAuthorizationFailedError, TopicAuthorizationFailedError, TransactionalIdAuthorizationFailed)


class _Boot(BootStrategy):
    enable_kafka_producer = False  # every shard has its own


class _Faust(faust.App):
    BootStrategy = _Boot
    client_options: dict[str, Any]
    out_of_range: Callable[[set[TopicPartition]], None]


class Application:
    """The stages of one group. `instance`: a name that outlives the process, for static membership; `on_open`, `on_close` are
    told of every shard."""

    def __init__(
        self,
        cluster: Cluster,
        stages: Sequence[Stage[Any]],
        *,
        folder: Path,
        instance: str | None = None,
        rules: Rules | None = None,
        make_shard: Callable[[Cluster, int, Path], Shard[Any]] | None = None,
        on_open: Callable[[Shard[Any]], None] = lambda shard: None,
        on_close: Callable[[Shard[Any]], None] = lambda shard: None,
    ) -> None:
        if getattr(faust_streams, "_CStreamIterator", None) is None:
            raise HilferufError("Faust's compiled part is missing; install faust-streaming from its wheel")
        self._cluster, self._stages, self._folder = cluster, tuple(stages), folder / "state" / cluster.group
        self._instance, self._rules = instance, rules
        self._make_shard, self._on_open, self._on_close = make_shard, on_open, on_close
        self._by_source = {cluster.kafka.topic(stage.source): stage for stage in stages}
        self._owned: dict[TopicPartition, Owned] = {}
        self._idle: dict[TopicPartition, Shard[Any]] = {}  # closed with their states: most come back after a rebalance
        self._opening = asyncio.Semaphore(OPENING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._assigned = False
        self._rebalances: list[float] = []
        self._away: str | None = None
        self._stopping = False
        self._faust = self._application()

    def _make(self, stage: Stage[Any], partition: int) -> Shard[Any]:
        if self._make_shard is not None:
            return self._make_shard(self._cluster, partition, self._folder)
        return Shard(stage, partition, self._cluster, rules=self._rules, folder=self._folder)

    def _application(self) -> _Faust:
        kafka = self._cluster.kafka
        (self._folder / "faust").mkdir(parents=True, exist_ok=True)
        app = _Faust(
            self._cluster.group,
            broker=[f"{SCHEME}://{address}" for address in kafka.bootstrap],
            broker_client_id=self._cluster.client_id,
            consumer_group_instance_id=self._instance,
            broker_session_timeout=kafka.session_seconds,
            broker_heartbeat_interval=kafka.session_seconds / 3.5,
            broker_rebalance_timeout=60.0,
            broker_max_poll_records=POLLED,
            store="memory://",
            datadir=str(self._folder / "faust"),
            topic_disable_leader=True,
            topic_allow_declare=False,
            topic_partitions=kafka.partitions,
            stream_buffer_maxsize=4,  # batches
            stream_recovery_delay=0.0,
            stream_wait_empty=False,
            value_serializer="raw",
            key_serializer="raw",
            web_enabled=False,
            autodiscover=False,
        )
        app.client_options = self._cluster.options
        app.out_of_range = self._out_of_range
        for stage in self._stages:
            topic = app.topic(
                kafka.topic(stage.source), key_type=bytes, value_type=bytes, partitions=kafka.partitions, acks=False
            )
            app.agent(topic, name=stage.name, concurrency=1)(self._agent)
        app.on_partitions_assigned.connect(self._on_assigned)  # type: ignore[arg-type]
        app.on_partitions_revoked.connect(self._on_revoked)  # type: ignore[arg-type]
        return app

    def switch(self, stages: Sequence[Stage[Any]], rules: Rules) -> None:
        """The same stages under other rules: each partition goes over to them at a record of its own, which is written soon."""
        self._rules = rules
        self._by_source = {self._cluster.kafka.topic(stage.source): stage for stage in stages}
        for tp, shard in [*((tp, owned.shard) for tp, owned in self._owned.items()), *self._idle.items()]:
            shard.offer(self._by_source[tp.topic], rules)
        for owned in self._owned.values():
            owned.told = 0

    # life

    async def start(self) -> None:
        """Join the group. Returns when Faust runs; shards open from then on. Leaves the process when the brokers went away just
        now: Faust's threads would keep it, and do nothing."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._cluster.start()
            self._faust.finalize()
            await self._faust.start()
        except Exception as error:  # noqa: BLE001 - told, and out
            self.fail(error, "joining the group")
        self._spawn(self._keep_house(), "housekeeping")
        self._spawn(self._keep_snapshots(), "snapshots")

    async def stop(self) -> None:
        """End what is in flight, write snapshots, leave the group."""
        self._stopping = True
        await self._release(list(self._owned))
        for shard in self._idle.values():
            await self._save(shard)
        for task in list(self._tasks):
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._faust.stop(), CLOSE_SECONDS)
        await self._cluster.stop()

    @property
    def group(self) -> str:
        """The consumer group."""
        return self._cluster.group

    @property
    def shards(self) -> list[Shard[Any]]:
        """The shards that are open now."""
        return [owned.shard for owned in self._owned.values() if owned.shard.is_open]

    def troubles(self) -> list[str]:
        """Why not all of our partitions are worked now; empty = they are."""
        if self._away is not None:
            return [self._away]
        if not self._assigned:
            return ["waits for the group to hand out its partitions"]
        opening = [o.shard.name for o in self._owned.values() if not o.shard.is_open and not o.blocked]
        blocked = [f"{o.shard.name}: {o.blocked}" for o in self._owned.values() if o.blocked]
        return blocked + ([f"opening {', '.join(opening)}"] if opening else [])

    def fail(self, error: BaseException, where: str) -> None:
        """Leave the process at once; nothing after this line runs."""
        if isinstance(error, _NO_RIGHT):
            what = f"{type(error).__name__}: a right is missing; `hilferuf doctor` says which; see docs/deployment.md"
        else:
            what = f"{type(error).__name__}: {error}"
        log.error("stops at once, to be started again", where=where, error=what)
        if not isinstance(error, (HilferufError, *_NO_RIGHT)):
            log.error("traceback", exc_info=error)
        sys.stderr.flush()
        os._exit(FATAL)

    def _spawn(self, work: Coroutine[Any, Any, None], where: str) -> "asyncio.Task[None]":
        async def guarded() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 - told, and out
                self.fail(error, where)

        task = asyncio.get_running_loop().create_task(guarded(), name=where)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # rebalance

    async def _on_assigned(self, app: Any, assigned: Iterable[Any], **_: Any) -> None:
        self._count_rebalance()
        mine = {TopicPartition(tp.topic, tp.partition) for tp in assigned if tp.topic in self._by_source}
        for tp in [tp for tp in self._idle if tp not in mine]:
            shard = self._idle.pop(tp)
            metrics.STATE_KEYS.labels(shard.stage.name, str(tp.partition)).set(0)
        for tp in mine - self._owned.keys():
            kept = self._idle.pop(tp) if tp in self._idle else None
            shard = kept or self._make(self._by_source[tp.topic], tp.partition)
            owned = self._owned[tp] = Owned(shard)
            owned.task = self._spawn(self._work(tp, owned), shard.name)
        self._assigned = True

    def _count_rebalance(self) -> None:
        """Each one stops the work for a moment; one after the other is a fault of somebody's."""
        metrics.REBALANCES.labels(self.group).inc()
        now = time.monotonic()
        self._rebalances = [*(at for at in self._rebalances if now - at < 60), now]
        if len(self._rebalances) == CHURN:
            why = (
                f"another process with the name {self._instance} (--instance, HILFERUF_INSTANCE)?"
                if self._instance
                else "processes that come and go?"
            )
            log.error("rebalances without end", group=self.group, in_the_last_minute=CHURN, cause=why)

    async def _on_revoked(self, app: Any, revoked: Iterable[Any], **_: Any) -> None:
        try:
            await self._release([TopicPartition(tp.topic, tp.partition) for tp in revoked])
        except Exception as error:  # noqa: BLE001 - told, and out
            self.fail(error, "giving partitions up")

    async def _release(self, partitions: Iterable[TopicPartition]) -> None:
        gone = [(tp, self._owned.pop(tp)) for tp in partitions if tp in self._owned]
        await asyncio.gather(*(self._close(tp, owned) for tp, owned in gone))

    async def _close(self, tp: TopicPartition, owned: Owned) -> None:
        self._on_close(owned.shard)
        if not owned.shard.is_open:
            await owned.end()  # still opening, which may take long; the rebalance must not wait for it
        await owned.shard.close()  # what is in flight ends
        await owned.end()
        owned.drop_waiting()
        if owned.blocked is None:
            self._idle[tp] = owned.shard
        labels = owned.shard.stage.name, str(tp.partition)
        metrics.PARTITION_BLOCKED.labels(*labels).set(0)
        metrics.PARTITION_LAG.labels(*labels).set(0)  # the next owner tells it; our last figure would stand for ever

    # work

    async def _agent(self, stream: Any) -> None:
        """The Faust agent of every stage: hands batches to shards."""
        try:
            async for event in stream.events():
                message = event.message
                owned = self._owned.get(TopicPartition(message.topic, message.partition))
                if owned is not None and owned.shard.is_open:
                    await owned.queue.put(message.value)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - told, and out
            self.fail(error, "agent")

    async def _work(self, tp: TopicPartition, owned: Owned) -> None:
        """The life of one owned partition."""
        shard = owned.shard
        await self._open(tp, owned)
        while True:
            batch = await owned.queue.get()
            if batch is None:  # its position left the log
                await shard.close()
                await self._open(tp, owned)
                continue
            try:
                taken = await shard.apply(batch)
            except Blocked as error:
                await shard.close()
                await self._wait_blocked(owned, error)
                await self._open(tp, owned)
                continue
            if taken:
                owned.sought = 0.0
            elif time.monotonic() - owned.sought > SEEK_AGAIN:
                owned.sought = time.monotonic()
                metrics.SEEKBACKS.labels(shard.stage.name).inc()
                log.debug("reads again", shard=shard.name, start=batch.start, position=shard.position)
                await self._seek(tp, shard.position)

    async def _open(self, tp: TopicPartition, owned: Owned) -> None:
        shard = owned.shard
        while True:
            try:
                async with self._opening:
                    await shard.open()
                break
            except Blocked as error:
                await self._wait_blocked(owned, error)
                owned.shard = shard = self._make(self._by_source[tp.topic], shard.partition)
        owned.blocked = None
        metrics.PARTITION_BLOCKED.labels(shard.stage.name, str(shard.partition)).set(0)
        await self._seek(tp, shard.position)
        self._on_open(shard)

    async def _wait_blocked(self, owned: Owned, error: Blocked) -> None:
        shard = owned.shard
        if owned.blocked != str(error):
            log.error("partition stands still", shard=shard.name, error=str(error))
        owned.blocked = str(error)
        owned.drop_waiting()
        metrics.PARTITION_BLOCKED.labels(shard.stage.name, str(shard.partition)).set(1)
        await asyncio.sleep(BLOCKED_AGAIN)

    async def _seek(self, tp: TopicPartition, offset: int) -> None:
        if not self._stopping:
            await self._faust.consumer.seek(tp, offset)

    def _out_of_range(self, partitions: set[TopicPartition]) -> None:
        """Called in the polling thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._reopen, partitions)

    def _reopen(self, partitions: set[TopicPartition]) -> None:
        for tp in partitions:
            owned = self._owned.get(tp)
            idle = owned is not None and owned.shard.is_open and owned.queue.empty()
            if owned is not None and idle and time.monotonic() - owned.sought > SEEK_AGAIN:
                owned.sought = time.monotonic()
                owned.queue.put_nowait(None)

    # beside the work

    async def _keep_house(self) -> None:
        """Ticks and changes of the rules, as records of the input; figures."""
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            try:
                await self._tend_all()
            except (KafkaError, TimeoutError) as error:
                if self._away is None:
                    log.warning("Kafka does not answer", error=f"{type(error).__name__}: {error}")
                self._away = f"Kafka does not answer: {type(error).__name__}"
            else:
                if self._away is not None:
                    log.info("Kafka answers again")
                self._away = None
            metrics.KAFKA_UP.set(int(self._away is None))
            if self._faust.crashed or (self._faust.should_stop and not self._stopping):
                self.fail(HilferufError("Faust stopped by itself; see the lines above"), "faust")

    async def _tend_all(self) -> None:
        mine = {tp: owned for tp, owned in self._owned.items() if owned.shard.is_open}
        ends = await self._cluster.ends(list(mine))
        for tp, owned in mine.items():
            shard = owned.shard
            labels = shard.stage.name, str(tp.partition)
            metrics.STATE_KEYS.labels(*labels).set(len(shard.states))
            metrics.PARTITION_LAG.labels(*labels).set(max(0, ends[tp] - shard.position))
            await self._tend(owned)

    async def _tend(self, owned: Owned) -> None:
        shard = owned.shard
        for control in owned.controls(self._cluster.clock(), self._rules):
            await self._cluster.send(shard.stage.source, shard.partition, WHOLE, codec.encode(control))

    async def _keep_snapshots(self) -> None:
        while True:
            await asyncio.sleep(self._cluster.kafka.snapshot_minutes * 60)
            for shard in self.shards:
                await self._save(shard)

    async def _save(self, shard: Shard[Any]) -> None:
        try:
            await shard.save()
        except OSError as error:  # a full disk: the next start takes longer, nothing else
            log.warning("snapshot not written", shard=shard.name, error=str(error))
