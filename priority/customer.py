"""Who the author is known to be. Only one verified customer counts; everything else is unknown, and is said to be."""

from functools import lru_cache
from typing import NamedTuple

from priority.words import Words, short
from records.facts import Snapshot, SnapshotContact, SnapshotPurchase
from records.times import DAY, to_ms

FUTURE = (
    30 * DAY
)  # how far after the conversation a fact may lie and still count: the person called while the ticket was open

SHOWN = 3  # customers named to the agent


class Known(NamedTuple):
    """The one verified snapshot, or None; and what to tell the agent about what is not known."""

    snapshot: Snapshot | None
    unknown: tuple[str, ...]


def recognise(snapshots: tuple[Snapshot, ...], words: Words) -> Known:
    """Two customers both verified: none counts. Claims and guesses count for nothing, and are named."""
    if not snapshots:
        return Known(None, (words.customer_unknown,))
    verified = {s.customer: s for s in sorted(snapshots, key=_version) if s.evidence == "verified" and not s.erased}
    if len(verified) == 1:
        return Known(next(iter(verified.values())), ())
    if verified:
        return Known(None, (words.two_customers(", ".join(short(name) for name in sorted(verified)[:SHOWN])),))
    claimed = sorted({s.customer for s in snapshots if s.evidence in ("self_claimed", "inferred") and not s.erased})
    if claimed:
        return Known(None, tuple(words.ask(short(name)) for name in claimed[:SHOWN]))
    return Known(None, (words.customer_unknown,))


_ms = lru_cache(16_384)(to_ms)  # the same facts come back with every post of their customer


def _version(snapshot: Snapshot) -> int:
    return snapshot.version


def moment(text: str, words: Words, unknown: list[str]) -> int | None:
    """A time of a fact in ms since 1970; None, with a word in `unknown`, where it cannot be read."""
    try:
        return _ms(text)
    except ValueError:
        # A date such as 2026-02-31 passes the pattern of a timestamp; it must not cost the author the ticket.
        unknown.append(words.unreadable_time)
        return None


def happened(fact: SnapshotPurchase | SnapshotContact, as_of: int, words: Words, unknown: list[str]) -> int | None:
    """Time of a fact in ms since 1970; None, with a word in `unknown`, where it cannot be read or lies in the future."""
    at = moment(fact.at, words, unknown)
    if at is not None and at > as_of + FUTURE:
        unknown.append(words.future_fact)
        return None
    return at
