"""Mention: one utterance on one channel, as it stands on the topic `mentions` (schema `mention/1`).

Unknown is None, never zero. Required fields are always written, the others where they are known. The input form, in which
all but `id` and `text` may be missing, is turned into this one by `records.normalise`.
"""

from typing import Annotated, Literal

import msgspec

from records.times import Timestamp

Channel = Literal[
    "x", "facebook", "messenger", "instagram", "threads", "whatsapp", "telegram", "mastodon", "bluesky", "reddit",
    "youtube", "tiktok", "linkedin", "google_business", "app_store", "google_play", "trustpilot", "rss", "forum",
    "email", "sms", "rcs", "webhook", "file",
]  # fmt: skip
Kind = Literal[
    "post", "comment", "reply", "repost", "quote", "direct_message", "story_mention", "review", "article", "email",
    "reaction", "other",
]  # fmt: skip
Op = Literal["create", "update", "delete", "hide", "restore", "metrics"]
Direction = Literal["inbound", "outbound"]
Visibility = Literal["public", "unlisted", "followers", "private"]
TimeQuality = Literal["platform", "sent", "observed", "date_only"]
MediaType = Literal[
    "image", "gif", "video", "audio", "voice", "sticker", "document", "link", "location", "contact", "other"
]  # fmt: skip
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # more digits overflow a float in the rules
MentionId = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+:[^\s]+$")]


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of the parts of a mention: frozen, what is not known left out."""


class Account(_Part, frozen=True, kw_only=True):
    """Our asset that heard the mention: a page, a handle, a search."""

    id: str
    handle: str | None = None
    brand: str | None = None


class Author(_Part, frozen=True, kw_only=True):
    """Who wrote it. `alt_ids` are further ids of the same person on the same channel; `is_account`: one of ours."""

    id: str | None
    alt_ids: tuple[str, ...] = ()
    handle: str | None = None
    name: str | None = None
    url: str | None = None
    verified: bool | None = None
    verified_kind: str | None = None
    bot: bool | None = None
    anonymous: bool | None = None
    is_account: bool | None = None
    followers: Count | None = None
    following: Count | None = None
    posts: Count | None = None
    listed: Count | None = None
    created_at: Timestamp | None = None
    location: str | None = None
    as_of: Timestamp | None = None


class Thread(_Part, frozen=True, kw_only=True):
    """Where the utterance stands; ids are native ids of the same channel."""

    conversation_id: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    parent_author_id: str | None = None
    quoted_id: str | None = None
    reposted_id: str | None = None


class Language(_Part, frozen=True, kw_only=True):
    """BCP 47 tag, `und` when unknown."""

    tag: str
    source: Literal["platform", "author", "detected"]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class Entity(_Part, frozen=True, kw_only=True):
    """A handle, tag or link inside the text; `start` and `end` count code points."""

    type: Literal["mention", "hashtag", "url", "cashtag", "email", "phone"]
    start: int | None = None
    end: int | None = None
    text: str | None = None
    id: str | None = None
    url: str | None = None


class Media(_Part, frozen=True, kw_only=True):
    """An attachment by reference; nothing is downloaded. Sizes in bytes, pixels, milliseconds."""

    type: MediaType
    url: str | None = None
    ref: str | None = None
    mime: str | None = None
    name: str | None = None
    bytes: Count | None = None
    width: Count | None = None
    height: Count | None = None
    duration_ms: Count | None = None
    sha256: str | None = None
    alt: str | None = None
    caption: str | None = None
    expires_at: Timestamp | None = None


class Geo(_Part, frozen=True, kw_only=True):
    """A place; degrees WGS 84, accuracy in metres, country ISO 3166 alpha-2."""

    source: Literal["post", "profile", "carrier", "venue", "storefront"] | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    place_id: str | None = None
    place: str | None = None
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")] | None = None


class Rating(_Part, frozen=True, kw_only=True):
    """Stars of a review, with the ends of their scale."""

    value: float | None = None
    best: float | None = None
    worst: float | None = None
    recommends: bool | None = None


class Metrics(_Part, frozen=True, kw_only=True):
    """Counts of reactions at `as_of`."""

    likes: Count | None = None
    dislikes: Count | None = None
    replies: Count | None = None
    reposts: Count | None = None
    quotes: Count | None = None
    bookmarks: Count | None = None
    views: Count | None = None
    score: int | None = None
    as_of: Timestamp | None = None


class Matched(_Part, frozen=True, kw_only=True):
    """A rule of the listener (for X: a filtered-stream rule) that matched."""

    id: str
    tag: str | None = None


class Reply(_Part, frozen=True, kw_only=True):
    """Where an answer may go, and until when."""

    target: str | None = None
    mode: Literal["public", "private", "both", "none"] | None = None
    until: Timestamp | None = None


class Product(_Part, frozen=True, kw_only=True):
    """What a review is about."""

    id: str | None = None
    version: str | None = None
    device: str | None = None
    os: str | None = None


class Change(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One repair made on the way in. `change` is left out where a value was replaced rather than emptied or cut."""

    field: str = ""
    change: Literal["nulled", "truncated"] | None = None
    reason: str = ""


