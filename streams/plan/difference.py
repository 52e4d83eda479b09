"""The difference between two queues of one author: tickets gained, lost and moved, and which triggers it comes from. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from records.tickets import Ticket
from records.verdict import Verdict

NO_TRIGGER = "-"  # the difference comes from no trigger: the judgement itself, brands, cues

Kind = Literal["gained", "lost", "moved"]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as one lexicon has it. rank: its place among the open ones, from 1; None = it is not open."""

    ticket: str
    status: str
    league: int
    score: float
    due_at: str
    priority: str
    rank_key: int
    rank: int | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that is not as before. old, new: as each lexicon has it. triggers: what makes the difference."""

    change: Kind
    ticket: str
    author: str
    handle: str | None
    subject: str
    triggers: tuple[str, ...]
    mentions: tuple[str, ...]
    old: Shown | None
    new: Shown | None

    @property
    def shown(self) -> Shown:
        """As it will be, or as it was."""
        shown = self.new or self.old
        assert shown is not None
        return shown


class Stands(NamedTuple):
    """Where an open ticket stands; side 0: by the old lexicon, 1: by the new one."""

    side: int
    rank_key: int
    score: float
    ticket: str


Hits = Mapping[str, Mapping[str, float]]  # mention -> trigger -> points


def differences(old: Sequence[Ticket], new: Sequence[Ticket], before: Hits, after: Hits) -> list[Change]:
    """What changed in the queue of one author. A ticket is the same one if it holds a post of the other; of several, the one
    that shares most. before, after: what hit in its posts."""
    pairs, lost, gained = _matched(old, new)
    found = [_change("gained", None, ticket, before, after) for ticket in gained]
    found += [_change("lost", ticket, None, before, after) for ticket in lost]
    found += [_change("moved", was, now, before, after) for was, now in pairs if _place(was) != _place(now)]
    return found


def stands(side: int, tickets: Iterable[Ticket]) -> list[Stands]:
    """Of the open ones."""
    return [Stands(side, t.rank_key, t.score, t.canonical_id) for t in tickets if t.status == "open"]


def hits_of(verdicts: Iterable[Verdict]) -> dict[str, dict[str, float]]:
    """What hit, by mention; of several revisions, in any."""
    found: dict[str, dict[str, float]] = {}
    for verdict in verdicts:
        mine = found.setdefault(verdict.id, {})
        for hit in verdict.triggers:
            mine[hit.id] = max(hit.weight, mine.get(hit.id, hit.weight))
    return found


def _matched(
    old: Sequence[Ticket], new: Sequence[Ticket]
) -> tuple[list[tuple[Ticket, Ticket]], list[Ticket], list[Ticket]]:
    posts = {id(ticket): {post.id for post in ticket.posts} for ticket in (*old, *new)}
    shared = sorted(
        (
            (-len(posts[id(was)] & posts[id(now)]), was.canonical_id, now.canonical_id, was, now)
            for was in old
            for now in new
            if not posts[id(was)].isdisjoint(posts[id(now)])
        ),
        key=lambda pair: pair[:3],
    )
    pairs: list[tuple[Ticket, Ticket]] = []
    taken: set[int] = set()
    for *_, was, now in shared:
        if id(was) not in taken and id(now) not in taken:
            taken |= {id(was), id(now)}
            pairs.append((was, now))
    return pairs, [t for t in old if id(t) not in taken], [t for t in new if id(t) not in taken]


def _place(ticket: Ticket) -> tuple[object, ...]:
    return ticket.status, ticket.league, ticket.rank_key, ticket.due_at, ticket.score, ticket.priority, ticket.brand


def _change(kind: Kind, old: Ticket | None, new: Ticket | None, before: Hits, after: Hits) -> Change:
    ticket = new or old
    assert ticket is not None
    posts = {post.id for each in (old, new) if each is not None for post in each.posts}
    differing = {
        trigger
        for post in posts
        for trigger in before.get(post, {}).keys() | after.get(post, {}).keys()
        if before.get(post, {}).get(trigger) != after.get(post, {}).get(trigger)
    }
    return Change(
        change=kind,
        ticket=ticket.canonical_id,
        author=ticket.author_key,
        handle=ticket.author_handle or ticket.author_name,
        subject=ticket.subject,
        triggers=tuple(sorted(differing)) or (NO_TRIGGER,),
        mentions=tuple(post.id for post in ticket.posts),
        old=None if old is None else _shown(old),
        new=None if new is None else _shown(new),
    )


def _shown(ticket: Ticket) -> Shown:
    return Shown(
        ticket=ticket.canonical_id,
        status=ticket.status,
        league=ticket.league,
        score=ticket.score,
        due_at=ticket.due_at,
        priority=ticket.priority,
        rank_key=ticket.rank_key,
    )
