"""The base of all polling listeners: sweeps, marks, crashes, limits."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listeners.imitations.memory import MemoryPublisher, StepClock
from listeners.poll import Checkpoint, Page, PollListener, TokenExpired, advance
from records.errors import Permanent, Refused, Transient
from tests.listeners.mentions import mention


class Kill(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


class Board(PollListener):
    """A poll channel over in-memory lists; `trouble` holds what the next calls raise."""

    def __init__(self, clock, items, *, size=3, **more):
        super().__init__("board", "forum", clock=clock, interval=60.0, rng=lambda: 0.5, **more)
        self.lists = items if isinstance(items, dict) else {"wall": items}
        self.size, self.calls, self.trouble, self.first = size, [], [], None

    async def sources(self):
        return list(self.lists)

    def first_mark(self, source):
        return self.first

    async def page(self, source, checkpoint, token):
        self.calls.append((source, token))
        if self.trouble:
            problem = self.trouble.pop(0)
            if problem is not None:
                raise problem
        # A token names the item to go on below, so that new posts do not shift the pages.
        below = None if token is None else int(token)
        items = sorted((n for n in self.lists[source] if below is None or n < below), reverse=True)
        page = items[: self.size]
        return Page(
            mentions=tuple(mention(n) for n in page),
            newest=page[0] if page else None,
            oldest=page[-1] if page else None,
            next_token=str(page[-1]) if len(items) > self.size else None,
        )


async def run_rounds(listener, out, clock, rounds):
    """Lets the listener sleep so many times, then stops it."""
    stop = asyncio.Event()
    sleep = clock.sleep

    async def counted(seconds):
        nonlocal rounds
        rounds -= 1
        if rounds <= 0:
            stop.set()
        await sleep(seconds)

    clock.sleep = counted
    try:
        async with asyncio.timeout(10):
            await listener.run(out, stop)
    finally:
        clock.sleep = sleep


def ids(numbers):
    return {f"x:{n}" for n in numbers}


async def test_a_sweep_reads_every_page_and_then_moves_the_mark(clock, out):
    board = Board(clock, range(1, 11))
    await run_rounds(board, out, clock, 1)
    assert set(out.ids) == ids(range(1, 11))
    assert out.cursors["board:wall"] == {"done_to": 10}


async def test_the_next_sweep_stops_where_the_last_began(clock, out):
    board = Board(clock, list(range(1, 11)))
    await run_rounds(board, out, clock, 1)
    board.lists["wall"].append(11)
    out.mentions.clear()
    await run_rounds(board, out, clock, 2)
    assert out.ids[0] == "x:11"
    assert len(out.mentions) <= 6  # two sweeps of one page, none of them down to the bottom
    assert clock.slept[-1] == 60.0


@settings(max_examples=60, deadline=None)
@given(
    crash_after=st.lists(st.integers(0, 6), max_size=6),
    arriving=st.lists(st.integers(0, 4), min_size=7, max_size=7),
    size=st.integers(1, 4),
)
def test_nothing_is_lost_wherever_it_crashes(crash_after, arriving, size):
    async def story():
        clock, out, items = StepClock(), MemoryPublisher(), list(range(1, 8))
        for turn, pages in enumerate([*crash_after, 99]):
            items.extend(range(len(items) + 1, len(items) + 1 + arriving[turn]))
            board = Board(clock, items, size=size)
            board.trouble = [None] * pages + [Kill()]
            if pages == 99:
                await run_rounds(board, out, clock, 8)
                break
            with pytest.raises(Kill):
                await run_rounds(board, out, clock, 10_000)
        assert set(out.ids) == ids(items)
        assert out.cursors["board:wall"] == {"done_to": len(items)}

    asyncio.run(story())


async def test_backpressure_loses_nothing_and_leaves_the_cursor(clock, out):
    out.full = 4
    board = Board(clock, range(1, 5))
    await run_rounds(board, out, clock, 6)
    assert out.refused == 4
    assert set(out.ids) == ids(range(1, 5))


async def test_stop_while_the_engine_is_full_moves_no_cursor(clock, out):
    out.full = 10_000
    board = Board(clock, range(1, 5))
    await run_rounds(board, out, clock, 3)
    assert out.mentions == []
    assert out.cursors == {}


async def test_retry_after_is_a_floor_for_the_whole_listener(clock, out):
    board = Board(clock, {"wall": [1], "ratings": [2]})
    board.trouble = [Transient("slow down", retry_after=120)]
    await run_rounds(board, out, clock, 2)
    assert clock.slept[0] >= 120
    assert len(board.calls) == 3
    assert set(out.ids) == ids([1, 2])


async def test_a_refused_source_waits_and_says_so_while_the_others_go_on(clock, out):
    board = Board(clock, {"wall": [1], "ratings": [2]}, refused_seconds=300)
    board.trouble = [Refused("the token of the page was revoked")]
    seen = []
    sleep = clock.sleep

    async def watched(seconds):
        seen.append(board.health().state)
        await sleep(seconds)

    clock.sleep = watched
    await run_rounds(board, out, clock, 8)
    assert out.ids[0] == "x:2"
    assert seen[0] == "auth_failed"
    assert seen[-1] == "live"
    assert [source for source, _ in board.calls].count("wall") <= 4
    assert set(out.ids) == ids([1, 2])
    assert board.health().state == "stopped"


async def test_a_source_that_never_succeeds_does_not_stop_the_others(clock, out):
    board = Board(clock, {"gone": [1], "wall": [2]})
    board.trouble = [Permanent("the post was deleted")]
    await run_rounds(board, out, clock, 1)
    assert out.ids == ["x:2"]


async def test_failures_open_the_circuit_for_all_sources(clock, out):
    board = Board(clock, {f"post{n}": [n] for n in range(30)})
    board.trouble = [Transient("503")] * 6
    await run_rounds(board, out, clock, 1)
    assert len(board.calls) == 5
    assert clock.slept[0] >= 60


async def test_an_expired_token_starts_the_sweep_again(clock, out):
    board = Board(clock, range(1, 11))
    board.trouble = [None, TokenExpired("token")]
    await run_rounds(board, out, clock, 2)
    assert set(out.ids) == ids(range(1, 11))
    assert out.cursors["board:wall"] == {"done_to": 10}


async def test_an_unforeseen_fault_is_tried_again_and_tells_no_text(clock, out):
    board = Board(clock, [1, 2])
    board.trouble = [KeyError("access_token=GEHEIM")]
    await run_rounds(board, out, clock, 3)
    assert set(out.ids) == ids([1, 2])
    assert board.health().reconnects == 1


async def test_the_first_mark_is_durable_before_the_first_call(clock, out):
    board = Board(clock, [])
    board.first = 5
    board.trouble = [Transient("503")]
    await run_rounds(board, out, clock, 1)
    assert out.cursors["board:wall"] == {"done_to": 5}


async def test_stop_ends_a_hanging_call_at_once(out):
    from listeners.clock import SystemClock

    board = Board(SystemClock(), [1])
    entered = asyncio.Event()

    async def hang(source, checkpoint, token):
        entered.set()
        await asyncio.sleep(3600)

    board.page = hang
    stop = asyncio.Event()
    task = asyncio.create_task(board.run(out, stop))
    await entered.wait()
    stop.set()
    await asyncio.wait_for(task, 1.0)


def test_a_page_moves_the_mark_only_at_the_end_of_its_sweep():
    before = Checkpoint(done_to=10)
    first = advance(before, Page(newest=30, oldest=21, next_token="a"))
    assert (first.done_to, first.sweep_top, first.sweep_token) == (10, 30, "a")
    last = advance(first, Page(newest=20, oldest=9, next_token="b"))
    assert last == Checkpoint(done_to=30)


def test_overlap_reads_below_the_mark():
    page = Page(newest=30, oldest=9, next_token="a")
    assert advance(Checkpoint(done_to=10), page, overlap=5).sweep_token == "a"
    assert advance(Checkpoint(done_to=10), page, overlap=1).sweep_token is None


def test_an_empty_page_keeps_the_mark():
    assert advance(Checkpoint(done_to=10), Page()) == Checkpoint(done_to=10)
