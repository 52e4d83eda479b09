"""Which posts of one author belong together: one brand, and one thread or less than 72 hours between posts."""

from typing import NamedTuple

import pytest

from records.times import DAY, HOUR
from streams.conversations import group, split_after_solved

GAP, REOPEN = 72 * HOUR, 7 * DAY


class Said(NamedTuple):
    id: str
    at: int
    brand: str | None = "acme"
    thread: str | None = None


def ids(groups):
    return [[post.id for post in each] for each in groups]


@pytest.mark.parametrize(("hours", "groups"), [(71.9, [["a", "b"]]), (72, [["a"], ["b"]])])
def test_less_than_72_hours_apart_is_one_conversation(hours, groups):
    assert ids(group([Said("b", int(hours * HOUR)), Said("a", 0)], GAP)) == groups


def test_one_thread_is_one_conversation_however_late():
    posts = [Said("a", 0, thread="r"), Said("b", 90 * DAY, thread="r")]
    assert ids(group(posts, GAP)) == [["a", "b"]]


def test_two_brands_are_two_conversations():
    assert ids(group([Said("a", 0), Said("b", 1, brand="nordfunk")], GAP)) == [["a"], ["b"]]


def test_posts_in_between_bridge_two_that_are_far_apart():
    posts = [Said("a", 0), Said("c", 100 * HOUR), Said("b", 50 * HOUR)]
    assert ids(group(posts, GAP)) == [["a", "b", "c"]]


@pytest.mark.parametrize(("days", "parts"), [(6.9, [["a", "b"]]), (7.1, [["a"], ["b"]])])
def test_later_than_seven_days_after_it_was_solved_begins_anew(days, parts):
    posts = [Said("a", 0), Said("b", DAY + int(days * DAY))]
    assert ids(split_after_solved(posts, [DAY], REOPEN)) == parts


def test_a_post_that_reopened_it_keeps_it_together():
    posts = [Said("a", 0), Said("b", 2 * DAY), Said("c", 9 * DAY)]
    assert ids(split_after_solved(posts, [DAY], REOPEN)) == [["a", "b", "c"]]


def test_a_person_who_reopened_it_keeps_it_together():
    posts = [Said("a", 0), Said("c", 12 * DAY)]
    assert ids(split_after_solved(posts, [DAY], REOPEN, [2 * DAY])) == [["a", "c"]]


def test_a_solve_after_the_reopening_counts_again():
    posts = [Said("a", 0), Said("c", 12 * DAY)]
    assert ids(split_after_solved(posts, [DAY, 3 * DAY], REOPEN, [2 * DAY])) == [["a"], ["c"]]
