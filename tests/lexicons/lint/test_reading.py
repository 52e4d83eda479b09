"""Files that are no lexicon: every misspelt key at once, with line and nearest key."""

import pytest

from lexicons.format import Source
from lexicons.lint.reading import read_for_lint

WRONG = """\
lexicon: 1
triggerz: []
triggers:
  - id: a
    phrases: [Hilfe]
    wieght: 10
    examples: {hitz: [Hilfe], xyzzy: []}
"""


def read(folder, text):
    (folder / "own.yaml").write_text(text, "utf-8")
    return read_for_lint([folder / "own.yaml"])


def test_every_unknown_key_is_told_with_line_and_nearest_key(tmp_path) -> None:
    found = read(tmp_path, WRONG)
    assert [(each.rule, each.line, each.field, each.trigger) for each in found] == [
        ("unknown-key", 2, "triggerz", None),
        ("unknown-key", 6, "triggers[0].wieght", "a"),
        ("unknown-key", 7, "triggers[0].examples.hitz", "a"),
        ("unknown-key", 7, "triggers[0].examples.xyzzy", "a"),
    ]
    assert [each.todo for each in found][:3] == ["write `triggers`", "write `weight`", "write `hits`"]
    assert "known keys: " in found[3].todo


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("lexicon: 2\n", 1, "this release reads `lexicon: 1`"),
        ("lexicon: 1\ntriggers: [{id: a, phrases: [x], weight: heavy}]\n", 2, "expected `float`"),
        ("lexicon: 1\n\ttriggers: []\n", 2, "tab|character"),
        ("- 1\n", 1, "mapping"),
    ],
)
def test_what_is_no_lexicon_is_one_remark_with_its_line(tmp_path, text, line, says) -> None:
    (remark,) = read(tmp_path, text)
    assert (remark.rule, remark.line) == ("invalid", line)
    assert any(each in remark.message.lower() for each in says.lower().split("|"))


def test_a_missing_file_is_a_remark_too(tmp_path) -> None:
    (remark,) = read_for_lint([tmp_path / "none.yaml"])
    assert (remark.rule, remark.line) == ("invalid", None) and "cannot be read" in remark.message


def test_a_right_file_is_read(tmp_path) -> None:
    (source,) = read(tmp_path, "lexicon: 1\n")
    assert isinstance(source, Source)


def test_faults_of_several_files_are_told_together_and_of_one_that_they_extend(tmp_path) -> None:
    (tmp_path / "base.yaml").write_text("lexicon: 1\ntrigger: []\n", "utf-8")
    (found,) = read(tmp_path, "lexicon: 1\nextends: [base.yaml]\n")
    assert (found.rule, found.line, found.file.endswith("base.yaml")) == ("unknown-key", 2, True)
    (tmp_path / "more.yaml").write_text("lexicon: 2\n", "utf-8")
    read(tmp_path, "lexicon: 1\nbrandz: []\n")
    assert [each.rule for each in read_for_lint([tmp_path / "own.yaml", tmp_path / "more.yaml"])] == [
        "unknown-key",
        "invalid",
    ]
