"""Removing texts from Zendesk tickets: by its redaction API wherever it lets us, by a receipt for a person where not.

A removed post is made black on every ticket that may hold it: the ticket itself, duplicates and predecessors with the same
id of ours, and those merged into it. So are all internal notes but the one that stands now: the older ones may quote the post,
and after an erasure they name the author, which may come long after the last post was taken back.
"""

from records.tickets import Held, Post, Ticket
from sinks import render
from sinks import zendesk_state as state
from sinks.plan import is_erased
from sinks.zendesk_rest import Rest
from sinks.zendesk_state import Body

_NO = (400, 403, 422)


def former(what: str, remote_id: str) -> str:
    """The receipt for a field that was overwritten."""
    return f"Zendesk: the history of ticket {remote_id} keeps its former {what}; to remove that, delete the ticket"


class Redaction:
    """The removal of posts from one ticket of ours."""

    def __init__(self, rest: Rest, held: Held, ticket: Ticket) -> None:
        self._rest = rest
        self._held = held
        self._ticket = ticket
        self._receipt: list[str] = []
        self._touched: set[str] = set()

    async def run(self, posts: tuple[Post, ...], *, subject: str) -> tuple[str, ...]:
        """Removes whatever the ticket's removed posts and, after an erasure, its author left; says in place of each of `posts`
        that it is gone, and returns what a person has still to do by hand. Doing it again finds nothing more."""
        ticket = self._ticket
        keys = {render.post_key(post.id) for post in ticket.posts if post.removed}
        stale = bool(keys) or is_erased(ticket)
        for remote_id, comments in (await self._places()).items():
            for comment in comments:
                mark = state.mark_of(comment)
                # A post's own `gone` line holds nothing of it.
                if mark is None or mark.revision == render.GONE:
                    continue
                # Which of the older notes quote a removed post cannot be seen: its words are known no more.
                old_note = state.is_note(mark) and mark.revision != render.note_digest(ticket)
                if mark.key in keys or (stale and old_note):
                    await self._blacken(remote_id, comment)
                    self._touched.add(remote_id)
        await self._say(posts, subject)
        if is_erased(ticket):
            requester = (self._held.etag or "").partition("|")[2]
            self._receipt.append(
                f"Zendesk: delete user {requester or '(the requester)'}, whose name is the erased author's"
            )
        return tuple(dict.fromkeys(self._receipt))

    async def _places(self) -> dict[str, list[Body]]:
        """Every ticket that may hold a copy, with its comments: ours, and what was merged into it, however often."""
        waiting = [self._held.remote_id]
        waiting += [state.number(ticket.get("id")) for ticket in await self._rest.tickets_of(self._ticket.id)]
        places: dict[str, list[Body]] = {}
        while waiting:
            remote_id = waiting.pop(0)
            if remote_id and remote_id not in places:
                places[remote_id] = await self._rest.comments(remote_id)
                for comment in places[remote_id]:
                    waiting += state.merge_of(comment)[1]
        return places

    async def _say(self, posts: tuple[Post, ...], subject: str) -> None:
        """A line in place of each post, and a subject that quotes none of them; a closed ticket takes neither."""
        remote_id = self._held.remote_id
        closed = self._touched - {remote_id}
        if self._held.status == "closed":
            closed |= self._touched
        else:
            updates: list[dict[str, object]] = [
                {"comment": {"body": render.removal(self._ticket, post), "public": False}} for post in posts
            ]
            if (posts or self._ticket.status == "withdrawn") and await self._misnamed(subject):
                updates = updates or [{}]
                updates[-1] |= {"subject": subject}
                self._receipt.append(former("subject", remote_id))
            for given in updates:
                await self._rest.http.request("PUT", f"/tickets/{remote_id}", json={"ticket": given})
        self._receipt += [f"Zendesk: ticket {one} is closed and keeps its subject; delete it" for one in sorted(closed)]

    async def _misnamed(self, subject: str) -> bool:
        """Whether the ticket has another subject, and it is ours to set."""
        reply = await self._rest.http.request("GET", f"/tickets/{self._held.remote_id}")
        known = reply.json().get("ticket") if reply.status != 404 else None
        before = known.get("subject") if isinstance(known, dict) else None
        return isinstance(before, str) and before != subject and "subject" not in self._held.human

    async def _blacken(self, remote_id: str, comment: Body) -> None:
        """One comment: by the newer call, else text by text by the older one, else by hand."""
        number = state.number(comment.get("id"))
        request = self._rest.http.request
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
        left = [other for other in await self._rest.comments(remote_id) if other.get("id") == comment.get("id")]
        if any(line in state.text_of(other) for line in lines for other in left):
            self._receipt.append(
                f"Zendesk: redact comment {number} of ticket {remote_id}; the token's user may not (docs/zendesk.md, rights)"
            )
