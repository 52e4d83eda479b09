"""derive: the wanted tickets of one author, as a pure function of the set of its events. No clock, no memory.

Canonical ids only: which live ticket a conversation continues is decided in `streams.identity`.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from priority.case import Case, CasePost, Score
from records.events import Answered, Helpdesk, Spoke
from records.facts import Snapshot
from records.ids import ticket_id
from records.mention import Author, Mention
from records.tickets import Post, Ticket, TicketStatus
from records.times import DAY, HOUR, from_ms, to_ms
from records.verdict import Verdict
from streams.author import AuthorState, Utterance
from streams.conversations import group, split_after_solved
from streams.pending import decide

SUBJECT_CHARACTERS = 120


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What derive judges by. `score` is `priority.score` with the active strategy in it; times in milliseconds."""

    score: Callable[[Case], Score]
    strategy: str
    gap: int = 72 * HOUR
    reopen: int = 7 * DAY


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A visible utterance, prepared for grouping."""

    id: str
    at: int
    brand: str | None
    thread: str | None
    mention: Mention
    verdict: Verdict

    @property
    def candidate(self) -> bool:
        """May open a ticket."""
        return self.verdict.kept


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A wanted ticket under its canonical id; `group` numbers conversations, equal for parts split by a solve."""

    ticket: Ticket
    anchor: str
    anchor_at: int
    group: int


def said(state: AuthorState) -> list[Said]:
    """What stands, by time: no deleted or hidden utterance, none without a text or attachment; pending triggers decided."""
    found = [_said(u, u.spoke, state) for u in state.utterances.values() if u.spoke is not None and not u.removed]
    return sorted((s for s in found if s is not None), key=lambda s: (s.at, s.id))


def _said(utterance: Utterance, spoke: Spoke, state: AuthorState) -> Said | None:
    if spoke.verdict is None:
        return None
    thread = spoke.mention.thread
    at = to_ms(utterance.first_at or spoke.mention.occurred_at)
    return Said(
        id=utterance.id,
        at=at,
        brand=spoke.verdict.brand,
        thread=thread.root_id or thread.conversation_id,
        mention=spoke.mention,
        verdict=decide(spoke.verdict, spoke.mention, at, state),
    )


def derive(state: AuthorState, author_key: str, rules: Rules) -> list[Wanted]:
    """The wanted tickets, by time of opening. Deterministic: equal sets give equal tickets."""
    wanted: list[Wanted] = []
    snapshots = tuple(s for _, s in sorted(state.snapshots.items()) if s.evidence is not None)
    for number, conversation in enumerate(group(said(state), rules.gap)):
        mine = _helpdesk_of(state, {post.id for post in conversation})
        solved = [to_ms(e.at) for e in mine if e.what in ("solved", "closed")]
        reopened = [to_ms(e.at) for e in mine if e.what == "reopened"]
        for part in split_after_solved(conversation, solved, rules.reopen, reopened):
            first = next((i for i, post in enumerate(part) if post.candidate), None)
            if first is None:
                continue  # context alone never opens a ticket
            posts = part[first:]
            until = next((p.at for p in conversation if p.at > posts[-1].at), None)
            events = [e for e in mine if to_ms(e.at) >= posts[0].at and (until is None or to_ms(e.at) < until)]
            ticket = _ticket(posts, author_key, snapshots, list(state.answers.values()), events, rules)
            wanted.append(Wanted(ticket=ticket, anchor=posts[0].id, anchor_at=posts[0].at, group=number))
    return wanted


def _helpdesk_of(state: AuthorState, posts: set[str]) -> list[Helpdesk]:
    """Events of the helpdesk on tickets that hold any of these posts, by time."""
    tickets = {key for key, emitted in state.tickets.items() if not posts.isdisjoint(emitted.members)}
    return sorted((e for e in state.helpdesk.values() if e.ticket_id in tickets), key=lambda e: (e.at, e.sink, e.id))


def _ticket(
    posts: Sequence[Said],
    author_key: str,
    snapshots: tuple[Snapshot, ...],
    answers: list[Answered],
    events: list[Helpdesk],
    rules: Rules,
) -> Ticket:
    answered_until = _answers(posts, answers, events)
    open_candidates = [p for p in posts if p.candidate and p.at > answered_until.get(p.id, -1)]
    newest = posts[-1]
    author = _newest_author(posts)
    case = Case(
        channel=newest.mention.channel,
        brand=newest.brand,
        author=author,
        posts=tuple(_case_post(p, p.at <= answered_until.get(p.id, -1)) for p in posts),
        opened=open_candidates[0].at if open_candidates else newest.at,
        as_of=newest.at,
        snapshots=snapshots,
    )
    scored = rules.score(case)
    head = posts[0]
    key_id = ticket_id(author_key, head.id)
    return Ticket(
        id=key_id,
        canonical_id=key_id,
        author_key=author_key,
        author_name=author.name,
        author_handle=author.handle,
        author_url=author.url,
        channel=newest.mention.channel,
        brand=newest.brand,
        language=next((p.verdict.language for p in posts if p.verdict.language), None),
        status=_status(posts, bool(open_candidates), events),
        subject=subject(_worst(open_candidates or posts).mention),
        league=scored.league,
        league_name=scored.league_name,
        score=scored.points,
        factors=scored.factors,
        due_at=from_ms(scored.due),
        rank_key=scored.rank_key,
        priority=scored.priority,
        opened_at=from_ms(case.opened),
        as_of=from_ms(case.as_of),
        posts=tuple(_post(p) for p in posts),
        customer=_customer(snapshots),
        unknown=scored.unknown,
        explanation=scored.explanation,
        strategy=rules.strategy,
        lexicon_version=newest.verdict.lexicon_version,
    )


