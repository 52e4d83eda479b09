"""From X API v2 payloads to mentions. Pure.

An edit has a new id: the first id of its history is our native id, the place in it the revision. Long posts carry their
whole text in `note_tweet`. X escapes `&`, `<` and `>`. Parts that are odd are emptied and marked by the
normaliser; only a post without a usable id is refused.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from listeners import x_ids
from listeners.x_entities import as_dict, as_id, as_list, entities
from listeners.x_rules import own_tag
from records.errors import Poison
from records.mention import Mention
from records.normalise import normalise_mention
from records.times import from_ms

TWEET_FIELDS = (
    "id,text,attachments,author_id,conversation_id,created_at,edit_history_tweet_ids,entities,geo,in_reply_to_user_id,"
    "lang,note_tweet,public_metrics,referenced_tweets,reply_settings"
)
USER_FIELDS = "id,name,username,affiliation,created_at,location,protected,public_metrics,verified,verified_type"
MEDIA_FIELDS = "media_key,type,url,preview_image_url,alt_text,duration_ms,height,width,variants"
PLACE_FIELDS = "id,full_name,country_code,geo,place_type"
EXPANSIONS = "author_id,attachments.media_keys,geo.place_id"  # each expanded object may be billed: no more than is used
PARAMS: dict[str, str] = {
    "tweet_fields": TWEET_FIELDS,
    "user_fields": USER_FIELDS,
    "media_fields": MEDIA_FIELDS,
    "place_fields": PLACE_FIELDS,
    "expansions": EXPANSIONS,
}

_MEDIA_TYPES = {"photo": "image", "animated_gif": "gif", "video": "video"}
_METRICS = {
    "like_count": "likes",
    "reply_count": "replies",
    "retweet_count": "reposts",
    "quote_count": "quotes",
    "bookmark_count": "bookmarks",
    "impression_count": "views",
}


class Ear(msgspec.Struct, frozen=True, kw_only=True):
    """Who listens: the brand's own account (its posts are answers), the listener's name, the prefix of our rules' tags."""

    account_id: str | None = None
    handle: str | None = None
    brand: str | None = None
    listener: str = "x"
    prefix: str = "hilferuf"


class Includes:
    """The expanded objects of an answer, by id."""

    def __init__(self, includes: object) -> None:
        found = as_dict(includes)
        self.users = _index(found.get("users"), "id")
        self.media = _index(found.get("media"), "media_key")
        self.places = _index(found.get("places"), "id")


def stream_mention(payload: Mapping[str, Any], ear: Ear, observed_at: int, raw: bytes | None = None) -> Mention:
    """A line of the filtered stream: `{data, includes, matching_rules}`. Raises Poison. Times in milliseconds since 1970."""
    post = as_dict(payload.get("data"))
    return post_mention(post, Includes(payload.get("includes")), ear, observed_at, payload.get("matching_rules"), raw)


def page_mentions(
    payload: Mapping[str, Any], ear: Ear, observed_at: int
) -> tuple[list[Mention], list[tuple[bytes, Poison]]]:
    """A page of a search or a time line: its mentions, and what could not be mapped with the reason."""
    includes = Includes(payload.get("includes"))
    mentions: list[Mention] = []
    bad: list[tuple[bytes, Poison]] = []
    for post in as_list(payload.get("data")):
        try:
            mentions.append(post_mention(as_dict(post), includes, ear, observed_at))
        except Poison as error:
            bad.append((msgspec.json.encode(post), error))
    return mentions, bad


def activity_mention(
    payload: Mapping[str, Any], ear: Ear, observed_at: int, raw: bytes | None = None
) -> Mention | None:
    """An event of the X Activity API, None for events that are no posts. Raises Poison."""
    event = as_dict(payload.get("data"))
    kind, body = str(event.get("event_type", "")), as_dict(event.get("payload"))
    if kind == "post.delete":
        document = {
            "id": f"x:{_post_id(body)}",
            "op": "delete",
            "text": None,
            "author": {"id": as_id(body.get("author_id"))},
            "account": _account(ear),
        }
        return normalise_mention(document, observed_at=from_ms(observed_at), listener=ear.listener)
    if not (kind.startswith("post.") and kind.endswith(".create")) and kind != "post.create":
        return None
    includes = Includes(event.get("includes") or payload.get("includes"))
    return post_mention(body, includes, ear, observed_at, None, raw)


