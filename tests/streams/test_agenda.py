"""What is worked next, against a model that looks at everything; and what it costs, in operations of the heap."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import agenda as module
from streams.agenda import Agenda
from streams.deliver import LONGEST_WAIT

TICKETS = st.sampled_from("abcdef")
STEPS = st.one_of(
    st.tuples(st.just("put"), TICKETS, st.integers(0, 4), st.sampled_from([0, 0, 1, 2, 3])),
    st.tuples(st.just("remove"), TICKETS),
    st.tuples(st.just("wait"), st.integers(0, 2)),
    st.tuples(st.just("due"), st.integers(1, 4), st.sets(TICKETS, max_size=2)),
)


@given(st.lists(STEPS, max_size=60))
def test_it_gives_what_one_finds_by_looking_at_every_entry(steps):
    agenda, model, now = Agenda(), {}, 0
    for step in steps:
        match step:
            case ("put", ticket, rank, at):
                agenda.put(ticket, rank, at)
                model[ticket] = rank, at
            case ("remove", ticket):
                agenda.remove(ticket)
                model.pop(ticket, None)
            case ("wait", ticks):
                now += ticks
            case ("due", limit, busy):
                due = [(-rank, ticket) for ticket, (rank, at) in model.items() if at <= now and ticket not in busy]
                assert agenda.due(now, limit, busy) == [(-rank, ticket) for rank, ticket in sorted(due)[:limit]]
        assert len(agenda) == len(model)


class CountingHeap:
    """heapq, with every comparison-making call counted."""

    def __init__(self):
        self.calls = 0

    def heappush(self, heap, item):
        self.calls += 1
        heapq.heappush(heap, item)

    def heappop(self, heap):
        self.calls += 1
        return heapq.heappop(heap)

    def heapify(self, heap):
        self.calls += len(heap)
        heapq.heapify(heap)


@pytest.fixture
def heap(monkeypatch):
    counting = CountingHeap()
    monkeypatch.setattr(module, "heapq", counting)
    return counting


def test_an_emergency_waits_behind_none_of_ten_thousand_reranks(heap):
    agenda = Agenda()
    for version in range(20):
        for ticket in range(500):
            agenda.put(f"t{ticket}", 1_000 + version, 0)
    agenda.put("fire", 3 * 10**8, 0)
    heap.calls = 0
    assert agenda.due(0, 1) == [(3 * 10**8, "fire")]
    assert heap.calls == 2  # taken out and put back


def test_a_superseded_version_costs_one_operation_and_no_memory(heap):
    agenda = Agenda()
    for version in range(20_000):
        agenda.put("t", 20_000 - version, version % 2)  # every older one would go first, if it still counted
    assert len(agenda._ready) + len(agenda._waiting) < 1_100
    assert agenda.due(10, 5) == [(1, "t")]
    assert heap.calls < 3 * 20_000


def test_what_waits_for_its_time_keeps_nothing_from_going_first(heap):
    agenda = Agenda()
    for ticket in range(1_000):
        agenda.put(f"later{ticket}", 9_000, 60_000)
    agenda.put("now", 1, 0)
    heap.calls = 0
    assert agenda.due(59_999, 4) == [(1, "now")]
    assert heap.calls == 2
    assert len(agenda.due(60_000, 4)) == 4


def test_a_failed_write_is_due_again_when_its_time_has_come():
    agenda = Agenda()
    agenda.put("t", 5, 0)
    agenda.put("t", 5, 100)
    assert agenda.due(99, 1) == []
    assert agenda.due(100, 1) == [(5, "t")]
    agenda.put("t", 5, 300)
    assert agenda.due(299, 1) == []


def test_what_was_put_off_by_a_clock_that_was_wrong_is_due_at_once():
    agenda, now = Agenda(), 10**12
    agenda.put("before", 1, now + 2 * LONGEST_WAIT)
    agenda.put("honest", 2, now + LONGEST_WAIT)
    assert agenda.due(now, 9) == [(1, "before")]
    agenda.put("after", 3, now + 2 * LONGEST_WAIT)
    assert agenda.due(now, 9) == [(3, "after"), (1, "before")]
    assert agenda.due(now + LONGEST_WAIT, 9) == [(3, "after"), (2, "honest"), (1, "before")]


def test_a_clock_that_is_set_back_leaves_nothing_waiting_for_the_wrong_time():
    agenda, now = Agenda(), 10**12
    assert agenda.due(now, 9) == []
    agenda.put("late", 1, now + 1_000)
    agenda.put("later", 2, now + 1_000 - LONGEST_WAIT)
    assert agenda.due(now - 2 * LONGEST_WAIT, 9) == [(2, "later"), (1, "late")]
