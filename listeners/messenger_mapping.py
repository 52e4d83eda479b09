"""Messenger to mention/1: the `messaging[]` and `standby[]` items of Meta's page webhook. Pure.

A person is known by the page-scoped id; a message by its `mid`. An echo is an answer that was given from the page, here
or in another tool: outbound, with the person as parent author, so that their ticket counts as answered. No thread root is
set: the chat with a person never ends, and a conversation is bounded by time instead.
"""

from typing import Any

from listeners.meta_values import (
    Ignored,
    Source,
    compose,
    identifier,
    listing,
    mapping,
    moment,
    optional_identifier,
    present,
    web_address,
    words,
)
from records.errors import Poison
from records.mention import Mention
from records.times import HOUR, from_ms, to_ms

ANSWER_WINDOW = 24 * HOUR  # Messenger's standard messaging window, milliseconds

_TYPES = {
    "image": "image",
    "video": "video",
    "reel": "video",
    "ig_reel": "video",
    "audio": "audio",
    "file": "document",
    "location": "location",
    "fallback": "link",
    "share": "link",
    "post": "link",
}
_IGNORED = (
    "delivery", "read", "reaction", "postback", "optin", "referral", "account_linking", "policy_enforcement",
    "pass_thread_control", "take_thread_control", "request_thread_control", "app_roles", "message_feedback", "typing",
)  # fmt: skip


def map_messaging(event: Any, source: Source, *, sent_at: str | None = None) -> Mention | Ignored:
    """One item. `sent_at`: its entry's time. Raises Poison for a message without a usable `mid` or sender."""
    event = mapping(event)
    if "message" in event:
        return _message(event, mapping(event["message"]), source, sent_at)
    if "message_edit" in event:
        return _edited(event, mapping(event["message_edit"]), source, sent_at)
    for name in _IGNORED:
        if name in event:
            return Ignored(name)
    raise Poison("neither a message nor anything else that is known", "message")


def _message(event: dict[str, Any], message: dict[str, Any], source: Source, sent_at: str | None) -> Mention:
    deleted = message.get("is_deleted") is True
    media, places = _attachments(message)
    fields: dict[str, Any] = {
        "op": "delete" if deleted else "create",
        "revision": "0",
        "text": None if deleted else words(message.get("text")),
        "media": [] if deleted else media,
    }
    if places and not deleted:
        fields["geo"] = places[0]
    parent = optional_identifier(mapping(message.get("reply_to")).get("mid"))
    echo = message.get("is_echo") is True
    mid = identifier(message.get("mid"), "message.mid")
    return compose(source, **_common(event, mid, source, sent_at, echo=echo, parent=parent), **fields)


def _edited(event: dict[str, Any], edit: dict[str, Any], source: Source, sent_at: str | None) -> Mention:
    number, at = edit.get("num_edit"), moment(event.get("timestamp"))
    mid = identifier(edit.get("mid"), "message_edit.mid")
    echo = optional_identifier(mapping(event.get("sender")).get("id")) == source.page_id
    numbered = isinstance(number, int) and not isinstance(number, bool) and number > 0
    return compose(
        source,
        op="update",
        revision=str(number) if numbered else str(to_ms(at)) if at else "1",
        text=words(edit.get("text")),
        edited_at=at or sent_at,
        **_common(event, mid, source, sent_at, echo=echo, parent=None),
    )


def _common(
    event: dict[str, Any], mid: str, source: Source, sent_at: str | None, *, echo: bool, parent: str | None
) -> dict[str, Any]:
    """What every message has. The person is whichever of sender and recipient is not the page."""
    sender = optional_identifier(mapping(event.get("sender")).get("id"))
    recipient = optional_identifier(mapping(event.get("recipient")).get("id"))
    at = moment(event.get("timestamp"))
    if echo:
        person = recipient if recipient != source.page_id else sender
        author: dict[str, Any] = {"id": source.page_id, "is_account": True}
    else:
        person = sender
        author = {"id": identifier(sender, "sender.id")}
    fields: dict[str, Any] = {
        "id": f"messenger:{mid}",
        "native_id": mid,
        "channel": "messenger",
        "kind": "direct_message",
        "direction": "outbound" if echo else "inbound",
        "visibility": "private",
        "occurred_at": at or sent_at,
        "sent_at": sent_at,
        "time_quality": None if at else "sent" if sent_at else "observed",
        "author": author,
        "thread": present({"parent_id": parent, "parent_author_id": person if echo else None}),
    }
    if not echo:
        until = from_ms(to_ms(at) + ANSWER_WINDOW) if at else None
        fields["reply"] = present({"target": person, "mode": "private", "until": until})
    return fields


def _attachments(message: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Media by reference, and the places among them."""
    media, places = [], []
    for attachment in map(mapping, listing(message.get("attachments"))):
        payload = mapping(attachment.get("payload"))
        kind = str(attachment.get("type") or "")
        sticker = optional_identifier(payload.get("sticker_id"))
        media.append(
            {
                "type": "sticker" if sticker else _TYPES.get(kind, "other"),
                **present(
                    {
                        "url": web_address(payload.get("url")) or web_address(attachment.get("url")),
                        "ref": sticker or optional_identifier(payload.get("attachment_id")),
                        "caption": words(payload.get("title")) or words(attachment.get("title")),
                    }
                ),
            }
        )
        place = mapping(payload.get("coordinates"))
        lat, lon = place.get("lat"), place.get("long")
        if kind == "location" and _degrees(lat, 90) and _degrees(lon, 180):
            places.append({"source": "post", "lat": lat, "lon": lon})
    return media, places


def _degrees(value: Any, limit: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -limit <= value <= limit
