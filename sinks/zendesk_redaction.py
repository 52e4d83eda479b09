"""Removing texts from Zendesk tickets: by its redaction API wherever it lets us, by a receipt for a person where not.

A removed post is made black on every ticket that may hold it: the ticket itself, duplicates and predecessors with the same
id of ours, and those merged into it. After an erasure the internal notes go too, since they name the author.
"""

from typing import Protocol

from records.tickets import Held, Post, Ticket
from sinks import render
from sinks import zendesk_state as state
from sinks.http import Http
from sinks.zendesk_state import Body

_NO = (400, 403, 422)


class Account(Protocol):
    """What is needed of the sink."""

    http: Http

    async def tickets_of(self, ticket_id: str) -> list[Body]:
        """Every remote ticket with this id of ours."""
        ...

    async def comments(self, remote_id: str) -> list[Body]:
        """All comments of a ticket."""
        ...


class Redaction:
    """The removal of posts from one ticket of ours."""

    def __init__(self, account: Account, held: Held, ticket: Ticket) -> None:
        self._account = account
        self._held = held
        self._ticket = ticket
        self._receipt: list[str] = []

    async def run(self, posts: tuple[Post, ...], *, subject: str) -> tuple[str, ...]:
        """Removes them, says so on the ticket, and returns what a person has still to do by hand."""
        ticket = self._ticket
        erased = (
            ticket.author_name is None and ticket.author_handle is None and all(post.removed for post in ticket.posts)
        )
        keys = {render.post_key(post.id) for post in posts}
        for remote_id in await self._places():
            for comment in await self._account.comments(remote_id):
                mark = state.mark_of(comment)
                # A post's own `gone` line holds nothing of it.
                if mark is None or mark.revision == render.GONE:
                    continue
                if mark.key in keys or (erased and state.is_note(mark) and mark.revision != render.note_digest(ticket)):
                    await self._blacken(remote_id, comment)
        if self._held.status != "closed":
            await self._say(posts, subject)
        if erased:
            requester = (self._held.etag or "").partition("|")[2]
            self._receipt.append(
                f"Zendesk: delete user {requester or '(the requester)'}, whose name is the erased author's"
            )
        return tuple(dict.fromkeys(self._receipt))

    async def _places(self) -> list[str]:
        """Every ticket that may hold a copy."""
        places = [self._held.remote_id]
        places += [state.number(ticket.get("id")) for ticket in await self._account.tickets_of(self._ticket.id)]
        for comment in await self._account.comments(self._held.remote_id):
            places += state.merge_of(comment)[1]
        return list(dict.fromkeys(filter(None, places)))

    async def _say(self, posts: tuple[Post, ...], subject: str) -> None:
        """A line in place of each post, and a subject that quotes none of them."""
        remote_id = self._held.remote_id
        reply = await self._account.http.request("GET", f"/tickets/{remote_id}")
        known = reply.json().get("ticket") if reply.status != 404 else None
        before = known.get("subject") if isinstance(known, dict) else None
        updates: list[dict[str, object]] = [
            {"comment": {"body": render.removal(self._ticket, post), "public": False}} for post in posts
        ]
        if isinstance(before, str) and before != subject:
            updates[-1] |= {"subject": subject}
            self._receipt.append(
                f"Zendesk: the history of ticket {remote_id} keeps its former subject; to remove that, delete the ticket"
            )
        for given in updates:
            await self._account.http.request("PUT", f"/tickets/{remote_id}", json={"ticket": given})

    async def _blacken(self, remote_id: str, comment: Body) -> None:
        """One comment: by the newer call, else text by text by the older one, else by hand."""
        number = state.number(comment.get("id"))
        request = self._account.http.request
        marked = comment.get("html_body")
        if isinstance(marked, str):
            given = {"ticket_id": int(remote_id), "html_body": state.blackened(marked)}
            reply = await request("PUT", f"/comment_redactions/{number}", json=given, allow=_NO)
            if reply.status < 300:
                return
        lines = sorted({line.strip() for line in state.text_of(comment).splitlines()} - {""}, key=len, reverse=True)
        for line in lines:
            path = f"/tickets/{remote_id}/comments/{number}/redact"
            await request("PUT", path, json={"text": line}, allow=_NO)
        # A line that stood inside a longer one is refused as unknown though it is gone: what is left decides.
        left = [other for other in await self._account.comments(remote_id) if other.get("id") == comment.get("id")]
        if any(line in state.text_of(other) for line in lines for other in left):
            self._receipt.append(
                f"Zendesk: redact comment {number} of ticket {remote_id}; the token's user may not (docs/zendesk.md, rights)"
            )
