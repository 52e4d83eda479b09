"""What a support lead can set, factor by factor, as frozen Structs: the sections of a strategy's YAML.

The defaults are the packaged strategy `balanced`. Every factor has a cap in points; inside a factor, shares between 0 and 1 of
that cap. Unknown keys are refused.
"""

from typing import Annotated, Literal

import msgspec

from records.tickets import Priority

Cap = Annotated[float, msgspec.Meta(ge=0, le=100)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Amount = Annotated[float, msgspec.Meta(gt=0, le=1e12)]
Days = Annotated[float, msgspec.Meta(gt=0, le=3650)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=20_160)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the sections: frozen, closed."""


class ContentWeights(Section, frozen=True, kw_only=True):
    """How much each reading of a post counts; only their proportions matter."""

    triggers: Weight = 25.0
    urgency: Weight = 40.0
    anger: Weight = 15.0
    sentiment: Weight = 5.0
    need: Weight = 15.0


class Content(Section, frozen=True, kw_only=True):
    """What was said. triggers_full: trigger weights that together count in full. unknown_need: stands for a need that cannot
    be known (a photo without text). further: share of each further unanswered post that comes on top of the worst."""

    cap: Cap = 50.0
    weights: ContentWeights = ContentWeights()
    triggers_full: Amount = 30.0
    unknown_need: Share = 0.5
    further: Share = 0.25


class Purchases(Section, frozen=True, kw_only=True):
    """What the customer bought. half_life_days: age at which a purchase counts half. amount_half, quantity_half: amount in
    `currency`, and pieces of one product, that earn half of their share. rates: value of one unit of a currency in
    `currency`. tags: share of the cap that a label of the company earns."""

    cap: Cap = 15.0
    half_life_days: Days = 180.0
    currency: str = "EUR"
    rates: dict[str, float] = msgspec.field(default_factory=lambda: {"CHF": 1.05, "GBP": 1.17, "USD": 0.92})
    amount_half: Amount = 500.0
    amount_share: Share = 0.6
    quantity_half: Amount = 5.0
    quantity_share: Share = 0.3
    tags: dict[str, Share] = msgspec.field(default_factory=lambda: {"ambassador": 0.4, "vip": 0.4})


class Contacts(Section, frozen=True, kw_only=True):
    """How often the person already turned to us. unresolved: share of one contact that nobody resolved, `unresolved_start` of
    it at once, rising to all of it after `unresolved_days`. resolved: share of a contact that was, or may have been, resolved,
    for `resolved_hours`. escalation: for a post after a contact that was not resolved. repeat: for each later unanswered
    post of this conversation, together at most `repeats_most`; posts within `burst_minutes` are one. follow_up_need: need
    from which a post that would not open a ticket counts as a repeat."""

    cap: Cap = 20.0
    unresolved: Share = 0.5
    unresolved_start: Share = 0.7
    unresolved_days: Days = 30.0
    resolved: Share = 0.15
    resolved_hours: Annotated[float, msgspec.Meta(gt=0, le=8760)] = 72.0
    escalation: Share = 0.25
    repeat: Share = 0.15
    repeats_most: Share = 0.45
    burst_minutes: Annotated[float, msgspec.Meta(ge=0, le=1440)] = 10.0
    follow_up_need: Share = 0.25


class Influence(Section, frozen=True, kw_only=True):
    """Reach. Logarithmic: `damp` followers are the scale below which it is nearly linear, `full` followers earn everything.
    verified: share that a verified account earns, unless its kind of verification is in `bought` (anyone can pay for it)."""

    cap: Annotated[float, msgspec.Meta(ge=0, le=30)] = 15.0
    damp: Amount = 100.0
    full: Amount = 100_000.0
    verified: Share = 0.1
    bought: tuple[str, ...] = ("blue",)


class Factors(Section, frozen=True, kw_only=True):
    """The factors; their caps sum to 100 or less."""

    content: Content = Content()
    purchases: Purchases = Purchases()
    contacts: Contacts = Contacts()
    influence: Influence = Influence()


class Target(Section, frozen=True, kw_only=True):
    """First-response target in minutes: `longest` at score 0, `shortest` from `targets.full_at` points on; counted in opening
    hours, or around the clock."""

    longest: Minutes
    shortest: Minutes
    hours: Literal["business", "always"] = "business"


_MESSENGER = Target(longest=60, shortest=20)


class Targets(Section, frozen=True, kw_only=True):
    """Targets by channel; one by kind of the post wins over its channel's. full_at: score from which the shortest holds."""

    full_at: Annotated[float, msgspec.Meta(gt=0, le=100)] = 70.0
    default: Target = Target(longest=480, shortest=120)
    channels: dict[str, Target] = msgspec.field(
        default_factory=lambda: {
            "x": Target(longest=120, shortest=30),
            **dict.fromkeys(("messenger", "whatsapp", "telegram", "sms", "rcs"), _MESSENGER),
        }
    )
    kinds: dict[str, Target] = msgspec.field(default_factory=lambda: {"direct_message": _MESSENGER})


class League(Section, frozen=True, kw_only=True):
    """A league stands above every score; `rank` 1-20, higher first. Its target in minutes counts around the clock."""

    rank: Annotated[int, msgspec.Meta(ge=1, le=20)]
    longest: Minutes
    shortest: Minutes
    priority: Priority = "urgent"


class Open(Section, frozen=True, kw_only=True):
    """Opening hours by weekday, local time, such as `["08:00-12:00", "13:00-24:00"]`."""

    mon: tuple[str, ...] = ("08:00-20:00",)
    tue: tuple[str, ...] = ("08:00-20:00",)
    wed: tuple[str, ...] = ("08:00-20:00",)
    thu: tuple[str, ...] = ("08:00-20:00",)
    fri: tuple[str, ...] = ("08:00-20:00",)
    sat: tuple[str, ...] = ("09:00-16:00",)
    sun: tuple[str, ...] = ()


class Calendar(Section, frozen=True, kw_only=True):
    """When the service desk works. holidays: `2026-04-03`, or `12-25` for every year."""

    zone: str = "Europe/Berlin"
    open: Open = Open()
    holidays: tuple[str, ...] = ("01-01", "05-01", "10-03", "12-25", "12-26")


class Thresholds(Section, frozen=True, kw_only=True):
    """Score from which a ticket carries the word; below `normal` it is `low`. For helpdesks and people that need a word."""

    urgent: Cap = 60.0
    high: Cap = 40.0
    normal: Cap = 20.0
