"""Who counts as a known customer, and what an agent is told where nobody does."""

import pytest

from priority.customer import recognise
from priority.score import score
from priority.words import ENGLISH


@pytest.fixture(scope="session")
def rich(make):
    """A snapshot full of facts, whatever its evidence says."""

    def build(**changes):
        return make.customer(
            purchases=(make.purchase(1, 9000, quantity=10, product="laptop"),),
            contacts=(make.contact(3),),
            tags=(("ambassador", None),),
            **changes,
        )

    return build


def test_a_verified_customer_is_known(make):
    assert recognise((make.customer(),), ENGLISH).unknown == ()


@pytest.mark.parametrize("evidence", ["self_claimed", "inferred"])
def test_a_claim_or_guess_counts_for_nothing_and_tells_the_agent_to_ask(make, balanced, rich, evidence):
    scored = score(make.case(snapshots=(rich(evidence=evidence),)), balanced)
    assert scored.points == score(make.case(), balanced).points
    assert "customer: may be c-1: ask" in scored.unknown


def test_a_link_that_is_gone_and_an_erased_customer_count_for_nothing(make, balanced, rich):
    for snapshot in (rich(evidence=None), rich(erased=True)):
        assert score(make.case(snapshots=(snapshot,)), balanced) == score(make.case(), balanced)


def test_two_verified_customers_of_one_author_both_count_for_nothing_and_are_named(make, balanced, rich):
    scored = score(make.case(snapshots=(rich(customer="c-1"), rich(customer="c-2"))), balanced)
    assert scored.points == score(make.case(), balanced).points
    assert "customer: verified for c-1, c-2, so none counts: check the links" in scored.unknown


def test_a_verified_customer_counts_beside_a_mere_claim_to_be_another(make, rich):
    known = recognise((rich(), rich(customer="c-2", evidence="self_claimed")), ENGLISH)
    assert known.snapshot is not None
    assert known.snapshot.customer == "c-1"


def test_of_two_snapshots_of_one_customer_the_newest_counts(make):
    known = recognise((make.customer(version=7, tags=(("vip", None),)), make.customer(version=2)), ENGLISH)
    assert known.snapshot is not None
    assert known.snapshot.version == 7


def test_a_hundred_claims_do_not_fill_the_ticket(make):
    claims = tuple(make.customer(customer=f"c-{i}", evidence="inferred") for i in range(100))
    assert len(recognise(claims, ENGLISH).unknown) == 3


def test_an_unknown_customer_is_said_to_be_unknown(make, balanced):
    scored = score(make.case(), balanced)
    assert make.why(scored, "purchases") == "unknown"
    assert "customer (no verified link)" in scored.unknown
