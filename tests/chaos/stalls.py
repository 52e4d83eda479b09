"""How long a partition stands still when its worker is killed, or restarted under its name. Run by `make chaos`: it is
promised for a machine that has time for us; tests/streams/kafka/test_work.py has both without the promise.
"""

import asyncio
import os
import signal
import time

import pytest

from tests.chaos.load import Load, longest_stall, quiet
from tests.chaos.world import World

SEED = int(os.environ.get("HILFERUF_CHAOS_SEED", "1"))
KILLED, RESTARTED = 15.0, 5.0  # seconds that a partition may stand still


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
