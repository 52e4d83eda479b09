"""A load of calls for help, and how long a partition stood still under it."""

import asyncio
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any

from records.times import SECOND, from_ms
from records.topics import MENTIONS, state_of
from tests.chaos.oracle import read_log, unfinished
from tests.chaos.world import World
from tests.crash.desk import CALLS, START

RATE = 100.0  # mentions a second


def calls() -> Iterator[dict[str, Any]]:
    """Calls for help without end, each with a place in the state of screen."""
    for number in count():
        at = from_ms(START + number * SECOND)
        author = {"id": f"c{number % 500}"}
        yield {"id": f"x:9{number:07d}", "author": author, "occurred_at": at, "text": CALLS[number % len(CALLS)]}


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
