"""Records as bytes on a topic, and back."""

import msgspec
import pytest
from hypothesis import given

from records.codec import customer_facts, dead_letters, encode, mentions
from records.errors import Poison
from records.events import Answered, DeadLetter, Lookup
from records.normalise import normalise_mention
from tests.records import strategies


@strategies.few
@given(strategies.mentions())
def test_a_mention_survives_the_topic(mention):
    assert mentions.decode(encode(mention)) == mention


@given(strategies.facts)
def test_a_fact_survives_the_topic(fact):
    assert customer_facts.decode(encode(fact)) == fact


@strategies.few
@given(strategies.mentions())
def test_equal_records_give_equal_bytes(mention):
    assert encode(mentions.decode(encode(mention))) == encode(mention)


def test_a_lookup_travels_among_mentions():
    answered = Answered(id="x:2", at="2026-01-05T10:00:00.000Z", parent_id="x:1")
    lookup = Lookup(parent_id="x:1", answered=answered)
    assert mentions.decode(encode(lookup)) == lookup


def test_a_dead_letter_keeps_its_bytes():
    letter = DeadLetter(id="1", reason="broken", origin="f:1", at="2026-01-05T10:00:00.000Z", original=b"\xff\x00{")
    assert dead_letters.decode(encode(letter)).original == b"\xff\x00{"


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda document: document.update(media=[{"type": "image", "width": -1}]), "media[0].width"),
        (lambda document: document.update(author={"id": 5}), "author.id"),
        (lambda document: document.update(occurred_at="2026-01-05T10:00:00Z"), "occurred_at"),
        (lambda document: document.update(channel="twitter"), "channel"),
    ],
)
def test_what_does_not_fit_is_poison_with_its_place(spoil, field):
    mention = normalise_mention({"id": "x:1", "text": "a"}, observed_at="2026-03-01T10:00:00.000Z")
    document = msgspec.to_builtins(mention)
    spoil(document)
    with pytest.raises(Poison) as caught:
        mentions.decode(encode(document))
    assert caught.value.field == field


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"schema":"mention/9"}', b"\xff", b'{"schema":'])
def test_what_is_no_record_is_poison(data):
    with pytest.raises(Poison, match="mention: "):
        mentions.decode(data)
