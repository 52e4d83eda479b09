"""The deliverer over the real local queue, with faults put in its way."""

import asyncio
import itertools

import msgspec
import pytest

from listeners.clock import SystemClock
from records.errors import Backpressure, Permanent, Refused, Transient
from records.tickets import Held
from sinks.contract import Observed
from sinks.protocol import converge
from sinks.queue import QueueSink
from streams import deliver
from streams.assess import Assess
from streams.deliverer import TRIP_AFTER, Deliverer
from streams.embedded import EmbeddedEngine
from streams.ledger import EmbeddedLedger
from streams.profile import Profile
from streams.runner import Route
from streams.screen import Screen

from .conftest import RULES, START, judge, mention


class FaultyQueue(QueueSink):
    """The local queue, with an error for the next calls of a verb: before the work, or after it (the answer got lost)."""

    def __init__(self, path):
        super().__init__(path)
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}
        self.created: list[str] = []

    async def create(self, ticket, follows=None):
        self._raise(self.before, "create")
        remote = await super().create(ticket, follows)
        self.created.append(ticket.posts[0].id)
        self._raise(self.after, "create")
        return remote

    def _raise(self, faults, verb):
        if faults.get(verb):
            raise faults[verb].pop(0)


class Clock(SystemClock):
    def __init__(self):
        self.ms = START

    def now(self):
        return self.ms


@pytest.fixture
async def desk(tmp_path):
    """(engine, sink, deliverer, clock)."""
    clock = Clock()
    stages = [Screen(judge), Profile(), Assess(RULES, judge)]
    engine = EmbeddedEngine(tmp_path / "e.db", stages, clock=clock.now, routes=[Route("queue")])
    engine.start()
    sink = FaultyQueue(tmp_path / "queue.db")
    yield (
        engine,
        sink,
        Deliverer(sink, EmbeddedLedger(engine, "queue"), converge, clock=clock, concurrency=1, spread=lambda: 1.0),
        clock,
    )
    await sink.aclose()
    await asyncio.to_thread(engine.stop)


async def publish(engine, *posts):
    await engine.publish(list(posts))
    await engine.settled()


async def entries(engine):
    return await engine.call(lambda store: store.deliveries("queue"))


async def test_a_ticket_is_delivered_and_the_ledger_agrees_with_the_queue(desk):
    engine, sink, deliverer, _ = desk
    await publish(engine, mention("1"))
    await deliverer.drain()
    (entry,) = await entries(engine)
    held = (await sink.find(entry.ticket_id))[0]
    assert entry.state == "settled" and entry.intent is None
    assert entry.held.remote_id == held.remote_id and held.rank_key == entry.wanted.ticket.rank_key


async def test_the_highest_rank_goes_first(desk):
    engine, sink, deliverer, _ = desk
    await publish(
        engine, mention("1", author="a"), mention("2", "help fire", author="b", minute=50), mention("3", author="c")
    )
    await deliverer.drain()
    assert sink.created[0] == "x:2"


async def test_an_answer_lost_after_the_create_makes_no_second_ticket(desk):
    engine, sink, deliverer, clock = desk
    sink.after["create"] = [Transient("connection lost")]
    await publish(engine, mention("1"))
    await deliverer.drain()
    (entry,) = await entries(engine)
    assert entry.state == "pending" and entry.intent is not None and entry.attempts == 1
    clock.ms += 3_600_000
    await deliverer.drain()
    (entry,) = await entries(engine)
    assert entry.state == "settled" and sink.created == ["x:1"]


async def test_retry_after_is_a_floor_for_the_whole_sink(desk):
    engine, sink, deliverer, clock = desk
    sink.before["create"] = [Transient("slow down", retry_after=120.0)]
    await publish(engine, mention("1"), mention("2", author="ben"))
    await deliverer.drain()
    assert sink.created == []
    clock.ms += 119_000
    await deliverer.drain()
    assert sink.created == []
    clock.ms += 3_000
    await deliverer.drain()
    assert sorted(sink.created) == ["x:1", "x:2"]


async def test_a_clock_that_was_ahead_and_is_set_back_holds_up_nothing(desk):
    engine, sink, deliverer, clock = desk
    clock.ms += 3 * 3_600_000
    sink.before["create"] = [Transient("slow down", retry_after=120.0)]
    await publish(engine, mention("1"), mention("2", author="ben"))
    await deliverer.drain()
    assert sink.created == []
    clock.ms -= 3 * 3_600_000
    await deliverer.drain()
    assert sorted(sink.created) == ["x:1", "x:2"]