def post_mention(
    post: Mapping[str, Any],
    includes: Includes,
    ear: Ear,
    observed_at: int,
    rules: object = None,
    raw: bytes | None = None,
) -> Mention:
    """One post. Raises Poison."""
    post_id = _post_id(post)
    history = _history(post, post_id)
    native, index = history[0], history.index(post_id)
    note = as_dict(post.get("note_tweet"))
    escaped = note.get("text") if isinstance(note.get("text"), str) else post.get("text")
    text = unescape(escaped) if isinstance(escaped, str) else escaped
    author = _author(post, includes, ear)
    thread = _thread(post)
    document: dict[str, Any] = {
        "id": f"x:{native}",
        "native_id": native,
        "native_ids": history[: index + 1],
        "kind": _kind(thread),
        "op": "update" if index else "create",
        "revision": str(index),
        "direction": "outbound" if author.get("is_account") else "inbound",
        "visibility": "followers" if _user(post, includes).get("protected") is True else "public",
        "permalink": f"https://x.com/{author.get('handle') or 'i'}/status/{post_id}",
        "account": _account(ear),
        "author": author,
        "thread": thread,
        "text": text,
        "language": _language(post.get("lang")),
        "media": _media(post, includes),
        "geo": _geo(post, includes),
        "metrics": _metrics(post.get("public_metrics"), observed_at),
        "matched": _matched(rules, ear),
        "reply": {"target": post_id, "mode": "public"} if post.get("reply_settings") == "everyone" else None,
        **_times(post, native, post_id, index),
    }
    if isinstance(text, str):
        document["entities"] = entities(note.get("entities") if note else post.get("entities"), text)
    if raw is not None:
        document["raw"] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
    return normalise_mention(document, observed_at=from_ms(observed_at), listener=ear.listener)


def unescape(text: str) -> str:
    """X's escaping undone: these three, in this order, and nothing else that looks like HTML."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _post_id(post: Mapping[str, Any]) -> str:
    post_id = as_id(post.get("id"))
    if post_id is None or x_ids.number(post_id) is None:
        raise Poison("x: a post without a usable id (digits)", "data.id")
    return post_id


def _history(post: Mapping[str, Any], post_id: str) -> list[str]:
    """All ids of the utterance up to this one, oldest first; X promises ascending order, which is not relied on."""
    ids = {
        known for one in as_list(post.get("edit_history_tweet_ids")) if (known := x_ids.number(as_id(one))) is not None
    }
    return [str(one) for one in sorted(ids | {int(post_id)})]


def _times(post: Mapping[str, Any], native: str, post_id: str, index: int) -> dict[str, Any]:
    """The time of posting is that of the first id; an edit's own time is `created_at` of its post, else that of its id."""
    first, own = x_ids.time_of(int(native)), x_ids.time_of(int(post_id))
    created = post.get("created_at") or (None if own is None else from_ms(own))
    if index == 0:
        return {"occurred_at": created}
    return {"occurred_at": created if first is None else from_ms(first), "edited_at": created}


def _user(post: Mapping[str, Any], includes: Includes) -> dict[str, Any]:
    return includes.users.get(as_id(post.get("author_id")) or "", {})


def _author(post: Mapping[str, Any], includes: Includes, ear: Ear) -> dict[str, Any]:
    user = _user(post, includes)
    author_id = as_id(post.get("author_id"))
    handle = user.get("username") or post.get("username")
    counts = as_dict(user.get("public_metrics"))
    own: bool | None = None
    if ear.account_id is not None and author_id is not None:
        own = author_id == ear.account_id
    elif ear.handle is not None and isinstance(handle, str):
        own = handle.casefold() == ear.handle.lstrip("@").casefold()
    automated = as_dict(user.get("affiliation")).get("description") == "Automated"
    verified_kind = user.get("verified_type")
    return {
        "id": author_id,
        "handle": handle,
        "name": user.get("name"),
        "url": f"https://x.com/{handle}" if isinstance(handle, str) else None,
        "verified": user.get("verified"),
        "verified_kind": None if verified_kind in {"none", ""} else verified_kind,
        "bot": True if automated else None,
        "is_account": own,
        "followers": counts.get("followers_count"),
        "following": counts.get("following_count"),
        "posts": counts.get("tweet_count"),
        "listed": counts.get("listed_count"),
        "created_at": user.get("created_at"),
        "location": user.get("location") or None,
    }


