"""Words that find less than they seem to."""

import pytest

from lexicons.lint.ordinary import Post
from lexicons.lint.wording import check_wording, vocabulary

POSTS = [
    Post(
        "Die Störung nervt, der Ausfall auch, ihr wartet, ich warte. Ja, die Ausfälle! Die Rechnung kommt, die Kündigung",
        1,
        "de",
    )
] * 3


def told(checked):
    return [(each.rule, each.todo) for each in check_wording(checked, vocabulary(POSTS))]


@pytest.mark.parametrize("word", ["Storung", "Stoerung"])
def test_a_word_without_its_umlaut_is_told(written, word) -> None:
    ((rule, todo),) = told(written(f"id: a, phrases: [{word} melden], weight: 9"))
    assert rule == "umlaut" and "`Störung`" in todo


def test_a_verb_with_a_capital_letter_is_told(written) -> None:
    ((rule, todo),) = told(written("id: a, phrases: [Warte auf Box], weight: 9"))
    assert rule == "capital" and "`warte`" in todo


def test_a_noun_with_a_small_letter_is_told(written) -> None:
    ((rule, todo),) = told(written("id: a, phrases: [ausfall lange], weight: 9"))
    assert rule == "capital" and "`Ausfall`" in todo


def test_a_wrong_letter_that_misses_no_word_of_the_posts_is_left_alone(written) -> None:
    assert told(written("id: a, phrases: [rechnung falsch], weight: 9")) == []


def test_a_strong_verb_without_its_other_form_is_told(written) -> None:
    ((rule, todo),) = told(written("id: a, phrases: [Box stirbt], weight: 9"))
    assert rule == "missing-form" and "stirbt|sterben" in todo
    assert told(written("id: a, phrases: [Box stirbt, Box sterben], weight: 9")) == []


@pytest.mark.parametrize(
    "phrase",
    ["Störung", "=Storung", "*rechnung", "warte", "schon lange", "=stirbt", "Qwertz", "Rechnung|Box", "ab/sterben"],
)
def test_a_word_that_is_right_exact_or_unknown_is_left_alone(written, phrase) -> None:
    assert told(written(f"id: a, phrases: ['{phrase}'], weight: 9")) == []


def test_a_word_is_told_once_a_trigger(written) -> None:
    assert len(told(written("id: a, phrases: [Storung da, Storung hier], weight: 9"))) == 1


def test_who_writes_all_small_does_not_say_which_words_are_nouns() -> None:
    assert vocabulary([Post("die rechnung stimmt nicht", 1, "de")]) == ({}, {})


def test_a_word_that_is_written_both_ways_is_left_alone(written) -> None:
    words = vocabulary([Post("Das Warten nervt, wir warten seit Tagen, er wartet", 1, "de")] * 3)
    checked = written("id: a, phrases: [warten, Warten], weight: 9")
    assert list(check_wording(checked, words)) == []


def test_a_word_that_the_lexicon_calls_real_lacks_no_umlaut(written) -> None:
    checked = written("id: a, phrases: [Storung], weight: 9", more="real_words: [Storung]\n")
    assert list(check_wording(checked, vocabulary(POSTS))) == []


def test_words_in_exceptions_are_checked_too(written) -> None:
    checked = written("id: a, phrases: [Rechnung], exceptions: [Storung melden], weight: 9")
    (remark,) = check_wording(checked, vocabulary(POSTS))
    assert (remark.rule, remark.field) == ("umlaut", "triggers[0].exceptions[0]")


def test_words_in_lists_are_checked_where_they_stand(written) -> None:
    checked = written("id: a, phrases: [$dinge tot], weight: 9", more="lists:\n  dinge: [Rechnung, Storung]\n")
    (remark,) = check_wording(checked, vocabulary(POSTS))
    assert (remark.rule, remark.trigger, remark.field) == ("umlaut", None, "lists.dinge[1]")


def test_other_languages_are_left_alone(written) -> None:
    assert told(written("id: a, phrases: [Storung], weight: 9", language="en")) == []
