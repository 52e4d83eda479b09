"""Times as text and as milliseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.times import Moment, from_ms, read_time, to_ms

MS = st.integers(-62_135_596_800_000, 253_402_300_799_999)


@given(MS)
def test_milliseconds_survive_the_text(ms):
    assert to_ms(from_ms(ms)) == ms
    assert len(from_ms(ms)) == 24


@given(MS, MS)
def test_times_sort_as_text(one, other):
    assert (one < other) == (from_ms(one) < from_ms(other))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T09:30:00.250Z",
        "2026-11-20T09:30:00.25Z",
        "2026-11-20T10:30:00.250+01:00",
        "2026-11-20t09:30:00.250z",
        "2026-11-20 09:30:00.250Z",
        "2026-11-20T09:30:00.250999Z",
        "2026-11-19T22:30:00.250-11:00",
        " 2026-11-20T09:30:00.250Z\n",
        "1795167000.25",
        "1795167000250",
        1795167000.25,
        1795167000250,
        1795167000250000,
        1795167000250000000,
    ],
)
def test_every_form_of_a_time_is_read(text):
    assert read_time(text) == Moment(to_ms("2026-11-20T09:30:00.250Z"))


def test_a_leap_second_is_the_second_before_it():
    assert from_ms(read_time("2016-12-31T23:59:60Z").ms) == "2016-12-31T23:59:59.000Z"


def test_a_time_without_a_zone_says_so():
    assert read_time("2026-11-20T09:30:00") == Moment(to_ms("2026-11-20T09:30:00.000Z"), zoned=False)


def test_a_day_is_its_first_moment_and_says_so():
    assert read_time("2026-11-20") == Moment(to_ms("2026-11-20T00:00:00.000Z"), date_only=True)


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "2026-02-30T10:00:00Z", "2026-13-01", "0000-01-01T00:00:00Z", True, None, [], {}, float("nan"),
     float("inf"), 1e300, "9" * 30, "0001-01-01T00:00:00+14:00"],
)  # fmt: skip
def test_what_is_no_time_is_a_value_error(value):
    with pytest.raises(ValueError, match=r".+"):
        read_time(value)


@given(st.text() | st.floats() | st.integers())
def test_reading_never_fails_in_another_way(value):
    try:
        moment = read_time(value)
    except ValueError:
        return
    assert to_ms(from_ms(moment.ms)) == moment.ms


def test_a_timestamp_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        to_ms("2026-11-20T09:30:00")
