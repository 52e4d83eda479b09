"""The ledger of a sink on a real broker: what is taken in, what is durable before a request goes out, what happens when a
process dies or loses its partitions in the middle of a write."""

import asyncio

import pytest
from msgspec.structs import replace

from records import codec
from records.errors import Permanent, Transient
from records.events import Redrive
from records.topics import AUTHOR_EVENTS, DEAD_LETTERS, DELIVERIES, TICKETS
from streams import metrics
from streams.kafka.shard import Blocked
from streams.runner import Route
from tests.sinks.contract_suite import a_post, a_ticket
from tests.streams.kafka.deliver_rig import Desk, Hold, Watched, operation, tickets


@pytest.fixture
async def desk(kafka, prefix, tmp_path):
    async with Desk(kafka, prefix, tmp_path) as desk:
        yield desk


def pending(sink="queue"):
    return metrics.PENDING.labels(sink)._value.get()


async def test_an_operation_becomes_a_ticket_and_the_ledger_outlives_the_process(desk):
    first = await desk.process()
    call = a_ticket()
    await desk.put(operation(call))
    await first.work()
    assert first.sink.created == [call.id] and pending() == 0
    await first.give_up(0, 1)
    second = await desk.process()
    await second.work()
    entry = await desk.entry(call)
    assert entry.state == "settled" and entry.intent is None and entry.held.remote_id
    assert second.sink.created == [] and second.ledger.pending == 0


async def test_the_intent_is_durable_before_the_first_request(desk):
    process, call, seen = await desk.process(), a_ticket(), []

    async def look(ticket_id):
        seen.append(await desk.entry(call))
        return ()

    process.sink.find = look
    await desk.put(operation(call))
    await process.work()
    assert seen[0].intent is not None and seen[0].intent.version == 1 and seen[0].held is None


async def test_killed_between_intent_and_result_the_ticket_is_looked_up_first(desk):
    first, call, hold = await desk.process(), a_ticket(), Hold()
    first.sink.after = hold  # the helpdesk has it, the answer never comes
    await desk.put(operation(call))
    await first.take_in()
    await first.deliverer._start_work()
    await hold.reached.wait()
    first.kill()
    second = await desk.process()
    await second.work()
    entry = await desk.entry(call)
    assert first.sink.created == [call.id] and second.sink.created == []
    assert entry.state == "settled" and entry.intent is None and entry.held.version == 1


async def test_a_result_after_the_partition_was_taken_away_is_dropped_and_the_ticket_exists_once(desk):
    first, call, hold = await desk.process(), a_ticket(), Hold()
    first.sink.after = hold
    await desk.put(operation(call))
    await first.take_in()
    await first.deliverer._start_work()
    await hold.reached.wait()
    await first.give_up(0, 1)
    second = await desk.process()
    await second.work()
    await desk.put(operation(call, 2, posts=(a_post(1), a_post(2))))
    await second.work()
    before = await desk.read(DELIVERIES)
    hold.go.set()
    await first.deliverer.drain()
    assert len(await desk.read(DELIVERIES)) == len(before) and not first.failed
    assert (await desk.entry(call)).held.version == 2
    assert first.sink.created + second.sink.created == [call.id]


async def test_a_partition_that_comes_back_during_a_write_takes_no_result_from_before(desk):
    first, call, hold = await desk.process(), a_ticket(), Hold()
    first.sink.after = hold
    await desk.put(operation(call))
    await first.take_in()
    await first.deliverer._start_work()
    await hold.reached.wait()
    await first.give_up(0, 1)
    second = await desk.process()
    await desk.put(operation(call, 2, posts=(a_post(1), a_post(2))))
    await second.work()
    await second.give_up(0, 1)
    await first.own(0, 1)
    before = await desk.read(DELIVERIES)
    hold.go.set()
    await first.deliverer.drain()
    entry = await desk.entry(call)
    assert (entry.state, entry.held.version) == ("settled", 2) and len(await desk.read(DELIVERIES)) == len(before)
    assert first.sink.created + second.sink.created == [call.id]


async def test_what_another_process_settled_or_forgot_meanwhile_is_no_work_when_the_partition_comes_back(desk):
    first, second = await desk.process(), await desk.process(own=())
    one, two = tickets(2)
    await desk.put(operation(one), operation(two))
    await first.take_in()
    await first.give_up(0, 1)
    await second.own(0, 1)
    await second.work()
    await desk.write((one.id, None))
    await second.work()
    await second.give_up(0, 1)
    await first.own(0, 1)
    assert first.ledger.pending == 0 and await first.ledger.claim(5, frozenset(), desk.clock.ms) == []
    assert list(await desk.entries()) == [f"queue|{two.id}"]


