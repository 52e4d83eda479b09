"""Verdict: what the judgement says of one mention."""

from typing import Literal

import msgspec

Dropped = Literal["own_post", "repost", "bot", "spam", "no_brand", "no_need", "no_content", "deleted"]


class TriggerHit(msgspec.Struct, frozen=True):
    """A trigger that matched; `start` and `end` are code-point offsets into the mention's original text; weight in points."""

    id: str
    text: str
    start: int
    end: int
    weight: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The judgement of one mention; every field is always written.

    need: calibrated chance 0-1 that the service desk should answer this author; None = not judged (own post, repost, bot)
    or unknowable (media only). service_request: need at or above the threshold, or a hard rule. kept: goes on as a
    candidate that may open a ticket. dropped: why it is not kept. context: not kept, but addresses the brand, so it may be
    attached to an open conversation. urgency, anger: reals 0-3, two decimals, expected value given need.
    sentiment: -1 to 1. league: name of a league that a trigger puts the mention in (`safety`, `legal`, `vulnerable`).
    pending: triggers that count only if a condition on author or thread holds, decided in assess (`records.pending`); their
    hits stand in `triggers`, and a verdict that is kept but no service request opens a ticket only where one of them holds.
    addressed: how the brand is spoken to.
    """

    id: str
    kept: bool
    dropped: Dropped | None
    brand: str | None
    need: float | None
    service_request: bool
    urgency: float
    anger: float
    sentiment: float
    language: str | None
    triggers: tuple[TriggerHit, ...] = ()
    lexicon_version: str
    context: bool = False
    addressed: Literal["direct_message", "reply", "handle", "name", "query", "none"] = "none"
    league: str | None = None
    pending: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
