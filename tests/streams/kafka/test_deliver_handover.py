"""A partition of the ledger that changes its owner: what the old one had begun ends there, and nothing is done twice."""

import asyncio

import pytest

from records.topics import AUTHOR_EVENTS
from sinks.contract import Observed
from streams import deliverer
from tests.sinks.contract_suite import a_post, a_ticket
from tests.streams.kafka.deliver_rig import Desk, Hold, Watched, operation, tickets


@pytest.fixture
async def desk(kafka, prefix, tmp_path):
    async with Desk(kafka, prefix, tmp_path) as desk:
        yield desk


async def wired(desk, **more):
    """As `hilferuf deliver` puts it together."""
    process = await desk.process(**more)
    process.ledger.finish = process.deliverer.finish
    return process


async def begun(desk):
    """A deliverer in the middle of a write: the ticket is created; rank, posts and status come next."""
    process, call, hold = await wired(desk), a_ticket(), Hold()
    process.sink.after = hold
    await desk.put(operation(call))
    await process.take_in()
    await process.deliverer._start_work()
    await hold.reached.wait()
    return process, call, hold


async def test_a_partition_is_given_up_after_what_is_being_written_to_it(desk):
    first, call, hold = await begun(desk)
    giving = asyncio.create_task(first.give_up(0, 1))
    await asyncio.sleep(0.2)
    assert not giving.done() and await first.ledger.claim(9, frozenset(), desk.clock.ms) == []
    hold.go.set()
    await giving
    assert (await desk.entry(call)).state == "settled"


async def test_a_write_that_takes_too_long_breaks_off_and_undoes_nothing_that_the_new_owner_wrote(desk, monkeypatch):
    monkeypatch.setattr(deliverer, "FINISH_SECONDS", 0.1)
    first, call, hold = await begun(desk)
    await first.give_up(0, 1)
    second = await wired(desk)
    await desk.put(operation(call, 2, rank_key=3 * 10**8, status="withdrawn"))
    await second.work()
    hold.go.set()
    await first.deliverer.drain()
    await asyncio.sleep(0.1)  # time for what must not come
    (held,) = await second.sink.find(call.id)
    assert (held.status, held.rank_key) == ("withdrawn", 3 * 10**8)
    assert first.deliverer._working == {} and not first.failed


async def test_a_ticket_whose_partition_goes_while_others_are_claimed_is_not_written(desk):
    process = await wired(desk, concurrency=10)
    await desk.put(*(operation(ticket) for ticket in tickets(10)))
    await process.take_in()
    (one, mine), (two, others) = [(n, {k for k, _ in shard.states.items()}) for n, shard in process.shards.items()]
    assert mine and others
    change, before, claimed_there = process.ledger._change, [], asyncio.Event()

    async def slow(shard, work):
        if before:  # the second transaction: the first one's partition goes meanwhile
            await claimed_there.wait()
            await process.give_up(*before)
            return await change(shard, work)
        before.append(shard.partition)
        try:
            return await change(shard, work)
        finally:
            claimed_there.set()

    process.ledger._change = slow
    claimed = {entry.ticket_id for entry in await process.ledger.claim(10, frozenset(), desk.clock.ms)}
    (left,) = process.shards
    assert claimed == {one: mine, two: others}[left]


async def test_one_who_lost_the_first_partition_while_it_looked_brings_nothing_back_twice(desk):
    sink = Watched(desk.folder / "queue.db")
    first, second, (call,) = await wired(desk, sink=sink), await wired(desk, own=()), tickets(1)
    await desk.put(operation(call))
    await first.work()
    assert await first.deliverer.observe_once() == 0
    sink.solve(call.id)
    look, hold = sink.observe, Hold()

    async def slow(cursor):
        seen: Observed = await look(cursor)
        await hold(call)
        return seen

    sink.observe = slow
    looking = asyncio.create_task(first.deliverer.observe_once())
    await hold.reached.wait()
    await first.give_up(0, 1)
    await second.own(0, 1)
    assert await second.deliverer.observe_once() == 1
    await second.take_in()
    await second.give_up(0, 1)
    await first.own(0, 1)
    hold.go.set()
    assert await looking == 0
    sink.observe = look
    assert await first.deliverer.observe_once() == 0
    await first.take_in()
    assert len(await desk.read(AUTHOR_EVENTS)) == 1


async def test_a_partition_that_is_taken_away_before_its_opening_was_told_is_not_worked(desk):
    process = await wired(desk)
    await desk.put(*(operation(ticket) for ticket in tickets(4)))
    await process.take_in()
    shard = process.shards[0]
    await process.give_up(0, 1)
    process.ledger.opened(shard)
    assert process.ledger.pending == 0 and not process.ledger.observes


async def test_a_sink_added_later_gets_what_is_open_and_nothing_that_is_over(desk):
    calls = tickets(5)
    ways = ("open", "answered", "solved", "withdrawn", "merged")
    await desk.put(*(operation(ticket, 3, status=status) for ticket, status in zip(calls, ways, strict=True)))
    process = await wired(desk)
    await process.work()
    assert sorted(process.sink.created) == sorted(ticket.id for ticket in calls[:2])
    assert sorted(await desk.entries()) == sorted(f"queue|{ticket.id}" for ticket in calls[:2])
    await desk.put(operation(calls[2], 4, posts=(a_post(1), a_post(2))))  # its author wrote again
    await process.work()
    assert len(process.sink.created) == 3


async def test_a_restart_from_an_empty_disk_is_the_running_state(desk):
    process, calls = await wired(desk), tickets(12)
    await desk.put(*(operation(ticket) for ticket in calls[:8]))
    await process.work()
    await process.deliverer.observe_once()
    await desk.write((calls[0].id, None))
    await desk.put(*(operation(ticket, 2, rank_key=7) for ticket in calls[1:4]), *(operation(t) for t in calls[8:]))
    await process.take_in()
    await process.ledger.claim(2, frozenset(), desk.clock.ms)

    def seen():
        return {
            number: (sorted(shard.states.stored()), shard.note, shard.position, shard.agenda.due(desk.clock.ms, 99))
            for number, shard in sorted(process.shards.items())
        }

    running = seen()
    await process.give_up(0, 1)
    process.kept.clear()
    await process.own(0, 1)
    assert seen() == running and process.ledger.pending == 7
