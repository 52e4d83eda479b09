"""Messages of Messenger as mentions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners.messenger_mapping import map_messaging
from listeners.meta_values import Ignored, Source
from records.codec import encode, mentions
from records.errors import Poison
from records.mention import Mention, revision_order
from tests.listeners.shared_payloads import payload
from tests.listeners.test_facebook_mapping import json_values

PAGE, PERSON = "1001", "5501"
SOURCE = Source(page_id=PAGE, listener="webhook", observed_at="2026-03-01T12:00:00.000Z", brand="nordfunk")
AT = 1772359200000  # 2026-03-01T10:00:00Z


def said(**message):
    return {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": AT, "message": {"mid": "m_1", **message}}


def test_a_message_is_a_private_direct_message():
    mention = map_messaging(said(text="Mein Anschluss ist tot"), SOURCE)
    assert (mention.id, mention.channel, mention.kind, mention.visibility) == (
        "messenger:m_1",
        "messenger",
        "direct_message",
        "private",
    )
    assert (mention.direction, mention.author_key) == ("inbound", f"messenger:{PERSON}")
    assert mention.occurred_at == "2026-03-01T10:00:00.000Z"
    assert (mention.reply.target, mention.reply.until) == (PERSON, "2026-03-02T10:00:00.000Z")
    assert mention.thread.root_id is None


@pytest.mark.parametrize("swapped", [False, True])
def test_an_echo_is_our_answer_to_the_person(swapped):
    ends = {"sender": {"id": PAGE}, "recipient": {"id": PERSON}}
    if swapped:
        ends = {"sender": {"id": PERSON}, "recipient": {"id": PAGE}}
    mention = map_messaging({**said(is_echo=True, text="Wir schauen nach"), **ends}, SOURCE)
    assert (mention.direction, mention.author.id, mention.author.is_account) == ("outbound", PAGE, True)
    assert mention.thread.parent_author_id == PERSON


def test_an_edit_is_a_later_revision():
    first = map_messaging(said(text="Hilfe"), SOURCE)
    event = {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": AT + 5000}
    second = map_messaging({**event, "message_edit": {"mid": "m_1", "text": "Hilfe!", "num_edit": 1}}, SOURCE)
    assert (second.id, second.op, second.text, second.revision) == (first.id, "update", "Hilfe!", "1")
    assert revision_order(first) < revision_order(second)


def test_a_message_taken_back_is_a_delete():
    mention = map_messaging(said(is_deleted=True, text="weg"), SOURCE)
    assert (mention.op, mention.text) == ("delete", None)


def test_an_answer_to_a_message_names_it():
    assert map_messaging(said(text="genau", reply_to={"mid": "m_0"}), SOURCE).thread.parent_id == "m_0"


@pytest.mark.parametrize(
    ("attachment", "type_"),
    [
        ({"type": "image", "payload": {"url": "https://cdn.invalid/a"}}, "image"),
        ({"type": "image", "payload": {"url": "https://cdn.invalid/a", "sticker_id": 369}}, "sticker"),
        ({"type": "video", "payload": {"url": "https://cdn.invalid/a"}}, "video"),
        ({"type": "audio", "payload": {"url": "https://cdn.invalid/a"}}, "audio"),
        ({"type": "file", "payload": {"url": "https://cdn.invalid/a"}}, "document"),
        ({"type": "fallback", "title": "Seite", "url": "https://nordfunk.invalid/"}, "link"),
        ({"type": "template", "payload": {"template_type": "generic"}}, "other"),
        ({"type": 7, "payload": "x"}, "other"),
    ],
)
def test_attachments_come_by_reference(attachment, type_):
    mention = map_messaging(said(attachments=[attachment]), SOURCE)
    assert [item.type for item in mention.media] == [type_]
    assert mention.text is None


def test_a_location_is_a_place():
    place = {"type": "location", "payload": {"coordinates": {"lat": 52.5, "long": 13.4}}}
    mention = map_messaging(said(attachments=[place]), SOURCE)
    assert (mention.geo.lat, mention.geo.lon, mention.media[0].type) == (52.5, 13.4, "location")


@pytest.mark.parametrize("name", ["delivery", "read", "reaction", "postback", "optin", "referral"])
def test_what_is_no_message_is_ignored_and_counted(name):
    event = {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, name: {"watermark": 1}}
    assert map_messaging(event, SOURCE) == Ignored(name)


def test_a_message_that_came_by_a_link_is_still_a_message():
    assert map_messaging({**said(text="Hilfe"), "referral": {"ref": "qr"}}, SOURCE).text == "Hilfe"


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({}, "message"),
        (said(mid=None), "message.mid"),
        ({**said(text="x"), "sender": {}}, "sender.id"),
        ({"message": None}, "message.mid"),
        ({"message_edit": {"text": "x"}, "sender": {"id": PERSON}}, "message_edit.mid"),
    ],
)
def test_a_message_without_ids_is_poison_and_says_where(event, field):
    with pytest.raises(Poison) as caught:
        map_messaging(event, SOURCE)
    assert caught.value.field == field


def test_without_a_time_the_entrys_time_stands_in():
    event = said(text="Hilfe")
    del event["timestamp"]
    mention = map_messaging(event, SOURCE, sent_at="2026-03-01T11:00:00.000Z")
    assert (mention.occurred_at, mention.time_quality) == ("2026-03-01T11:00:00.000Z", "sent")


@given(st.dictionaries(st.sampled_from(["sender", "recipient", "timestamp", "message", "message_edit"]), json_values))
def test_no_value_breaks_the_mapping(event):
    try:
        mention = map_messaging({**said(text="x"), **event}, SOURCE)
    except Poison:
        return
    if isinstance(mention, Mention):
        assert mentions.decode(encode(mention)) == mention


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "direction", "text", "media"),
    [
        ("hello_msg", "inbound", "Hello World", []),
        ("attachment", "inbound", None, ["image"]),
        ("echo", "outbound", None, []),
    ],
)
def test_real_payloads_are_mapped(name, direction, text, media):
    (entry,) = payload(f"messenger/webhook_{name}.json")["entry"]
    source = Source(page_id=entry["id"], listener="webhook", observed_at="2026-03-01T12:00:00.000Z")
    (mention,) = [map_messaging(event, source) for event in entry["messaging"]]
    assert (mention.direction, mention.text, [item.type for item in mention.media]) == (direction, text, media)
    assert "5678" in (mention.author.id, mention.thread.parent_author_id)
