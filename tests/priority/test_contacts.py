"""Factor contacts: who has turned to the company elsewhere before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priority.contacts import contacts, count_repeats
from priority.customer import recognise
from priority.settings import Contacts
from priority.words import ENGLISH, GERMAN
from records.times import MINUTE

SETTINGS = Contacts()


@pytest.fixture(scope="session")
def weighed(make):
    def weigh(*found, posts=(), words=ENGLISH, evidence="verified"):
        case = make.case(*posts, snapshots=(make.customer(contacts=found, evidence=evidence),))
        return contacts(case, recognise(case.snapshots, words), SETTINGS, words)

    return weigh


@pytest.fixture(scope="session")
def earned(weighed):
    return lambda *found, **more: weighed(*found, **more).factor.points


def test_called_mailed_three_hours_ago_now_posts_is_an_escalation(make, weighed):
    result = weighed(make.contact(26, channel="hotline"), make.contact(3, channel="mail"))
    assert result.factor.points > 0.9 * SETTINGS.cap
    assert result.factor.why == (
        "escalation: turned to us before, now posts; "
        "mail 3 h before the post, unresolved; hotline 26 h before the post, unresolved"
    )


def test_the_reason_in_german(make, weighed):
    assert "Hotline 3 Std. vor dem Post, ungelöst" in weighed(make.contact(3), words=GERMAN).factor.why


def test_a_post_after_the_contact_counts_more_than_one_before_it(make, earned):
    assert earned(make.contact(3)) > earned(make.contact(-3))


def test_a_call_after_the_post_is_told_as_such(make, weighed):
    assert weighed(make.contact(-2)).factor.why == "hotline 2 h after the post, unresolved"


def test_an_unresolved_contact_rises_for_thirty_days_and_then_ends(make, earned):
    ages = [earned(make.contact(hours)) for hours in (1, 24, 240, 719)]
    assert ages == sorted(ages)
    assert ages[0] < ages[-1]
    assert earned(make.contact(721)) == 0


def test_a_resolved_contact_counts_for_seventy_two_hours_and_is_no_escalation(make, earned, weighed):
    assert 0 < earned(make.contact(71, resolved=True)) < earned(make.contact(71, resolved=False))
    assert "escalation" not in weighed(make.contact(71, resolved=True)).factor.why
    assert earned(make.contact(73, resolved=True)) == 0


def test_an_unknown_outcome_stands_between_and_is_named(make, earned, weighed):
    assert earned(make.contact(5, True)) < earned(make.contact(5, None)) < earned(make.contact(5, False))
    assert weighed(make.contact(5, None)).unknown == ("outcome of hotline",)


@given(
    st.lists(st.tuples(st.floats(-100, 800), st.none() | st.booleans()), max_size=5),
    st.floats(-100, 800),
    st.none() | st.booleans(),
)
def test_one_more_contact_never_lowers_it(make, earned, found, hours, resolved):
    before = [make.contact(*each) for each in found]
    assert earned(*before, make.contact(hours, resolved)) >= earned(*before)


@given(st.floats(-100, 800))
def test_a_worse_outcome_never_lowers_it(make, earned, hours):
    assert earned(make.contact(hours, True)) <= earned(make.contact(hours, None)) <= earned(make.contact(hours, False))


def test_without_verified_evidence_contacts_count_for_nothing(make, earned):
    assert earned(make.contact(3), evidence="self_claimed") == 0


def test_asking_again_counts_without_any_customer_and_is_bounded(make, earned):
    points = [earned(posts=[make.post(i) for i in range(n)], evidence=None) for n in (1, 2, 3, 4, 9)]
    assert points == [0, 3.0, 6.0, 9.0, 9.0]


def test_still_nothing_counts_though_it_would_open_no_ticket_and_thanks_does_not(make, earned):
    first = make.post(5)
    assert earned(posts=[first, make.post(1, candidate=False, need=0.3)]) > 0
    assert earned(posts=[first, make.post(1, candidate=False, need=0.05)]) == 0


def test_what_was_answered_is_no_repeat(make, earned):
    assert earned(posts=[make.post(5, answered=True), make.post(1)]) == 0


def test_a_thread_of_posts_within_ten_minutes_is_one_utterance():
    assert count_repeats([0, MINUTE, 2 * MINUTE], 10) == 0
    assert count_repeats([0, 9 * MINUTE, 18 * MINUTE], 10) == 1


@given(st.lists(st.integers(0, 500), max_size=8), st.integers(0, 500))
def test_one_more_post_never_lowers_the_count(minutes, more):
    before = count_repeats([m * MINUTE for m in sorted(minutes)], 10)
    assert count_repeats([m * MINUTE for m in sorted([*minutes, more])], 10) >= before


def test_many_contacts_are_summed_up_and_stay_under_the_cap(make, weighed):
    result = weighed(*(make.contact(i + 1) for i in range(50)))
    assert result.factor.points == SETTINGS.cap
    assert result.factor.why.endswith("47 more contacts")