async def test_one_that_was_fenced_in_the_middle_of_a_write_leaves_its_process(desk):
    """It was stopped (SIGSTOP) for so long that another took over; it was never told."""
    first, call, hold = await desk.process(), a_ticket(), Hold()
    first.sink.after = hold
    await desk.put(operation(call))
    await first.take_in()
    await first.deliverer._start_work()
    await hold.reached.wait()
    second = await desk.process()
    await second.work()
    settled = await desk.entry(call)
    hold.go.set()
    await asyncio.gather(*first.deliverer._working.values(), return_exceptions=True)
    assert len(first.failed) == 1
    assert await desk.entry(call) == settled and first.sink.created + second.sink.created == [call.id]


async def test_an_emergency_is_the_next_write_though_ten_thousand_reranks_wait(desk):
    process, hold, order = await desk.process(), Hold(), []
    open_tickets = tickets(200)
    fire = a_ticket(author="fire", rank_key=3 * 10**8, league=3)
    write = process.sink.write

    async def noted(held, ticket):
        order.append(ticket.id)
        return await write(held, ticket)

    process.sink.before, process.sink.write = hold, noted
    await desk.put(*(operation(ticket) for ticket in open_tickets))
    await process.take_in()
    await process.deliverer._start_work()
    await hold.reached.wait()  # one is being written; everything else comes now
    rank = open_tickets[0].rank_key
    await desk.put(*(operation(t, 2 + n, rank_key=rank + n) for n in range(50) for t in open_tickets), operation(fire))
    await process.take_in()
    process.sink.before = None
    hold.go.set()
    while len(order) < 3:
        await process.deliverer._start_work()
        await asyncio.wait(process.deliverer._working.values(), return_when=asyncio.FIRST_COMPLETED)
    assert order[1] == fire.id  # the first was under way
    newest = {key: entry.wanted.version for key, entry in (await desk.entries()).items()}
    assert newest.pop(f"queue|{fire.id}") == 1 and set(newest.values()) == {51}


async def test_versions_that_came_during_a_write_are_one_write_and_in_order(desk):
    process, call, hold, versions = await desk.process(concurrency=4), a_ticket(), Hold(), []
    write = process.sink.write

    async def noted(held, ticket):
        versions.append(len(ticket.posts))
        return await write(held, ticket)

    process.sink.before, process.sink.write = hold, noted
    posts = [a_post(n) for n in range(1, 6)]
    await desk.put(operation(call))
    await process.take_in()
    await process.deliverer._start_work()
    await hold.reached.wait()
    for number in range(2, 6):
        await desk.put(operation(call, number, posts=tuple(posts[:number])))
        await process.take_in()
        assert await process.deliverer._start_work() == 0  # nobody else writes this ticket meanwhile
    hold.go.set()
    await process.deliverer.drain()
    assert versions == [1, 5]
    assert list((await desk.entry(call)).held.posts) == [post.id for post in posts]


async def test_a_dead_helpdesk_holds_up_neither_another_nor_the_input(desk):
    class Dead(Watched):
        async def find(self, ticket_id):
            raise Transient("connection refused")

    dead = await desk.process(Dead(desk.folder / "dead.db", "dead"))
    alive = await desk.process()
    calls = tickets(20)
    await desk.put(*(operation(ticket) for ticket in calls))
    for process in (dead, alive):
        await process.work()
    assert sorted(alive.sink.created) == sorted(ticket.id for ticket in calls)
    assert dead.ledger.pending == 20 == pending("dead") and dead.deliverer.trouble
    for partition in range(2):  # taken in and committed all the same: the work lies in the ledger
        tp = dead.cluster.tp(TICKETS, partition)
        assert await dead.cluster.committed(tp) == (await dead.cluster.bounds(tp)).end


async def test_a_ticket_refused_for_good_is_a_dead_letter_and_a_person_may_ask_again(desk):
    process, call = await desk.process(), a_ticket()

    async def refuse(ticket):
        raise Permanent("requester suspended")

    process.sink.before = refuse
    await desk.put(operation(call))
    await process.work()
    (record,) = await desk.read(DEAD_LETTERS)
    letter = codec.dead_letters.decode(record.value)
    assert letter.origin == f"deliver/queue|{call.id}" and "suspended" in letter.reason
    assert (await desk.entry(call)).state == "dead"
    process.sink.before = None
    again = codec.encode(Redrive(sink="queue", ticket_id=call.id))
    await desk.base.send(TICKETS, process.shard_of(call).partition, f"{call.id}|redrive|queue", again)
    await process.work()
    assert (await desk.entry(call)).state == "settled" and process.sink.created == [call.id]


