"""Conditions of triggers (`when:`): what one post shows is decided here; what only its author's or thread's past shows is not.

Such a condition makes a hit pending: it does not count here, travels in `Verdict.pending`, and is decided in assess, where the
author is known.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from lexicons.brands import NameHit, is_near
from lexicons.format import Posted, Weekday, When
from lexicons.matcher import Place, Places
from records.mention import Mention, Rating
from records.times import to_ms

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OF_AUTHOR = ("customer", "first_contact", "brand_in_thread")


class Conditions:
    """What is known of one post. language: of its text, None = unknown. spoken_to: brand that the whole post is directed to.
    names: brands and products named in it. pending_holds: whether conditions on author and thread are taken to hold."""

    def __init__(
        self,
        mention: Mention,
        *,
        language: str | None,
        spoken_to: str | None,
        names: Callable[[], Sequence[NameHit]],
        pending_holds: bool = False,
    ) -> None:
        self._mention, self._language, self._spoken_to = mention, language, spoken_to
        self._find_names, self._pending_holds = names, pending_holds
        self._names: Sequence[NameHit] | None = None

    def kept(self, when: When, spans: tuple[Place, ...], places: Places) -> tuple[Place, ...]:
        """Those places of a trigger's hits where its conditions hold."""
        if not self._holds(when) or (author_conditions(when) and not self._pending_holds):
            return ()
        if not when.near or self._spoken_to in when.near:
            return spans
        if self._names is None:
            self._names = self._find_names()
        near = [name for name in self._names if name.brand in when.near or name.product in when.near]
        return tuple(span for span in spans if any(is_near(span, name, places) for name in near))

    def _holds(self, when: When) -> bool:
        mention = self._mention
        if when.channels and mention.channel not in when.channels:
            return False
        if when.kinds and mention.kind not in when.kinds:
            return False
        if when.languages and self._language not in when.languages:
            return False
        if when.rating_at_most is not None:
            given = stars(mention.rating)
            if given is None or given > when.rating_at_most:
                return False
        return when.posted is None or posted_within(mention.occurred_at, when.posted)


def author_conditions(when: When) -> tuple[str, ...]:
    """Its conditions on author and thread, as they travel: `customer`, or `not_customer` where it must not be one."""
    asked = ((name, getattr(when, name)) for name in OF_AUTHOR)
    return tuple(name if wanted else f"not_{name}" for name, wanted in asked if wanted is not None)


def stars(rating: Rating | None) -> float | None:
    """A review's stars on a scale of one to five; None = there are none, or they are off their own scale."""
    if rating is None:
        return None
    if rating.value is None:
        return None if rating.recommends is None else (5.0 if rating.recommends else 1.0)
    best, worst = rating.best if rating.best is not None else 5.0, rating.worst if rating.worst is not None else 1.0
    if best <= worst or not worst <= rating.value <= best:
        return None
    return 1 + 4 * (rating.value - worst) / (best - worst)


def posted_within(at: str, posted: Posted) -> bool:
    """Whether a time (RFC 3339, UTC) lies within these hours of their zone, daylight saving included."""
    local = datetime.fromtimestamp(to_ms(at) / 1000, _zone(posted.zone))
    minute = local.hour * 60 + local.minute
    inside = WEEKDAYS[local.weekday()] in posted.days and minutes(posted.after) <= minute < minutes(posted.before)
    return inside is not posted.outside


def minutes(clock: str) -> int:
    """`08:30` as minutes of the day."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
