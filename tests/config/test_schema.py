"""The JSON Schema of the settings, as written for editors, against what the service reads."""

from pathlib import Path

import jsonschema
import msgspec
import pytest

from config.schema import FILE, settings_schema
from config.settings import Settings
from config.yaml_file import parse_yaml
from records.schema import text
from tests.config.test_settings import FULL

WRITTEN = Path(__file__).parents[2] / "docs" / "schemas" / FILE
SCHEMA = jsonschema.Draft202012Validator(settings_schema())


def test_the_written_schema_is_up_to_date():
    assert WRITTEN.read_text("utf-8") == text(settings_schema()), "run `python -m config.schema docs/schemas`"


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(settings_schema())


def test_what_the_service_reads_the_editor_accepts():
    SCHEMA.validate(parse_yaml(FULL).value)
    SCHEMA.validate({})


def test_the_editor_knows_every_setting():
    properties = settings_schema()["$defs"]["Settings"]["properties"]
    assert set(properties) == {field.encode_name for field in msgspec.structs.fields(Settings)}


@pytest.mark.parametrize(
    "document",
    [
        {"lexikons": []},
        {"need_threshold": 2},
        {"listeners": {"webhook": {"secrets": [{"env": "A", "file": "b"}]}}},
        {"listeners": {"webhook": {"secrets": [{}]}}},
    ],
)
def test_what_the_service_refuses_the_editor_marks(document):
    assert not SCHEMA.is_valid(document)
