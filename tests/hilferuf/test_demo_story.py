"""The bundled story of the demo."""

import shutil
from pathlib import Path

import pytest

from config.yaml_file import ConfigError
from hilferuf.demo.story import FOLDER, load_story
from records.facts import Link

STORY = load_story()
SAID = [entry for entry in STORY.entries if entry.do not in {"edit", "delete"}]


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """A copy of the story in which the first `old` of a file became `new`."""
    for file in ("story.ndjson", "people.ndjson", "facts.ndjson"):
        shutil.copy(FOLDER / file, tmp_path / file)
    text = (tmp_path / name).read_text("utf-8")
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1), "utf-8")
    return tmp_path


def test_there_are_about_300_posts_on_both_channels_in_both_languages():
    assert 280 <= len(SAID) <= 340
    shares = {name: sum(entry.channel == name for entry in SAID) / len(SAID) for name in ("x", "facebook")}
    assert 0.5 <= shares["x"] <= 0.7
    assert {entry.lang for entry in SAID} == {"de", "en"}


def test_between_10_and_20_percent_deserve_an_answer():
    assert 0.10 <= sum(entry.need for entry in SAID) / len(SAID) <= 0.20


def test_the_day_lasts_from_seven_to_ten_in_berlin():
    assert all("2026-03-17T06:00" <= entry.at < "2026-03-17T21:00" for entry in STORY.entries)


def test_every_kind_of_act_happens():
    assert {entry.do for entry in STORY.entries} == {
        "post", "reply", "quote", "repost", "comment", "tagged", "edit", "delete",
    }  # fmt: skip


def test_entries_are_sorted_and_numbered():
    assert [entry.n for entry in STORY.entries] == list(range(1, len(STORY.entries) + 1))
    assert sorted(entry.at for entry in STORY.entries) == [entry.at for entry in STORY.entries]


def test_every_ref_is_an_earlier_entry():
    assert all(entry.ref < entry.n for entry in STORY.entries if entry.ref is not None)


def test_no_text_is_used_twice():
    texts = [entry.text for entry in SAID if entry.text]
    assert len(texts) == len(set(texts))


def test_the_brand_never_needs_an_answer():
    assert not [entry.n for entry in STORY.entries if STORY.people[entry.author].brand and entry.need]


def test_no_handle_can_belong_to_anybody():
    handles = [person.handle for person in STORY.people.values() if person.channel == "x" and not person.brand]
    assert all(handle and len(handle) > 15 for handle in handles)


def test_everybody_in_the_story_writes_something():
    assert {entry.author for entry in STORY.entries} == set(STORY.people)


def test_every_linked_author_is_in_the_story():
    authors = {f"{person.channel}:{person.id}" for person in STORY.people.values()}
    assert {fact.author for fact in STORY.facts if isinstance(fact, Link)} <= authors


def test_every_fact_has_an_id_of_its_own():
    assert len({fact.id for fact in STORY.facts}) == len(STORY.facts)


def test_some_facts_happen_during_the_day():
    assert [fact for fact in STORY.facts if fact.at > STORY.entries[0].at]


def test_a_comment_under_a_comment_stands_in_the_thread_of_the_post():
    nested = [e for e in STORY.entries if e.do == "comment" and e.ref and STORY.entries[e.ref - 1].do == "comment"]
    assert nested
    assert all(STORY.root(entry).do in {"post", "tagged"} for entry in nested)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("story.ndjson", '"n": 2,', '"n": 3,', "story.ndjson:2: n is 3"),
        ("story.ndjson", '"ref": 1,', '"ref": 999,', "ref 999 is no earlier entry"),
        ("story.ndjson", '"author": "hauke"', '"author": "nobody"', "there is no 'nobody' on x"),
        ("story.ndjson", '"do": "repost"', '"do": "like"', "Invalid enum value 'like'"),
        ("story.ndjson", '"need": 1, "urgency": 2', '"need": 1, "urgency": 0', "urgency is above 0"),
        ("story.ndjson", '"lang": "de"}', '"lang": "de", "mood": 1}', "unknown field `mood`"),
        ("people.ndjson", "9170000000000000002", "9170000000000000001", "two people share the id"),
        ("facts.ndjson", '"kind": "', '"kind": "un', "facts.ndjson:1"),
    ],
)
def test_a_story_that_does_not_fit_together_is_refused_with_file_and_line(tmp_path, file, old, new, words):
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        load_story(changed(tmp_path, file, old, new))


def test_nobody_comments_under_a_tagged_post_since_a_page_cannot_read_that():
    assert not [e.n for e in STORY.entries if e.do == "comment" and STORY.root(e).do == "tagged"]


def test_nobody_answers_across_channels(tmp_path):
    elsewhere = next(entry.n for entry in STORY.entries if entry.channel == "facebook")
    quote = next(entry for entry in STORY.entries if entry.do == "quote")
    folder = changed(
        tmp_path, "story.ndjson", f'"do": "quote", "ref": {quote.ref},', f'"do": "quote", "ref": {elsewhere},'
    )
    with pytest.raises(ConfigError, match=f"ref {elsewhere} is on facebook"):
        load_story(folder)
