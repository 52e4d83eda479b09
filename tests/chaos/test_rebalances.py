"""Workers that come and go without a break: nothing is lost or doubled, and no partition stands still for long.

HILFERUF_CHURN_SECONDS: how long they do (default: shortly; `make chaos` 300). Only then the two stalls are measured, since
they are promised for a machine that has time for us; tests/streams/kafka/test_work.py has them without the promise.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any

import pytest

from records.times import SECOND, from_ms
from records.topics import MENTIONS, state_of
from tests.chaos.oracle import Oracle, read_log, unfinished
from tests.chaos.world import World
from tests.crash.desk import CALLS, START
from tests.kafka_server import KafkaServer, start_kafka

SECONDS = float(os.environ.get("HILFERUF_CHURN_SECONDS", "0"))
SEED = int(os.environ.get("HILFERUF_CHAOS_SEED", "1"))
SHORT = 10.0
RATE = 100.0  # mentions a second
MOST = 3  # workers at a time
KILLED, RESTARTED = 15.0, 5.0  # seconds that a partition may stand still

measured = pytest.mark.skipif(not SECONDS, reason="measured by `make chaos` (HILFERUF_CHURN_SECONDS)")


def calls() -> Iterator[dict[str, Any]]:
    """Calls for help without end, each with a place in the state of screen."""
    for number in count():
        at = from_ms(START + number * SECOND)
        author = {"id": f"c{number % 500}"}
        yield {"id": f"x:9{number:07d}", "author": author, "occurred_at": at, "text": CALLS[number % len(CALLS)]}


@pytest.fixture
def broker() -> Iterator[KafkaServer]:
    server = start_kafka()
    yield server
    server.discard()


class Load:
    """Calls for help as long as the block lasts."""

    def __init__(self, world: World) -> None:
        self._world, self._over = world, False

    def _flowing(self) -> Iterator[dict[str, Any]]:
        for call in calls():
            if self._over:
                return
            yield call

    async def __aenter__(self) -> "Load":
        self._task = asyncio.create_task(self._world.send(self._flowing(), RATE, batch=5))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await asyncio.wait_for(self._task, 60)


async def quiet(world: World) -> None:
    async def left() -> list[str]:
        return unfinished(await read_log(world.kafka, world.sinks), world.kafka, world.sinks)

    await world.until(left, 240)


async def longest_stall(world: World, since: float, until: float) -> float:
    """The longest time, seconds, that a partition of mentions had input and committed nothing; times: Unix, seconds."""
    log = await read_log(world.kafka, world.sinks)
    longest = 0.0
    for partition in range(world.kafka.partitions):
        heard = [r.timestamp / 1000 for r in log.records[MENTIONS, partition]]
        done = [r.timestamp / 1000 for r in log.records[state_of("screen"), partition]]
        for before, after in pairwise(t for t in done if since <= t <= until):
            came = [at for at in heard if before < at < after]
            longest = max(longest, after - came[0] if came else 0.0)
    return longest


@pytest.mark.timeout(3600)
async def test_workers_that_come_and_go_lose_nothing_and_double_nothing(tmp_path, broker):
    chance = random.Random(SEED)
    async with World(tmp_path, broker, None, SEED, workers=2) as world:
        await world.ready()
        begun, moves = time.time(), 0
        async with Load(world):
            while time.time() - begun < (SECONDS or SHORT):
                running = [worker for worker in world.workers if not worker.gone]
                if len(running) > 1 and (len(running) == MOST or chance.random() < 0.5):
                    number = chance.choice((signal.SIGTERM, signal.SIGTERM, signal.SIGKILL))
                    world.leave(chance.choice(running), number)
                else:
                    world.join()
                moves += 1
                await asyncio.sleep(chance.uniform(1.0, 4.0))
            ended = time.time()
        await quiet(world)
        stall = await longest_stall(world, begun, ended)
        print(
            f"\n{moves} workers came or went in {ended - begun:.0f} s, {len(world.accepted)} mentions, stall {stall:.1f} s"
        )
        await asyncio.gather(*(process.end(signal.SIGTERM) for process in world.processes))
        oracle = Oracle(world, await read_log(world.kafka, world.sinks))
        oracle.tickets_are_deserved()
        oracle.every_byte_is_right()
        await oracle.rebuilt_states_are_the_same([None])
        assert not [line for process in world.processes for line in process.hung]


@measured
@pytest.mark.timeout(600)
async def test_the_partitions_of_a_killed_worker_stand_still_for_less_than_fifteen_seconds(tmp_path, broker):
    stalls = []
    async with World(tmp_path, broker, None, SEED, session_seconds=10.0) as world:
        await world.ready()
        async with Load(world):
            await asyncio.sleep(10)
            for worker in world.workers:
                since = time.time()
                worker.send(signal.SIGKILL)
                await asyncio.sleep(25)
                await worker.ready()
                stalls.append(await longest_stall(world, since - 2, time.time()))
        await quiet(world)
    print(f"\na killed worker: {', '.join(f'{stall:.1f}' for stall in stalls)} s")
    assert max(stalls) < KILLED


@measured
@pytest.mark.timeout(600)
async def test_a_named_worker_that_is_restarted_leaves_its_partitions_for_less_than_five_seconds(tmp_path, broker):
    stalls = []
    async with World(tmp_path, broker, None, SEED, session_seconds=10.0, named=True) as world:
        await world.ready()
        async with Load(world):
            await asyncio.sleep(10)
            for worker in world.workers:
                since = time.time()
                worker.send(signal.SIGTERM)
                await asyncio.sleep(15)
                await worker.ready()
                stalls.append(await longest_stall(world, since - 2, time.time()))
        await quiet(world)
    print(f"\na named worker restarted: {', '.join(f'{stall:.1f}' for stall in stalls)} s")
    assert max(stalls) < RESTARTED
