"""Several files together: what they extend, change, and share."""

import pytest

from config.yaml_file import ConfigError
from lexicons.compiler import load_lexicon
from lexicons.findings import find
from lexicons.text import cut

INDUSTRY = """
lexicon: 1
language: de
lists:
  geraete: [Router, Modem]
triggers:
  - {id: tel.box, phrases: [$geraete … kaputt], weight: 10}
  - {id: tel.mast, phrases: [Mast defekt], weight: 10, exceptions: [Mast defekt gemeldet]}
"""
MAST = "extends: [industry.yaml]\nchanges: [{id: tel.mast,"


def load(folder, text, *refs, **files):
    for name, content in {"industry": INDUSTRY, **files}.items():
        (folder / f"{name}.yaml").write_text(content, "utf-8")
    (folder / "own.yaml").write_text("lexicon: 1\nlanguage: de\n" + text, "utf-8")
    return load_lexicon([*refs, "own.yaml"], base=folder)


def heard(lexicon, text):
    return {finding.trigger.id: finding.trigger.weight for finding in find(lexicon, cut(text), contained=True)[0]}


def refused(folder, text, **files):
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **files)
    return caught.value


def test_team_extends_company_extends_industry(tmp_path) -> None:
    company = "lexicon: 1\nextends: [industry.yaml]\nchanges: [{id: tel.box, weight: 15}, {id: tel.mast, off: true}]\n"
    lexicon = load(tmp_path, "extends: [company.yaml]\nchanges: [{id: tel.box, urgency: 3}]\n", company=company)
    assert heard(lexicon, "Router ist kaputt, Mast defekt") == {"tel.box": 15}
    assert lexicon.trigger("tel.box").urgency == 3


def test_extended_file_counts_once_however_often_it_is_named(tmp_path) -> None:
    company = "lexicon: 1\nextends: [industry.yaml]\n"
    lexicon = load(tmp_path, "extends: [company.yaml, ./industry.yaml]\n", "industry.yaml", company=company)
    assert [each.trigger.id for each in lexicon.triggers] == ["tel.box", "tel.mast"]


def test_change_adds_and_drops_phrases(tmp_path) -> None:
    changes = (
        "  - {id: tel.box, add_phrases: [Funkbox tot], add_exceptions: [Funkbox tot schick]}\n"
        "  - {id: tel.mast, drop_phrases: [Mast defekt], add_phrases: [Mast umgefallen]}\n"
    )
    lexicon = load(tmp_path, f"extends: [industry.yaml]\nchanges:\n{changes}")
    assert heard(lexicon, "Die Funkbox tot") == {"tel.box": 10}
    assert heard(lexicon, "Die Funkbox tot schick. Mast defekt") == {}
    assert heard(lexicon, "Mast umgefallen") == {"tel.mast": 10}


def test_list_given_in_a_later_file_too_has_all_words(tmp_path) -> None:
    lexicon = load(tmp_path, "extends: [industry.yaml]\nlists: {geraete: [Funkbox, $neu], neu: [Stick]}\n")
    assert all(heard(lexicon, f"{word} ist kaputt") for word in ("Router", "Funkbox", "Stick", "Modem"))


def test_list_of_phrases_can_be_a_phrase(tmp_path) -> None:
    lexicon = load(tmp_path, "lists: {rot: [blinkt rot, leuchtet]}\ntriggers: [{id: a, phrases: [$rot], weight: 1}]\n")
    assert heard(lexicon, "es blinkt rot") == heard(lexicon, "das leuchtet") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "field", "says"),
    [
        ("extends: [own.yaml]\n", 3, "extends[0]", "own.yaml -> own.yaml"),
        ("extends: [industri.yaml]\n", None, None, "cannot be read"),
        ("extends: [telecom]\n", 3, "extends[0]", "no packaged lexicon `telecom`"),
        ("extends: [industry.yaml]\nchanges:\n  - {id: tel.bix, off: true}\n", 5, "changes[0].id", "did you mean `tel.box`"),
        ("changes:\n  - {id: zzz}\n", 4, "changes[0].id", "extends"),
        (f"{MAST} drop_phrases: [Mast defect]}}]\n", 4, "changes[0].drop_phrases[0]", "no phrase"),
        (f"{MAST} drop_phrases: [Mast defekt]}}]\n", 4, "changes[0].drop_phrases", "no phrases"),
        ("extends: [industry.yaml]\ntriggers: [{id: tel.box, phrases: [x], weight: 1}]\n", 4, "triggers[0].id", "changes:"),
        ("lists:\n  a: [$b]\n  b: [x, $a]\n", 5, "lists.b[1]", "$a -> $b -> $a"),
        ("lists:\n  a: [$c]\n", 4, "lists.a[0]", "no list `$c`"),
        ("lists: {a: [b c]}\ntriggers: [{id: a, phrases: [x $a], weight: 1}]\n", 4, "triggers[0].phrases[0]", "no single word"),
        ("triggers: [{id: a, phrases: [x $gerate], weight: 1}]\n", 3, "triggers[0].phrases[0]", "no list `$gerate`"),
        ("lists: {a: []}\ntriggers: [{id: a, phrases: [$a], weight: 1}]\n", 4, "triggers[0].phrases[0]", "empty"),
        ("triggers: [{id: a, phrases: [a … b … c … d], weight: 1}]\n", 3, "triggers[0].phrases[0]", "more than 2 gaps"),
    ],
)  # fmt: skip
def test_fault_is_told_once_with_file_line_and_field(tmp_path, text, line, field, says) -> None:
    error = refused(tmp_path, text)
    assert (error.line, error.field) == (line, field)
    assert says in str(error)


def test_circle_over_several_files_names_all_of_them(tmp_path) -> None:
    error = refused(tmp_path, "extends: [company.yaml]\n", company="lexicon: 1\nextends:\n  - own.yaml\n")
    assert (error.file.rpartition("/")[2], error.line) == ("company.yaml", 3)
    assert "own.yaml -> company.yaml -> own.yaml" in str(error)


def test_hundred_thousand_terms_are_refused_at_the_first_too_many(tmp_path) -> None:
    terms = "".join(f"      - wort{number}\n" for number in range(100_000))
    error = refused(tmp_path, f"triggers:\n  - id: a\n    weight: 1\n    phrases:\n{terms}")
    assert (error.line, error.field) == (20_007, "triggers[0].phrases[20000]")
    error = refused(tmp_path, f"lists:\n  a: [{', '.join(f'wort{number}' for number in range(100_000))}]\n")
    assert (error.line, error.field) == (4, "lists.a")


def test_wrong_encoding_and_tabs_name_their_line(tmp_path) -> None:
    (tmp_path / "latin.yaml").write_bytes("lexicon: 1\n# Störung\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2.*UTF-8"):
        load_lexicon(["latin.yaml"], base=tmp_path)
    assert refused(tmp_path, "triggers:\n\t- id: a\n").line == 4
