"""profile: facts in any order become one snapshot, and it goes only to authors linked with evidence."""

import itertools

import msgspec
import pytest

from records.events import Erased, Known
from records.facts import Contact, CustomerFact, Erasure, Link, Purchase, Tag, Unlink
from records.times import DAY, from_ms
from streams.profile import MAX_FACTS, Profile

from .conftest import START


def at(day: float) -> str:
    return from_ms(START + int(day * DAY))


def link(evidence: str = "verified", author: str = "x:anna", day: float = 0) -> Link:
    return Link(id=f"link {author} {evidence}", customer="c1", author=author, evidence=evidence, at=at(day))  # type: ignore[arg-type]


def purchase(id: str = "p", amount: float = 20.0, day: float = 1, **more: object) -> Purchase:
    return Purchase(id=id, customer="c1", amount=amount, currency="EUR", at=at(day), **more)  # type: ignore[arg-type]


def told(*facts: CustomerFact, stop: int = 0) -> list[tuple[str, object]]:
    """(author, event) of everything sent after the first `stop` facts."""
    profile, state, sent = Profile(), None, []
    for number, fact in enumerate(facts):
        state, outputs = profile.step("c1", state, fact)
        sent += [(output.key, output.record) for output in outputs] if number >= stop else []
    return sent


def newest(*facts: CustomerFact) -> dict[str, Known]:
    """The newest snapshot of each author."""
    return {author: event.snapshot for author, event in told(*facts) if isinstance(event, Known)}


def test_nobody_is_told_of_a_customer_without_a_link():
    assert told(purchase()) == []


@pytest.mark.parametrize("evidence", ["self_claimed", "inferred"])
def test_only_verified_evidence_opens_what_is_known(evidence):
    facts = (
        purchase(),
        Contact(id="c", customer="c1", at=at(1), channel="phone"),
        Tag(id="t", customer="c1", at=at(1), tag="vip"),
    )
    seen = newest(*facts, link(evidence))["x:anna"]
    assert (seen.evidence, seen.purchases, seen.contacts, seen.tags) == (evidence, (), (), ())
    assert newest(*facts, link())["x:anna"].purchases


def test_an_unlink_takes_everything_back():
    gone = newest(purchase(), link(), Unlink(id="u", customer="c1", author="x:anna", at=at(2)))["x:anna"]
    assert (gone.evidence, gone.purchases) == (None, ())


def test_a_link_after_an_unlink_counts():
    unlink = Unlink(id="u", customer="c1", author="x:anna", at=at(2))
    assert newest(link(day=3), unlink)["x:anna"].evidence == "verified"


def test_the_highest_revision_of_a_fact_counts_in_any_order():
    versions = [purchase(amount=10), purchase(amount=30, revision=2), purchase(amount=20, revision=1)]
    for order in itertools.permutations(versions):
        assert [p.amount for p in newest(link(), *order)["x:anna"].purchases] == [30]


def test_a_fact_that_was_taken_back_does_not_count():
    taken_back = purchase(revision=1, op="delete")
    for order in itertools.permutations([purchase(), taken_back]):
        assert newest(link(), *order)["x:anna"].purchases == ()


def test_an_erasure_forgets_verified_authors_and_only_unlinks_those_who_claimed():
    events = told(link(), link("self_claimed", "x:ben"), Erasure(id="e", customer="c1", at=at(5)), stop=2)
    assert [author for author, event in events if isinstance(event, Erased)] == ["x:anna"]
    assert {author for author, event in events if isinstance(event, Known)} == {"x:anna", "x:ben"}


def test_nothing_from_before_an_erasure_comes_back():
    erasure = Erasure(id="e", customer="c1", at=at(5))
    assert told(link(), erasure, purchase(day=1), link("self_claimed", day=2), stop=2) == []
    assert newest(link(), purchase(day=1), erasure, link(day=6))["x:anna"].purchases == ()


def test_very_many_facts_are_bounded_and_links_stay():
    many = [purchase(f"p{n}", day=n / 100) for n in range(MAX_FACTS + 50)]
    profile, state = Profile(), None
    for fact in [link(), *many]:
        state, _ = profile.step("c1", state, fact)
    assert len(state.facts) == MAX_FACTS and link().id in state.facts and "p0" not in state.facts


def test_a_repeated_fact_sends_nothing():
    assert told(link(), purchase(), msgspec.structs.replace(purchase()), stop=2) == []