def _account(ear: Ear) -> dict[str, Any]:
    handle = ear.handle.lstrip("@") if ear.handle else None
    return {"id": ear.account_id or handle or ear.listener, "handle": handle, "brand": ear.brand}


def _thread(post: Mapping[str, Any]) -> dict[str, Any]:
    refs: dict[str, str] = {}
    for ref in as_list(post.get("referenced_tweets")):
        kind, target = as_dict(ref).get("type"), as_id(as_dict(ref).get("id"))
        if isinstance(kind, str) and target is not None:
            refs.setdefault(kind, target)
    conversation = as_id(post.get("conversation_id"))
    return {
        "conversation_id": conversation,
        "root_id": conversation,
        "parent_id": refs.get("replied_to"),
        "parent_author_id": as_id(post.get("in_reply_to_user_id")),
        "quoted_id": refs.get("quoted"),
        "reposted_id": refs.get("retweeted"),
    }


def _kind(thread: Mapping[str, Any]) -> str:
    if thread["reposted_id"]:
        return "repost"
    if thread["parent_id"]:
        return "reply"
    return "quote" if thread["quoted_id"] else "post"


def _language(tag: object) -> dict[str, str] | None:
    """X's own codes `qme`, `qht`, `zxx` … say what kind of text it is, not its language: unknown."""
    if not isinstance(tag, str) or not tag:
        return None
    known = not (tag == "zxx" or (len(tag) == 3 and tag[0] == "q"))
    return {"tag": tag if known else "und", "source": "platform"}


def _media(post: Mapping[str, Any], includes: Includes) -> list[dict[str, Any]]:
    found = []
    for key in as_list(as_dict(post.get("attachments")).get("media_keys")):
        item = includes.media.get(str(key), {})
        found.append(
            {
                "type": _MEDIA_TYPES.get(str(item.get("type")), "other"),
                "ref": str(key),
                "url": item.get("url") or _best_variant(item) or item.get("preview_image_url"),
                "width": item.get("width"),
                "height": item.get("height"),
                "duration_ms": item.get("duration_ms"),
                "alt": item.get("alt_text"),
            }
        )
    return found


def _best_variant(item: Mapping[str, Any]) -> str | None:
    playable = [
        (rate if isinstance(rate := variant.get("bit_rate"), int) else 0, str(variant["url"]))
        for variant in map(as_dict, as_list(item.get("variants")))
        if variant.get("content_type") == "video/mp4" and isinstance(variant.get("url"), str)
    ]
    return max(playable)[1] if playable else None


def _geo(post: Mapping[str, Any], includes: Includes) -> dict[str, Any] | None:
    geo = as_dict(post.get("geo"))
    place_id = as_id(geo.get("place_id"))
    place = includes.places.get(place_id or "", {})
    lon, lat = _coordinates(as_dict(geo.get("coordinates")).get("coordinates"))
    if place_id is None and lat is None:
        return None
    return {
        "source": "post",
        "lat": lat,
        "lon": lon,
        "place_id": place_id,
        "place": place.get("full_name"),
        "country": place.get("country_code"),
    }


def _coordinates(pair: object) -> tuple[float | None, float | None]:
    """(longitude, latitude), X's order; nothing where they are no place on earth."""
    values = [float(value) for value in as_list(pair) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(values) == 2 and abs(values[0]) <= 180 and abs(values[1]) <= 90:
        return values[0], values[1]
    return None, None


def _metrics(counts: object, observed_at: int) -> dict[str, Any] | None:
    found = {ours: value for theirs, ours in _METRICS.items() if (value := as_dict(counts).get(theirs)) is not None}
    return {**found, "as_of": from_ms(observed_at)} if found else None


def _matched(rules: object, ear: Ear) -> list[dict[str, Any]]:
    found = []
    for rule in map(as_dict, as_list(rules)):
        rule_id, tag = as_id(rule.get("id")), rule.get("tag")
        if rule_id is not None:
            found.append({"id": rule_id, "tag": own_tag(tag, ear.prefix) or (tag if isinstance(tag, str) else None)})
    return found


def _index(items: object, key: str) -> dict[str, dict[str, Any]]:
    """By id. The Activity API wraps some objects once more in `data`."""
    found = {}
    for item in map(as_dict, as_list(items)):
        inner = as_dict(item["data"]) if isinstance(item.get("data"), dict) else item
        name = as_id(inner.get(key))
        if name is not None:
            found[name] = inner
    return found
