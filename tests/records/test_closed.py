"""The closed form of a type: the same but for unknown keys."""

import msgspec
import pytest

from records import codec
from records.closed import closed
from records.errors import Poison
from records.facts import CustomerFact
from records.mention import Change, Mention
from records.normalise import normalise_mention

NOW = "2026-03-01T10:00:00.000Z"
TOPIC_FORM = codec.encode(normalise_mention({"id": "x:1", "text": "a", "author": {"id": "7"}}, observed_at=NOW))


def test_an_unknown_key_is_refused_at_every_level():
    for place in (b'"native_id":', b'"id":"7"'):
        spoiled = TOPIC_FORM.replace(place, b'"colour":1,' + place)
        assert codec.mentions.decode(spoiled)
        with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
            msgspec.json.decode(spoiled, type=closed(Mention))
        with pytest.raises(Poison, match="unknown key `colour`"):
            normalise_mention(spoiled, observed_at=NOW)


def test_the_schema_differs_in_that_alone():
    theirs, ours = msgspec.json.schema(Mention)["$defs"], msgspec.json.schema(closed(Mention))["$defs"]
    for name, found in ours.items():
        assert found.pop("additionalProperties", None) is (None if name == "Change" else False)
        assert found == theirs[name]


def test_a_union_stays_one_and_what_is_left_open_stays_itself():
    assert closed(Change) is Change
    fact = b'{"kind":"erasure","id":"a","customer":"b","at":"2026-01-05T10:00:00.000Z"}'
    assert type(msgspec.json.decode(fact, type=closed(CustomerFact))).__name__ == "Erasure"
