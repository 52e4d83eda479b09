"""Which live ticket a derived conversation continues, and what has to be sent: the difference between wanted and emitted.

A live ticket keeps the id first emitted. Two that turn out to be one: the elder goes on, the younger is merged into it.
A ticket whose conversation is gone is withdrawn; if the conversation comes back, so does its ticket.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from records import codec
from records.ids import digest, ticket_id
from records.mention import Mention
from records.tickets import Operation, Post, Ticket, TicketOperation
from streams.author import AuthorState, Emitted
from streams.derive import Wanted

MAX_MEMBERS = 2_000  # ids of posts remembered a ticket, so that an author's state stays bounded; the newest stay

MAX_TICKETS = 200  # of one author


def reconcile(state: AuthorState, wanted: Sequence[Wanted]) -> tuple[AuthorState, list[TicketOperation]]:
    """The state that remembers what is sent now, and the operations to send: none where nothing changed."""
    owners = assign(state.tickets, wanted)
    tickets = dict(state.tickets)
    operations: list[TicketOperation] = []
    removed = _taken_back(state)
    alive: set[str] = set()
    ids: dict[int, list[str]] = {}
    for index, want in enumerate(wanted):
        live, losers = owners[index]
        chain = ids.setdefault(want.group, [])
        ticket = msgspec.structs.replace(want.ticket, id=live, follows=chain[-1] if chain else None)
        ticket = _with_stubs(ticket, [tickets[key] for key in (live, *losers) if key in tickets], state, removed)
        chain.append(live)
        alive.add(live)
        _emit(tickets, operations, ticket, want, "live")
        for loser in losers:
            alive.add(loser)
            _emit(tickets, operations, _merged(ticket, loser, tickets[loser].members), want, "merged")
    for key, emitted in sorted(state.tickets.items()):
        if key not in alive and (emitted.state == "live" or _erased(emitted, state)):
            gone = "withdrawn" if emitted.state == "live" else emitted.state
            _emit(tickets, operations, _withdrawn(emitted, state, removed), None, gone)
    return msgspec.structs.replace(state, tickets=_bounded(tickets)), operations


def _bounded(tickets: dict[str, Emitted]) -> dict[str, Emitted]:
    """Of those that were withdrawn or merged the oldest are forgotten; live ones never."""
    over = len(tickets) - MAX_TICKETS
    if over <= 0:
        return tickets
    ended = sorted((k for k, e in tickets.items() if e.state != "live"), key=lambda k: (tickets[k].anchor_at, k))[:over]
    return {key: emitted for key, emitted in tickets.items() if key not in ended}


def assign(tickets: dict[str, Emitted], wanted: Sequence[Wanted]) -> list[tuple[str, list[str]]]:
    """For every wanted ticket its live id, and the ids of live tickets that are merged into it."""
    claims: list[list[str]] = [[] for _ in wanted]
    members = [{post.id for post in want.ticket.posts} for want in wanted]
    for key, emitted in tickets.items():
        if emitted.state == "merged":
            continue
        holding = [i for i, ids in enumerate(members) if emitted.anchor in ids]
        if not holding:
            holding = [i for i, ids in enumerate(members) if not ids.isdisjoint(emitted.members)]
        if holding:
            claims[holding[0]].append(key)
    taken = {key for claim in claims for key in claim} | {k for k, e in tickets.items() if e.state == "merged"}
    result: list[tuple[str, list[str]]] = []
    for want, claim in zip(wanted, claims, strict=True):
        # A withdrawn ticket may come back, but it never takes over from one that is live.
        ordered = sorted(claim, key=lambda k: (tickets[k].state != "live", tickets[k].anchor_at, k))
        if ordered:
            result.append((ordered[0], [k for k in ordered[1:] if tickets[k].state == "live"]))
        else:
            fresh = _fresh(want, taken)
            taken.add(fresh)
            result.append((fresh, []))
    return result


def _fresh(want: Wanted, taken: set[str]) -> str:
    """The canonical id; where a merged or split ticket already used it up, one derived from it."""
    candidate, turn = want.ticket.canonical_id, 0
    while candidate in taken:
        turn += 1
        candidate = ticket_id(want.ticket.author_key, f"{want.anchor}#{turn}")
    return candidate


def _with_stubs(ticket: Ticket, emitted: Sequence[Emitted], state: AuthorState, removed: set[str]) -> Ticket:
    """The ticket with a stub for each post that ever stood on it (or on one merged into it) and was taken back."""
    known = {post.id: post for each in emitted for post in each.last.posts}
    missing = removed.difference(post.id for post in ticket.posts)
    stubs = []
    for post_id in sorted(missing.intersection(member for each in emitted for member in each.members)):
        utterance = state.utterances.get(post_id)
        if post_id in known:
            stubs.append(_stub(known[post_id]))
        elif utterance is not None and utterance.gone is not None:  # it had left the author's set, too old
            stubs.append(_stub_of(utterance.gone))
    if not stubs:
        return ticket
    posts = sorted([*ticket.posts, *stubs], key=lambda p: (p.occurred_at, p.id))
    return msgspec.structs.replace(ticket, posts=tuple(posts))


def _merged(winner: Ticket, loser: str, members: Iterable[str]) -> Ticket:
    """The ticket that was taken over. It quotes nothing: a post deleted later is looked for on the winner alone. Stubs of its
    own posts that were deleted before go along: deliver may skip the version that had them, and do the winner first."""
    subject = f"[merged into {winner.id}]"
    stubs = tuple(post for post in winner.posts if post.removed and post.id in set(members))
    bare = msgspec.structs.replace(winner, subject=subject, posts=stubs, factors=(), explanation=())
    return msgspec.structs.replace(bare, id=loser, status="merged", merged_into=winner.id)


def _taken_back(state: AuthorState) -> set[str]:
    """Ids of posts whose text must go from every ticket: deleted or hidden at their source, or said before an erasure."""
    removed = {u.id for u in state.utterances.values() if u.removed}
    if state.erased_at is not None:
        for emitted in state.tickets.values():
            removed.update(post.id for post in emitted.last.posts if post.occurred_at <= state.erased_at)
    return removed


def _erased(emitted: Emitted, state: AuthorState) -> bool:
    """Whether what the ticket still says of its author was said before an erasure."""
    return state.erased_at is not None and emitted.anchor_at <= state.erased_at


def _withdrawn(emitted: Emitted, state: AuthorState, removed: set[str]) -> Ticket:
    """The ticket of a conversation that is no more: deleted posts become stubs, and nothing quotes them; after an erasure all
    of them and the name. A ticket merged away stays so."""
    last = emitted.last
    erased = _erased(emitted, state)
    posts = tuple(_stub(post) if erased or post.id in removed else post for post in last.posts)
    if erased:
        left = set(emitted.members).difference(post.id for post in posts)  # too old for the author's set
        posts = (*(_nameless(post_id, emitted.anchor_at) for post_id in sorted(left)), *posts)
    ticket = msgspec.structs.replace(last, status="merged" if emitted.state == "merged" else "withdrawn", posts=posts)
    if erased or _removed(posts):
        # Subject and reasons quote posts.
        word = "[erased]" if erased else "[deleted]"
        ticket = msgspec.structs.replace(ticket, subject=word, factors=(), explanation=())
    if erased:
        ticket = msgspec.structs.replace(ticket, author_name=None, author_handle=None, author_url=None)
    return ticket


def _emit(
    tickets: dict[str, Emitted],
    operations: list[TicketOperation],
    ticket: Ticket,
    want: Wanted | None,
    state: Literal["live", "withdrawn", "merged"],
) -> None:
    before = tickets.get(ticket.id)
    mark = digest(codec.encode(ticket).decode())
    if before is not None and before.digest == mark and before.state == state:
        return
    version = before.version + 1 if before else 1
    known = before.members if before else ()
    bare = msgspec.structs.replace(ticket, posts=tuple(_bare(post) for post in ticket.posts), explanation=())
    tickets[ticket.id] = Emitted(
        version=version,
        digest=mark,
        anchor=before.anchor if before else (want.anchor if want else ""),
        anchor_at=before.anchor_at if before else (ticket.posts[0].occurred_at if ticket.posts else ticket.opened_at),
        last=bare,
        members=tuple(dict.fromkeys((*known, *(post.id for post in ticket.posts))))[-MAX_MEMBERS:],
        state=state,
    )
    operations.append(
        TicketOperation(ticket_id=ticket.id, version=version, op=_operation(before, ticket), ticket=ticket)
    )


def _operation(before: Emitted | None, ticket: Ticket) -> Operation:
    """A word for people; deliver compares states and does not need it."""
    if ticket.status == "merged":
        return "merge"
    if ticket.status == "withdrawn":
        return "redact" if any(post.removed for post in ticket.posts) else "close"
    if before is None or before.state == "withdrawn":
        return "open" if before is None else "reopen"
    if before.last.status == "solved" and ticket.status == "open":
        return "reopen"
    if _removed(ticket.posts) - _removed(before.last.posts):
        return "redact"
    if {post.id for post in ticket.posts} - set(before.members):
        return "append"
    return "rerank" if before.last.rank_key != ticket.rank_key else "update"


def _removed(posts: Iterable[Post]) -> set[str]:
    return {post.id for post in posts if post.removed}


def _stub(post: Post) -> Post:
    return Post(
        id=post.id,
        revision=post.revision,
        kind=post.kind,
        role=post.role,
        occurred_at=post.occurred_at,
        visibility=post.visibility,
        removed=True,
    )


def _stub_of(gone: Mention) -> Post:
    return Post(
        id=gone.id,
        revision=gone.revision,
        kind=gone.kind,
        role="context",
        occurred_at=gone.occurred_at,
        visibility=gone.visibility,
        removed=True,
    )


def _nameless(post_id: str, at: str) -> Post:
    return Post(id=post_id, revision="", kind="other", role="context", occurred_at=at, removed=True)


def _bare(post: Post) -> Post:
    return msgspec.structs.replace(post, text=None, media=())
