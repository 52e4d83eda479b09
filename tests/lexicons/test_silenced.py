"""Why a phrase that stands in a text does not count."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_a_place_that_counts_is_not_silenced(brandless) -> None:
    heard = hear(brandless, cut("Hilfe! Das war keine Hilfe."))
    assert [(hit.id, hit.start) for hit in heard.hits if hit.id == "de.help"] == [("de.help", 0)]
    assert [each.start for each in heard.silenced if each.id == "de.help"] == [21]


WORDS = ["Hilfe", "brauche", "keine", "nicht", "kaputt", "erste", ".", "mit", "geht", "wieder", "danke"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_hits_are_those_that_the_judgement_finds(brandless, words) -> None:
    text = cut(" ".join(words))
    heard = hear(brandless, text)
    assert {hit.id for hit in heard.hits} == {finding.trigger.id for finding in find(brandless, text)[0]}
    counting = {(hit.id, hit.start, hit.end) for hit in heard.hits}
    assert not counting & {(each.id, each.start, each.end) for each in heard.silenced}
