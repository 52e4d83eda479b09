"""The storm over a whole deployment: whatever is killed, stopped, cut off, filled up or told another time, every call for help
that was accepted is on exactly one ticket, in Request Tracker too, and every byte in Kafka is what the pure functions say.

Rounds: HILFERUF_CHAOS_ROUNDS (default: a few; `make chaos` runs 60), seed: HILFERUF_CHAOS_SEED; brokers: HILFERUF_CHAOS_NODES.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from config.settings import load_settings
from records.topics import AUTHOR_EVENTS, TICKETS, state_of
from sinks.request_tracker import RequestTracker
from tests.chaos.faults import SHORT, Storm
from tests.chaos.oracle import Log, Oracle, read_log, unfinished
from tests.chaos.world import World
from tests.crash.desk import story
from tests.servers import RequestTrackerServer, discard, start_request_tracker

ROUNDS = int(os.environ.get("HILFERUF_CHAOS_ROUNDS", "0"))  # 0: the few of SHORT
SEED = int(os.environ.get("HILFERUF_CHAOS_SEED", "1"))
NODES = int(os.environ.get("HILFERUF_CHAOS_NODES", "1"))
RATE = float(os.environ.get("HILFERUF_CHAOS_RATE", "1.5"))  # mentions a second
# Well; Kafka was away at the start; it left on purpose; by us; by us, before it had begun.
ENDS = {0, 1, 70, -signal.SIGKILL, -signal.SIGTERM}


@pytest.fixture
def tracker() -> Iterator[RequestTrackerServer]:
    server = start_request_tracker(workers=2)
    yield server
    discard(server)


@pytest.mark.rt
@pytest.mark.timeout(7200)
async def test_no_storm_loses_a_call_for_help_doubles_a_ticket_or_leaves_a_wrong_byte(tmp_path, broker, tracker):
    chance = random.Random(SEED)
    async with World(tmp_path, broker, tracker, SEED, named=SEED % 2 == 0) as world:
        await world.ready()
        storm = Storm(world, SEED)
        calls = iter(story(SEED))
        calming = asyncio.Event()
        sending = asyncio.create_task(send_until(world, calls, calming))
        for kind in (storm.next() for _ in range(ROUNDS)) if ROUNDS else SHORT:
            await storm.hit(kind)
            await asyncio.sleep(chance.uniform(0.5, 6.0 if ROUNDS else 2.0))
        calming.set()
        await asyncio.wait_for(sending, 120)
        assert world.proxy is not None
        world.proxy.calm()
        begun = time.monotonic()
        await quiet(world)
        drained = time.monotonic() - begun
        await asyncio.gather(*(process.end(signal.SIGTERM) for process in world.processes))
        report(world, storm, drained)
        await judge(world)


async def send_until(world: World, calls, calming: asyncio.Event) -> None:
    """Calls for help until the storm is over."""

    def flowing():
        while not calming.is_set():
            yield next(calls)

    await world.send(flowing(), RATE)


async def quiet(world: World) -> None:
    """Wait until nothing is left to be done; a partition that is stuck never gets there."""

    async def left() -> list[str]:
        return unfinished(await read_log(world.kafka, world.sinks), world.kafka, world.sinks)

    await world.until(left, 600)


async def judge(world: World) -> None:
    """By the oracle, once all processes have gone."""
    log = await read_log(world.kafka, world.sinks)
    oracle = Oracle(world, log)
    standing = oracle.tickets_are_deserved()
    oracle.every_byte_is_right()
    await oracle.rebuilt_states_are_the_same(
        [None, *(folder / "state" / world.kafka.group("work") for folder in world.folder.glob("data-worker*"))]
    )
    settings = load_settings(world.folder / "deliverer0.yaml").settings.sinks.request_tracker
    assert settings is not None and world.tracker is not None
    sink = RequestTracker(settings, token=world.tracker.token)
    await oracle.each_stands_once_in(sink, standing)
    await sink.aclose()
    hung = [line for process in world.processes for line in process.hung]
    assert not hung, hung
    print(f"{len(standing)} tickets stand")
    the_oracle_is_not_blind(world, log, oracle)


def the_oracle_is_not_blind(world: World, log: Log, oracle: Oracle) -> None:
    """One record more or less anywhere, and it objects."""
    for topic in (AUTHOR_EVENTS, TICKETS, state_of("screen"), state_of("assess")):
        place, found = next((place, found) for place, found in log.records.items() if place[0] == topic and found)
        for wrong in (found[:-1], [*found, found[-1]]):
            with pytest.raises(AssertionError):
                Oracle(world, Log({**log.records, place: wrong}, log.committed), oracle.rules).every_byte_is_right()


def report(world: World, storm: Storm, drained: float) -> None:
    exits, said = Counter[int](), Counter[str]()
    for process in world.processes:
        exits += process.exits
        said += process.said
    assert world.proxy is not None
    lost = sum(was for _, _, was in world.proxy.log)
    print(f"\nseed {SEED}, {world.broker.nodes} nodes, faults {dict(storm.counts)}, exits {dict(exits)}")
    print(
        f"{len(world.accepted)} mentions accepted, {world.refused} times not; {lost} answers lost; drained {drained:.0f} s"
    )
    print(f"said: {dict(said.most_common(15))}")
    assert exits.keys() <= ENDS, exits
