"""What is to be written to bring a remote ticket to the wanted one: pure, the same for every helpdesk.

The protocol asks twice: before the write (through the sink), and after it with what was read back. What is then still
to be done was silently dropped by the helpdesk.
"""

from collections.abc import Collection

import msgspec

from records.tickets import Held, Post, Ticket
from sinks.render import note_digest, rank_number

_LEAGUE = 10**8  # DESIGN: rank_key = league · 10⁸ + (10⁸ − 1 − minutes from 2020 to due_at)
_STATUS = {"open": "open", "answered": "open", "solved": "solved", "withdrawn": "withdrawn", "merged": "solved"}
_OVER = ("solved", "withdrawn", "closed")


class Changes(msgspec.Struct, frozen=True):
    """The work. append, correct (a new revision), redact: posts by time of posting. The fields: None = leave alone.

    reopen: new posts of the author came to a ticket that was over; whoever closed it did not know them.
    """

    append: tuple[Post, ...] = ()
    correct: tuple[Post, ...] = ()
    redact: tuple[Post, ...] = ()
    status: str | None = None
    priority: str | None = None
    rank_key: int | None = None
    note: str | None = None
    reopen: bool = False

    def __bool__(self) -> bool:
        return self != Changes()

    @property
    def posts(self) -> tuple[Post, ...]:
        """All posts to be written, by time of posting."""
        return tuple(sorted((*self.append, *self.correct, *self.redact), key=lambda post: (post.occurred_at, post.id)))


def changes(held: Held, ticket: Ticket, fields: Collection[str], rerank_minutes: float = 0.0) -> Changes:
    """What brings `held` (posts by mention id) to `ticket`; `fields` are those that the helpdesk can hold."""
    posts = sorted(ticket.posts, key=lambda post: (post.occurred_at, post.id))
    # A withdrawn conversation carries no texts any more: nothing is added to its ticket, only taken from it.
    said = [] if ticket.status == "withdrawn" else [post for post in posts if not post.removed]
    append = tuple(post for post in said if post.id not in held.posts)
    correct = tuple(post for post in said if held.posts.get(post.id, post.revision) != post.revision)
    redact = tuple(post for post in posts if post.removed and held.posts.get(post.id, "") != "")
    if held.status == "closed" or ticket.status == "merged":
        return Changes(redact=redact)  # takes nothing more; what must go must go all the same
    reopen = is_over(held.status) and _STATUS[ticket.status] == "open" and bool(append)
    status = _status(held, ticket, reopen) if "status" in fields else None
    ours = [field for field in ("priority", "rank_key") if field in fields and field not in held.human]
    priority = ticket.priority if "priority" in ours and held.priority != ticket.priority else None
    rank = rank_number(ticket.rank_key)
    rank_key = rank if "rank_key" in ours and held.rank_key != rank else None
    noted = "note" in fields and "note" not in held.human
    note = note_digest(ticket) if noted and held.note != note_digest(ticket) else None
    waits = ticket.status != "withdrawn" and not removes(ticket)
    if waits and not (append or correct or redact or status or priority) and held.note is not None:
        # Nothing else to say: a small move of the due time, and the note that tells of it, wait for the next write. Never
        # where something was taken back: the note that stands there may quote it, or name an author who was erased.
        moved = _moved(held.rank_key, rank)
        if rank_key is not None and moved is not None and moved < rerank_minutes:
            rank_key = note = None
        elif rank_key is None and rerank_minutes > 0 and moved is not None and moved < rerank_minutes:
            note = None
    return Changes(append, correct, redact, status, priority, rank_key, note, reopen)


def removes(ticket: Ticket) -> bool:
    """Whether older words on the ticket have to go: posts were taken back, or the author was erased."""
    return is_erased(ticket) or any(post.removed for post in ticket.posts)


def is_erased(ticket: Ticket) -> bool:
    """Whether the author was erased: assess then withdraws the ticket without any name."""
    named = ticket.author_name or ticket.author_handle or ticket.author_url
    return ticket.subject == "[erased]" and named is None


def is_over(status: str | None) -> bool:
    """Whether a status says that nobody is expected to do anything."""
    return status in _OVER


def _status(held: Held, ticket: Ticket, reopen: bool) -> str | None:
    wanted = _STATUS[ticket.status]
    now = "open" if held.status in (None, "open", "answered") else held.status
    if wanted == now or (wanted != "open" and is_over(now)):
        return None  # over is over: how a person closed it (solved, rejected) is not corrected
    if "status" in held.human and not reopen:
        return None
    return wanted


def _moved(before: int | None, after: int) -> int | None:
    """Minutes between two ranks of the same league; None where they cannot be compared."""
    if before is None or before // _LEAGUE != after // _LEAGUE:
        return None
    return abs(before - after)
