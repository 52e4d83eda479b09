"""Lexicon files: how they are found, read and refused."""

import pytest

from config.settings import Settings
from config.yaml_file import ConfigError, parse_yaml
from lexicons.compiler import load_lexicon, own_accounts
from lexicons.findings import find
from lexicons.format import LexiconFile
from lexicons.text import cut

TRIGGER = "  - id: a.one\n    phrases: [Hilfe]\n    weight: 10\n"


def write(folder, text, name="own.yaml"):
    (folder / name).write_text(text, "utf-8")
    return name


def refused(folder, text, *refs):
    with pytest.raises(ConfigError) as caught:
        load_lexicon([*refs, write(folder, text)], base=folder)
    return caught.value


def test_misspelt_key_names_file_line_field_and_the_nearest_key(tmp_path) -> None:
    error = refused(tmp_path, "lexicon: 1\ntriggers:\n  - id: a\n    phrases: [Hilfe]\n    wieght: 10\n    weight: 5\n")
    assert error.file.endswith("own.yaml")
    assert (error.line, error.field) == (5, "triggers[0].wieght")
    assert "`weight`" in str(error)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("lexicon: 1\nbrandz: []\n", 2, "did you mean `brands`"),
        ("lexicon: 2\n", 1, "lexicon: 1"),
        ("triggers: []\n", 1, "no `lexicon:` version"),
        ("- a\n", 1, "mapping"),
        (f"lexicon: 1\ntriggers:\n{TRIGGER}    urgency: 4\n", 6, "<= 3"),
        (f"lexicon: 1\ntriggers:\n{TRIGGER}    league: danger\n", 6, "danger"),
        ("lexicon: 1\ntriggers:\n  - id: a\n    phrases: [Hilfe, '… x']\n    weight: 1\n", 4, "begins with a gap"),
        ("lexicon: 1\ntriggers:\n  - id: a\n    phrases: []\n    weight: 1\n", 4, "no phrases"),
        (f"lexicon: 1\ntriggers:\n{TRIGGER}    exceptions: ['!']\n", 6, "has no word"),
        ("lexicon: 1\nbrands:\n  - id: a\n    names: ['!']\n", 4, "has no word"),
        ("lexicon: 1\nbrands:\n  - id: a\n    exclusions: ['x …']\n", 4, "ends with a gap"),
        ("lexicon: 1\nbrands:\n  - id: a\n    accounts: ['@a']\n", 4, "regex"),
        ("lexicon: 1\nbrands:\n  - id: a\n  - id: a\n", 4, "twice"),
        ("lexicon: 1\ntriggers:\n  - id: a\n\tphrases: [x]\n", 4, "spaces"),
        ("lexicon: 1\ncues:\n  negation: [no]\n", 3, "str"),
    ],
)
def test_fault_in_a_file_is_told_with_its_line(tmp_path, text, line, says) -> None:
    error = refused(tmp_path, text)
    assert error.line == line
    assert says in str(error)


def test_trigger_id_given_twice_across_files_names_both_places(tmp_path) -> None:
    write(tmp_path, f"lexicon: 1\ntriggers:\n{TRIGGER}", "first.yaml")
    error = refused(tmp_path, f"lexicon: 1\nlanguage: de\ntriggers:\n{TRIGGER}", "first.yaml")
    assert error.line == 4
    assert "a.one" in str(error)
    assert "first.yaml:3" in str(error)


def test_unknown_packaged_name_lists_the_known_ones(tmp_path) -> None:
    with pytest.raises(ConfigError, match="de, en"):
        load_lexicon(["ed"], base=tmp_path)
    with pytest.raises(ConfigError, match=r"none\.yaml.*cannot be read"):
        load_lexicon(["none.yaml"], base=tmp_path)


def test_brand_in_several_files_is_one_brand(tmp_path) -> None:
    one = write(tmp_path, "lexicon: 1\nbrands: [{id: acme, names: [Acme]}]\n", "one.yaml")
    two = write(tmp_path, "lexicon: 1\nbrands: [{id: acme, names: [Akme], handles: ['@acme']}]\n", "two.yaml")
    brands = load_lexicon([one, two], base=tmp_path).brands
    assert brands.ids == ["acme"]
    assert {hit.brand for hit in brands.names_in(cut("Acme, Akme"))[0]} == {"acme"}


def test_own_triggers_join_the_packaged_ones(tmp_path) -> None:
    own = write(
        tmp_path,
        "lexicon: 1\nlanguage: de\ntriggers:\n  - id: own.box\n    phrases: [Funkbox blinkt rot]\n    weight: 20\n",
    )
    lexicon = load_lexicon(["de", own], base=tmp_path)
    found = find(lexicon, cut("Hilfe, die Funkbox blinkt rot"))[0]
    assert {finding.trigger.id for finding in found} == {"de.help", "own.box"}


def test_version_tells_every_change_that_a_verdict_could_see(tmp_path) -> None:
    def version(weight, **more):
        return load_lexicon(
            [write(tmp_path, f"lexicon: 1\ntriggers:\n{TRIGGER}".replace("10", str(weight)))], base=tmp_path, **more
        ).version

    assert version(10) == version(10)
    assert len({version(10), version(11), version(10, need_threshold=0.4)}) == 3


def test_lexicon_without_any_trigger_is_usable(tmp_path) -> None:
    assert find(load_lexicon([write(tmp_path, "lexicon: 1\n")], base=tmp_path), cut("Hilfe"))[0] == []


def test_own_accounts_are_read_from_the_settings() -> None:
    text = """
listeners:
  x: {bearer_token: {env: T}, rules: [], account_id: "5", handle: nordfunk, brand: nordfunk}
  facebook: {app_secret: {env: T}, pages: [{id: "8", access_token: {env: T}, brand: nordfunk}]}
  webhook: {meta: {verify_token: {env: T}, app_secrets: [], pages: {"9": nordfunk}}}
"""
    accounts = own_accounts(parse_yaml(text).convert(Settings))
    assert {(each.channel, each.id) for each in accounts} == {
        ("x", "5"), ("facebook", "8"), ("messenger", "8"), ("facebook", "9"), ("messenger", "9"),
    }  # fmt: skip
    assert own_accounts(Settings()) == ()


def test_format_knows_its_version() -> None:
    assert LexiconFile(lexicon=1).language == "any"
