"""Two deliverers of one sink as a consumer group: a rebalance in the middle of writes."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from listeners.clock import SystemClock
from sinks.protocol import converge
from streams.deliverer import Deliverer
from streams.kafka import admin
from streams.kafka.app import Application
from streams.kafka.cluster import Cluster
from streams.kafka.deliver import Deliver, KafkaLedger
from streams.runner import Route
from tests.streams.kafka.deliver_rig import Desk, Hold, Watched, operation, tickets


@pytest.fixture
async def desk(kafka, prefix, tmp_path):
    async with Desk(kafka, prefix, tmp_path) as desk:
        yield desk


class Member:
    """What `hilferuf deliver` puts together for one sink."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.failed: list[str] = []
        self.sink = Watched(desk.folder / "queue.db")
        self.ledger = KafkaLedger(Deliver(Route("queue")))
        self.deliverer = Deliverer(self.sink, self.ledger, converge, clock=SystemClock(), observe_seconds=600)
        self.ledger.wake = self.deliverer.wake.set
        ids = admin.topic_ids(desk.kafka, ["tickets", "deliveries"])
        cluster = Cluster(desk.kafka, desk.kafka.group("deliver-queue"), f"test-{name}", ids, SystemClock().now)
        self.application = Application(
            cluster,
            [self.ledger.stage],
            folder=desk.folder / name,
            make_shard=self.ledger.shard,
            on_open=self.ledger.opened,
            on_close=self.ledger.closed,
        )
        self.application.fail = lambda error, where: self.failed.append(f"{where}: {error!r}")
        self.ledger.fail = self.application.fail

    @asynccontextmanager
    async def running(self):
        stop = asyncio.Event()
        await self.application.start()
        working = asyncio.create_task(self.deliverer.run(stop))
        yield self
        stop.set()
        await working
        await self.application.stop()


async def until(true, seconds=60.0):
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.1)


async def test_a_rebalance_in_the_middle_of_writes_makes_no_second_ticket(desk):
    first, second, calls = Member(desk, "one"), Member(desk, "two"), tickets(4)
    hold = first.sink.after = Hold()  # the helpdesk has them, the answers hang
    async with first.running():
        await desk.put(*(operation(ticket) for ticket in calls))

        async def all_written():
            return len(first.sink.created) == 4

        await until(all_written)
        async with second.running():

            async def shared():
                return len(first.application.shards) == len(second.application.shards) == 1

            async def settled():
                return all(entry.state == "settled" for entry in (await desk.entries()).values())

            await until(shared)
            hold.go.set()
            await until(settled)
            (theirs,) = second.application.shards
            assert len(theirs.states) > 0  # it looked up what the first one had been writing
    assert sorted(first.sink.created) == sorted(ticket.id for ticket in calls)
    assert second.sink.created == [] and not first.failed and not second.failed
