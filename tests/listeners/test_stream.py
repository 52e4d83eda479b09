"""The base loop of streams, over a channel without a network."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners.catch_up import Archive, FoundPage
from listeners.contract import Bad
from listeners.feed import Feed
from listeners.imitations.memory import MemoryPublisher
from listeners.poll import Checkpoint
from listeners.position import Position, load
from listeners.rates import Window
from listeners.stream import Ended, Heard, StreamListener
from records.errors import Permanent, Refused, Transient
from tests.listeners.mentions import mention


class Nowhere(Archive):
    def queries(self):
        return ()

    async def search(self, query, position, checkpoint):
        raise AssertionError


class Radio(StreamListener):
    """Each connection plays the next of `scripts`: a list of items, then how it ends (None: stays open)."""

    def __init__(self, clock, scripts, **more):
        super().__init__("radio", "x", clock=clock, rng=lambda: 1.0, **{"stall": 5.0, "settle": 1.0, **more})
        self.scripts, self.connections, self.trouble = list(scripts), 0, []

    async def prepare(self):
        if self.trouble:
            raise self.trouble.pop(0)

    async def connect(self, feed):
        self.connections += 1
        items, ended = self.scripts.pop(0) if self.scripts else ([], None)
        if ended is None or ended.reason in {"closed", "network"}:
            feed.opened()
        for item in items:
            if callable(item):
                if (waiting := item()) is not None:
                    await waiting
            elif not feed.put(item):
                break
            await asyncio.sleep(0)
        if ended is None:
            await asyncio.Event().wait()
        return ended

    def read(self, item, observed_at):
        if item == b"broken":
            return Heard(bad=(Bad(original=item, reason="broken", origin="radio"),))
        if item == b"unforeseen":
            raise KeyError("GEHEIM")
        return Heard(mentions=(mention(int(item)),), mark=int(item))

    def archive(self):
        return Nowhere()


async def play(listener, out, condition, seconds=5):
    stop = asyncio.Event()
    task = asyncio.create_task(listener.run(out, stop))
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                if task.done():
                    task.result()
                await asyncio.sleep(0.002)
    finally:
        stop.set()
        await asyncio.wait_for(task, 2)


CLOSED = Ended(reason="closed")


async def test_waits_follow_the_way_a_connection_ended(clock, out):
    ends = [
        CLOSED,
        CLOSED,
        Ended(reason="http", detail="HTTP 503"),
        Ended(reason="http", detail="HTTP 503"),
        Ended(reason="rate_limited", wait=700.0),
        Ended(reason="refused"),
    ]
    radio = Radio(clock, [([], end) for end in ends])
    await play(radio, out, lambda: radio.connections > len(ends))
    waits = [wait for wait in clock.slept if wait != 1.0]
    assert waits[:6] == [0.25, 0.5, 5.0, 10.0, 700.0, 300.0]


async def test_only_a_healthy_minute_makes_failures_forgotten(clock, out):
    scripts = [([], CLOSED)] * 2 + [([lambda: clock.advance(58)], CLOSED), ([lambda: clock.advance(61)], CLOSED)]
    radio = Radio(clock, scripts)
    await play(radio, out, lambda: radio.connections > 4)
    assert [wait for wait in clock.slept if wait != 1.0] == [0.25, 0.5, 0.75, 0.25]


async def test_the_budget_of_connections_is_kept(clock, out):
    radio = Radio(clock, [([], CLOSED)] * 30, connects=Window(3, 900.0))
    begun = clock.now()
    await play(radio, out, lambda: radio.connections >= 10)
    assert clock.now() - begun >= 2 * 900_000


async def test_a_failing_preparation_opens_no_connection(clock, out):
    radio = Radio(clock, [])
    radio.trouble = [Transient("503", 70.0), Refused("401"), Permanent("no rule is valid")]
    await play(radio, out, lambda: radio.connections)
    assert clock.slept[:3] == [70.0, 300.0, 300.0]


async def test_an_unforeseen_fault_of_one_item_becomes_a_dead_letter(clock, out):
    radio = Radio(clock, [([b"1", b"unforeseen", b"broken", b"2"], None)])
    await play(radio, out, lambda: "x:2" in out.ids)
    assert [letter.original for letter in out.bad] == [b"unforeseen", b"broken"]
    assert "GEHEIM" not in out.bad[0].reason
    assert out.ids == ["x:1", "x:2"]


async def test_a_silent_connection_is_dropped(clock, out):
    radio = Radio(clock, [], stall=0.1)
    await play(radio, out, lambda: radio.connections >= 2)
    assert out.cursors["radio"]


async def test_what_came_before_the_end_is_durable_before_the_next_connection(clock, out):
    radio = Radio(clock, [([b"1", b"2", b"3"], CLOSED)])
    await play(radio, out, lambda: radio.connections >= 2)
    assert out.ids == ["x:1", "x:2", "x:3"]


async def test_a_dead_engine_ends_the_listener_with_its_error(clock, out):
    async def dead(*_, **__):
        raise OSError("disk is gone")

    radio = Radio(clock, [([b"1"], None)])
    out.publish = dead
    with pytest.raises(OSError, match="disk"):
        await radio.run(out, asyncio.Event())


async def test_a_cursor_that_cannot_be_read_is_said_and_not_overwritten(clock, out):
    out.cursors["radio"] = {"done_to": "yesterday"}
    with pytest.raises(Permanent, match="cursor"):
        await Radio(clock, []).run(out, asyncio.Event())
    assert out.cursors["radio"] == {"done_to": "yesterday"}


async def test_a_full_feed_takes_no_more_until_it_ends():
    feed = Feed(limit=2)
    assert [feed.put(item) for item in (b"1", b"2", b"3", b"4")] == [True, True, False, False]
    assert feed.take(10) == [b"1", b"2"]
    assert feed.put(b"5") is False
    assert feed.overflowed


async def test_keep_alives_do_not_fill_a_feed():
    feed = Feed(limit=5)
    for _ in range(100):
        feed.alive()
    assert feed.take(10) == [None]


async def test_a_feed_wakes_the_loop_from_another_thread():
    feed = Feed()
    threading.Thread(target=feed.put, args=(b"1",)).start()
    await asyncio.wait_for(feed.changed(), 2)
    assert feed.take(1) == [b"1"]


marks = st.none() | st.integers(1, 10**6)


@given(marks, marks, st.dictionaries(st.sampled_from("ab"), marks), st.booleans())
def test_the_mark_never_goes_back(done_to, live_to, sweeps, lost):
    position = Position(done_to=done_to, lost=lost)
    for query, top in sweeps.items():
        position = position.swept(query, Checkpoint(done_to=top), lost=lost)
    assert position.done_to == done_to  # a gap is open
    closed = position.closed(live_to, tuple(sweeps), 5)
    known = [mark for mark in (done_to, live_to, *sweeps.values()) if mark is not None]
    assert closed.done_to == max(known, default=None)
    assert (closed.sweeps, closed.lost) == ({}, lost)
    assert load(closed.dump()) == closed


class Shelf(Archive):
    """Pages of one item each; what `trouble` holds is raised first."""

    def __init__(self, items, trouble=()):
        self.items, self.trouble, self.calls = items, list(trouble), []

    def queries(self):
        return ("q",)

    async def search(self, query, position, checkpoint):
        self.calls.append(checkpoint.sweep_token)
        if self.trouble and (problem := self.trouble.pop(0)) is not None:
            raise problem
        left = [n for n in self.items if n > (checkpoint.done_to or 0)]
        if checkpoint.sweep_token is not None:
            left = [n for n in left if n < int(checkpoint.sweep_token)]
        page = sorted(left, reverse=True)[:1]
        token = str(page[0]) if len(left) > 1 else None
        return FoundPage(mentions=tuple(map(mention, page)), newest=page[0] if page else None, next_token=token)


@pytest.mark.parametrize(
    "trouble", [Transient("503"), Transient("429", 600.0), Refused("403"), KeyError("token")], ids=str
)
async def test_a_failing_catch_up_is_tried_again_and_loses_nothing(clock, out, trouble):
    radio = Radio(clock, [])
    shelf = Shelf([5, 6, 7], [None, trouble])
    radio.archive = lambda: shelf
    out.cursors["radio"] = {"done_to": 4}
    await play(radio, out, lambda: out.cursors["radio"].get("done_to") == 7 and "sweeps" not in out.cursors["radio"])
    assert set(out.ids) == {"x:5", "x:6", "x:7"}


async def test_the_mark_stands_while_the_catch_up_is_not_through(clock):
    out = MemoryPublisher()
    seen = []
    publish = out.publish

    async def watched(mentions, *, cursor=None, **more):
        await publish(mentions, cursor=cursor, **more)
        if cursor is not None:
            seen.append((cursor.value.get("done_to"), bool(cursor.value.get("sweeps"))))

    out.publish = watched
    radio = Radio(clock, [([b"9"], None)])
    radio.archive = lambda: Shelf([5, 6, 7])
    out.cursors["radio"] = {"done_to": 4}
    await play(radio, out, lambda: seen and not seen[-1][1])
    assert {mark for mark, sweeping in seen if sweeping} == {4}
    assert seen[-1] == (9, False)


async def test_a_resumed_sweep_is_followed_by_one_from_the_top_at_once(clock, out):
    radio = Radio(clock, [])
    shelf = Shelf([5, 6, 7, 8])
    radio.archive = lambda: shelf
    half = {"done_to": 4, "sweep_top": 7, "sweep_token": "7"}
    out.cursors["radio"] = {"done_to": 4, "sweeps": {"q": half}}
    await play(radio, out, lambda: "sweeps" not in out.cursors["radio"])
    assert shelf.calls == ["7", "6", None, None]
    assert out.ids == ["x:6", "x:5", "x:8"]
    assert out.cursors["radio"]["done_to"] == 8


async def test_without_a_search_a_reconnect_is_a_gap_and_the_first_start_is_none(clock, out):
    radio = Radio(clock, [([b"1"], None)])
    await play(radio, out, lambda: out.ids and out.cursors["radio"].get("done_to") == 1)
    radio = Radio(clock, [])
    radio.scripts = [([], None)]
    await play(radio, out, lambda: out.cursors["radio"].get("lost"))
    closed = out.calls + 2  # the gap is confessed, then closed
    radio = Radio(clock, [([lambda: out.until(lambda: out.calls >= closed), b"2", b"3"], None)])
    await play(radio, out, lambda: out.cursors["radio"].get("done_to") == 3)
    assert [one.id for one in out.mentions if one.ingest.gap_before] == ["x:2"]
