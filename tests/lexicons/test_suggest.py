"""What is proposed, and what never is. The posts are invented."""

import random
import re
from itertools import cycle, islice

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexicons.suggest import Hit, Judged, Known, Limits, Proposal, Side, log_odds, suggest
from lexicons.terms import Words

STOPWORDS = Words("ich und die der das ist nicht zu mit im es bitte immer noch nichts").keys
OPENINGS = ("Moin,", "Hallo zusammen,", "Also", "Guten Tag,", "Leute,", "So,", "Na toll,", "Puh,")


def posts(side: Side, texts: list[str], trigger: str | None = None, on: str = "", start: int = 0) -> list[Judged]:
    """Each by an author of its own; `trigger` hits the word `on`."""
    found = []
    for number, text in enumerate(texts, start):
        at = text.find(on) if on else -1
        hits = (Hit(trigger, at, at + len(on)),) if trigger and at >= 0 else ()
        found.append(
            Judged(id=f"x:{side}{number}{trigger}", author=f"{side}{number}", side=side, words=Words(text), hits=hits)
        )
    return found


def many(text: str, count: int) -> list[str]:
    return [f"{opening} {text}" for opening in islice(cycle(OPENINGS), count)]


def containing(phrase: str, among) -> list[Judged]:
    return [post for post in among if tuple(phrase.casefold().split()) in post.words.terms]


KNOWN = Known(
    language="de",
    weights={"de.help": 20.0, "de.smoke": 30.0, "de.weak": 4.0},
    leagues=frozenset(["de.smoke"]),
    phrases={"de.weak": (frozenset({"funkbox", "rot"}),), "de.help": (frozenset({"hilfe"}),)},
    stopwords=STOPWORDS,
    brands=frozenset(["nordfunk"]),
    found=containing,
    holds=lambda phrase, text: "nicht" not in text,
)
ORDINARY = posts("other", many("Kuchen gebacken und Kaffee getrunken", 60) + many("die Sonne scheint im Garten", 60))


def proposed(given: list[Judged], **limits: int) -> dict[tuple[str, str], Proposal]:
    return {(one.kind, one.phrase or one.trigger): one for one in suggest(given, KNOWN, Limits(**limits))}


def test_a_term_of_posts_opened_by_hand_becomes_a_phrase_with_its_evidence():
    found = proposed(posts("missed", many("meine Auszahlung fehlt", 8)) + ORDINARY)
    (one,) = [proposal for (kind, _), proposal in found.items() if kind == "phrase"]
    assert "Auszahlung" in (one.phrase or "") and one.trigger.startswith("suggested.de.")
    assert (one.evidence.hits, one.evidence.of, one.evidence.against, one.evidence.authors) == (8, 8, 0, 8)
    assert one.evidence.z > 2 and one.evidence.log_odds > 0
    assert any("Auszahlung" in example for example in one.evidence.examples)


def test_what_stands_everywhere_is_not_proposed():
    everywhere = many("Auszahlung im Juli", 20)
    assert proposed(posts("missed", everywhere) + posts("other", everywhere * 3)) == {}


def test_of_posts_that_differ_by_chance_alone_hardly_a_word_is_proposed():
    words = [
        first + second for first in ("Bar", "Lam", "Nor", "Sil", "Tek", "Wum", "Zir") for second in "abcdefghijklmnop"
    ]
    proposals = 0
    for seed in range(10):
        chance = random.Random(seed)
        texts = [" ".join(chance.choices(words, k=8)) for _ in range(400)]
        proposals += len(proposed(posts("missed", texts[:200]) + posts("other", texts[200:])))
    assert proposals <= 10, "about one a run"


def test_a_term_that_a_trigger_hits_already_is_not_proposed():
    assert proposed(posts("missed", many("meine Auszahlung", 8), "de.help", "meine Auszahlung") + ORDINARY) == {}


@pytest.mark.parametrize(("count", "authors", "is_proposed"), [(5, 3, True), (4, 4, False), (9, 2, False)])
def test_a_term_must_stand_in_enough_posts_of_enough_authors(count, authors, is_proposed):
    missed = [
        Judged(id=f"x:{n}", author=f"a{n % authors}", side="missed", words=Words(text))
        for n, text in enumerate(many("Auszahlung fehlt", count))
    ]
    assert bool(proposed(missed + ORDINARY)) is is_proposed
    assert bool(proposed(missed + ORDINARY, posts=count, authors=authors)) is True


def test_another_way_to_say_what_a_trigger_says_is_added_to_it():
    (one,) = proposed(posts("missed", many("Funkbox leuchtet rot", 8)) + ORDINARY).values()
    assert (one.trigger, one.weight, one.old_weight) == ("de.weak", None, 4.0)


def test_a_term_in_other_letters_gets_an_id_all_the_same():
    (one,) = proposed(posts("missed", many("возврат", 8)) + ORDINARY).values()
    assert re.fullmatch(r"suggested\.de\.[0-9a-f]{8}", one.trigger)


