"""A delivery of Meta's webhook taken apart."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners.imitations.meta_webhook import feed_value, webhook_body
from listeners.meta_webhook import read_delivery
from tests.listeners.shared_payloads import payload
from tests.listeners.test_facebook_mapping import json_values

NOW = "2026-03-01T12:00:00.000Z"
POST = {"id": "1001", "time": 1772359200}


def read(document, **pages):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_delivery(body, pages=pages, observed_at=NOW, listener="webhook", origin="webhook:/v1/meta")


def page(*entries):
    return {"object": "page", "entry": list(entries)}


def message(mid):
    return {
        "sender": {"id": "7"},
        "recipient": {"id": "1001"},
        "timestamp": 1772359200000,
        "message": {"mid": mid, "text": "Hilfe"},
    }


def test_each_entry_and_each_kind_of_item_is_read():
    change = {"field": "feed", "value": feed_value("status", "add", {"post_id": "1001_1"}, message="Hilfe")}
    mention = {"field": "mention", "value": {"post_id": "9_1", "item": "post", "verb": "add", "message": "@Nordfunk"}}
    found = read(
        page(
            {**POST, "changes": [change, mention]},
            {**POST, "messaging": [message("a"), message("b")]},
            {**POST, "standby": [message("c")]},
            {**POST, **change},
        )
    )
    assert [item.id for item in found.mentions] == [
        "facebook:1001_1",
        "facebook:9_1",
        "messenger:a",
        "messenger:b",
        "messenger:c",
        "facebook:1001_1",
    ]
    assert not found.bad


def test_the_page_names_the_brand():
    found = read(page({**POST, "messaging": [message("a")]}), **{"1001": "nordfunk"})
    assert (found.mentions[0].account.id, found.mentions[0].account.brand) == ("1001", "nordfunk")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"object":"page","entry":{}}']
)
def test_a_body_that_is_no_delivery_is_one_dead_letter(body):
    found = read(body)
    assert [letter.original for letter in found.bad] == [body]


def test_another_object_is_ignored_and_counted():
    assert read({"object": "instagram", "entry": []}).ignored == {"object instagram": 1}


@pytest.mark.parametrize(
    "entry", [{}, 5, {"id": "1001"}, {**POST, "changes": {}}, {"id": "has space", "changes": [{"field": "feed"}]}]
)
def test_an_entry_that_cannot_be_read_is_a_dead_letter_with_its_place(entry):
    found = read(page({**POST, "messaging": [message("a")]}, entry))
    assert len(found.mentions) == len(found.bad) == 1
    assert found.bad[0].origin.startswith("webhook:/v1/meta entry[1]")


def test_a_lone_surrogate_costs_nothing_but_itself():
    body = webhook_body("1001", messaging=[message("a"), message("b")]).replace(b"Hilfe", rb"Hilfe \ud83d", 1)
    found = read(body)
    assert [item.text for item in found.mentions] == ["Hilfe \ufffd", "Hilfe"]
    assert found.mentions[0].ingest.changes


@given(
    st.lists(json_values | st.fixed_dictionaries({"field": st.just("feed"), "value": json_values}), max_size=4),
    st.lists(json_values | st.just(message("a")), max_size=4),
)
def test_every_item_is_a_mention_or_a_dead_letter_or_counted(changes, messaging):
    found = read(page({**POST, "changes": changes, "messaging": messaging}))
    assert len(found.mentions) + len(found.bad) + sum(found.ignored.values()) == len(changes) + len(messaging)


@pytest.mark.shared
def test_a_real_delivery_of_a_comment_is_read():
    (mention,) = read(payload("facebook/webhook_feed_comment_add.json")).mentions
    assert (mention.id, mention.kind) == ("facebook:1163393020407286_1164864096926845", "comment")
    assert mention.direction == "outbound", "the page itself wrote it"
    assert mention.sent_at == "2016-11-06T13:40:30.000Z"
