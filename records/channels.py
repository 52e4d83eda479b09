"""Ids of mentions and author keys: `channel:native id`, and which channels there are."""

import unicodedata
from typing import get_args

from records.errors import Poison
from records.mention import Channel
from records.paths import nearest

CHANNELS: frozenset[str] = frozenset(get_args(Channel))
MAX_ID = 512  # characters

_OTHER_NAMES = {
    "twitter": "x", "tweet": "x", "fb": "facebook", "ig": "instagram", "insta": "instagram", "wa": "whatsapp",
    "tg": "telegram", "yt": "youtube", "bsky": "bluesky", "mail": "email", "gmb": "google_business",
    "google": "google_business", "ios": "app_store", "apple": "app_store", "android": "google_play",
    "play": "google_play", "fediverse": "mastodon",
}  # fmt: skip


def nearest_channel(word: str) -> str | None:
    """The channel that a misspelt or foreign name most likely stands for."""
    word = word.strip().lower()
    return _OTHER_NAMES.get(word) or nearest(word, CHANNELS)


def unknown_channel(word: str) -> str:
    """What to say of a channel that does not exist."""
    near = nearest_channel(word)
    return f"unknown channel `{word[:40]}` (" + (
        f"did you mean `{near}`?)" if near else f"known: {', '.join(sorted(CHANNELS))})"
    )


def split_id(value: object, what: str, field: str = "id") -> tuple[str, str]:
    """(channel, native id) of a mention's id or an author key. Raises Poison with `field`."""
    if value is None:
        raise Poison(f"{what}: `{field}` is missing; it is `channel:native id`, such as `x:1234`", field)
    if not isinstance(value, str):
        raise Poison(f"{what}: `{field}` must be text such as `x:1234`, got {type(value).__name__}", field)
    if not value:
        raise Poison(f"{what}: `{field}` is empty; it is `channel:native id`, such as `x:1234`", field)
    if len(value) > MAX_ID:
        raise Poison(f"{what}: `{field}` has {len(value)} characters, at most {MAX_ID} are allowed", field)
    if any(char.isspace() or unicodedata.category(char) in {"Cc", "Cs"} for char in value):
        raise Poison(f"{what}: `{field}` holds a space or a control character", field)
    channel, colon, native = value.partition(":")
    if not colon or not native:
        raise Poison(f"{what}: `{field}` must be `channel:native id`, such as `x:1234`, got `{value[:40]}`", field)
    if channel not in CHANNELS:
        raise Poison(f"{what}: {unknown_channel(channel)} in `{field}`", field)
    return channel, native