async def test_a_revoked_token_pauses_the_sink_and_loses_nothing(desk):
    engine, sink, deliverer, clock = desk
    sink.before["create"] = [Refused("401: the token was revoked")]
    await publish(engine, mention("1"), mention("2", author="ben"))
    await deliverer.drain()
    assert sink.created == [] and "revoked" in deliverer.trouble
    clock.ms += 60_000
    await deliverer.drain()
    assert sorted(sink.created) == ["x:1", "x:2"] and deliverer.trouble is None


async def test_a_ticket_refused_for_good_is_told_and_the_others_flow(desk):
    engine, sink, deliverer, _ = desk
    sink.before["create"] = [Permanent("requester suspended")]
    await publish(engine, mention("1"), mention("2", author="ben"))
    await deliverer.drain()
    states = sorted((entry.state, entry.error) for entry in await entries(engine))
    assert states == [("dead", "requester suspended"), ("settled", None)]


async def test_a_dead_ticket_is_tried_again_when_its_author_writes_more(desk):
    engine, sink, deliverer, _ = desk
    sink.before["create"] = [Permanent("requester suspended")]
    await publish(engine, mention("1"))
    await deliverer.drain()
    await publish(engine, mention("2", "help now", minute=5))
    await deliverer.drain()
    assert [entry.state for entry in await entries(engine)] == ["settled"]


async def test_after_many_failures_one_write_tries_whether_the_helpdesk_is_back(desk):
    engine, sink, deliverer, clock = desk
    sink.before["create"] = [Transient("down") for _ in range(8)]
    await publish(engine, *(mention(str(n), author=f"a{n}") for n in range(20)))
    for _ in range(60):
        await deliverer.drain()
        clock.ms += 30_000
    assert len(sink.created) == 20 and len(set(sink.created)) == 20


async def test_a_result_that_cannot_be_stored_does_not_hammer_the_helpdesk(desk):
    engine, sink, deliverer, clock = desk
    await publish(engine, mention("1"))
    settle, tries = deliverer._ledger.settle, 0

    async def full(entry, change, letter=None):
        nonlocal tries
        tries += 1
        raise Backpressure("no space left on device", retry_after=5.0)

    deliverer._ledger.settle = full
    await deliverer.drain()
    assert tries == TRIP_AFTER and "no space" in deliverer.trouble
    deliverer._ledger.settle = settle
    clock.ms += 60_000
    await deliverer.drain()
    assert sink.created == ["x:1"] and deliverer.trouble is None


async def test_a_ticket_that_leaves_the_brands_of_a_sink_is_kept_up_there(tmp_path):
    """Or a deletion would never reach what stands there."""

    async def run(brand, *posts):
        stages = [Screen(judge), Profile(), Assess(RULES, judge)]
        engine = EmbeddedEngine(tmp_path / "e.db", stages, clock=Clock().now, routes=[Route("queue", (brand,))])
        engine.start()
        await publish(engine, *posts)
        found = await entries(engine)
        await asyncio.to_thread(engine.stop)
        return [len(entry.wanted.ticket.posts) for entry in found]

    assert await run("acme", mention("1")) == [1]
    assert await run("another", mention("2", "help now", minute=5), mention("3", author="ben")) == [2]


async def test_a_newer_version_that_came_during_a_write_is_written_next(desk):
    engine, sink, deliverer, _ = desk
    await publish(engine, mention("1"))
    original = sink.create

    async def slow(ticket, follows=None):
        await publish(engine, mention("2", "help now", minute=5))
        return await original(ticket, follows)

    sink.create = slow
    await deliverer.drain()
    (entry,) = await entries(engine)
    assert entry.state == "settled" and set(entry.held.posts) == {"x:1", "x:2"}


async def test_one_ticket_is_written_by_one_task_at_a_time_and_others_side_by_side(desk):
    engine, sink, _, clock = desk
    await publish(engine, mention("1"), mention("2", author="ben"))
    running, seen = [], []

    async def watched(sink, entry):
        running.append(entry.ticket_id)
        seen.append(list(running))
        if len(seen) == 1:  # more work comes for it while it is written
            await publish(engine, mention("3", "help now", minute=5), mention("4", "help now", author="ben", minute=5))
            await deliverer._start_work()
        try:
            return await converge(sink, entry)
        finally:
            running.remove(entry.ticket_id)

    deliverer = Deliverer(
        sink, EmbeddedLedger(engine, "queue"), watched, clock=clock, concurrency=4, spread=lambda: 1.0
    )
    await deliverer.drain()
    assert all(len(set(ids)) == len(ids) for ids in seen) and max(map(len, seen)) == 2
    assert {entry.state for entry in await entries(engine)} == {"settled"}


