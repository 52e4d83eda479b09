"""The whole score: shares that add up, caps that hold, the same case always the same."""

from copy import deepcopy
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from priority.deadline import rank_key
from priority.score import score, scorer
from priority.strategy import Strategy, load_strategy, packaged_strategies
from records.mention import Author
from records.times import HOUR, MINUTE
from records.verdict import TriggerHit

STRATEGIES = {name: load_strategy(name, Path()) for name in packaged_strategies()}


@settings(max_examples=400)
@given(st.data(), st.sampled_from(list(STRATEGIES.values())), st.sampled_from([None, "de", "en"]))
def test_any_case_gets_shares_that_add_up_under_caps_that_hold(any_case, data, strategy, language):
    scored = score(data.draw(any_case), strategy, language)
    exact = [Decimal(str(f.points)) for f in scored.factors]
    assert sum(exact) == Decimal(str(scored.points))
    assert all(points == round(points, 1) for points in exact)
    assert all(0 <= f.points <= f.cap for f in scored.factors)
    assert 0 <= scored.points <= 100
    assert scored.rank_key == rank_key(scored.league, scored.due)
    assert all(f.why for f in scored.factors)
    assert not any("\n" in line for line in scored.explanation)


@given(st.data())
def test_the_same_case_gets_the_same_score_whatever_was_scored_before(any_case, data):
    case = data.draw(any_case)
    assert score(case, STRATEGIES["balanced"]) == score(deepcopy(case), load_strategy("balanced", Path()))


@given(st.floats(0.1, 40), st.floats(0.1, 40))
def test_odd_caps_hold_and_add_up(make, one, two):
    factors = Strategy().factors
    odd = msgspec.structs.replace(
        Strategy(),
        factors=msgspec.structs.replace(
            factors,
            content=msgspec.structs.replace(factors.content, cap=one),
            contacts=msgspec.structs.replace(factors.contacts, cap=two),
        ),
    )
    scored = score(make.case(*(make.post(i, urgency=3.0, anger=3.0, need=1.0) for i in range(9))), odd)
    assert all(f.points <= f.cap for f in scored.factors)
    assert sum(Decimal(str(f.points)) for f in scored.factors) == Decimal(str(scored.points))


def test_factors_come_in_one_order_with_their_caps(make, balanced):
    factors = score(make.case(), balanced).factors
    assert [(f.name, f.cap) for f in factors] == [
        ("content", 50),
        ("purchases", 15),
        ("contacts", 20),
        ("influence", 15),
    ]


def test_called_and_mailed_before_the_tweet_raises_the_ticket_and_makes_it_due_earlier(make, balanced):
    plain = score(make.case(), balanced)
    known = make.customer(contacts=(make.contact(26, False, "hotline"), make.contact(3, False, "mail")))
    escalated = score(make.case(snapshots=(known,)), balanced)
    assert escalated.points > plain.points + 15
    assert escalated.due < plain.due
    assert escalated.rank_key > plain.rank_key


def test_a_repeated_post_raises_the_ticket(make, balanced):
    first = make.post(2)
    once, twice = score(make.case(first), balanced), score(make.case(first, make.post(1)), balanced)
    assert twice.points > once.points
    assert twice.rank_key > once.rank_key


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_an_unknown_customer_in_danger_beats_a_star_with_a_question(make, name):
    danger = make.post(0, urgency=2.8, anger=1.0, need=0.95, triggers=(TriggerHit("en.smoke", "smoke", 0, 5, 30.0),))
    in_league = make.post(0, urgency=2.8, anger=1.0, need=0.95, league="safety")
    question = make.post(3, urgency=0.8, anger=0.0, need=0.6, sentiment=0.1, triggers=())
    star = make.case(question, author=Author(id="9", followers=5_000_000, verified=True, verified_kind="business"))
    stranger = Author(id="7")
    strategy = STRATEGIES[name]
    assert score(make.case(danger, author=stranger), strategy).points > score(star, strategy).points
    assert score(make.case(in_league, author=stranger), strategy).rank_key > score(star, strategy).rank_key


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_a_league_stands_above_the_fullest_score(make, name):
    angry = make.post(90, urgency=3.0, anger=3.0, need=1.0, triggers=(TriggerHit("a", "a", 0, 1, 30.0),))
    known = make.customer(purchases=(make.purchase(1, 1e6),), contacts=(make.contact(95), make.contact(100)))
    star = score(make.case(angry, author=Author(id="9", followers=10**7), snapshots=(known,)), STRATEGIES[name])
    calm = make.case(make.post(0, urgency=0.5, league="safety"), author=Author(id="7"))
    assert score(calm, STRATEGIES[name]).rank_key > star.rank_key


