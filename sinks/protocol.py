"""The order of steps that makes a ticket exist once, the same for every helpdesk and pure of any store.

    0  intent     made durable by the caller, before
    1  look up    by our own id in the helpdesk, or by the remote id that the ledger knows; trust nothing else
    2  create     once; whatever it answers, look up again: somebody may have raced us, and an answer may have got lost
    3  fold       several remote tickets of one id: the others are merged into the first, by everyone in the same order
    4  read back  what stands there now; a remote value unlike our last write is a person's and is never written again
    5  converge   write the differences, read back, compare
    6  result     made durable by the caller, after

Running it again after any error or crash goes on where it broke off; running it twice does nothing the second time.

Outcomes that are no error (see docs/request-tracker.md for what a person sees):
- never created and withdrawn or merged: nothing is created; `remote_id` is "".
- deleted in the helpdesk: `gone`, never written again; a new candidate post makes a new remote ticket.
- unknown to the helpdesk (restored from a backup): found by our id, or created again with the whole conversation.
- closed for good: a new post makes a follow-up ticket that names the closed one.
- merged by a person into another ticket: posts are appended there, its fields are left alone.
"""

import msgspec

from records.errors import Permanent, Transient
from records.tickets import Delivery, Held, Ticket
from sinks.contract import Sink
from sinks.plan import Changes, changes, is_over
from sinks.render import named

FIELDS = ("status", "priority", "rank_key", "subject", "note")


async def converge(sink: Sink, delivery: Delivery) -> Held:
    """Bring the helpdesk to `delivery.wanted` and return what it holds then. Raises Transient, Permanent, Refused.

    `delivery.held`: the ledger's belief, None = never created. `delivery.intent`: an *earlier* intent without a result
    (give the entry as it was before the intent of this call was recorded); then remote values unlike our last write may be
    our own unfinished work, of this version or of one superseded since: only the helpdesk's history can tell, in the sink.
    """
    wanted, ticket, held = delivery.wanted, delivery.wanted.ticket, delivery.held
    recovering = delivery.intent is not None
    if held is not None and held.version > wanted.version:
        return held  # stale: a newer version is there already
    known = held if held is not None and held.remote_id else None
    if known is None and not recovering and _needless(ticket):
        return Held(remote_id="", version=wanted.version, status=ticket.status)
    if known is not None and known.merged_into is not None and ticket.merged_into is not None:
        return msgspec.structs.replace(known, version=wanted.version)  # a merge is for good
    remote = await _locate(sink, ticket, known, recovering)
    if remote is None:
        return Held(remote_id="", version=wanted.version, status=ticket.status)
    if remote.gone:
        return _stamp(remote, wanted.version, known)
    if ticket.merged_into is not None:
        return _stamp(await _merge(sink, remote, ticket), wanted.version, known)
    remote = _judge_edits(sink, remote, known, ticket, recovering)
    back = await sink.write(remote, ticket)
    theirs = msgspec.structs.replace(back, human=tuple(sorted({*remote.human, *back.human})))
    left = changes(theirs, ticket, sink.fields, sink.rerank_minutes)
    if left:
        raise Permanent(_dropped(sink, back, ticket, left))
    back = msgspec.structs.replace(back, human=_still_theirs(remote, back))
    return _stamp(back, wanted.version, known, tells=sink.tells_editors)


def _needless(ticket: Ticket) -> bool:
    return ticket.status in ("withdrawn", "merged") or ticket.merged_into is not None


async def _locate(sink: Sink, ticket: Ticket, known: Held | None, recovering: bool) -> Held | None:
    """The remote ticket as it is now, named; created where it has to be. None: there is none and none is needed."""
    follows: str | None = None
    if known is not None:
        remote = await _read(sink, known.remote_id, ticket, known)
        if remote is not None:
            if remote.gone and not _news(ticket, known, remote):
                return remote
            if not remote.gone and not (remote.status == "closed" and _news(ticket, known, remote)):
                return remote
            follows = None if remote.gone else remote.remote_id
    found = [held for held in await sink.find(ticket.id) if not held.gone]
    if not any(held.status != "closed" for held in found):
        if found and not _needless(ticket):
            closed = await _read(sink, found[-1].remote_id, ticket, trusted=True)
            if closed is not None and not _news(ticket, known, closed):
                return closed
            follows = found[-1].remote_id
        if _needless(ticket):
            return await _read(sink, found[-1].remote_id, ticket, trusted=True) if found else None
        created = await sink.create(ticket, follows)
        found = [held for held in await sink.find(ticket.id) if not held.gone and held.status != "closed"]
        if created not in [held.remote_id for held in found]:
            found.append(Held(remote_id=created))
    return await _fold(sink, ticket, [held for held in found if held.status != "closed"])


async def _fold(sink: Sink, ticket: Ticket, found: list[Held]) -> Held:
    """Merge all but the first into the first, so that any number of racing deliverers end with one."""
    winner, *losers = found
    for loser in losers:
        await sink.merge(loser.remote_id, winner.remote_id)
    remote = await _read(sink, winner.remote_id, ticket, trusted=True)
    if remote is None or remote.gone:
        raise Transient(f"{sink.name}: ticket {winner.remote_id} vanished while it was written; looking again")
    return remote


