"""The input form of a customer fact becomes the topic form."""

import pytest
from hypothesis import given

from records.codec import encode
from records.errors import Poison
from records.facts import Contact, CustomerFact, Erasure, Purchase
from records.normalise_facts import _NEUTRAL, normalise_fact
from tests.records.strategies import facts

NOW = "2026-03-01T10:00:00.000Z"
PURCHASE = {"id": "p1", "kind": "purchase", "customer": "c1", "amount": 49.9, "currency": "EUR"}


def read(document: dict | bytes) -> CustomerFact:
    return normalise_fact(document, observed_at=NOW)


def refused(document: dict | bytes) -> Poison:
    with pytest.raises(Poison) as caught:
        read(document)
    return caught.value


def test_what_is_left_out_is_filled():
    assert read(PURCHASE) == Purchase(id="p1", customer="c1", at=NOW, amount=49.9, currency="EUR")


@given(facts)
def test_topic_form_stays_as_it_is(fact):
    assert normalise_fact(encode(fact), observed_at=NOW) == fact


def test_times_of_every_form_are_read():
    assert read({**PURCHASE, "at": "2026-01-05T11:00:00+01:00"}).at == "2026-01-05T10:00:00.000Z"
    tag = read({"id": "t", "kind": "tag", "customer": "c", "tag": "vip", "expires": "2030-01-01"})
    assert tag.expires == "2030-01-01T00:00:00.000Z"


def test_a_fact_in_the_future_happened_when_it_was_heard():
    assert read({**PURCHASE, "at": "2099-01-01T00:00:00Z"}).at == NOW


def test_an_old_purchase_keeps_its_time():
    assert read({**PURCHASE, "at": "1998-01-01T00:00:00Z"}).at == "1998-01-01T00:00:00.000Z"


def test_unknown_is_null():
    contact = read({"id": "1", "kind": "contact", "customer": "c", "channel": "phone", "resolved": None})
    assert contact == Contact(id="1", customer="c", at=NOW, channel="phone", resolved=None)


@pytest.mark.parametrize("kind", sorted(_NEUTRAL))
def test_a_delete_names_only_what_it_takes_back(kind):
    fact = read({"id": "1", "kind": kind, "customer": "c", "op": "delete", "revision": 3})
    assert (fact.id, fact.customer, fact.op, fact.revision) == ("1", "c", "delete", 3)
    assert read(encode(fact)) == fact


def test_an_erasure_needs_no_more_than_its_customer():
    assert read({"id": "1", "kind": "erasure", "customer": "c"}) == Erasure(id="1", customer="c", at=NOW)


def test_a_broken_emoji_in_a_product_is_no_reason_to_refuse():
    fact = read(b'{"id":"p1","kind":"purchase","customer":"c1","amount":1,"currency":"EUR","product":"Router \\ud83d"}')
    assert fact.product == "Router \ufffd"


@pytest.mark.parametrize(
    ("document", "field", "words"),
    [
        ({**PURCHASE, "kind": "purchas"}, "kind", "did you mean `purchase`?"),
        ({**PURCHASE, "kind": None}, "kind", "`kind` is missing"),
        ({**PURCHASE, "kind": 5}, "kind", "unknown `kind`"),
        ({**PURCHASE, "curency": "EUR"}, "curency", "did you mean `currency`?"),
        ({**PURCHASE, "channel": "phone"}, "channel", "of a purchase"),
        ({**PURCHASE, "id": None}, "id", "`id` is missing"),
        ({**PURCHASE, "id": 7}, "id", "must be text"),
        ({**PURCHASE, "id": "a\0"}, "id", "control character"),
        ({**PURCHASE, "customer": " "}, "customer", "1 to 512 characters"),
        ({**PURCHASE, "customer": "c" * 513}, "customer", "1 to 512 characters"),
        ({**PURCHASE, "amount": "49.90"}, "amount", "expected `float`, got `str`"),
        ({**PURCHASE, "amount": -1}, "amount", ">= 0"),
        ({**PURCHASE, "amount": True}, "amount", "got `bool`"),
        ({**PURCHASE, "amount": None}, "amount", "`amount` is missing"),
        ({**PURCHASE, "amount": float("nan")}, "amount", "`amount`"),
        ({**PURCHASE, "amount": float("inf")}, "amount", "`amount`"),
        ({**PURCHASE, "currency": "Euro"}, "currency", "matching regex"),
        ({**PURCHASE, "quantity": 1.5}, "quantity", "expected `int"),
        ({**PURCHASE, "quantity": -1}, "quantity", ">= 0"),
        ({**PURCHASE, "revision": "1"}, "revision", "expected `int`"),
        ({**PURCHASE, "revision": -1}, "revision", ">= 0"),
        ({**PURCHASE, "op": "remove"}, "op", "enum value"),
        ({**PURCHASE, "at": "soon"}, "at", "no RFC 3339 time"),
        ({"id": "1", "kind": "link", "customer": "c", "author": "x:7"}, "evidence", "`evidence` is missing"),
        ({"id": "1", "kind": "link", "customer": "c", "author": "x:7", "evidence": "sure"}, "evidence", "enum value"),
        ({"id": "1", "kind": "unlink", "customer": "c", "author": "lena"}, "author", "channel:native id"),
        ({"id": "1", "kind": "unlink", "customer": "c", "author": "twitter:7"}, "author", "did you mean `x`?"),
        (b'{"id":"1","kind":"purchase","customer":"c","amount":NaN,"currency":"EUR"}', "amount", "finite"),
        (b'{"id":"1","kind":"purchase","customer":"c","amount":1e999,"currency":"EUR"}', "amount", "finite"),
        (b'{"id":"1"', None, "truncated"),
        (b"[]", None, "must be a JSON object"),
    ],
)
def test_money_and_links_are_never_guessed(document, field, words):
    error = refused(document)
    assert error.field == field
    assert words in str(error)
