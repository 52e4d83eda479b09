"""Phrases in texts: inflection, spelling, compounds, gaps, and the filter that goes before."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.inflection import forms
from lexicons.matcher import Matcher
from lexicons.phrase import PhraseError, parse_phrase
from lexicons.text import cut, fold


def stands(phrase: str, text: str, language: str = "de") -> list[str]:
    matcher = Matcher([parse_phrase(phrase, language)])
    found = cut(text)
    if not matcher.candidates(found):
        return []
    spans = found.spans(len(found.raw) - 1)
    return [text[spans[first][0] : spans[last][1]] for first, last in matcher.places(found).find(0)]


@pytest.mark.parametrize(
    "text", ["kaputt", "kaputte", "kaputtes", "kaputter", "KAPUTTEN", "ｋａｐｕｔｔ", "ka\u200bputt", "kaputt!"]
)
def test_adjective_is_found_in_every_form_and_writing(text: str) -> None:
    assert stands("kaputt", f"alles {text}")


@pytest.mark.parametrize("text", ["warte", "warten", "wartet", "gewartet", "wartest"])
def test_verb_is_found_in_its_forms(text: str) -> None:
    assert stands("warte", text)


@pytest.mark.parametrize(
    "text", ["Störung", "Störungen", "Stoerung", "stoerungen", "Storung", "STÖRUNG", "Sto\u0308rung", "#Störung"]
)
def test_umlauts_are_found_in_every_spelling(text: str) -> None:
    assert stands("Störung", text) == [text]


@pytest.mark.parametrize(
    ("pattern", "text"), [("Größe", "Groesse"), ("Größe", "Grösse"), ("heiß", "heiss"), ("Straße", "STRASSE")]
)
def test_sharp_s_is_double_s(pattern: str, text: str) -> None:
    assert stands(pattern, text)


@pytest.mark.parametrize("text", ["ausfall", "Netzausfall", "Stromausfälle", "Netzausfaelle"])
def test_star_finds_compounds_and_their_plural(text: str) -> None:
    assert stands("*ausfall", text)


@pytest.mark.parametrize("text", ["refund", "refunds", "refunded", "refunding"])
def test_english_words_are_found_in_their_forms(text: str) -> None:
    assert stands("refund", text, "en")


@pytest.mark.parametrize("text", ["cancelled", "cancelling", "deliveries", "charged", "stopped"])
def test_english_spelling_rules_hold(text: str) -> None:
    assert any(stands(word, text, "en") for word in ("cancel", "delivery", "charge", "stop"))


@pytest.mark.parametrize("text", ["doesn't work", "doesn’t work", "doesnt work", "DOESN`T WORK"])
def test_apostrophes_do_not_matter(text: str) -> None:
    assert stands("doesn't work", text, "en") == [text]


def test_gap_bridges_up_to_six_words_of_one_sentence() -> None:
    assert stands("geht … nicht", "Es geht hier seit heute früh gar nicht mehr") == [
        "geht hier seit heute früh gar nicht"
    ]
    assert not stands("geht … nicht", "Es geht los. Das ist nicht schlimm")
    assert not stands("geht … nicht", "geht eins zwei drei vier fünf sechs sieben nicht")


def test_gap_tries_every_continuation() -> None:
    assert stands("kommt … nicht an", "kommt nicht heute und morgen nicht an") == [
        "kommt nicht heute und morgen nicht an"
    ]


def test_words_of_a_phrase_must_be_neighbours() -> None:
    assert not stands("brauche Hilfe", "brauche gute Hilfe")


def test_word_inside_another_word_is_not_found() -> None:
    assert not stands("Hilfe", "Beihilfe und Hilfestellung")


def test_exact_word_takes_no_other_form() -> None:
    assert stands("=Rauch", "Rauch!")
    assert not stands("=Rauch", "Raucher rauchen")


def test_dot_inside_a_number_ends_no_sentence() -> None:
    assert stands("kostet … zu viel", "kostet 3.50 zu viel")


@pytest.mark.parametrize(
    "phrase", ["", "…", "… geht", "geht …", "a … … b", "a … b … c … d", "*", "*ab", "*abc*", "a| b c", "!!!"]
)
def test_impossible_phrases_are_refused(phrase: str) -> None:
    with pytest.raises(PhraseError):
        parse_phrase(phrase, "de")


@given(st.text(max_size=200))
def test_pieces_never_reach_outside_the_text_and_fold_to_their_word(text: str) -> None:
    pieces = cut(text)
    spans = pieces.spans(len(pieces.raw) - 1) if pieces.raw else []
    assert len(spans) == len(pieces.words)
    for (start, end), (_, after) in itertools.pairwise(spans):
        assert end <= after
        assert 0 <= start < end <= len(text)
    for (start, end), raw in zip(spans, pieces.raw, strict=True):
        assert text[start:end] == raw


WORDS = [
    "geht",
    "nicht",
    "Hilfe",
    "brauche",
    "kommt",
    "an",
    ".",
    "netzausfall",
    "Störung",
    "x",
    "gehst",
    "😡",
    "@nordfunk",
]


@given(
    st.lists(st.sampled_from(WORDS), max_size=90),
    st.sampled_from(
        [
            "geht … nicht", "kommt … nicht … an", "brauche Hilfe", "*ausfall", "Störung", "geht|kommt an", "geht x? nicht",
            "{geht … *ausfall}", "{geht nicht x}", "nicht an/kommen", "geht … x? nicht",
        ]
    ),
)  # fmt: skip
def test_prefilter_never_hides_a_match(words: list[str], phrase: str) -> None:
    parsed, text = parse_phrase(phrase, "de"), cut(" ".join(words))
    matcher = Matcher([parsed])
    places = list(matcher.places(text).find(0))
    assert bool(places) <= bool(matcher.candidates(text))
    assert bool(places) is _stands_somewhere(parsed, text.words)


def _stands_somewhere(phrase, words) -> bool:
    """The meaning of a phrase, written as plainly as possible. A gap before a word that is left out stands nonetheless."""

    def rest(way, slot: int, after: int, left: int = 0) -> bool:
        if slot == len(way.slots):
            return True
        gap = left + way.gaps[slot]
        if way.slots[slot].optional and rest(way, slot + 1, after, gap):
            return True
        reach = range(after + 1, min(after + 2 + gap, len(words)))
        return any(
            way.slots[slot].matches(words[place]) and "." not in words[after:place] and rest(way, slot + 1, place)
            for place in reach
        )

    return any(
        way.slots[0].matches(word) and rest(way, 1, place) for way in phrase.ways for place, word in enumerate(words)
    )


@given(st.sampled_from(["Störung", "Rückerstattung", "größer", "überfällig", "Kündigung"]), st.sampled_from(["e", ""]))
def test_every_spelling_of_an_umlaut_is_among_the_forms(word: str, kind: str) -> None:
    spelt = word.lower()
    for umlaut, plain in (("ä", "a"), ("ö", "o"), ("ü", "u")):
        spelt = spelt.replace(umlaut, plain + kind)
    assert fold(spelt) in forms(word, "de")


@pytest.mark.parametrize("text", ["#keinNetz", "#KeinNetz", "#kein_Netz", "#KEIN_NETZ", "＃keinNetz"])
def test_words_of_a_camel_case_hashtag_are_found(text: str) -> None:
    assert stands("kein Netz", f"schon wieder {text} hier") == [text]


@pytest.mark.parametrize("text", ["👎🏽", "👎", "❤️", "🙅‍♀️", "⏰", "👩‍👩‍👧"])
def test_emoji_is_one_word_whatever_its_skin_tone(text: str) -> None:
    assert len(cut(f"so {text} geht das").words) == 4
    assert stands(text[0], f"also {text}!") == [text]
