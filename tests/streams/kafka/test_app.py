"""How batches come to shards while partitions come and go; without brokers."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from records.topics import MENTIONS
from streams.kafka import app as app_module
from streams.kafka.app import Application
from streams.kafka.cluster import Cluster
from streams.kafka.owned import QUEUED, Owned
from streams.kafka.shard import Blocked
from streams.kafka.transport import Batch
from streams.screen import Screen
from tests.streams.conftest import judge
from tests.streams.kafka.desk_rig import settings_for

KAFKA = settings_for(["127.0.0.1:1"], "t.")
ONE, TWO = (TopicPartition(KAFKA.topic(MENTIONS), number) for number in (0, 1))
SOON = 3.0  # seconds: a hang lasts longer


class Slow:
    """A shard that takes batches only when the test lets it. `opening`: what `open` waits for; `fault`: what `apply`
    raises; `refuses`: no batch follows on."""

    def __init__(self, partition: int) -> None:
        self.stage, self.partition, self.name, self.position = Screen(judge), partition, f"screen {partition}", 0
        self.is_open, self.fault, self.refuses = False, None, False
        self.gate, self.opening, self.lock = asyncio.Event(), asyncio.Event(), asyncio.Lock()
        self.opening.set()
        self.taken: list[Batch] = []

    async def open(self) -> None:
        await self.opening.wait()
        self.is_open = True

    async def close(self) -> None:
        async with self.lock:
            self.is_open = False

    async def apply(self, batch: Batch) -> bool:
        async with self.lock:
            await self.gate.wait()
            if self.fault:
                raise self.fault
            if self.is_open and not self.refuses:
                self.taken.append(batch)
            return not self.refuses


class Stream:
    """What Faust gives an agent."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def events(self):
        while True:
            yield await self.queue.get()

    def poll(self, tp: TopicPartition, start: int) -> None:
        batch = Batch(start, [], start + 1)
        self.queue.put_nowait(
            SimpleNamespace(message=SimpleNamespace(topic=tp.topic, partition=tp.partition, value=batch))
        )


@pytest.fixture
async def world(tmp_path, monkeypatch):
    monkeypatch.setattr(app_module, "BLOCKED_AGAIN", 60.0)
    shards: dict[int, Slow] = {}

    def make(cluster: Any, partition: int, folder: Any) -> Any:
        return shards.setdefault(partition, Slow(partition))

    cluster = Cluster(KAFKA, "t.work", "test", {}, lambda: 0)
    app = Application(cluster, [Screen(judge)], folder=tmp_path, make_shard=make)
    failures: list[BaseException] = []
    monkeypatch.setattr(app, "fail", lambda error, where: failures.append(error))
    sought: list[tuple[TopicPartition, int]] = []

    async def seek(tp: TopicPartition, offset: int) -> None:
        sought.append((tp, offset))

    monkeypatch.setattr(app, "_seek", seek)
    for number in (0, 1):
        make(None, number, None)
    stream = Stream()
    agent = asyncio.create_task(app._agent(stream))
    yield SimpleNamespace(app=app, shards=shards, stream=stream, sought=sought, failures=failures, agent=agent)
    for task in [agent, *app._tasks]:
        task.cancel()
    assert failures == []