async def test_superseded_versions_are_skipped_but_no_post_is(desk):
    engine, sink, deliverer, _ = desk
    for n in range(1, 6):
        await publish(engine, mention(str(n), minute=n))
    await deliverer.drain()
    (entry,) = await entries(engine)
    assert sink.created == ["x:1"] and len(entry.held.posts) == 5


async def test_what_people_do_in_the_queue_comes_back_to_the_author(desk):
    engine, sink, deliverer, _ = desk
    await publish(engine, mention("1"))
    await deliverer.drain()
    await deliverer.observe_once()
    (entry,) = await entries(engine)
    sink.solve(entry.ticket_id)
    assert await deliverer.observe_once() == 1
    await engine.settled()
    (ticket,) = await engine.call(lambda store: store.tickets(("solved",), 10))
    assert ticket.id == entry.ticket_id


async def test_an_answer_that_nobody_foresaw_does_not_end_observing(desk):
    _, sink, deliverer, clock = desk
    tried, again = 0, asyncio.Event()

    async def observe(cursor):
        nonlocal tried
        tried += 1
        if tried == 1:
            raise KeyError("id")
        again.set()
        return Observed(events=(), cursor={})

    async def sleep(seconds):
        await asyncio.sleep(0)

    sink.observe, clock.sleep = observe, sleep
    stop = asyncio.Event()
    running = asyncio.create_task(deliverer.run(stop))
    await asyncio.wait_for(again.wait(), 10)
    stop.set()
    await running


def test_a_small_move_of_the_due_time_is_no_work_and_a_large_one_is(operation):
    settled = msgspec.structs.replace(deliver.take_in(None, operation(1, due=0), "q", 5.0), state="settled")
    assert deliver.take_in(settled, operation(2, due=4), "q", 5.0).state == "settled"
    assert deliver.take_in(settled, operation(2, due=6), "q", 5.0).state == "pending"


def test_many_small_moves_add_up_to_work(operation):
    entry = deliver.take_in(None, operation(1, due=0), "q", 5.0)
    entry = deliver.finish(entry, entry, Held(remote_id="1", version=1, rank_key=operation(1, due=0).ticket.rank_key))
    entry = deliver.take_in(entry, operation(2, due=3), "q", 5.0)
    assert entry.state == "settled"
    assert deliver.take_in(entry, operation(3, due=6), "q", 5.0).state == "pending"


def test_an_erasure_after_a_delete_is_work_though_only_the_name_changes(operation):
    settled = msgspec.structs.replace(deliver.take_in(None, operation(1, due=0), "q", 5.0), state="settled")
    erased = operation(2, due=0)
    nameless = msgspec.structs.replace(
        erased.ticket, subject="[erased]", author_name=None, author_handle=None, author_url=None
    )
    erased = msgspec.structs.replace(erased, ticket=nameless)
    assert deliver.take_in(settled, erased, "q", 5.0).state == "pending"


def test_an_older_version_changes_nothing(operation):
    entry = deliver.take_in(None, operation(3, due=0), "q", 5.0)
    assert deliver.take_in(entry, operation(2, due=60), "q", 5.0) is entry


def test_waiting_grows_with_every_attempt_and_is_bounded(operation):
    entry, waits = deliver.take_in(None, operation(1, due=0), "q", 5.0), []
    for _ in range(20):
        entry = deliver.fail(entry, START, "down", None, 1.0)
        waits.append(deliver.ready_at(entry) - START)
    assert all(a <= b for a, b in itertools.pairwise(waits)) and waits[-1] <= 601_000


@pytest.fixture
def operation():
    """A ticket operation of a version, due so many minutes after START."""
    from records.tickets import TicketOperation
    from records.times import MINUTE, from_ms
    from streams.author import AuthorState, merge
    from streams.derive import derive

    from .conftest import spoke

    ticket = derive(merge(AuthorState(), spoke(mention("1"))), "x:anna", RULES)[0].ticket

    def make(version: int, due: int) -> TicketOperation:
        moved = msgspec.structs.replace(ticket, due_at=from_ms(START + due * MINUTE), rank_key=1000 - due)
        return TicketOperation(ticket_id=ticket.id, version=version, op="rerank", ticket=moved)

    return make
