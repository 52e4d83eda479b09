"""Facebook to mention/1: what the Graph API lists (posts, comments) and what the page webhook tells (`feed`, `mention`).

Pure. Both ways give the same utterance the same id and the same first revision (its creation in milliseconds), so that
what is heard twice is one. The webhook's `created_time` of a comment moves with each verb: of an edit it is the time of
the edit, and assess keeps the earliest it has seen as the time of posting.
"""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from listeners.meta_values import (
    Ignored,
    Source,
    compose,
    count,
    identifier,
    listing,
    mapping,
    moment,
    optional_identifier,
    present,
    web_address,
    words,
)
from records.ids import digest
from records.mention import Mention
from records.times import to_ms

_ATTACHMENTS = "{media_type,type,title,url,unshimmed_url,media,target,subattachments}"
POST_FIELDS = (
    "id,message,message_tags,created_time,updated_time,from,permalink_url,is_hidden,is_published,shares,"
    f"attachments{_ATTACHMENTS}"
)
COMMENT_FIELDS = (
    "id,message,message_tags,created_time,from,parent{id,from},permalink_url,is_hidden,like_count,comment_count,"
    "attachment{type,title,url,media,target}"
)

_OPS = {
    "add": "create",
    "edited": "update",
    "edit": "update",
    "update": "update",
    "remove": "delete",
    "delete": "delete",
    "hide": "hide",
    "unhide": "restore",
}
_POSTS = frozenset({"post", "status", "photo", "video", "share", "link", "album", "note", "event", "offer", "question"})
_COUNTED = frozenset({"reaction", "like"})
_NUMBERS = re.compile(r"\d+(_\d+)?")


def map_post(post: Any, source: Source) -> Mention | Ignored:
    """A post of `/{page}/feed` or `/{page}/tagged`. Raises Poison for one without a usable id."""
    post = mapping(post)
    if post.get("is_published") is False:
        return Ignored("unpublished")
    post_id = identifier(post.get("id"), "id")
    author = _author(mapping(post.get("from")), source)
    return compose(
        source,
        kind="post",
        permalink=web_address(post.get("permalink_url")) or _address(post_id),
        thread={"conversation_id": post_id, "root_id": post_id},
        metrics=present({"reposts": count(mapping(post.get("shares")).get("count"))}),
        **_spoken(post_id, post.get("created_time"), author, source),
        **_content(post, listing(mapping(post.get("attachments")).get("data"))),
    )


def map_comment(comment: Any, source: Source, *, post_id: str, post_author: str | None = None) -> Mention:
    """A comment of `/{post}/comments?filter=stream`: one under the post, or an answer to another comment.

    `post_author`: who wrote the post, if known. Raises Poison for one without a usable id.
    """
    comment = mapping(comment)
    link = web_address(comment.get("permalink_url"))
    own, above = _ids_of_link(link, post_id)
    comment_id = optional_identifier(comment.get("id")) or identifier(own, "id")
    parent = mapping(comment.get("parent"))
    parent_id = optional_identifier(parent.get("id")) or above
    parent_author = post_author if parent_id is None else optional_identifier(mapping(parent.get("from")).get("id"))
    author = _author(mapping(comment.get("from")), source)
    return compose(
        source,
        kind="comment" if parent_id is None else "reply",
        permalink=link or _address(post_id, comment_id),
        thread=_thread(post_id, parent_id or post_id, parent_author),
        metrics=present({"likes": count(comment.get("like_count")), "replies": count(comment.get("comment_count"))}),
        reply={"target": comment_id, "mode": "both"},
        **_spoken(comment_id, comment.get("created_time"), author, source),
        **_content(comment, listing([comment["attachment"]] if comment.get("attachment") else [])),
    )


