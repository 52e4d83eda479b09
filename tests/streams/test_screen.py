"""screen finds the way of what comes late: the brand's answers, and their being taken back, in any order."""

import itertools

import msgspec
import pytest

from .conftest import mention
from .test_any_order import canonical, feed, fresh_engine

ASKED = mention("1", "help", minute=0)


def answer(parent_author: str | None):
    thread = {"parent_id": "1", "parent_author_id": parent_author}
    return mention("9", "brand: we are on it", author="acme", minute=5, direction="outbound", thread=thread)


def changed(post, op: str):
    return msgspec.structs.replace(post, op=op, text=None)


@pytest.mark.parametrize("parent_author", [None, "anna"], ids=["by look-up", "by author"])
def test_an_answer_covers_its_parent_whichever_comes_first(parent_author):
    for order in itertools.permutations([ASKED, answer(parent_author)]):
        assert [ticket.status for ticket in canonical(feed(fresh_engine(), list(order)))] == ["answered"]


@pytest.mark.parametrize("ops", [["delete"], ["hide", "delete"]], ids=" ".join)
@pytest.mark.parametrize("parent_author", [None, "anna"], ids=["by look-up", "by author"])
def test_an_answer_that_was_deleted_is_no_answer_in_any_order(parent_author, ops):
    events = [ASKED, answer(parent_author), *(changed(answer(parent_author), op) for op in ops)]
    for order in itertools.permutations(events):
        assert [ticket.status for ticket in canonical(feed(fresh_engine(), list(order)))] == ["open"]


def test_counts_of_reactions_change_no_ticket():
    counted = changed(ASKED, "metrics")
    for order in itertools.permutations([ASKED, counted]):
        assert [ticket.status for ticket in canonical(feed(fresh_engine(), list(order)))] == ["open"]
