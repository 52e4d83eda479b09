"""The explanation an agent reads."""

import inspect

import pytest

from priority.explanation import explain
from priority.score import score
from priority.words import ENGLISH, GERMAN, Words, short, words
from records.mention import Author


def test_an_agent_reads_points_due_time_unknowns_and_versions(make, balanced):
    case = make.case(author=Author(id="7"), snapshots=(make.customer(contacts=(make.contact(3),)),))
    assert score(case, balanced).explanation == (
        "Score 33.2 of 100, priority normal",
        "Content 21.2/50: “broken”; urgency 1.2 of 3, anger 0.8 of 3",
        "Purchases 0.0/15: no purchase on record",
        "Contacts 12.0/20: escalation: turned to us before, now posts; hotline 3 h before the post, unresolved",
        "Influence 0.0/15: unknown",
        "First answer due Wed 2026-11-25 15:17 CET (target 1 h 17 min of opening hours)",
        "Unknown, so it counts neither way: followers",
        f"Strategy {balanced.version}, lexicon en@1",
    )


def test_a_german_post_is_explained_in_german(make, balanced):
    lines = score(make.case(make.post(language="de", league="safety")), balanced).explanation
    assert lines[0].endswith("von 100 Punkten, Priorität dringend")
    assert "Liga: Gefahr (steht über allen Punkten)" in lines
    assert any(line.startswith("Erste Antwort bis Mi 25.11.2026 14:") and "rund um die Uhr" in line for line in lines)


def test_the_caller_may_ask_for_another_language(make, balanced):
    assert score(make.case(make.post(language="de")), balanced, "en").explanation[0].startswith("Score")


def test_nothing_unknown_has_no_line(make, balanced):
    lines = score(make.case(snapshots=(make.customer(),)), balanced).explanation
    assert not any("Unknown" in line for line in lines)


def test_the_due_time_in_the_explanation_is_the_one_of_the_score(make, balanced):
    case = make.case()
    scored = score(case, balanced)
    from priority.deadline import target

    assert explain(scored, case, balanced, target(case, scored.points, None, balanced), "en") == scored.explanation


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", GERMAN),
        ("de-AT", GERMAN),
        ("DE", GERMAN),
        ("den", ENGLISH),
        ("en", ENGLISH),
        ("und", ENGLISH),
        (None, ENGLISH),
    ],
)
def test_language_tags(tag, expected):
    assert words(tag) is expected


def test_every_phrase_with_a_word_in_it_is_translated():
    shared = {"duration", "target", "cap", "channel", "pieces"}  # built from translated parts
    methods = {name for name, _ in inspect.getmembers(Words, inspect.isfunction) if not name.startswith("_")}
    assert {name for name in methods if name not in vars(type(GERMAN))} == shared
    constants = {n for n, v in vars(Words).items() if isinstance(v, str | tuple) and not n.startswith("_")}
    assert {n for n in constants if n not in vars(type(GERMAN))} == set()


def test_foreign_names_are_cut_to_one_line():
    assert short("a\nb" + "c" * 99, 10) == "a bcccccc…"
