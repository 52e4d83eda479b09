"""The states of a partition, against a model that is too simple to be wrong."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.errors import HilferufError
from streams.kafka import state as state_module
from streams.kafka.state import States
from tests.streams.kafka.small_stage import Small, Sum

STAGE = Small()
keys = st.sampled_from("abc")
sums = st.builds(Sum, total=st.integers(0, 3), due=st.one_of(st.none(), st.integers(0, 3)))
moves = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys, sums),
        st.tuples(st.just("put"), keys, st.none()),
        st.tuples(st.just("restore"), keys, st.one_of(st.none(), sums)),
        st.tuples(st.just("due"), st.integers(0, 4), st.integers(1, 3)),
        st.tuples(st.just("rewind")),
        st.tuples(st.just("settle")),
        st.tuples(st.just("again")),
    ),
    max_size=40,
)


class Model:
    """One dictionary, one of the timers that are set, and what has fired."""

    def __init__(self) -> None:
        self.states: dict[str, Sum] = {}
        self.timers: dict[str, int] = {}
        self.fired: dict[str, int] = {}

    def put(self, key, state):
        if state is None:
            self.states.pop(key, None)
            self.timers.pop(key, None)
            return
        self.states[key] = state
        if state.due is None:
            self.timers.pop(key, None)
        else:
            self.timers[key] = state.due

    def due(self, now, limit):
        waiting = sorted((at, key) for key, at in self.timers.items() if at <= now and self.fired.get(key) != at)[
            :limit
        ]
        self.fired |= {key: at for at, key in waiting}
        return [key for _, key in waiting]

    def settle(self):
        for key, at in self.fired.items():
            if self.timers.get(key) == at:
                del self.timers[key]
        self.fired = {}


def dumped(state):
    return None if state is None else STAGE.dump(state)


@settings(max_examples=400)
@given(moves)
def test_states_and_timers_are_those_of_the_model(steps):
    states, model = States(STAGE), Model()
    for what, *rest in steps:
        if what in ("put", "restore"):
            if what == "put" or rest[1] is None or model.fired == {}:
                model.put(*rest)
                key, state = rest
                states.put(key, state, dumped(state)) if what == "put" else states.restore(key, dumped(state))
        elif what == "due":
            assert states.due(*rest) == model.due(*rest)
        elif what == "rewind":
            model.fired = {}
            states.rewind()
        elif what == "settle":
            model.settle()
            states.settle()
        elif what == "again" and model.fired == {}:  # a snapshot, as a restart loads it
            rows, states = states.stored(), States(STAGE)
            states.load(rows)
        assert len(states) == len(model.states)
        assert {key: states.get(key) for key in "abcdef"} == {key: model.states.get(key) for key in "abcdef"}
        assert states.keys_after("b", 2) == sorted(key for key in model.states if key > "b")[:2]
        assert dict(states.items()) == model.states
        waiting = [at for key, at in model.timers.items() if model.fired.get(key) != at]
        first = states.next_due()
        assert not waiting or (first is not None and first <= min(waiting))


def put(states: States[Sum], key: str, state: Sum | None) -> None:
    states.put(key, state, dumped(state))


def test_timers_come_by_time_and_then_by_key_and_as_many_as_are_asked_for():
    states = States(STAGE)
    for key, at in (("c", 1), ("a", 2), ("b", 1), ("d", 9)):
        put(states, key, Sum(due=at))
    assert states.due(5, 2) == ["b", "c"]
    assert states.due(5, 2) == ["a"]
    assert states.due(5, 2) == []


def test_a_turn_that_is_run_again_sees_its_timers_again():
    states = States(STAGE)
    put(states, "a", Sum(due=1))
    assert states.due(5, 9) == ["a"]
    states.rewind()
    assert states.due(5, 9) == ["a"]


def test_a_timer_whose_step_failed_waits_for_the_next_change():
    states = States(STAGE)
    put(states, "a", Sum(due=1))
    assert states.due(5, 9) == ["a"]
    states.settle()
    assert states.due(5, 9) == [] and states.next_due() is None
    put(states, "a", Sum(total=1, due=1))
    assert states.due(5, 9) == ["a"]


def test_an_early_timer_that_was_moved_away_and_back_comes_once():
    states = States(STAGE)
    for at in (1, 2, 1, 2, 1):
        put(states, "a", Sum(due=at))
    assert states.due(5, 9) == ["a"]


def test_moved_timers_do_not_pile_up():
    states = States(STAGE)
    for at in range(5_000):
        put(states, "a", Sum(due=at))
    assert len(states._timers) < 1_100


def test_a_state_of_nothing_is_a_state():
    states = States(STAGE)
    put(states, "a", Sum())
    assert states.get("a") == Sum() and len(states) == 1


def test_old_states_are_held_as_bytes_only(monkeypatch):
    monkeypatch.setattr(state_module, "LIVE", 8)
    states = States(STAGE)
    for number in range(100):
        put(states, str(number), Sum(total=number))
    assert len(states._live) <= 8 and len(states) == 100
    assert all(states.get(str(number)) == Sum(total=number) for number in range(100))


def test_a_state_that_cannot_be_read_is_an_error_that_names_no_person():
    states = States(STAGE)
    states.load([("x:anna", None, b"{")])
    with pytest.raises(HilferufError, match="cannot be read") as caught:
        states.get("x:anna")
    assert "anna" not in str(caught.value)


def test_a_changelog_record_that_cannot_be_read_is_told_at_once_where_timers_hang_on_it():
    with pytest.raises(HilferufError, match="cannot be read"):
        States(STAGE).restore("a", msgspec.json.encode({"total": "many"}))
