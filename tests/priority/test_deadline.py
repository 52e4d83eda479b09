"""When an answer is due: opening hours, holidays, time zones, leagues."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from priority.business_hours import BusinessHours, parse_span
from priority.deadline import EPOCH, LATEST, FirstResponse, due, rank_key, target
from priority.settings import Calendar, League, Open
from priority.strategy import Strategy
from records.times import HOUR, MINUTE, from_ms, to_ms

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT_AND_DAY = ((parse_span("00:00-24:00"),),) * 7


def at(text: str) -> int:
    """Wall time in Berlin as ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * 1000


def due_at(opened: str, minutes: int, strategy: Strategy | None = None) -> str:
    moment = due(at(opened), FirstResponse(minutes, always=False), strategy or Strategy())
    return datetime.fromtimestamp(moment // 1000, BERLIN).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("opened", "minutes", "expected"),
    [
        ("2026-11-25 10:00", 120, "2026-11-25 12:00"),  # inside the day
        ("2026-11-25 18:00", 120, "2026-11-25 20:00"),  # ends with the day, and not the next morning
        ("2026-11-25 19:00", 120, "2026-11-26 09:00"),  # over night
        ("2026-11-25 20:00", 30, "2026-11-26 08:30"),  # posted at closing time
        ("2026-11-25 03:00", 30, "2026-11-25 08:30"),  # before opening
        ("2026-11-28 15:30", 60, "2026-11-30 08:30"),  # Saturday afternoon, over Sunday
        ("2026-12-24 19:30", 60, "2026-12-28 08:30"),  # over both days of Christmas and a Sunday
    ],
)
def test_due_time_counts_opening_hours_only(opened, minutes, expected):
    assert due_at(opened, minutes) == expected


def test_a_league_is_due_at_night():
    moment = due(at("2026-11-29 03:00"), FirstResponse(20, always=True), Strategy())
    assert moment == at("2026-11-29 03:20")


def test_a_holiday_given_as_a_date_closes_that_year_only():
    strategy = msgspec.structs.replace(Strategy(), calendar=Calendar(holidays=("2026-04-03",)))
    assert due_at("2026-04-02 19:30", 60, strategy) == "2026-04-04 09:30"
    assert due_at("2025-04-03 10:00", 60, strategy) == "2025-04-03 11:00"


def test_a_lunch_break_does_not_count():
    strategy = msgspec.structs.replace(Strategy(), calendar=Calendar(open=Open(wed=("08:00-12:00", "13:00-18:00"))))
    assert due_at("2026-11-25 11:30", 60, strategy) == "2026-11-25 13:30"


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        (
            "2026-03-28T12:00:00.000Z",
            "2026-03-29T13:00:00.000Z",
        ),  # the night has 23 hours of wall time, and 25 h are 25 h
        ("2026-10-24T12:00:00.000Z", "2026-10-25T13:00:00.000Z"),
    ],
)
def test_a_service_that_never_closes_loses_and_gains_nothing_when_clocks_change(opened, expected):
    hours = BusinessHours(BERLIN, NIGHT_AND_DAY)
    assert from_ms(hours.after(to_ms(opened), 25 * HOUR)) == expected


