"""What the demo knows at one moment: the queue with its movements, and what was just heard. Plain values, no Rich, no clock."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from hilferuf.demo.story import Story
from records.mention import Channel, Mention
from records.tickets import Ticket
from records.times import Timestamp
from records.verdict import Verdict

Move = Literal["new", "up", "down", "none"]
Outcome = Literal["ticket", "context", "own_post", "repost", "ignored"]
What = Literal["opened", "raised", "answered", "reopened", "withdrawn", "merged", "solved"]
HOLD = 2.0  # seconds for which a movement stays marked: long enough to be seen
RECENT = 5


class Standing(msgspec.Struct, frozen=True):
    """A ticket at its rank (from 1). `move`: what happened to it lately."""

    rank: int
    ticket: Ticket
    move: Move = "none"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A post as it was heard, and what became of it."""

    at: Timestamp
    channel: Channel
    author: str
    text: str
    outcome: Outcome
    league: str | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One step in a ticket's life, for the plain lines. `before`: the rank it had, None where it had none."""

    what: What
    rank: int | None
    before: int | None
    ticket: Ticket


class Found(msgspec.Struct, frozen=True):
    """How the judgement compares with the story's ground truth: numbers of entries that were judged."""

    wanted: int
    found: int
    missed: tuple[int, ...]
    extra: tuple[int, ...]


class Board:
    """Keeps what changed from one look at the queue to the next."""

    def __init__(self) -> None:
        self.standings: tuple[Standing, ...] = ()
        self.recent: deque[Said] = deque(maxlen=RECENT)
        self.heard = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.needs: dict[str, bool] = {}  # mention id -> whether its newest text was kept
        self._ranks: dict[str, int] = {}  # in the order of the queue
        self._tickets: dict[str, Ticket] = {}
        self._marks: dict[str, tuple[Move, float]] = {}

    def hear(self, mention: Mention, verdict: Verdict) -> None:
        """A judged mention."""
        outcome = outcome_of(verdict)
        self.heard += 1
        self.outcomes[outcome] += 1
        self.needs[mention.id] = verdict.kept
        author = mention.author.handle or mention.author.name or "?"
        self.recent.append(
            Said(
                at=mention.edited_at or mention.occurred_at,
                channel=mention.channel,
                author=author,
                text=mention.text or "",
                outcome=outcome,
                league=verdict.league,
            )
        )

    def look(self, ranked: Sequence[Ticket], gone: Iterable[Ticket], now: float) -> list[Change]:
        """The queue as it stands (best first, answered ones last) and the tickets that left it; returns what changed.

        now: seconds of any steady clock, for how long a mark stays.
        """
        then, after = self._places(ranked)
        changes: list[Change] = []
        for rank, ticket in enumerate(ranked, 1):
            old = self._tickets.get(ticket.id)
            what: What | None = status_change(old, ticket)
            if old is None:
                self._marks[ticket.id] = ("new", now)
            # A ticket that was only pushed aside by another did not move itself: its own key is as it was.
            elif ticket.rank_key != old.rank_key and after.get(ticket.id) != then.get(ticket.id):
                up = after.get(ticket.id, 0) < then.get(ticket.id, 0)
                self._marks[ticket.id] = ("up" if up else "down", now)
                what = what or ("raised" if up else None)
            if what:
                changes.append(Change(what=what, rank=rank, before=self._ranks.get(ticket.id), ticket=ticket))
        for ticket in gone:
            what = status_change(self._tickets.get(ticket.id), ticket)
            if what and ticket.id in self._tickets:
                changes.append(Change(what=what, rank=None, before=self._ranks.get(ticket.id), ticket=ticket))
            self._tickets[ticket.id] = ticket
        self._tickets.update((ticket.id, ticket) for ticket in ranked)
        self._ranks = {ticket.id: rank for rank, ticket in enumerate(ranked, 1)}
        self.standings = tuple(
            Standing(rank, ticket, self._mark(ticket.id, now)) for rank, ticket in enumerate(ranked, 1)
        )
        return changes

    def _places(self, ranked: Sequence[Ticket]) -> tuple[dict[str, int], dict[str, int]]:
        """Places then and now among the tickets that stood in the queue both times."""
        ids = [ticket.id for ticket in ranked]
        both = self._ranks.keys() & set(ids)
        then = {key: place for place, key in enumerate(key for key in self._ranks if key in both)}
        return then, {key: place for place, key in enumerate(key for key in ids if key in both)}

    def _mark(self, ticket_id: str, now: float) -> Move:
        move, since = self._marks.get(ticket_id, ("none", now))
        return move if now - since <= HOLD else "none"


def outcome_of(verdict: Verdict) -> Outcome:
    """The verdict in one word for the reader of the demo."""
    if verdict.kept:
        return "ticket"
    if verdict.dropped == "own_post":
        return "own_post"
    if verdict.dropped == "repost":
        return "repost"
    return "context" if verdict.context else "ignored"


def compare(story: Story, ids: dict[str, int], needs: dict[str, bool]) -> Found:
    """Ground truth against judgement. ids: mention id -> number of the entry that opened it; an edit counts with its
    newest text, what was never heard counts as not kept, deleted and brand posts are left out."""
    truth: dict[int, int] = {}
    for entry in story.entries:
        if entry.do == "edit" and entry.ref is not None:
            truth[entry.ref] = entry.need
        elif entry.do == "delete" and entry.ref is not None:
            truth.pop(entry.ref, None)
        elif not story.people[entry.author].brand:
            truth[entry.n] = entry.need
    kept = {ids[mention_id] for mention_id, keep in needs.items() if keep and mention_id in ids}
    wanted = {n for n, need in truth.items() if need}
    return Found(
        wanted=len(wanted),
        found=len(wanted & kept),
        missed=tuple(sorted(wanted - kept)),
        extra=tuple(sorted(n for n in kept if n in truth and n not in wanted)),
    )


def status_change(old: Ticket | None, new: Ticket) -> What | None:
    """What a new status means for somebody who watches; None for none. A ticket that comes in answered is no event."""
    if old is None:
        return "opened" if new.status == "open" else None
    if old.status == new.status:
        return None
    return "reopened" if new.status == "open" else new.status
