"""The linter as a whole."""

import re
import time
from pathlib import Path

import pytest

from lexicons.compiler import compile_lexicon
from lexicons.format import packaged_names, read_lexicon, resolve
from lexicons.lint import RULES, Checked, lint
from lexicons.lint.ordinary import Post, packaged_posts

DOCS = (Path(__file__).parents[3] / "docs" / "lexicons.md").read_text("utf-8")


@pytest.fixture
def no_posts(monkeypatch):
    """Only what a lexicon says by itself: thousands of posts take a second each time."""
    monkeypatch.setattr("lexicons.lint.packaged_posts", tuple)


def test_packaged_lexicons_have_no_errors_and_linting_them_takes_seconds() -> None:
    sources = tuple(read_lexicon(resolve(name, Path())) for name in packaged_names())
    started = time.process_time()
    found = lint(Checked(compile_lexicon(sources), sources))
    assert [each for each in found if each.severity == "error"] == []
    assert time.process_time() - started < 20


def test_remarks_stand_in_the_order_of_the_file(written, no_posts) -> None:
    found = lint(written("id: b, phrases: [Box, Box], weight: 60", "id: a, phrases: [Kiste], weight: 70"))
    assert [each.line for each in found] == sorted(each.line for each in found)
    assert {each.rule for each in found} == {"duplicate", "untested", "weight-overflow"}


def test_a_weight_that_a_file_changes_is_told_where_it_is_changed(written, no_posts) -> None:
    change = "changes:\n  - id: de.help\n    weight: 90\n"
    found = lint(written("id: a, phrases: [Kiste], weight: 9", beside=("de",), more=change))
    (remark,) = [each for each in found if each.rule == "weight-overflow"]
    assert (remark.trigger, remark.field, remark.line) == ("de.help", "changes[0]", 6)


def test_posts_that_need_an_answer_are_not_ordinary(written, monkeypatch) -> None:
    checked = written("id: a, phrases: [Kiste], weight: 20")
    for need, broad in ((0, True), (1, False)):
        posts = [Post("Kiste", need, "de")] * 100
        monkeypatch.setattr("lexicons.lint.packaged_posts", lambda posts=posts: posts)
        assert ("too-broad" in {each.rule for each in lint(checked)}) is broad


def test_posts_are_read_by_language_and_the_locked_ones_never(tmp_path) -> None:
    for name in ("bank.de", "bank.en", "locked"):
        (tmp_path / f"{name}.ndjson").write_text('{"text": "Hallo", "need": 1, "source": "tweet"}\n')
    assert [post.language for post in packaged_posts(tmp_path)] == ["de", "en"]


@pytest.mark.parametrize(("language", "write"), [("gsw", "`de`"), ("eng", "`en`"), ("und", "two-letter")])
def test_a_language_that_no_post_is_said_to_be_in_is_told(written, no_posts, language, write) -> None:
    found = lint(written("id: a, phrases: [Box], weight: 9", language=language))
    (remark,) = [each for each in found if each.rule == "unread-language"]
    assert (remark.line, remark.severity) == (2, "error") and write in remark.todo


@pytest.mark.parametrize("language", ["de", "en", "fr", "any"])
def test_a_language_that_posts_are_in_is_not(written, no_posts, language) -> None:
    assert "unread-language" not in {
        each.rule for each in lint(written("id: a, phrases: [Box], weight: 9", language=language))
    }


def test_every_rule_is_documented_with_its_severity() -> None:
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", DOCS, re.M)) == RULES