@pytest.mark.parametrize(("day", "hours_open"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-25", 24)])
def test_a_day_around_the_clock_has_as_many_hours_as_it_has(day, hours_open):
    (span,) = BusinessHours(BERLIN, NIGHT_AND_DAY).spans(datetime.fromisoformat(day).toordinal())
    assert span[1] - span[0] == hours_open * HOUR


@pytest.mark.parametrize(
    ("span", "day", "expected"),
    [
        ("01:00-02:30", "2026-03-29", [("00:00", "01:00")]),  # the last half hour is skipped
        ("02:15-02:45", "2026-03-29", []),  # never happens
        ("02:30-04:00", "2026-03-29", [("01:00", "02:00")]),  # opens with the jump
        ("02:15-02:45", "2026-10-25", [("00:15", "01:45")]),  # comes twice, open through both
    ],
)
def test_wall_times_that_are_skipped_or_doubled(span, day, expected):
    hours = BusinessHours(BERLIN, ((parse_span(span),),) * 7)
    found = hours.spans(datetime.fromisoformat(day).toordinal())
    assert [tuple(from_ms(moment)[11:16] for moment in each) for each in found] == expected


@given(st.integers(EPOCH, EPOCH + 20 * 365 * 24 * HOUR), st.integers(1, 3000), st.integers(0, 3000))
def test_a_longer_target_and_a_later_post_are_never_due_earlier(opened, minutes, more):
    strategy, response = Strategy(), FirstResponse(minutes, always=False)
    moment = due(opened, response, strategy)
    assert moment >= opened + minutes * MINUTE
    assert due(opened, FirstResponse(minutes + more, always=False), strategy) >= moment
    assert due(opened + more * MINUTE, response, strategy) >= moment


@given(st.integers(EPOCH, EPOCH + 20 * 365 * 24 * HOUR), st.integers(1, 3000))
def test_the_opening_time_between_post_and_due_time_is_the_target(opened, minutes):
    hours = Strategy().business_hours
    moment = due(opened, FirstResponse(minutes, always=False), Strategy())
    first = datetime.fromtimestamp(opened / 1000, UTC).toordinal() - 1
    last = datetime.fromtimestamp(moment / 1000, UTC).toordinal() + 1
    spans = [span for ordinal in range(first, last + 1) for span in hours.spans(ordinal)]
    assert sum(max(0, min(end, moment) - max(start, opened)) for start, end in spans) == minutes * MINUTE


@given(st.integers(EPOCH, EPOCH + 20 * 365 * 24 * HOUR), st.integers(0, 7 * 24 * 60))
def test_nobody_is_overtaken_by_a_post_later_than_longest_minus_shortest(opened, more):
    strategy = Strategy()
    target_x = strategy.targets.channels["x"]
    spread = FirstResponse(target_x.longest - target_x.shortest, always=False)
    later = due(opened, spread, strategy) + more * MINUTE
    first = due(opened, FirstResponse(target_x.longest, always=False), strategy)
    assert first <= due(later, FirstResponse(target_x.shortest, always=False), strategy)


@pytest.mark.parametrize("opened", [-(10**17), 0, 10**17])
def test_an_absurd_time_is_bounded(opened):
    for always in (True, False):
        assert EPOCH <= due(opened, FirstResponse(60, always), Strategy()) <= LATEST


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(EPOCH, LATEST)), min_size=2, max_size=20))
def test_rank_key_sorts_by_league_then_due_minute(pairs):
    by_key = sorted(pairs, key=lambda p: rank_key(*p), reverse=True)
    assert [(lg, d // MINUTE) for lg, d in by_key] == sorted(
        ((lg, d // MINUTE) for lg, d in pairs), key=lambda p: (-p[0], p[1])
    )


@given(st.integers(-5, 10**6), st.integers(-(10**18), 10**18))
def test_rank_key_fits_a_signed_32_bit_integer(league, moment):
    assert 0 <= rank_key(league, moment) < 2**31


def test_rank_key_of_a_known_moment():
    assert rank_key(0, to_ms("2020-01-01T00:01:59.000Z")) == 10**8 - 2
    assert rank_key(3, to_ms("2020-01-01T00:00:00.000Z")) == 4 * 10**8 - 1


@pytest.mark.parametrize(
    ("channel", "kind", "points", "expected"),
    [
        ("x", "post", 0, FirstResponse(120, False)),
        ("x", "post", 100, FirstResponse(30, False)),
        ("x", "post", 35, FirstResponse(75, False)),
        ("facebook", "comment", 0, FirstResponse(480, False)),
        ("facebook", "comment", 70, FirstResponse(120, False)),
        ("whatsapp", "other", 0, FirstResponse(60, False)),
        ("x", "direct_message", 0, FirstResponse(60, False)),
        ("forum", "post", 0, FirstResponse(480, False)),
    ],
)
def test_targets_by_channel_and_kind_shrink_with_the_score(make, channel, kind, points, expected):
    assert target(make.case(make.post(kind=kind), channel=channel), points, None, Strategy()) == expected


def test_the_oldest_unanswered_post_decides_which_kind_counts(make):
    case = make.case(
        make.post(9, kind="direct_message", answered=True), make.post(5), make.post(1, kind="direct_message")
    )
    assert target(case, 0, None, Strategy()).minutes == 120


def test_a_league_brings_its_own_target_around_the_clock(make):
    league = League(rank=3, longest=20, shortest=10)
    assert target(make.case(), 0, league, Strategy()) == FirstResponse(20, True)
