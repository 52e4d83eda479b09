"""Factor influence: reach, damped, and never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priority.influence import influence
from priority.settings import Influence
from priority.words import ENGLISH
from records.mention import Author


@pytest.fixture(scope="session")
def weighed(make):
    return lambda **author: influence(make.case(author=Author(id="7", **author)), Influence(), ENGLISH)


def test_unknown_reach_counts_for_nothing_and_is_named(weighed):
    assert (weighed().factor.points, weighed().factor.why, weighed().unknown) == (0.0, "unknown", ("followers",))


def test_no_followers_are_known_to_be_none(weighed):
    assert (weighed(followers=0).factor.points, weighed(followers=0).unknown) == (0.0, ())


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_more_followers_never_lower_it_and_never_pass_the_cap(weighed, one, two):
    fewer, more = (weighed(followers=n).factor.points for n in sorted((one, two)))
    assert fewer <= more <= 15.0


def test_it_is_damped(weighed):
    points = [weighed(followers=10**n).factor.points for n in range(7)]
    assert points[5] == points[6] == 15.0
    assert points[2] < 2
    assert points[4] - points[3] < 5


def test_a_bot_has_none(weighed):
    assert weighed(followers=10**6, bot=True).factor.points == 0


def test_a_verified_account_earns_a_little_unless_anyone_can_buy_it(weighed):
    assert weighed(followers=0, verified=True, verified_kind="government").factor.points == 1.5
    assert weighed(followers=0, verified=True, verified_kind="blue").factor.points == 0
    assert weighed(followers=0, verified=None).factor.points == 0
