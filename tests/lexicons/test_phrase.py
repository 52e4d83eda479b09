"""What a phrase of the lexicon language finds: optional words, any order, separable verbs; and what is refused."""

import pytest

from lexicons.matcher import Matcher
from lexicons.phrase import PhraseError, parse_phrase
from lexicons.text import cut


def stands(phrase: str, text: str, language: str = "de") -> list[str]:
    matcher = Matcher([parse_phrase(phrase, language)])
    found = cut(text)
    if not matcher.candidates(found):
        return []
    spans = found.spans(len(found.raw) - 1)
    return [text[spans[first][0] : spans[last][1]] for first, last in matcher.places(found).find(0)]


@pytest.mark.parametrize("text", ["geht nicht", "geht gar nicht"])
def test_optional_word_may_be_left_out(text: str) -> None:
    assert stands("geht gar? nicht", f"es {text} mehr") == [text]
    assert not stands("geht gar? nicht", "es geht so nicht")


def test_optional_word_may_be_one_of_several() -> None:
    assert stands("bitte mal|kurz? melden", "bitte kurz melden")
    assert stands("bitte mal|kurz? melden", "bitte melden")


@pytest.mark.parametrize("text", ["Router seit gestern kaputt", "kaputt ist mein Router"])
def test_braces_find_their_words_in_any_order(text: str) -> None:
    assert stands("{Router … kaputt}", f"also {text}!") == [text]


def test_braces_without_a_gap_stand_side_by_side() -> None:
    assert stands("{nicht geht}", "geht nicht") == ["geht nicht"]
    assert not stands("{nicht geht}", "geht gar nicht")


def test_braces_end_with_the_sentence() -> None:
    assert not stands("{Router … kaputt}", "Router da. Kaputt ist nichts")


@pytest.mark.parametrize(
    "text",
    [
        "kommt nicht an",
        "kommt einfach nicht bei mir an",
        "ist nicht angekommen",
        "dass es nicht ankommt",
        "nicht anzukommen",
    ],
)
def test_separable_verb_is_found_apart_and_as_one_word(text: str) -> None:
    assert stands("nicht an/kommen", f"Das Paket {text}.")


def test_separable_verb_takes_its_subject_before_or_after() -> None:
    assert stands("App ab/stürzen", "App stürzt dauernd ab") == ["App stürzt dauernd ab"]
    assert stands("App … ab/stürzen", "jetzt stürzt die App wieder ab")
    assert not stands("App … ab/stürzen", "die App stürzt sich auf mich")


@pytest.mark.parametrize(
    "text",
    [
        "Koffer kommt nicht an",
        "Koffer ist nicht angekommen",
        "kommt der Koffer heute nicht mehr an",
        "dass mein Koffer wohl nicht ankommt",
    ],
)
def test_separable_verb_stands_second_or_first(text: str) -> None:
    assert stands("Koffer … nicht an/kommen", text)


def test_strong_separable_verb_has_its_own_forms() -> None:
    assert stands("Strom … aus/fallen", "der Strom fiel gestern wieder aus")
    assert stands("Strom … aus/fallen", "weil der Strom ausgefallen ist")


@pytest.mark.parametrize(
    ("phrase", "says"),
    [
        ("bitte? helfen", "optional"),
        ("helfen bitte?", "optional"),
        ("ein-und-aus? geht x", "single word"),
        ("{a}", "two to 4"),
        ("{a b c d e}", "two to 4"),
        ("{a b? c}", "none of them optional"),
        ("{a {b c}}", "braces inside braces"),
        ("a } b", "other half"),
        ("an/kommen ab/stürzen", "two separable"),
        ("geht … nicht … an/kommen wird … x", "more than 2 gaps"),
        ("{a b c} {d e f}", "orders of words"),
    ],
)
def test_phrase_that_can_find_nothing_says_why(phrase: str, says: str) -> None:
    with pytest.raises(PhraseError, match=says):
        parse_phrase(phrase, "de")


def test_separable_verbs_are_german_only() -> None:
    with pytest.raises(PhraseError, match="in German only"):
        parse_phrase("an/kommen", "en")


def test_words_beyond_a_short_text_are_found_too() -> None:
    filler = "wort " * 500
    assert stands("geht … nicht", f"{filler} es geht hier nicht {filler}") == ["geht hier nicht"]


def test_what_people_write_does_not_grow_the_vocabulary() -> None:
    matcher = Matcher([parse_phrase("geht … *ausfall", "de")])
    for number in range(3):
        list(matcher.places(cut(f"geht wort{number} und netz{number}x xyz{'abc'[number]}ausfall")).find(0))
    before = len(matcher.doc(["geht"]).vocab.strings)
    for number in range(200):
        list(matcher.places(cut(f"geht w{number}x und dann y{number}xausfall")).find(0))
    assert len(matcher.doc(["geht"]).vocab.strings) == before
