"""The JSON Schemas of the records, as written, against the records themselves."""

import json
import os
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings

from records.codec import encode
from records.errors import Poison
from records.normalise import normalise_mention
from records.schema import RECORDS, schema, text
from tests.records.strategies import facts, few, mentions, spoiled

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT.parent / "shared" / "contracts" / "mention.schema.json"
NOW = "2026-03-01T10:00:00.000Z"

documents = mentions().map(encode).map(json.loads)


def validator(document: dict) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(document)


OURS = validator(schema("mention"))


@pytest.fixture(scope="module")
def contract() -> jsonschema.Draft202012Validator:
    if not CONTRACT.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{CONTRACT} is missing")
        pytest.skip("the mention contract is not beside the checkout")
    return validator(json.loads(CONTRACT.read_text("utf-8")))


@pytest.mark.parametrize("name", RECORDS)
def test_the_written_schemas_are_up_to_date(name):
    written = (ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text("utf-8")
    assert written == text(schema(name)), "run `python -m records.schema docs/schemas`"


@pytest.mark.parametrize("name", RECORDS)
def test_every_schema_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(schema(name))


@few
@given(documents)
def test_every_mention_fits_our_schema(document):
    OURS.validate(document)


@given(facts)
def test_every_fact_fits_its_schema(fact):
    validator(schema("customer-fact")).validate(json.loads(encode(fact)))


@pytest.mark.shared
@settings(max_examples=100)
@given(document=spoiled(documents))
def test_our_schema_and_the_contract_accept_the_same_documents(contract, document):
    assert OURS.is_valid(document) == contract.is_valid(document)


@pytest.mark.shared
@settings(max_examples=60)
@given(document=spoiled(mentions().map(msgspec.to_builtins)))
def test_what_the_normaliser_lets_through_fits_the_contract(contract, document):
    try:
        mention = normalise_mention(document, observed_at=NOW)
    except Poison:
        return
    contract.validate(json.loads(encode(mention)))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("geo",), {"source": None}),
        (("reply",), {"mode": None}),
        (("ingest",), {"listener": None}),
        (("ingest",), {"changes": [{"change": None}]}),
        (("ingest",), {"changes": [{}]}),
        (("ingest",), None),
        (("raw",), None),
        (("raw",), {}),
        (("raw",), {"bytes": None}),
        (("thread",), None),
        (("text_format",), None),
        (("author",), {}),
        (("author", "followers"), -1),
        (("author", "followers"), 1.5),
        (("media",), [{"url": "a"}]),
        (("media",), None),
        (("extra",), 1),
        (("text",), None),
        (("occurred_at",), "2026-01-05T10:00:00Z"),
        (("id",), "x 1"),
    ],
)
def test_ours_and_the_contract_agree_at_the_edges(contract, path, value):
    mention = normalise_mention({"id": "x:1", "text": "a", "author": {"id": "7"}}, observed_at=NOW)
    document = json.loads(encode(mention))
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert OURS.is_valid(document) == contract.is_valid(document)


@pytest.mark.shared
def test_what_is_required_and_what_there_is_are_the_same(contract):
    ours, theirs = schema("mention")["$defs"]["Mention"], contract.schema
    assert ours["required"] == theirs["required"]
    assert set(ours["properties"]) == set(theirs["properties"])
    assert set(ours["properties"]["channel"]["enum"]) == set(theirs["properties"]["channel"]["enum"])
