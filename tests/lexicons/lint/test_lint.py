"""The linter as a whole."""

import re
import time
from pathlib import Path

import pytest

from lexicons.compiler import compile_lexicon
from lexicons.format import packaged_names, read_lexicon, resolve
from lexicons.lint import RULES, Checked, lint

DOCS = (Path(__file__).parents[3] / "docs" / "lexicons.md").read_text("utf-8")


def test_packaged_lexicons_have_no_errors_and_linting_them_takes_seconds() -> None:
    sources = tuple(read_lexicon(resolve(name, Path())) for name in packaged_names())
    started = time.process_time()
    found = lint(Checked(compile_lexicon(sources), sources))
    assert [each for each in found if each.severity == "error"] == []
    assert time.process_time() - started < 20


def test_remarks_stand_in_the_order_of_the_file(written) -> None:
    found = lint(written("id: b, phrases: [Box, Box], weight: 60", "id: a, phrases: [Kiste], weight: 70"))
    assert [each.line for each in found] == sorted(each.line for each in found)
    assert {each.rule for each in found} == {"duplicate", "untested", "weight-overflow"}


@pytest.mark.parametrize(("language", "write"), [("gsw", "`de`"), ("eng", "`en`"), ("und", "two-letter")])
def test_a_language_that_no_post_is_said_to_be_in_is_told(written, language, write) -> None:
    found = lint(written("id: a, phrases: [Box], weight: 9", language=language))
    (remark,) = [each for each in found if each.rule == "unread-language"]
    assert (remark.line, remark.severity) == (2, "error") and write in remark.todo


@pytest.mark.parametrize("language", ["de", "en", "fr", "any"])
def test_a_language_that_posts_are_in_is_not(written, language) -> None:
    assert "unread-language" not in {
        each.rule for each in lint(written("id: a, phrases: [Box], weight: 9", language=language))
    }


def test_every_rule_is_documented_with_its_severity() -> None:
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", DOCS, re.M)) == RULES