async def _read(
    sink: Sink, remote_id: str, ticket: Ticket, known: Held | None = None, *, trusted: bool = False
) -> Held | None:
    """What the remote ticket holds, named. None also where the number (unless `trusted`, because `find` gave it) belongs to
    another ticket: after a restore from a backup a helpdesk gives the same number to somebody else's call. One that the
    ledger knows under that other id is no stranger: ours was merged into it."""
    remote = await sink.read(remote_id)
    if remote is None:
        return None
    followed = remote.remote_id != remote_id
    ours = {ticket.id, known.ticket_id if known is not None else None}
    if not (followed or trusted or remote.gone) and remote.ticket_id is not None and remote.ticket_id not in ours:
        return None
    return named(remote, ticket)


def _news(ticket: Ticket, known: Held | None, remote: Held) -> bool:
    """Whether the author said something that neither ledger nor helpdesk has seen: only that makes a new remote ticket."""
    if _needless(ticket):
        return False
    seen = {*remote.posts, *(known.posts if known is not None else ())}
    return any(post.role == "candidate" and not post.removed and post.id not in seen for post in ticket.posts)


def _judge_edits(sink: Sink, remote: Held, known: Held | None, ticket: Ticket, recovering: bool) -> Held:
    """`remote` with what people changed in `human`."""
    human = {*remote.human, *(known.human if known is not None else ())}
    if remote.ticket_id is not None and remote.ticket_id != ticket.id:
        human.update(FIELDS)  # a person merged ours into another ticket: its rank and status are not ours to set
    elif known is not None and known.remote_id == remote.remote_id and not (sink.tells_editors or recovering):
        for field in ("status", "priority", "rank_key"):
            before, now = getattr(known, field), getattr(remote, field)
            if before is not None and not _alike(field, before, now):
                human.add(field)
    if "status" in human and not is_over(remote.status) and "status" not in remote.human and sink.tells_editors:
        human.discard("status")  # reopened since: the earlier edit is history
    return msgspec.structs.replace(remote, human=tuple(sorted(human)))


def _still_theirs(remote: Held, back: Held) -> tuple[str, ...]:
    """Fields that are a person's after the write. A status that a new post has reopened is ours again."""
    human = {*remote.human, *back.human}
    if is_over(remote.status) and not is_over(back.status) and "status" not in back.human:
        human.discard("status")
    return tuple(sorted(human))


def _alike(field: str, one: object, other: object) -> bool:
    if field != "status":
        return one == other
    return is_over(str(one)) == is_over(str(other))


async def _merge(sink: Sink, remote: Held, ticket: Ticket) -> Held:
    """Merge ours into the remote ticket of `ticket.merged_into`; posts that `ticket` holds as removed go before."""
    found = [held for held in await sink.find(ticket.merged_into or "") if not held.gone]
    if not found:
        raise Transient(f"{sink.name}: ticket {ticket.merged_into}, which takes over {ticket.id}, is not there yet")
    winner = found[0].remote_id
    if remote.remote_id == winner:
        return msgspec.structs.replace(remote, merged_into=winner)
    receipt: tuple[str, ...] = ()
    if any(post.removed for post in ticket.posts):
        # Deleted just before: once merged, the loser is looked at no more, and the winner may have been written already.
        cleared = await sink.write(remote, ticket)
        receipt = () if sink.tells_editors else cleared.receipt
    await sink.merge(remote.remote_id, winner)
    after = await _read(sink, remote.remote_id, ticket, trusted=True)
    if after is None or not (after.remote_id == winner or is_over(after.status)):
        raise Permanent(f"{sink.name} did not merge ticket {remote.remote_id} into {winner}")
    return msgspec.structs.replace(after, merged_into=winner, receipt=(*receipt, *after.receipt))


def _stamp(held: Held, version: int, known: Held | None, *, tells: bool = False) -> Held:
    """`held` as the ledger keeps it: with the version, and with what the helpdesk itself does not remember."""
    before = known or Held(remote_id="")
    # A helpdesk that tells its history tells the receipt from it, and leaves out what was done since.
    receipt = held.receipt if tells else tuple(dict.fromkeys((*before.receipt, *held.receipt)))
    posts = {**before.posts, **held.posts} if held.gone else held.posts
    return msgspec.structs.replace(held, version=version, receipt=receipt, posts=posts)


def _dropped(sink: Sink, back: Held, ticket: Ticket, left: Changes) -> str:
    """What the helpdesk took without an error and does not hold, each with its name there and the value."""
    parts = [f"post {post.id}" for post in left.append]
    parts += [f"the new revision of post {post.id}" for post in left.correct]
    parts += [f"the removal of post {post.id}" for post in left.redact]
    for field, value in (("rank_key", left.rank_key), ("priority", left.priority), ("status", left.status)):
        if value is not None:
            parts.append(f"{sink.fields[field]}='{value}' (holds {getattr(back, field)!r})")
    if left.note is not None:
        parts.append(sink.fields["note"])
    where = f"on ticket {back.remote_id}; check the fields and rights (`hilferuf doctor`)"
    return f"{sink.title or sink.name} dropped {', '.join(parts)} {where}"
