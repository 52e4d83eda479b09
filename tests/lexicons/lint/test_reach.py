"""Phrases that never count are told, and phrases that count are not."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexicons.compiler import load_lexicon
from lexicons.lint.reach import check_reach, instances
from lexicons.matcher import Matcher
from lexicons.phrase import PhraseError, parse_phrase
from lexicons.text import cut

PARTS = [
    "Box",
    "tot|rot",
    "…",
    "nicht",
    "*ausfall",
    "rück*",
    "=Rauch",
    "gar?",
    "{blinkt … rot}",
    "{Netz weg}",
    "an/kommen",
]


def rules(checked):
    return [(each.rule, each.trigger, each.line) for each in check_reach(checked)]


@pytest.mark.parametrize(
    ("phrase", "exception"),
    [
        ("Box tot", "Box tot"),
        ("Box tot", "tot"),
        ("Box … tot", "Box|Kiste"),
        ("*ausfall", "*ausfall"),
        ("Box defekt|tot", "Box"),
        ("=Rauch", "Rauch"),
        ("{Box … tot}", "tot"),
        ("Box gar? tot", "tot"),
    ],
)
def test_an_exception_that_covers_every_hit_makes_a_phrase_unreachable(written, phrase, exception) -> None:
    checked = written(f"id: a, phrases: [Hilfe, '{phrase}'], exceptions: ['{exception}'], weight: 9")
    (remark,) = check_reach(checked)
    assert (remark.rule, remark.severity, remark.field) == ("unreachable", "error", "triggers[0].phrases[1]")
    assert exception in remark.message and phrase in remark.message


@pytest.mark.parametrize(
    ("phrase", "exception"),
    [
        ("Hilfe", "erste Hilfe"),  # leaves every other Hilfe
        ("Box defekt|tot", "Box tot"),  # leaves the other alternative
        ("Box defekt|tot", "Box defekt"),
        ("geht … nicht", "geht nicht"),  # leaves what has a word in its gap
        ("kaputt", "=kaputt"),  # leaves the other forms
        ("*ausfall", "Haarausfall"),  # leaves every other Ausfall
        ("Box gar? tot", "Box gar tot"),  # leaves what leaves it out
        ("{Box … tot}", "Box … tot"),  # leaves the other order
    ],
)
def test_an_exception_that_leaves_a_hit_is_no_fault(written, phrase, exception) -> None:
    assert rules(written(f"id: a, phrases: ['{phrase}'], exceptions: ['{exception}'], weight: 9")) == []


def test_a_trigger_of_which_nothing_counts_is_told_once(written) -> None:
    checked = written("id: a, phrases: [Box tot, Kiste tot], exceptions: [tot], weight: 9")
    assert rules(checked) == [("unreachable", "a", 4)]


def test_the_same_words_in_a_heavier_trigger_shadow_a_phrase(written) -> None:
    light, heavy = "id: a, phrases: [Box tot, Box rot], weight: 9", "id: b, phrases: [Box|Kiste tot], weight: 15"
    (remark,) = check_reach(written(light, heavy))
    assert (remark.rule, remark.trigger) == ("shadowed", "a")
    assert "`Box tot`" in remark.message and "`b`" in remark.message


def test_a_longer_phrase_elsewhere_shadows_nothing(written) -> None:
    assert rules(written("id: a, phrases: [Hilfe], weight: 9", "id: b, phrases: [brauche Hilfe], weight: 15")) == []


def test_a_phrase_in_a_trigger_of_need_and_one_of_praise_is_contradictory(written) -> None:
    checked = written(
        "id: a, phrases: [geht wieder, tot], weight: 9", "id: b, phrases: [geht wieder], weight: 0, intent: praise"
    )
    ((rule, trigger, _),) = rules(checked)
    assert (rule, trigger) == ("contradictory", "b")


def test_a_phrase_that_another_of_its_trigger_finds_is_a_duplicate(written) -> None:
    (remark,) = check_reach(written("id: a, phrases: [Box tot, Box|Kiste tot|rot], weight: 9"))
    assert (remark.rule, remark.field) == ("duplicate", "triggers[0].phrases[0]")
    assert rules(written("id: a, phrases: [Box tot, Box tot], weight: 9")) == [("duplicate", "a", 4)]


def test_a_phrase_that_finds_more_than_another_is_no_duplicate(written) -> None:
    assert rules(written("id: a, phrases: [Box … tot, Kiste tot, tot], weight: 9")) == []


def test_an_english_trigger_does_not_shadow_a_german_one(written) -> None:
    assert rules(written("id: a, phrases: [help], weight: 1", beside=("en",))) == []


def test_a_phrase_that_a_file_adds_to_another_trigger_is_told_where_it_is_added(written) -> None:
    change = "changes:\n  - id: de.help\n    add_phrases: [Box tot, Hilfe]\n    add_exceptions: [Box tot]\n"
    found = [
        each
        for each in check_reach(written("id: a, phrases: [Kiste], weight: 9", beside=("de",), more=change))
        if each.file.endswith("own.yaml")
    ]
    assert [(each.rule, each.trigger, each.line, each.field) for each in found] == [
        ("unreachable", "de.help", 7, "changes[0].add_phrases[0]"),
        ("duplicate", "de.help", 7, "changes[0].add_phrases[1]"),
    ]


def test_many_phrases_are_checked_in_seconds(written) -> None:
    started = time.process_time()
    names = [f"wort{number // 26}{chr(97 + number % 26)}x" for number in range(2_000)]
    assert rules(written(f"id: a, phrases: [{', '.join(names)}], weight: 9")) == []
    assert time.process_time() - started < 30


def stands_in_full(matcher, phrase, text):
    words = cut(text)
    return (0, len(words.words) - 1) in matcher.places(words).find(phrase)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5))
def test_a_phrase_stands_in_each_of_its_instances_from_the_first_to_the_last_word(parts) -> None:
    try:
        phrase = parse_phrase(" ".join(parts), "de")
    except PhraseError:
        return
    matcher = Matcher([phrase])
    for number, text in enumerate(instances(phrase)):
        if number < 200:
            assert stands_in_full(matcher, 0, text), text


def test_so_does_every_packaged_phrase() -> None:
    matcher = load_lexicon(["de", "en"], base=Path()).matcher
    for index, phrase in enumerate(matcher.phrases):
        text = next(instances(phrase))
        assert stands_in_full(matcher, index, text), text