def test_what_was_accepted_before_and_is_missed_again_is_added_to_its_own_trigger():
    known = msgspec.structs.replace(KNOWN, weights={**KNOWN.weights, "suggested.de.auszahlung": 12.0})
    given = posts("missed", many("Auszahlung", 8)) + ORDINARY
    assert [(one.trigger, one.weight) for one in suggest(given, known, Limits())] == [("suggested.de.auszahlung", None)]


def test_an_example_that_the_phrase_does_not_hit_is_not_shown():
    missed = posts("missed", [*many("die Auszahlung fehlt", 4), *many("die Auszahlung nicht da", 4)])
    (one,) = proposed(missed + ORDINARY).values()
    assert one.evidence.examples and not any("nicht" in example for example in one.evidence.examples)


def test_names_of_brands_and_small_words_alone_are_no_phrases():
    assert proposed(posts("missed", many("Nordfunk und ich", 9)) + ORDINARY) == {}
    assert ("phrase", "immer noch nichts") in proposed(posts("missed", many("immer noch nichts", 9)) + ORDINARY)


def test_words_of_one_person_stand_in_no_example():
    missed = posts("missed", [f"{text} in der Amselgasse" for text in many("meine Auszahlung fehlt", 4)])
    missed += posts("missed", ["Hallo Frau Zwiebelbauer, meine Auszahlung fehlt in der Lerchengasse"] * 2, start=50)
    (one,) = proposed(missed + ORDINARY, posts=5, authors=5).values()
    assert one.evidence.examples
    assert not any(word in example for example in one.evidence.examples for word in ("gasse", "Zwiebel"))


def test_what_stands_round_hits_in_tickets_closed_as_no_need_becomes_an_exception():
    wrong = posts("no_need", many("Kurs in erste Hilfe gemacht", 40), "de.help", "Hilfe")
    right = posts("solved", many("ich brauche Hilfe mit dem Router", 8), "de.help", "Hilfe")
    found = proposed(wrong + right + posts("solved", many("Router kaputt", 60), start=100))
    (one,) = [proposal for (kind, _), proposal in found.items() if kind == "exception"]
    assert one.trigger == "de.help" and "hilfe" in (one.phrase or "").casefold() and one.phrase != "Hilfe"
    assert (one.evidence.hits, one.evidence.against) == (40, 0)
    assert not any(kind == "weight" for kind, _ in found), "the exception takes all of them away"


def test_where_no_word_tells_them_apart_the_weight_goes_down():
    texts = many("Hilfe", 30)
    wrong, right = posts("no_need", texts, "de.help", "Hilfe"), posts("solved", texts[:3], "de.help", "Hilfe")
    found = proposed(wrong + right + posts("solved", many("Router kaputt", 60), start=100))
    one = found["weight", "de.help"]
    assert one.old_weight == 20.0 and one.weight is not None and 10.0 <= one.weight < 20.0


def test_a_trigger_of_posts_that_were_raised_gets_more_weight():
    raised = posts("raised", many("Vertrag", 12), "de.weak", "Vertrag")
    wrong = posts("no_need", many("Kuchen", 40))
    one = proposed(raised + wrong)["weight", "de.weak"]
    assert one.weight is not None and 4.0 < one.weight <= 14.0


def test_a_league_is_never_weighed_down():
    wrong = posts("no_need", many("Rauch", 30), "de.smoke", "Rauch")
    assert ("weight", "de.smoke") not in proposed(wrong + posts("solved", many("Router kaputt", 60)))


def test_without_outcomes_nothing_is_proposed():
    assert suggest([], KNOWN, Limits()) == suggest(ORDINARY, KNOWN, Limits()) == []


def _mixed() -> list[Judged]:
    return [
        *posts("missed", many("meine Auszahlung fehlt seit Juni", 9)),
        *posts("raised", many("Vertrag im Nebel", 7), "de.weak", "Vertrag"),
        *posts("no_need", many("Kurs in erste Hilfe gemacht", 8), "de.help", "Hilfe"),
        *posts("solved", many("brauche Hilfe am Router", 12), "de.help", "Hilfe"),
        *ORDINARY[:40],
    ]


@settings(max_examples=25, deadline=None)
@given(st.permutations(_mixed()))
def test_the_order_of_the_posts_changes_nothing(shuffled):
    expected = suggest(_mixed(), KNOWN, Limits())
    assert expected and suggest(shuffled, KNOWN, Limits()) == expected


@given(st.integers(0, 50), st.integers(0, 50))
def test_log_odds_are_as_in_the_paper_and_turn_with_the_sides(hits, against):
    odds, z = log_odds(hits, 50, against, 50, 0.5, 10)
    turned, _ = log_odds(against, 50, hits, 50, 0.5, 10)
    assert odds == pytest.approx(-turned)
    assert (odds > 0) == (hits > against) or hits == against
    assert (z > 0) == (odds > 0)


def test_the_prior_damps_what_stands_in_few():
    assert log_odds(1, 10, 0, 10, 1.0, 20)[1] < 1.0 < log_odds(10, 100, 0, 100, 1.0, 20)[1]
