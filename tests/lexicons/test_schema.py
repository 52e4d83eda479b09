"""The JSON Schema of lexicon files, as written for editors, against what the product reads."""

from pathlib import Path

import jsonschema
import msgspec
import pytest

from config.yaml_file import parse_yaml
from lexicons.format import LexiconFile, packaged_names, resolve
from lexicons.schema import FILE, lexicon_schema
from records.schema import text

WRITTEN = Path(__file__).parents[2] / "docs" / "schemas" / FILE
SCHEMA = jsonschema.Draft202012Validator(lexicon_schema())


def test_the_written_schema_is_up_to_date() -> None:
    assert WRITTEN.read_text("utf-8") == text(lexicon_schema()), "run `python -m lexicons.schema docs/schemas`"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(lexicon_schema())


@pytest.mark.parametrize("name", packaged_names())
def test_the_editor_accepts_the_packaged_lexicons(name: str) -> None:
    SCHEMA.validate(parse_yaml(resolve(name, Path()).read_text("utf-8")).value)


def test_the_editor_knows_every_key() -> None:
    properties = lexicon_schema()["$defs"]["LexiconFile"]["properties"]
    assert set(properties) == {field.encode_name for field in msgspec.structs.fields(LexiconFile)}


def test_a_trigger_of_regular_expressions_alone_is_accepted() -> None:
    SCHEMA.validate({"lexicon": 1, "triggers": [{"id": "a", "weight": 5, "regex": ["E-[0-9]{4}"]}]})


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "lexicon: 7",
        "{lexicon: 1, trigers: []}",
        "{lexicon: 1, triggers: [{id: a, weight: 5}]}",
        "{lexicon: 1, triggers: [{id: a, weight: 5, phrases: []}]}",
        "{lexicon: 1, triggers: [{id: a, weight: 5, phrases: [], regex: []}]}",
        "{lexicon: 1, triggers: [{id: a, weight: 500, phrases: [Hilfe]}]}",
        "{lexicon: 1, triggers: [{id: a, weight: 5, phrases: [Hilfe], league: danger}]}",
    ],
)
def test_what_the_product_refuses_the_editor_marks(document: str) -> None:
    assert not SCHEMA.is_valid(parse_yaml(document).value)
