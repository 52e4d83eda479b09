"""How long to wait before the next try."""

from hypothesis import given
from hypothesis import strategies as st

from listeners.backoff import Backoff, Circuit


@given(st.integers(1, 500), st.floats(0, 0.999999), st.floats(0, 1000))
def test_a_wait_lies_between_the_floor_and_the_ceiling(attempt, random, floor):
    backoff = Backoff(5.0, 320.0)
    wait = backoff.wait(attempt, lambda: random, floor)
    assert floor <= wait <= max(floor, backoff.ceiling(attempt)) <= max(floor, 320.0)


def test_doubling_grows_to_its_cap():
    assert [Backoff(5, 320).ceiling(n) for n in range(1, 9)] == [5, 10, 20, 40, 80, 160, 320, 320]


def test_linear_grows_by_its_base():
    assert [Backoff(0.25, 1.0, "linear").ceiling(n) for n in range(1, 6)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_the_wait_is_full_jitter():
    assert Backoff(5, 320).wait(3, lambda: 0.5) == 10
    assert Backoff(5, 320).wait(3, lambda: 0.0) == 0


def test_an_open_circuit_lets_one_call_through_and_opens_again_on_its_failure():
    circuit = Circuit(threshold=3, seconds=60)
    for _ in range(3):
        assert circuit.closed_in(0) == 0
        circuit.failed(0)
    assert circuit.closed_in(0) == 60
    assert circuit.closed_in(60_000) == 0
    circuit.failed(60_000)
    assert circuit.closed_in(60_000) == 60
    circuit.succeeded()
    assert circuit.closed_in(60_000) == 0
