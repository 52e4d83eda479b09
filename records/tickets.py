"""Ticket: the wanted state of one ticket; TicketOperation: a version of it on its way; Delivery: what a helpdesk holds."""

from typing import Annotated, Literal

import msgspec

from records.mention import Channel, Kind, Media, Visibility
from records.times import Timestamp

Priority = Literal["urgent", "high", "normal", "low"]
TicketStatus = Literal["open", "answered", "solved", "withdrawn", "merged"]
Operation = Literal["open", "append", "rerank", "merge", "redact", "close", "reopen", "update"]


class Factor(msgspec.Struct, frozen=True):
    """One share of a score: `points` of at most `cap`, and why, in words for an agent."""

    name: str
    points: float
    cap: float
    why: str


class Post(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One utterance on a ticket, newest revision. `removed`: deleted or hidden at its source; then text and media are gone."""

    id: str
    revision: str
    kind: Kind
    role: Literal["candidate", "context"]
    occurred_at: Timestamp
    text: str | None = None
    media: tuple[Media, ...] = ()
    permalink: str | None = None
    visibility: Visibility = "public"
    edited: bool = False
    removed: bool = False
    need: float | None = None
    triggers: tuple[str, ...] = ()


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The wanted state of one ticket, complete.

    id: the id first emitted, kept for life. canonical_id: hash(author key, earliest candidate). league: 0 = none, higher
    stands above every score. score: 0-100, the sum of the factors' points. due_at: UTC. rank_key: sorts highest first.
    posts: by time of posting. opened_at: earliest unanswered candidate. follows: id of the solved ticket this one
    continues. merged_into: id of the ticket that took this one over. customer: None = unknown, "maybe" = a link without
    verification. explanation: lines for an agent, written by `priority`; unknown: what was not known, so counts for nothing.
    """

    id: str
    canonical_id: str
    author_key: str
    author_name: str | None
    author_handle: str | None
    author_url: str | None
    channel: Channel
    brand: str | None
    language: str | None
    status: TicketStatus
    subject: str
    league: int
    league_name: str | None
    score: float
    factors: tuple[Factor, ...]
    due_at: Timestamp
    rank_key: int
    priority: Priority
    opened_at: Timestamp
    as_of: Timestamp
    posts: tuple[Post, ...]
    customer: Literal["verified", "maybe"] | None = None
    unknown: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()
    follows: str | None = None
    merged_into: str | None = None
    related: tuple[str, ...] = ()
    strategy: str
    lexicon_version: str


class TicketOperation(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ticket-operation/1"):
    """The whole wanted ticket and a version that grows by one with each change of it. `op` is a hint for people."""

    ticket_id: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    op: Operation
    ticket: Ticket


class Held(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one helpdesk holds of one ticket, by our own writes and by what was read back.

    posts: mention id -> revision of every post that stands on the ticket ("" = redacted). note: digest of the explanation
    last written. human: fields (`priority`, `rank_key`, `status`, `subject`) that a person changed there; we never write
    them again. receipt: what a person must do by hand, because the helpdesk offers no API for it. ticket_id: our id as the
    remote ticket carries it, "" for a ticket of a person's own, None where the helpdesk does not tell. status: `open`,
    `answered`, `solved`, `withdrawn`, or `closed` (for good: takes no more posts). remote_id "": nothing was ever created,
    and nothing had to be.
    """

    remote_id: str
    url: str | None = None
    version: int = 0
    status: str | None = None
    priority: str | None = None
    rank_key: int | None = None
    posts: dict[str, str] = {}
    note: str | None = None
    human: tuple[str, ...] = ()
    merged_into: str | None = None
    receipt: tuple[str, ...] = ()
    gone: bool = False
    etag: str | None = None
    ticket_id: str | None = None


class Intent(msgspec.Struct, frozen=True):
    """A write that was begun. One without a result is looked up in the helpdesk before anything else is done."""

    op_id: str
    version: int
    at: Timestamp


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="schema", tag="delivery/1"):
    """The ledger's entry of one ticket in one helpdesk; key `sink|ticket id`.

    state: pending (there is work), settled (held agrees with wanted, or nearly), dead (refused for good: see error).
    attempts and not_before belong to the write in hand. ended: the ticket's author was forgotten; the entry goes with its
    last write.
    """

    sink: str
    ticket_id: str
    author_key: str
    wanted: TicketOperation
    held: Held | None = None
    intent: Intent | None = None
    state: Literal["pending", "settled", "dead"] = "pending"
    attempts: int = 0
    not_before: Timestamp | None = None
    error: str | None = None
    ended: bool = False
