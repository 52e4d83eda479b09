"""A trigger is judged by its own past, and never by chance."""

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.health import FINDINGS, LEAST_HITS, examine
from lexicons.hits import DayCount, Heard

TODAY = date(2026, 3, 31)


def history(hits: list[int | None], mentions: int | list[int] = 1_000, name: str = "de.help") -> list[DayCount]:
    """One trigger, the last day is today; None: the trigger was not there yet."""
    each = mentions if isinstance(mentions, list) else [mentions] * len(hits)
    return [
        DayCount(
            day=(TODAY - timedelta(days=len(hits) - 1 - place)).isoformat(),
            mentions=each[place],
            hits={} if count is None else {name: count},
            groups={},
        )
        for place, count in enumerate(hits)
    ]


def state(hits: list[int | None], mentions: int | list[int] = 1_000, **limits: int) -> str:
    (one,) = examine(history(hits, mentions), TODAY.isoformat(), **limits)
    return one.state


def test_ten_times_its_usual_hits_is_an_explosion_and_says_what_would_have_been_in_order():
    (one,) = examine(history([20, 22, 18, 21, 19, 20, 20, 23, 200]), TODAY.isoformat())
    assert (one.state, one.day, one.on_day, one.usual) == ("exploding", "2026-03-31", 200, 20.0)
    assert one.bound is not None and 60 <= one.bound < 200


def test_an_explosion_of_yesterday_is_still_told_this_morning():
    assert state([20] * 8 + [200, 3]) == "exploding"
    assert state([20] * 8 + [200, 20, 3]) == "well"


@given(st.integers(0, 10_000), st.integers(8, 40), st.integers(1, 100_000))
def test_a_steady_trigger_never_explodes_and_never_dies(count, days, mentions):
    assert state([count] * days, mentions) == ("well" if count else "never")


@pytest.mark.parametrize("rate", [0.3, 1, 3, 10, 40])
def test_chance_alone_explodes_nothing(rate):
    for seed in range(30):
        chance = random.Random(seed)
        hits = [sum(chance.random() < rate / 200 for _ in range(200)) for _ in range(20)]
        assert state([*hits]) != "exploding", hits


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=7))
def test_nothing_explodes_in_its_first_week(hits):
    assert state([*hits]) in ("young", "never")


def test_a_trigger_that_is_new_in_an_old_lexicon_has_a_first_week_too():
    assert state([None] * 20 + [0, 0, 0, 0, 500]) == "young"


def test_few_hits_are_never_an_explosion():
    assert state([0] * 20 + [LEAST_HITS]) == "well"
    assert state([0] * 20 + [LEAST_HITS + 1]) == "exploding"


def test_a_trigger_that_grows_with_the_traffic_explodes_no_more_than_it():
    assert state([20] * 10 + [200], [1_000] * 10 + [10_000]) == "well"
    assert state([20] * 10 + [200], [1_000] * 10 + [1_500]) == "exploding"


def test_what_is_wild_every_day_needs_more_to_explode():
    wild = [0, 100, 20, 90, 5, 60, 50, 10, 95, 40]
    assert state([*wild, 200]) == "well"
    assert state([*wild, 500]) == "exploding"


def test_days_on_which_nobody_listened_are_not_usual_days():
    assert state([0] * 12 + [40] * 8 + [100], [0] * 12 + [1_000] * 9) == "well"


def test_one_wild_day_in_the_past_does_not_hide_the_next():
    assert state([20] * 6 + [900] + [20] * 6 + [200]) == "exploding"


def test_a_trigger_without_a_hit_for_a_week_is_dead_where_its_past_would_have_hit():
    (one,) = examine(history([5] * 10 + [0] * 7), TODAY.isoformat())
    assert (one.state, one.last, one.expected) == ("dead", "2026-03-24", 35.0)
    assert state([5] * 10 + [0] * 6) == "well"
    assert state([5] * 10 + [0] * 7, dead_days=10) == "well"


def test_a_rare_trigger_is_not_dead_after_a_quiet_week():
    assert state([1] + [0] * 9 + [1] + [0] * 8) == "well"


def test_nothing_dies_while_nobody_listens():
    assert state([5] * 10 + [0] * 10, [1_000] * 10 + [0] * 10) == "well"
    assert state([5] * 10 + [0] * 10, [1_000] * 10 + [1] * 10) == "well"


def test_a_silence_must_be_unlikely_at_an_even_rate():
    assert state([2] * 7 + [0] * 7) == "dead"  # fourteen hits, all in the first half: 2 ** -14
    assert state([1] * 7 + [0] * 7) == "well"
    assert state([1, 1] + [0] * 26) == "well", "two hits in two days are no rate"


@pytest.mark.parametrize("rate", [0.1, 0.3, 1, 3])
def test_chance_alone_kills_nothing(rate):
    for seed in range(40):
        chance = random.Random(seed)
        hits = [sum(chance.random() < rate / 100 for _ in range(100)) for _ in range(29)]
        assert state([*hits]) != "dead", hits


def group(hits: list[int], mentions: list[int], name: str = "language de") -> str:
    days = [
        DayCount(
            day=(TODAY - timedelta(days=len(hits) - 1 - place)).isoformat(),
            mentions=1_000,
            hits={},
            groups={name: Heard(mentions=mentions[place], hits=hits[place])},
        )
        for place in range(len(hits))
    ]
    (one,) = examine(days, TODAY.isoformat())
    assert f"{one.kind} {one.name}" == name
    return one.state


def test_a_language_that_came_in_and_was_never_hit_is_silent():
    assert group([0, 0, 0], [400, 300, 500]) == "silent"
    assert group([0, 0, 0], [0, 0, 1]) == "never"


def test_a_brand_that_was_named_and_is_not_any_more_is_silent_after_two_days():
    assert group([40, 50, 0, 0], [900] * 4, "brand acme") == "silent"
    assert group([40, 50, 40, 0], [900] * 4, "brand acme") == "well"


def test_findings_come_first_and_the_order_of_days_changes_nothing():
    days = [
        DayCount(day=a.day, mentions=a.mentions, hits=a.hits | b.hits, groups={})
        for a, b in zip(history([5] * 10 + [0] * 9, name="z"), history([5] * 19, name="a"), strict=True)
    ]
    found = examine(days, TODAY.isoformat())
    assert [one.state in FINDINGS for one in found] == [True, False]
    assert found == examine(list(reversed(days)), TODAY.isoformat())


def test_what_lies_before_the_window_or_after_today_counts_for_nothing():
    days = history([9] * 60)
    (one,) = examine(days, (TODAY - timedelta(days=10)).isoformat())
    assert (one.days, one.last) == (29, "2026-03-21")
