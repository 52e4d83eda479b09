"""Factor contacts: how often the person already turned to us. "Called, mailed three hours ago, now tweets" is an escalation."""

from priority.case import Case, CasePost
from priority.customer import Known, happened
from priority.settings import Contacts
from priority.weighing import Weighed, points
from priority.words import Words
from records.facts import SnapshotContact
from records.tickets import Factor
from records.times import DAY, HOUR, MINUTE

_SHOWN = 3


def contacts(case: Case, known: Known, settings: Contacts, words: Words) -> Weighed:
    """Points = cap × min(1, Σ contacts + escalation + repeats). Contacts need a verified customer; repeats are the author's
    own posts in this conversation and need none."""
    waiting = [post for post in case.posts if not post.answered and (post.candidate or _follows_up(post, settings))]
    unknown: list[str] = []
    why: list[str] = []
    share = 0.0
    if known.snapshot is not None and known.snapshot.contacts:
        share = _elsewhere(case, known.snapshot.contacts, waiting, settings, words, unknown, why)
    repeats = count_repeats([post.at for post in waiting], settings.burst_minutes)
    if repeats:
        share += min(settings.repeats_most, settings.repeat * repeats)
        why.append(words.again(repeats))
    fallback = words.no_contact if known.snapshot is not None else words.unknown
    earned = points(share, settings.cap)
    return Weighed(Factor("contacts", earned, settings.cap, "; ".join(why) or fallback), tuple(dict.fromkeys(unknown)))


def count_repeats(times: list[int], burst_minutes: float) -> int:
    """Posts after the first, by time in ms; those within `burst_minutes` of the last one counted are part of it (a thread is
    one utterance). One more post never lowers the count."""
    gap = burst_minutes * MINUTE
    found, last = -1, None
    for at in times:
        if last is None or at - last >= gap:
            found, last = found + 1, at
    return max(0, found)


def _follows_up(post: CasePost, settings: Contacts) -> bool:
    need = post.verdict.need if post.verdict is not None else None
    return need is not None and need >= settings.follow_up_need


def _elsewhere(
    case: Case,
    found: tuple[SnapshotContact, ...],
    waiting: list[CasePost],
    settings: Contacts,
    words: Words,
    unknown: list[str],
    why: list[str],
) -> float:
    """Share of the contacts on other channels, newest first; appends to `unknown` and `why`."""
    as_of = case.as_of
    window, window_resolved = settings.unresolved_days * DAY, settings.resolved_hours * HOUR
    reference = waiting[-1].at if waiting else as_of
    share, escalates, shown, counted = 0.0, False, 0, 0
    for contact in reversed(found):
        at = happened(contact, as_of, words, unknown)
        if at is None:
            continue
        age = max(0, as_of - at)
        worth = _worth(contact.resolved, age, window, window_resolved, settings)
        if worth is None:
            continue
        share += worth
        counted += 1
        escalates = escalates or (contact.resolved is not True and bool(waiting) and reference > at)
        if contact.resolved is None:
            unknown.append(words.outcome_unknown(words.channel(contact.channel)))
        if shown < _SHOWN:
            why.append(words.contact(words.channel(contact.channel), reference - at, contact.resolved))
            shown += 1
    if counted > shown:
        why.append(words.more(counted - shown))
    if escalates:
        share += settings.escalation
        why.insert(0, words.escalation)
    return share


def _worth(resolved: bool | None, age: int, window: float, window_resolved: float, settings: Contacts) -> float | None:
    """Share of one contact, None where it is too old to count."""
    if resolved is False:
        if age > window:
            return None
        risen = settings.unresolved_start + (1.0 - settings.unresolved_start) * age / window
        return settings.unresolved * risen
    return settings.resolved if age <= window_resolved else None
