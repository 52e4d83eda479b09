"""Regular expressions of triggers: RE2, with exceptions and negation as for phrases."""

from time import thread_time

import pytest

from config.yaml_file import ConfigError
from lexicons.compiler import load_lexicon
from lexicons.findings import find
from lexicons.text import cut


def known(folder, regex, **more):
    lines = "".join(f"    {key}: {value}\n" for key, value in more.items())
    (folder / "own.yaml").write_text(
        "lexicon: 1\nlanguage: de\ncues: {negation: [kein]}\n"
        f"triggers:\n  - id: own.code\n    weight: 10\n    regex: ['{regex}']\n{lines}",
        "utf-8",
    )
    return load_lexicon(["own.yaml"], base=folder)


def heard(lexicon, text):
    found = cut(text)
    return [
        text[found.spans(last)[first][0] : found.spans(last)[last][1]]
        for finding in find(lexicon, found)[0]
        for first, last in finding.places
    ]


def test_expression_is_found_whatever_its_case_with_offsets_in_the_text(tmp_path) -> None:
    lexicon = known(tmp_path, r"fehler\s*[a-z]\d{3}")
    assert heard(lexicon, "Ärger 😡: FEHLER E301 seit heute, und Fehler x999") == ["FEHLER E301", "Fehler x999"]


def test_exceptions_and_negation_count_for_expressions_too(tmp_path) -> None:
    lexicon = known(tmp_path, r"fehler\s*\d+", exceptions="[Fehler 404 Shirt]")
    assert not heard(lexicon, "schönes Fehler 404 Shirt")
    assert not heard(lexicon, "kein Fehler 12")


@pytest.mark.parametrize(
    ("regex", "says"),
    [("(a", "missing"), ("(?=a)b", "look-ahead"), (r"(a)\1", "back-references"), ("a*", "empty text")],
)
def test_expression_that_cannot_be_used_names_its_line(tmp_path, regex, says) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        known(tmp_path, regex)
    assert (caught.value.line, caught.value.field) == (7, "triggers[0].regex[0]")


def test_no_expression_is_slow(tmp_path) -> None:
    lexicon, text = known(tmp_path, "(a+)+$b"), cut("a" * 100_000 + "!")
    begin = thread_time()
    assert not heard(lexicon, text.original)
    assert thread_time() - begin < 2  # a backtracking engine needs longer than the universe


def test_lone_surrogate_is_no_obstacle(tmp_path) -> None:
    assert heard(known(tmp_path, r"fehler\d"), "\ud800 Fehler5") == ["Fehler5"]