async def until(condition, what: str) -> None:
    for _ in range(int(SOON / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"hangs: {what}")


async def assigned(world, *tps: TopicPartition) -> None:
    await asyncio.wait_for(world.app._on_assigned(None, tps), SOON)
    await until(lambda: all(tp in [seek[0] for seek in world.sought] for tp in tps), "opening")


async def revoked(world, *tps: TopicPartition) -> None:
    await asyncio.wait_for(world.app._on_revoked(None, tps), SOON)


async def fill(world, tp: TopicPartition) -> None:
    """The shard works, its queue is full, and the agent waits with one more batch."""
    for start in range(QUEUED + 2):
        world.stream.poll(tp, start)
    await until(lambda: world.stream.queue.empty() and world.app._owned[tp].queue.full(), "filling")


async def test_a_partition_that_goes_with_a_full_queue_holds_up_no_other(world, monkeypatch):
    await assigned(world, ONE, TWO)
    await fill(world, ONE)

    async def hang(tp: TopicPartition, offset: int) -> None:
        await asyncio.sleep(60)  # the polling thread is in the rebalance

    monkeypatch.setattr(world.app, "_seek", hang)
    world.shards[0].refuses = True
    world.shards[0].gate.set()
    world.shards[1].gate.set()
    await until(lambda: not world.shards[0].lock.locked(), "refusing")
    await revoked(world, ONE)
    world.stream.poll(TWO, 7)
    await until(lambda: [batch.start for batch in world.shards[1].taken] == [7], "the other partition")


async def test_a_partition_that_stands_still_with_a_full_queue_holds_up_no_other(world):
    await assigned(world, ONE, TWO)
    await fill(world, ONE)
    world.shards[0].fault = Blocked("a person must look")
    world.shards[0].gate.set()
    world.shards[1].gate.set()
    world.stream.poll(TWO, 7)
    await until(lambda: [batch.start for batch in world.shards[1].taken] == [7], "the other partition")
    assert world.app.troubles() == ["screen 0: a person must look"]


async def test_giving_up_a_partition_that_is_still_opening_does_not_wait_for_it(world):
    world.shards[0].opening.clear()
    await asyncio.wait_for(world.app._on_assigned(None, [ONE]), SOON)
    await asyncio.sleep(0)
    await revoked(world, ONE)
    assert not world.shards[0].is_open


async def test_an_opening_that_swallows_a_cancellation_holds_up_no_rebalance(world):
    """asyncio.wait_for does so in Python 3.11 when its result comes in the same turn of the loop."""
    shard = world.shards[0]

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            shard.is_open = True

    shard.open = stubborn
    await asyncio.wait_for(world.app._on_assigned(None, [ONE]), SOON)
    await asyncio.sleep(0.01)
    await revoked(world, ONE)
    assert not shard.is_open


async def test_a_batch_in_flight_ends_before_its_partition_is_given_up(world):
    await assigned(world, ONE)
    world.stream.poll(ONE, 0)
    await until(world.shards[0].lock.locked, "taking")
    giving = asyncio.create_task(revoked(world, ONE))
    await asyncio.sleep(0.05)
    assert not giving.done()
    world.shards[0].gate.set()
    await giving
    assert [batch.start for batch in world.shards[0].taken] == [0]


async def test_a_partition_that_comes_back_keeps_its_shard_and_seeks_to_its_position(world):
    await assigned(world, ONE)
    await revoked(world, ONE)
    world.sought.clear()
    world.shards[0].position = 5
    kept = world.shards[0]
    world.shards.clear()  # another one would be made
    await assigned(world, ONE)
    assert world.sought == [(ONE, 5)] and world.app.shards == [kept]


async def test_brokers_that_go_away_while_it_joins_the_group_end_the_process(tmp_path, monkeypatch):
    """An error that only went up would leave a process that does nothing: Faust's threads keep it."""
    app = Application(Cluster(KAFKA, "t.work", "test", {}, lambda: 0), [Screen(judge)], folder=tmp_path)
    failures: list[str] = []

    def leave(error: BaseException, where: str) -> None:
        failures.append(f"{where}: {type(error).__name__}")
        raise SystemExit

    monkeypatch.setattr(app, "fail", leave)
    with pytest.raises(SystemExit):
        await app.start()
    assert failures == ["joining the group: KafkaConnectionError"]


async def test_a_clock_that_was_ahead_and_is_set_back_stops_no_ticks(tmp_path, monkeypatch):
    sent, clock = [], iter([10**12, 10**12 + 1, 10**9, 10**9 + 1])

    async def send(*record: Any) -> None:
        sent.append(record)

    cluster = Cluster(KAFKA, "t.work", "test", {}, lambda: next(clock))
    monkeypatch.setattr(cluster, "send", send)
    app = Application(cluster, [Screen(judge)], folder=tmp_path)
    shard: Any = Slow(0)
    shard.states = SimpleNamespace(next_due=lambda: 5)
    owned = Owned(shard)
    for _ in range(4):
        await app._tend(owned)
    assert len(sent) == 2