def test_key_accounts_puts_an_ambassador_with_ten_new_laptops_above_the_same_complaint_of_a_stranger(make):
    strategy = STRATEGIES["key-accounts"]
    bought = make.customer(
        purchases=(make.purchase(3, 12_000, quantity=10, product="laptop"),), tags=(("ambassador", None),)
    )
    complaint, stranger = make.post(), Author(id="7", followers=300)
    ambassador = score(make.case(complaint, author=stranger, snapshots=(bought,)), strategy)
    other = score(make.case(complaint, author=stranger), strategy)
    assert ambassador.rank_key > other.rank_key
    assert ambassador.points - other.points > 30
    assert (
        make.why(ambassador, "purchases") == "bought for 11,726 EUR (older counts less), 10 × laptop, tagged ambassador"
    )


def test_service_first_lets_the_longer_unsolved_problem_beat_the_better_customer(make):
    unsolved = score(make.case(snapshots=(make.customer(contacts=(make.contact(200),)),)), STRATEGIES["service-first"])
    spender = score(
        make.case(snapshots=(make.customer(purchases=(make.purchase(1, 1e6),)),)), STRATEGIES["service-first"]
    )
    assert unsolved.points > spender.points + 15


def test_the_highest_league_counts_and_names_itself(make, balanced):
    scored = score(make.case(make.post(3, league="legal"), make.post(2, league="safety"), make.post(1)), balanced)
    assert (scored.league, scored.league_name, scored.priority) == (3, "safety", "urgent")
    assert scored.due == make.now - 3 * HOUR + 20 * MINUTE - round(10 * min(1, scored.points / 70)) * MINUTE


def test_a_league_is_due_around_the_clock(make, balanced):
    night = make.now + 12 * HOUR  # 02:00 in Berlin
    case = make.case(make.post(-12, league="safety"))
    assert case.opened == night
    assert score(case, balanced).due <= night + 20 * MINUTE


def test_an_answer_alone_does_not_end_a_danger(make, balanced):
    still = make.case(make.post(5, league="safety", answered=True), make.post(1))
    assert score(still, balanced).league == 3
    assert score(make.case(make.post(5, league="safety", answered=True)), balanced).league == 0


def test_a_league_the_strategy_does_not_know_stands_above_the_scores_and_is_named(make, balanced):
    scored = score(make.case(make.post(league="flood")), balanced)
    assert (scored.league, scored.league_name) == (1, "flood")
    assert any("flood" in text for text in scored.unknown)


def test_a_strategy_without_leagues_ranks_by_score_alone(make):
    assert score(make.case(make.post(league="safety")), msgspec.structs.replace(Strategy(), leagues={})).league == 0


@pytest.mark.parametrize(
    ("points", "word"),
    [(60.0, "urgent"), (59.9, "high"), (40.0, "high"), (39.9, "normal"), (20.0, "normal"), (19.9, "low")],
)
def test_priority_words_by_score(points, word):
    from priority.score import _priority

    assert _priority(points, None, Strategy().priority) == word


def test_due_time_counts_from_the_oldest_unanswered_post(make, balanced):
    two = make.case(make.post(5), make.post(0))
    assert two.opened == make.now - 5 * HOUR
    assert score(two, balanced).due < score(make.case(make.post(0)), balanced).due


def test_a_score_of_an_hour_ago_is_the_score_of_now(make, balanced):
    """No factor looks at a clock: only `as_of`, the newest event, moves it."""
    case = make.case(snapshots=(make.customer(purchases=(make.purchase(),)),))
    assert score(case, balanced) == scorer(balanced)(case)


def test_a_case_without_any_post_is_scored_too(make, balanced):
    empty = msgspec.structs.replace(make.case(), posts=())
    assert make.points(score(empty, balanced), "content") == 0
