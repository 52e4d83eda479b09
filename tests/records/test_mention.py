"""Which revision of a mention is the newest."""

from itertools import permutations
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from records.mention import Author, Mention, Op, revision_order
from records.normalise import normalise_mention
from tests.records.strategies import few, mentions

NOW = "2026-03-01T10:00:00.000Z"


def revision(**given) -> Mention:
    document = {"id": "x:1", "text": "a", "occurred_at": "2026-01-05T10:00:00Z", **given}
    return normalise_mention(document, observed_at=NOW)


def assert_order(*oldest_first: Mention) -> None:
    for shuffled in permutations(oldest_first):
        assert sorted(shuffled, key=revision_order) == list(oldest_first)


def test_a_later_edit_is_newer_whatever_its_revision():
    assert_order(
        revision(revision="9"),
        revision(op="update", revision="2", edited_at="2026-01-05T11:00:00Z"),
        revision(op="update", revision="1", edited_at="2026-01-05T12:00:00Z"),
    )


def test_numbers_are_ordered_as_numbers():
    assert_order(revision(revision="2"), revision(revision="10"), revision(revision="100"))


def test_at_equal_times_the_operation_decides():
    assert_order(*(revision(op=op, revision="1") for op in ("create", "update", "hide", "restore", "delete")))


def test_the_text_of_the_revision_decides_last():
    assert_order(revision(revision="a"), revision(revision="b"))


@few
@given(mentions(), st.text(max_size=4), st.sampled_from(get_args(Op)))
def test_any_two_revisions_can_be_ordered(mention, revision, op):
    other = msgspec.structs.replace(mention, revision=revision, op=op)
    assert (revision_order(mention) == revision_order(other)) <= (mention.revision == revision)
    sorted([mention, other], key=revision_order)


def test_a_revision_of_very_many_digits_is_ordered_too():
    revision_order(revision(revision="9" * 6000))


def test_the_author_key_is_channel_and_author():
    mention = revision(author={"id": "7"})
    assert mention.author_key == "x:7"


def test_without_an_author_the_mention_stands_for_itself():
    mention = revision()
    assert mention.author_key == "x:1"
    assert msgspec.structs.replace(mention, author=Author(id="")).author_key == "x:1"
