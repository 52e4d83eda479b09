"""Case and Score: what priority is given of one conversation, and what it says."""

import msgspec

from records.facts import Snapshot
from records.mention import Author, Channel, Kind, Metrics
from records.tickets import Factor, Priority
from records.verdict import Verdict


class CasePost(msgspec.Struct, frozen=True, kw_only=True):
    """One post of the conversation as far as ranking looks at it; `at` in milliseconds since 1970."""

    id: str
    at: int
    kind: Kind
    candidate: bool
    answered: bool
    verdict: Verdict | None
    metrics: Metrics | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation of one author at `as_of` (time of its newest event, milliseconds since 1970). Posts by time.

    opened: time of the oldest unanswered candidate, or of the newest post where all are answered. snapshots: those with
    evidence; empty = unknown customer.
    """

    channel: Channel
    brand: str | None
    author: Author
    posts: tuple[CasePost, ...]
    opened: int
    as_of: int
    snapshots: tuple[Snapshot, ...] = ()


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """points 0-100 = sum of the factors' points. due in milliseconds since 1970. unknown: what counted for nothing."""

    points: float
    factors: tuple[Factor, ...]
    league: int
    league_name: str | None
    due: int
    rank_key: int
    priority: Priority
    unknown: tuple[str, ...]
    explanation: tuple[str, ...]
