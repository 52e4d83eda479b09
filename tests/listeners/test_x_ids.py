"""X's ids carry the time of posting."""

from hypothesis import given
from hypothesis import strategies as st

from listeners.x_ids import first_of, number, rewind, time_of


@given(st.integers(1_290_000_000_000, 3_000_000_000_000))
def test_an_id_carries_its_time(ms):
    assert time_of(first_of(ms)) == ms
    assert time_of(first_of(ms) + (1 << 22) - 1) == ms


def test_the_time_of_a_known_id():
    assert time_of(1578516068309794817) == 1665182532752  # 2022-10-07T22:42:12.752Z


def test_rewinding_goes_back_in_time_and_never_below_one():
    assert time_of(rewind(first_of(1_700_000_120_000), 120)) == 1_700_000_000_000
    assert rewind(5, 120) == 1


def test_ids_older_than_snowflake_have_no_time():
    assert time_of(1234) is None


def test_only_digits_are_a_number():
    assert [number(text) for text in ("12", "", "1a", None, "１２", "9" * 21)] == [12, None, None, None, None, None]