def _answers(posts: Sequence[Said], answers: list[Answered], events: list[Helpdesk]) -> dict[str, int]:
    """Post id -> time of the newest answer that covers it: the brand's own in the thread, or a helpdesk's on the ticket."""
    threads = {p.thread for p in posts if p.thread is not None}
    ids = {p.id for p in posts}
    covered: dict[str, int] = {}
    for answer in answers:
        if answer.op == "delete":
            continue
        direct = answer.parent_id in ids or answer.parent_id is None
        root = answer.root_id if answer.root_id in threads else None
        if not direct and root is None:
            continue
        for post in posts:
            in_thread = (
                post.id == answer.parent_id or answer.parent_id is None or (root is not None and post.thread == root)
            )
            if in_thread:
                covered[post.id] = max(covered.get(post.id, -1), to_ms(answer.at))
    for event in events:
        if event.what == "answered":
            for post in posts:
                covered[post.id] = max(covered.get(post.id, -1), to_ms(event.at))
    # A person who reopens says that what was answered until then is open again.
    reopened = max((to_ms(event.at) for event in events if event.what == "reopened"), default=-1)
    return {post: at for post, at in covered.items() if at > reopened}


def _status(posts: Sequence[Said], unanswered: bool, events: list[Helpdesk]) -> TicketStatus:
    newest_candidate = max(p.at for p in posts if p.candidate)
    deciding = [e for e in events if e.what in ("solved", "closed", "reopened")]
    if deciding and deciding[-1].what != "reopened" and to_ms(deciding[-1].at) >= newest_candidate:
        return "solved"
    return "open" if unanswered else "answered"


def _worst(posts: Sequence[Said]) -> Said:
    """The post that says best why somebody should answer: in a league, most urgent, most needy; the earliest of equals."""
    return max(
        posts,
        key=lambda p: (p.verdict.league is not None, p.candidate, p.verdict.urgency, p.verdict.need or 0.0, -p.at),
    )


def subject(mention: Mention) -> str:
    """One line of a post; of a media-only post, what it holds."""
    text = " ".join((mention.title or mention.text or "").split())
    if not text:
        kinds = ", ".join(sorted({media.type for media in mention.media})) or "empty post"
        return f"[{kinds}]"
    return text if len(text) <= SUBJECT_CHARACTERS else text[: SUBJECT_CHARACTERS - 1].rstrip() + "…"


def _newest_author(posts: Sequence[Said]) -> Author:
    """The author as last seen; a count that the newest post does not carry is taken from an earlier one, never made zero."""
    author = posts[-1].mention.author
    for post in reversed(posts[:-1]):
        older = post.mention.author
        missing = {
            name: getattr(older, name)
            for name in ("handle", "name", "url", "verified", "bot", "followers", "created_at")
            if getattr(author, name) is None and getattr(older, name) is not None
        }
        if missing:
            author = msgspec.structs.replace(author, **missing)
    return author


def _case_post(post: Said, answered: bool) -> CasePost:
    return CasePost(
        id=post.id,
        at=post.at,
        kind=post.mention.kind,
        candidate=post.candidate,
        answered=answered,
        verdict=post.verdict,
        metrics=post.mention.metrics,
    )


def _post(post: Said) -> Post:
    mention = post.mention
    return Post(
        id=post.id,
        revision=mention.revision,
        kind=mention.kind,
        role="candidate" if post.candidate else "context",
        occurred_at=from_ms(post.at),
        text=mention.text,
        media=mention.media,
        permalink=mention.permalink,
        visibility=mention.visibility,
        edited=mention.op == "update",
        need=post.verdict.need,
        triggers=tuple(dict.fromkeys(hit.id for hit in post.verdict.triggers)),
    )


def _customer(snapshots: tuple[Snapshot, ...]) -> Literal["verified", "maybe"] | None:
    verified = {s.customer for s in snapshots if s.evidence == "verified"}
    if len(verified) == 1:
        return "verified"
    return "maybe" if snapshots else None
