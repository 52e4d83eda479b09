"""A helpdesk that asks to wait, or does not answer: nothing is lost, nothing is hammered, and no log grows."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from listeners.clock import SystemClock
from records.errors import Transient
from records.topics import DELIVERIES, TICKETS
from sinks.protocol import converge
from streams.deliverer import Deliverer
from tests.streams.kafka.deliver_rig import Desk, Watched, operation, tickets


@pytest.fixture
async def desk(kafka, prefix, tmp_path):
    async with Desk(kafka, prefix, tmp_path) as desk:
        yield desk


class Down(Watched):
    """Answers nothing but an error, until `back`."""

    def __init__(self, path, retry_after):
        super().__init__(path)
        self.retry_after, self.asked, self.back = retry_after, 0, False

    async def find(self, ticket_id):
        self.asked += 1
        if not self.back:
            raise Transient("503 Service Unavailable", retry_after=self.retry_after)
        return await super().find(ticket_id)


@asynccontextmanager
async def delivering(desk, sink):
    """On the real clock."""
    desk.clock.now = SystemClock().now
    process = await desk.process(sink)
    process.deliverer = Deliverer(sink, process.ledger, converge, clock=SystemClock(), spread=lambda: 0.5)
    process.ledger.wake, stop = process.deliverer.wake.set, asyncio.Event()
    await desk.put(*(operation(ticket) for ticket in tickets(50)))
    await process.take_in()
    running = asyncio.create_task(process.deliverer.run(stop))
    yield process
    stop.set()
    await running


@pytest.mark.parametrize("retry_after", [None, 30.0])
async def test_an_outage_writes_a_handful_of_records_and_not_one_a_ticket_a_second(desk, retry_after):
    async with delivering(desk, Down(desk.folder / "queue.db", retry_after)) as process:
        while not process.deliverer.trouble:
            await asyncio.sleep(0.1)
        await asyncio.sleep(3)
        assert process.ledger.pending == 50
        taken_in, written = [len(await desk.read(topic)) for topic in (TICKETS, DELIVERIES)]
        asked = process.sink.asked
    assert taken_in == 50  # no topic of second tries
    assert asked <= (4 if retry_after else 20)
    assert (
        written <= 50 + 2 * asked + 3
    )  # what was taken in, an intent and a result for each try, and the shards' notes


async def test_after_an_outage_everything_is_delivered(desk):
    async with delivering(desk, Down(desk.folder / "queue.db", 1.0)) as process:
        await asyncio.sleep(1)
        process.sink.back = True
        async with asyncio.timeout(60):
            while process.ledger.pending:
                await asyncio.sleep(0.1)
    assert len(process.sink.created) == 50 == len(set(process.sink.created))
