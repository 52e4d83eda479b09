"""YAML into structs: an error names file, line, field and the nearest right key."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import yaml_file
from config.yaml_file import ConfigError, Document, parse_yaml, read_yaml


class Trigger(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    weight: float = 1.0


class Page(msgspec.Struct, forbid_unknown_fields=True):
    triggers: list[Trigger] = []
    names: dict[str, Trigger] = {}


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f.yaml").convert(Page)
    return caught.value


def place(error: ConfigError) -> tuple[int | None, str | None]:
    return error.line, error.field


def test_a_file_becomes_a_struct():
    page = parse_yaml("triggers:\n  - {id: hilfe, weight: 3}\n").convert(Page)
    assert page == Page(triggers=[Trigger("hilfe", 3.0)])


def test_an_empty_file_is_an_empty_mapping():
    assert parse_yaml("").value == parse_yaml("# nothing\n").value == {}


def test_a_misspelt_key_is_named_with_file_line_field_and_the_right_one():
    error = refused("triggers:\n  - id: a\n  - id: b\n    wieght: 3\n")
    assert place(error) == (4, "triggers[1].wieght")
    assert str(error) == "f.yaml:4: triggers[1].wieght: unknown key `wieght` (did you mean `weight`?)"


def test_a_key_like_no_other_gets_the_list_of_known_ones():
    assert refused("zzz: 1").hint == "known keys: names, triggers"


def test_a_wrong_type_is_named_with_its_place():
    error = refused("triggers:\n  - id: a\n    weight: heavy\n")
    assert place(error) == (3, "triggers[0].weight")
    assert "expected `float`, got `str`" in str(error)


def test_a_missing_key_is_named_with_the_place_of_its_parent():
    error = refused("triggers:\n  - id: a\n  - weight: 3\n")
    assert place(error) == (3, "triggers[1]")
    assert "missing required field `id`" in str(error)


def test_a_fault_under_the_only_key_of_a_mapping_has_its_line():
    assert place(refused("names:\n  berta:\n    id: 5\n")) == (3, "names.berta.id")


def test_a_key_given_twice_is_refused():
    error = refused("triggers: []\nnames: {}\ntriggers: []\n")
    assert place(error) == (3, "triggers")
    assert "given twice" in str(error)


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  - b\n\t- c\n"])
def test_tabs_get_the_advice_to_use_spaces(text):
    error = refused(text)
    assert error.line in (2, 3)
    assert error.hint == "indent with spaces, never tabs"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 'x\n", 3, "end of stream"),
        ("a: b: c", 1, "mapping values are not allowed"),
        ("---\na: 1\n---\nb: 2", 3, "another document"),
        ("a: 1\nb: \x01", 2, "control character"),
        ("a: !!python/object:os.system x", 1, "constructor"),
        ("a: 1\nb: 0b_", 2, "put it in quotes"),
        ("a: !!bool maybe", 1, "put it in quotes"),
        ("a: !!int five", 1, "put it in quotes"),
        ("a: 1" + "0" * 6000, 1, "put it in quotes"),
        ("? [a]\n: 1", 1, "a key must be plain text"),
        ("a: *nobody", 1, "undefined alias"),
        ("[" * 100_000, 1, "nesting"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text, line, words):
    error = refused(text)
    assert error.line == line
    assert words in str(error)


def test_an_alias_repeats_a_value():
    assert parse_yaml("a: &secret {env: TOKEN}\nb: *secret\n").value["b"] == {"env": "TOKEN"}


def test_aliases_that_stand_for_billions_are_refused():
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    error = refused("\n".join(lines))
    assert "aliases repeat more than" in str(error)


def test_the_bound_of_repeated_values_is_kept(monkeypatch):
    monkeypatch.setattr(yaml_file, "MAX_REPEATED", 3)
    assert len(parse_yaml("a: &a x\nb: [*a, *a, *a]").value["b"]) == 3
    with pytest.raises(ConfigError, match="more than 3 values"):
        parse_yaml("a: &a x\nb: [*a, *a, *a, *a]")


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: &a [[[*a]]]"])
def test_an_alias_inside_its_own_value_is_refused(text):
    assert "inside the value that it repeats" in str(refused(text))


def test_merge_keys_are_refused_with_what_to_do():
    error = refused("a: &a {b: 1}\nc:\n  <<: *a\n")
    assert (error.line, error.hint) == (3, "write the keys out")


def test_times_and_language_keys_stay_text():
    assert parse_yaml("at: 2026-01-05\nno: nein\n1: eins\n").value == {"at": "2026-01-05", "no": "nein", "1": "eins"}


def test_a_byte_order_mark_is_no_fault(tmp_path):
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbftriggers: []\n")
    assert read_yaml(file).value == {"triggers": []}


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path):
    file = tmp_path / "f.yaml"
    file.write_bytes("a: 1\nb: Störung\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"f\.yaml:2: is not UTF-8"):
        read_yaml(file)


def test_a_missing_file_and_a_folder_are_refused_with_their_name(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(yaml_file, "MAX_BYTES", 10)
    file = tmp_path / "f.yaml"
    file.write_text("a: 12345678")
    with pytest.raises(ConfigError, match="larger than 10 bytes"):
        read_yaml(file)


def test_an_error_of_a_rule_has_its_line():
    document = parse_yaml("triggers:\n  - id: a\n", "f.yaml")
    assert str(document.error("is not known", ("triggers", 0, "id"), "say b")) == (
        "f.yaml:2: triggers[0].id: is not known (say b)"
    )
    assert document.line(("triggers", 0, "weight")) == 2


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#%@`\n\t ,?~01.x\\\u2028\x85"), max_size=40))
def test_any_text_is_a_document_or_a_config_error(text):
    try:
        document = parse_yaml(text)
    except ConfigError:
        return
    assert isinstance(document, Document)