async def test_what_people_do_comes_to_the_author_once_and_is_taken_off_the_topic(desk):
    sink = Watched(desk.folder / "queue.db")
    first, second = await desk.process(sink, own=(0,)), await desk.process(own=(1,))
    other = await desk.process(Watched(desk.folder / "other.db", "other"))
    calls = tickets(6)
    await desk.put(*(operation(ticket) for ticket in calls))
    for process in (first, second):
        await process.work()
        assert await process.deliverer.observe_once() == 0
    for ticket in calls:
        sink.solve(ticket.id)
    assert not second.ledger.observes and await second.deliverer.observe_once() == 0
    assert await first.deliverer.observe_once() == 6 and await first.deliverer.observe_once() == 0
    for process in (first, second, other, first, second):
        await process.take_in()
    events = [(r.key.decode(), codec.author_events.decode(r.value)) for r in await desk.read(AUTHOR_EVENTS)]
    assert sorted((key, event.ticket_id) for key, event in events) == sorted((t.author_key, t.id) for t in calls)
    assert {event.what for _, event in events} == {"solved"}
    newest = {record.key.decode(): record.value for record in await desk.read(TICKETS)}
    assert all(value is None for key, value in newest.items() if "|" in key) and len(newest) == 12


async def test_observing_goes_on_where_the_last_owner_stopped(desk):
    first, (call,) = await desk.process(), tickets(1)
    await desk.put(operation(call))
    await first.work()
    await first.deliverer.observe_once()
    await first.give_up(0, 1)
    first.sink.solve(call.id)  # while nobody looks
    second = await desk.process()
    assert await second.deliverer.observe_once() == 1


async def test_the_entry_of_a_forgotten_author_goes_at_once_or_with_its_last_write(desk):
    process, (done, waiting) = await desk.process(), tickets(2)
    await desk.put(operation(done))
    await process.work()
    hold = process.sink.before = Hold()
    await desk.put(operation(waiting))
    await process.take_in()
    await process.deliverer._start_work()
    await hold.reached.wait()
    await desk.write((done.id, None), (waiting.id, None))
    await process.take_in()
    assert list(await desk.entries()) == [f"queue|{waiting.id}"]
    hold.go.set()
    await process.deliverer.drain()
    assert process.sink.created == [done.id, waiting.id] and await desk.entries() == {}


async def test_an_undecodable_operation_is_a_dead_letter_and_the_others_flow(desk):
    process, call = await desk.process(), a_ticket()
    await desk.write(("broken", b"{"), (call.id, codec.encode(operation(call))))
    await process.work()
    letters = [codec.dead_letters.decode(record.value) for record in await desk.read(DEAD_LETTERS)]
    assert [letter.original for letter in letters] == [b"{"] and process.sink.created == [call.id]


async def test_an_entry_that_this_program_cannot_read_blocks_its_partition_and_says_so(desk):
    process = await desk.process()
    await process.give_up(0, 1)
    await desk.base.send(DELIVERIES, 1, "queue|t1", b'{"schema":"delivery/9"}')
    await process.own(0)
    with pytest.raises(Blocked, match="cannot be read"):
        await process.own(1)
    assert len(process.ledger._shards) == 1


async def test_a_sink_gets_its_brands_and_keeps_up_what_it_has(desk):
    process = await desk.process(route=Route("queue", ("nordfunk",)))
    mine, other = a_ticket(author="a", brand="nordfunk"), a_ticket(author="b", brand="südfunk")
    await desk.put(operation(mine), operation(other))
    await process.work()
    assert list(await desk.entries()) == [f"queue|{mine.id}"]
    await desk.put(operation(mine, 2, brand="südfunk", status="withdrawn"))
    await process.work()
    assert (await desk.entry(mine)).held.status == "withdrawn"


async def test_a_stop_in_the_middle_of_a_transaction_leaves_memory_and_log_agreed(desk):
    process, (call,) = await desk.process(), tickets(1)
    await desk.put(operation(call))
    await process.take_in()
    shard = process.shard_of(call)
    (entry,) = await process.ledger.claim(1, frozenset(), desk.clock.ms)
    commit = shard._producer.commit_transaction

    async def stopped_here():
        settling.cancel()
        await commit()

    shard._producer.commit_transaction = stopped_here
    settling = asyncio.create_task(process.ledger.settle(entry, lambda current: replace(current, attempts=7)))
    await asyncio.gather(settling, return_exceptions=True)
    shard._producer.commit_transaction = commit
    await process.ledger.claim(1, frozenset(), desk.clock.ms)  # the next transaction ends after the one before
    assert settling.cancelled() and (await desk.entry(call)).attempts == 7 == shard.states.get(call.id).attempts