class Ingest(_Part, frozen=True, kw_only=True):
    """How the mention came in. `gap_before`: posts before this one may be missing for good."""

    listener: str | None = None
    cursor: str | None = None
    delivery_id: str | None = None
    replay: bool = False
    gap_before: bool = False
    changes: tuple[Change, ...] = ()


class Raw(_Part, frozen=True, kw_only=True):
    """Fingerprint of the bytes as received."""

    sha256: str | None = None
    ref: str | None = None
    bytes: int | None = None


class Mention(_Part, frozen=True, kw_only=True, tag_field="schema", tag="mention/1"):
    """One revision of one utterance. Idempotency key: (id, op, revision). Kafka key: id."""

    id: MentionId
    native_id: str
    native_ids: tuple[str, ...] = ()
    channel: Channel
    kind: Kind
    op: Op
    revision: str
    direction: Direction
    visibility: Visibility
    occurred_at: Timestamp
    edited_at: Timestamp | None = None
    observed_at: Timestamp
    sent_at: Timestamp | None = None
    time_quality: TimeQuality = "platform"
    permalink: str | None = None
    account: Account
    author: Author
    thread: Thread = Thread()
    title: str | None = None
    text: str | None
    text_format: Literal["plain", "html", "markdown"] | None = None
    text_html: str | None = None
    text_truncated: bool = False
    content_warning: str | None = None
    language: Language | None = None
    entities: tuple[Entity, ...] = ()
    media: tuple[Media, ...]
    geo: Geo | None = None
    rating: Rating | None = None
    metrics: Metrics | None = None
    matched: tuple[Matched, ...] = ()
    reply: Reply | None = None
    product: Product | None = None
    ingest: Ingest = Ingest()
    raw: Raw | None = None

    @property
    def author_key(self) -> str:
        """`channel:author id`; without an author id, the mention id (DESIGN rule: nobody is looked up by name)."""
        return f"{self.channel}:{self.author.id}" if self.author.id else self.id


_OP_ORDER = {"create": 0, "metrics": 0, "update": 1, "hide": 2, "restore": 3, "delete": 4}


def revision_order(mention: Mention) -> tuple[str, int, int, int, str]:
    """Sort key of the revisions of one utterance; the greatest is the newest.

    (edited_at or occurred_at, revision as a number if numeric, create < update < hide < restore < delete, revision text).
    A delete is final whatever its time: callers check `op == "delete"` first.
    """
    numeric = mention.revision.isascii() and mention.revision.isdigit()
    return (
        mention.edited_at or mention.occurred_at,
        1 if numeric else 0,
        int(mention.revision[:32]) if numeric else 0,
        _OP_ORDER[mention.op],
        mention.revision,
    )