def map_change(field: Any, value: Any, source: Source, *, sent_at: str | None = None) -> Mention | Ignored:
    """One `changes[]` item of the page webhook. `sent_at`: its entry's time. Raises Poison without a usable id."""
    value = mapping(value)
    item, verb = str(value.get("item") or ""), str(value.get("verb") or "add")
    if field not in ("feed", "mention"):
        return Ignored(f"field {str(field)[:40]}")
    if item in _COUNTED:
        return Ignored(item)
    op = _OPS.get(verb)
    if op is None:
        return Ignored(f"verb {verb[:40]}")
    is_comment = item == "comment" or (not item and "comment_id" in value)
    if not is_comment and item and item not in _POSTS:
        return Ignored(f"item {item[:40]}")
    if op == "create" and value.get("published") == 0:
        return Ignored("unpublished")
    name = "comment_id" if is_comment else "post_id"
    native_id = identifier(value.get(name), name)
    post_id = optional_identifier(value.get("post_id"))
    said = moment(value.get("created_time"))
    given = mapping(value.get("from")) or {"id": value.get("sender_id"), "name": value.get("sender_name")}
    fields = {
        **_spoken(native_id, value.get("created_time"), _author(given, source), source),
        **_content(value, []),
        **_place(value, native_id, post_id, is_comment=is_comment),
        "op": op,
        "sent_at": sent_at,
        "edited_at": said if op == "update" else None,
    }
    if op in ("delete", "hide", "restore"):
        fields |= {"text": None, "media": []}
    if said is None:
        fields |= {"occurred_at": sent_at, "revision": digest(op, words(value.get("message")) or "", size=8)}
    if said is None or op != "create":
        # A delete's or an edit's time is not that of posting; the word keeps it from passing as such.
        fields["time_quality"] = "sent" if said or sent_at else "observed"
    return compose(source, **fields)


def content_mark(mention: Mention) -> str:
    """Short fingerprint of what an edit would change: text and attachments."""
    return digest(mention.text or "", *(f"{item.type} {item.ref or item.url or ''}" for item in mention.media), size=6)


def _spoken(native_id: str, created: Any, author: dict[str, Any], source: Source) -> dict[str, Any]:
    """What every utterance has: id, first revision, author, direction, time."""
    at = moment(created)
    return {
        "id": f"facebook:{native_id}",
        "native_id": native_id,
        "channel": "facebook",
        "op": "create",
        "revision": str(to_ms(at)) if at else "0",
        "direction": "outbound" if author.get("id") == source.page_id else "inbound",
        "visibility": "public",
        "occurred_at": at,
        "author": author,
    }


def _author(given: dict[str, Any], source: Source) -> dict[str, Any]:
    author_id = optional_identifier(given.get("id"))
    ours = True if author_id == source.page_id else None
    found = present({"name": words(given.get("name")), "is_account": ours})
    return {"id": author_id, **found}


def _content(thing: dict[str, Any], attachments: list[Any]) -> dict[str, Any]:
    tags = thing.get("message_tags")
    if isinstance(tags, dict):  # old versions: by offset
        tags = [tag for group in tags.values() for tag in listing(group)]
    # Offsets are left out: Meta does not say what they count.
    entities = [
        {"type": "mention", **present({"id": optional_identifier(tag.get("id")), "text": words(tag.get("name"))})}
        for tag in map(mapping, listing(tags))
    ]
    media = [item for attachment in attachments for item in _attached(mapping(attachment))]
    return {"text": words(thing.get("message")), "entities": entities, "media": media or _pushed_media(thing)}


