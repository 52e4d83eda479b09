"""How a word is read: stretched, disguised and mistyped words are the ones that their writers meant, real words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.reading import NO_WORD, Reading
from lexicons.text import fold

KNOWN = frozenset(("hilfe", "bitte", "kaputt", "rechnung", "leitung", "ausfall", "störung", "erstattung", "geht"))
READING = Reading(KNOWN, written=KNOWN, endings=frozenset(("ausfall", "fall")), real_words=frozenset(("leistung",)))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Hiiilfe", "hilfe"), ("HILFEEEEE", "hilfe"), ("biiittttte", "bitte"), ("kaputtttt", "kaputt"),
        ("H1lfe", "hilfe"), ("k4putt", "kaputt"), ("Нilfe", "hilfe"), ("Ηilfe", "hilfe"), ("ｇｅｈｔ", "geht"),
        ("g\u0435ht", "geht"),
        ("Rechnugn", "rechnung"), ("Rechnug", "rechnung"), ("Rechnungg", "rechnung"), ("Rechnumg", "rechnung"),
        ("Stöhrung", "störung"), ("Erstatung", "erstattung"),
    ],
)  # fmt: skip
def test_word_is_read_as_it_was_meant(written: str, meant: str) -> None:
    assert READING[fold(written)] == meant


@pytest.mark.parametrize(
    "written",
    [
        "Leistung",
        "Zeichnung",
        "Hilfr",
        "bitter",
        "Mahnung",
        "eRrechnung",
        "Berechnung",
        "12345",
        "@hilfe",
        "gehtt",
        "15",
        "1st",
        "n1cht",
        "k4",
        "k44444t",
        "Rechnunge",
        "Rechnun",
        "Rechnunk",
    ],
)
def test_real_short_or_distant_word_is_none(written: str) -> None:
    assert READING[fold(written)] == NO_WORD


def test_open_word_is_read_by_its_longest_ending() -> None:
    assert READING["stromausfall"] == "…ausfall"
    assert READING["zufall"] == "…fall"


def test_typing_errors_are_forgiven_in_words_as_written_only() -> None:
    reading = Reading(KNOWN, written=frozenset(("rechnung",)))
    assert (reading["rechnugn"], reading["leitugn"], reading["hiiilfe"]) == ("rechnung", NO_WORD, "hilfe")


@given(st.sampled_from(sorted(KNOWN)), st.integers(0, 20), st.characters(categories=["Ll"]), st.integers(0, 3))
def test_one_slip_in_a_long_word_is_forgiven_and_two_are_not(word: str, at: int, letter: str, kind: int) -> None:
    at = 1 + at % (len(word) - 2)
    written = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
    )[kind]
    if written in KNOWN or written[0] != word[0] or len(written) < 7:
        return
    read = READING[written]
    assert read == word or read.startswith("…") or (len(word) < 7 and written[-4:] != "fall")


@given(st.text(max_size=60))
def test_any_word_reads_the_same_twice_and_as_known_or_none(word: str) -> None:
    for folded in fold(word).split():
        read = READING[folded]
        assert read == Reading.__missing__(READING, folded)
        assert read in KNOWN or read in (NO_WORD, ".") or "…" in read
