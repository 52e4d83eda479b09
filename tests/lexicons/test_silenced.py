"""Why a phrase that stands in a text does not count."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexicons.compiler import load_lexicon
from lexicons.findings import find
from lexicons.silenced import hear
from lexicons.text import cut


def silenced(lexicon, text, trigger):
    return [(each.text, each.why, each.by) for each in hear(lexicon, cut(text)).silenced if each.id == trigger]


@pytest.mark.parametrize(
    ("text", "words", "why", "by"),
    [
        ("Der Erste Hilfe Kurs", "Hilfe", "exception", "erste"),
        ("Bitte keine Hilfe", "Hilfe", "negation", "keine"),
        ("Ich brauche Hilfe", "Hilfe", "longer_hit", "de.need_help"),
    ],
)
def test_it_says_what_switched_a_hit_off(brandless, text, words, why, by) -> None:
    ((found, reason, what),) = silenced(brandless, text, "de.help")
    assert (found, reason) == (words, why) and by in what


def test_offsets_are_those_of_the_original_text(brandless) -> None:
    text = "🙂 Ich brauche   KEINE Hilfe"
    (each,) = [each for each in hear(brandless, cut(text)).silenced if each.id == "de.help"]
    assert text[each.start : each.end] == each.text == "Hilfe"


ASIDES = """\
lexicon: 1
language: de
supposed: [falls]
of_others: [mein Nachbar]
cues: {negation: [nicht]}
triggers:
  - {id: a, phrases: [Netz … nicht], regex: ["E-[0-9]+"], weight: 9, exceptions: [Fehler E-7]}
  - {id: b, phrases: [Netz], weight: 9, even_if: [supposed]}
"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("falls mein Netz nicht geht", "supposed"),
        ("mein Nachbar hat Netz, nicht", None),
        ("mein Nachbar hat Netz nicht", "of_others"),
        ('Überschrift: "Das Netz geht in ganz Wien nicht"', "quoted"),
        ("Fehler E-7", "exception"),
        ("Fehler E-8", None),
    ],
)
def test_asides_and_regular_expressions_are_told(tmp_path, text, why) -> None:
    (tmp_path / "own.yaml").write_text(ASIDES, "utf-8")
    lexicon = load_lexicon(["own.yaml"], base=tmp_path)
    assert [each[1] for each in silenced(lexicon, text, "a")] == ([why] if why else [])


def test_an_aside_that_a_trigger_allows_silences_nothing(tmp_path) -> None:
    (tmp_path / "own.yaml").write_text(ASIDES, "utf-8")
    lexicon = load_lexicon(["own.yaml"], base=tmp_path)
    assert silenced(lexicon, "falls mein Netz geht", "b") == []
    ((_, why, _),) = silenced(lexicon, 'Er sagt: "falls mein Netz geht, dann gut"', "b")
    assert why == "quoted"


def test_a_place_that_counts_is_not_silenced(brandless) -> None:
    heard = hear(brandless, cut("Hilfe! Das war keine Hilfe."))
    assert [(hit.id, hit.start) for hit in heard.hits if hit.id == "de.help"] == [("de.help", 0)]
    assert [each.start for each in heard.silenced if each.id == "de.help"] == [21]


WORDS = ["Hilfe", "brauche", "keine", "nicht", "kaputt", "erste", ".", "mit", "geht", "wieder", "danke"]


@pytest.mark.parametrize("words", ["keine Hilfe ", "erste Hilfe ", "brauche Hilfe nicht ", "falls kein Netz "])
def test_a_text_of_100_kb_takes_no_time_to_speak_of(brandless, words) -> None:
    started = time.process_time()
    hear(brandless, cut(words * (100_000 // len(words))))
    assert time.process_time() - started < 5


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_hits_are_those_that_the_judgement_finds(brandless, words) -> None:
    text = cut(" ".join(words))
    heard = hear(brandless, text)
    assert {hit.id for hit in heard.hits} == {finding.trigger.id for finding in find(brandless, text)[0]}
    counting = {(hit.id, hit.start, hit.end) for hit in heard.hits}
    assert not counting & {(each.id, each.start, each.end) for each in heard.silenced}
