"""Workers that come and go without a break: nothing is lost or doubled.

HILFERUF_CHURN_SECONDS: how long they do (default: shortly; `make chaos` 300). How long a partition may stand still is measured
by stalls.py.
"""

import asyncio
import os
import random
import signal
import time

import pytest

from tests.chaos.load import Load, longest_stall, quiet
from tests.chaos.oracle import Oracle, read_log
from tests.chaos.world import World

SECONDS = float(os.environ.get("HILFERUF_CHURN_SECONDS", "10"))
SEED = int(os.environ.get("HILFERUF_CHAOS_SEED", "1"))
MOST = 3  # workers at a time


@pytest.mark.timeout(3600)
async def test_workers_that_come_and_go_lose_nothing_and_double_nothing(tmp_path, broker):
    chance = random.Random(SEED)
    async with World(tmp_path, broker, None, SEED, workers=2) as world:
        await world.ready()
        begun, moves = time.time(), 0
        async with Load(world):
            while time.time() - begun < SECONDS:
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