def _attached(attachment: dict[str, Any]) -> list[dict[str, Any]]:
    """Media of one Graph attachment; an album stands for its pictures."""
    below = listing(mapping(attachment.get("subattachments")).get("data"))
    if below:
        return [item for part in below for item in _attached(mapping(part))]
    kind = str(attachment.get("media_type") or attachment.get("type") or "")
    media = mapping(attachment.get("media"))
    image = mapping(media.get("image"))
    type_ = _media_type(kind)
    page = web_address(attachment.get("unshimmed_url")) or web_address(attachment.get("url"))
    source = web_address(media.get("source")) or (web_address(image.get("src")) if type_ != "link" else None)
    found = present(
        {
            "url": source or page,
            "ref": optional_identifier(mapping(attachment.get("target")).get("id")),
            "width": count(image.get("width")) if type_ != "link" else None,
            "height": count(image.get("height")) if type_ != "link" else None,
            "caption": words(attachment.get("title")),
        }
    )
    return [{"type": type_, **found}] if found else []


def _media_type(kind: str) -> str:
    if "animated_image" in kind:
        return "gif"
    for word, type_ in (
        ("sticker", "sticker"),
        ("video", "video"),
        ("photo", "image"),
        ("image", "image"),
        ("link", "link"),
        ("share", "link"),
        ("fallback", "link"),
        ("file", "document"),
        ("map", "location"),
        ("place", "location"),
    ):
        if word in kind:
            return type_
    return "other"


def _pushed_media(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Media of a webhook's value: `photos[]`, else `photo`, `video`, and `link` (of a photo or video: the file itself)."""
    pictures = listing(value.get("photos")) or [value.get("photo")]
    found = [{"type": "image", "url": url} for url in map(web_address, pictures) if url]
    film = web_address(value.get("video"))
    if film:
        found.append({"type": "video", "url": film})
    link = web_address(value.get("link"))
    if link and all(item["url"] != link for item in found):
        kind = {"photo": "image", "video": "video"}.get(str(value.get("item")), "link")
        if not (kind == "image" and found):
            found.append({"type": kind, "url": link})
    return found


def _place(value: dict[str, Any], native_id: str, post_id: str | None, *, is_comment: bool) -> dict[str, Any]:
    """Kind, thread and permalink of a webhook's value."""
    given = web_address(mapping(value.get("post")).get("permalink_url")) or web_address(value.get("permalink_url"))
    if not is_comment:
        return {
            "kind": "post",
            "permalink": given or _address(native_id),
            "thread": {"conversation_id": native_id, "root_id": native_id},
        }
    parent_id = optional_identifier(value.get("parent_id")) or post_id
    link = _address(post_id, native_id) if post_id else None
    if given:
        link = f"{given}{'&' if '?' in given else '?'}comment_id={native_id.rpartition('_')[2]}"
    return {
        "kind": "comment" if parent_id == post_id else "reply",
        "permalink": link,
        "thread": _thread(post_id, parent_id, None),
        "reply": {"target": native_id, "mode": "both"},
    }


def _thread(post_id: str | None, parent_id: str | None, parent_author: str | None) -> dict[str, Any]:
    return present(
        {"conversation_id": post_id, "root_id": post_id, "parent_id": parent_id, "parent_author_id": parent_author}
    )


def _address(post_id: str, comment_id: str | None = None) -> str | None:
    """The page's own form of link, which facebook.com resolves; None for ids that are not plain numbers."""
    if not _NUMBERS.fullmatch(post_id) or not _NUMBERS.fullmatch(comment_id or "0"):
        return None
    comment = f"?comment_id={comment_id.rpartition('_')[2]}" if comment_id else ""
    return f"https://www.facebook.com/{post_id}{comment}"


def _ids_of_link(link: str | None, post_id: str) -> tuple[str | None, str | None]:
    """(comment id, id of the comment answered) as a permalink names them: what is left where `id` was not granted."""
    if link is None:
        return None, None
    try:
        query = parse_qs(urlsplit(link).query)
    except ValueError:
        return None, None
    post = post_id.rpartition("_")[2]
    top, answer = (query.get(name, [""])[0] for name in ("comment_id", "reply_comment_id"))
    if not top.isdigit():
        return None, None
    return (f"{post}_{answer}", f"{post}_{top}") if answer.isdigit() else (f"{post}_{top}", None)
