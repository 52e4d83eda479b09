"""Request Tracker 5 over REST 2: own thin client, because it answers 200 to much that it then does not do.

What is particular here, each found by trying it:
- a second ticket with the same value of a unique custom field is created *without* the value; so our id stands on every
  ticket as a link (`RefersTo urn:hilferuf:…`) too, and the oldest of several takes the others in (`MergeInto`);
- unknown fields, bad values and missing rights are dropped with 200 or 201; so everything is read back;
- `_url` in answers is whatever the server believes its address to be; only ids are used;
- nobody on a social network has a mail address, and one that we made up would swallow an agent's answer; so tickets have
  no requestor unless the settings name one, and the author stands at the top of every post and in the note;
- it has no call that removes a text; so a removed post is answered with a comment and a receipt for the administrator.
"""

import re
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from config.settings import RequestTrackerSettings
from records.errors import HilferufError, Permanent, Refused, Transient
from records.events import Helpdesk
from records.tickets import Held, Post, Ticket
from records.times import from_ms, to_ms
from sinks import render
from sinks import request_tracker_state as state
from sinks.contract import Observed, Sink
from sinks.http import Reply
from sinks.plan import Changes, changes
from sinks.request_tracker_rest import Rest
from sinks.request_tracker_state import custom_fields, escaped, linked_ids, our_id

SUBJECT_LIMIT = 200  # bytes; longer ones are cut by the server, in the middle of a character
OVERLAP_SECONDS = 120  # a change may become visible later than its time says: times are given before the commit
_STATUS = {"open": "open", "solved": "resolved", "withdrawn": "rejected"}
_REFUSAL = re.compile(
    r"could not|permission denied|isn't a valid|not allowed|invalid|no permission|failed", re.IGNORECASE
)


class RequestTracker(Sink):
    """One queue of one Request Tracker. The token's user needs the rights listed in docs/request-tracker.md."""

    name = "request_tracker"
    title = "Request Tracker"
    tells_editors = True

    def __init__(
        self,
        settings: RequestTrackerSettings,
        *,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self.rerank_minutes = settings.rerank_minutes
        self.fields = {
            "status": "Status",
            "priority": "Priority",
            "rank_key": f"custom field {settings.rank_field}",
            "note": "the internal note",
        }
        self._rest = Rest(settings, token if token is not None else settings.token.reveal(), transport)

    async def find(self, ticket_id: str) -> tuple[Held, ...]:
        """See Sink. Searched in all queues that the user sees: an agent may have moved the ticket."""
        field = self._settings.external_id_field.replace("}", "").replace("'", "")
        query = f"'CF.{{{field}}}' = {escaped(ticket_id)} OR RefersTo = {escaped(state.urn(ticket_id))}"
        rows = await self._rest.rows("/tickets", {"query": query, "fields": "Status", "orderby": "id"})
        found: list[Held] = []
        for number in sorted({int(row["id"]) for row in rows}):
            ticket, etag = await self._rest.ticket(str(number))
            if ticket is None or ticket.get("Status") == "deleted" or int(ticket["id"]) != number:
                continue
            if ticket_id in (our_id(ticket, await self._rest.whoami(), self._settings), *linked_ids(ticket)):
                found.append(Held(remote_id=str(number), status="open", etag=etag, ticket_id=ticket_id))
        return tuple(found)

    async def read(self, remote_id: str) -> Held | None:
        """See Sink."""
        ticket, etag = await self._rest.ticket(remote_id)
        if ticket is None:
            return None
        return await self._rest.held(ticket, etag)

    async def create(self, ticket: Ticket, follows: str | None = None) -> str:
        """See Sink."""
        settings = self._settings
        posts = sorted(
            (post for post in ticket.posts if not post.removed), key=lambda post: (post.occurred_at, post.id)
        )
        fields: dict[str, Any] = {
            settings.external_id_field: ticket.id,
            settings.rank_field: self._rank(render.rank_number(ticket.rank_key)),
        }
        if settings.label_field:
            fields[settings.label_field] = [ticket.id, ticket.channel]
        wanted: dict[str, Any] = {
            "Queue": settings.queue,
            "Subject": self._subject(ticket),
            "Priority": state.NUMBERS[ticket.priority],
            "CustomFields": fields,
            "RefersTo": [state.urn(ticket.id), *([f"{follows}"] if follows else [])],
        }
        if posts:
            wanted |= {"Content": self._body(ticket, posts[0]), "ContentType": "text/plain"}
        if settings.requestor:
            wanted["Requestor"] = [settings.requestor]
        reply = await self._rest.http.request("POST", "/ticket", json=wanted)
        made = reply.json()
        number = str(made.get("id", "")) if isinstance(made, dict) else ""
        if reply.status == 404 or not number.isdigit():
            raise Transient(f"{reply.what}: answered {reply.status} without a ticket number; outcome unknown")
        return number

    async def write(self, held: Held, ticket: Ticket) -> Held:
        """See Sink. Posts first, then the fields under If-Match: what a person changes in between is read, not overwritten."""
        todo = changes(held, ticket, self.fields, self.rerank_minutes)
        stale_subject = any(post.removed for post in ticket.posts) and "subject" not in held.human
        if not todo and not stale_subject:
            return held
        number = held.remote_id
        try:
            for post in todo.posts:
                await self._append(number, ticket, post, known=post.id in held.posts)
            if todo.note is not None:
                note = render.note(ticket, mode=self._settings.text)
                await self._say(number, "comment", f"hf:{render.NOTE}:{todo.note}", note)
            refusals = await self._set(held, ticket, todo)
        except Refused as error:
            raw, _ = await self._rest.ticket(number)
            if raw is None or await self._rest.in_our_queue(raw):
                raise
            # One ticket that a person moved to where we may not write stops no other.
            raise Permanent(f"{error} in the queue that ticket {number} was moved to") from error
        back = await self.read(number)
        if back is None or back.gone:
            raise Transient(f"Request Tracker: ticket {number} vanished while it was written; looking again")
        back = render.named(back, ticket)
        theirs = msgspec.structs.replace(back, human=(*held.human, *back.human))
        if refusals and changes(theirs, ticket, self.fields, self.rerank_minutes):
            raise Permanent(f"Request Tracker dropped on ticket {number}: {'; '.join(refusals)}"[:600])
        return back

    async def merge(self, loser: str, winner: str) -> None:
        """See Sink."""
        reply = await self._rest.http.request("PUT", f"/ticket/{loser}", json={"MergeInto": winner})
        ticket, _ = await self._rest.ticket(loser)
        if ticket is not None and str(ticket["id"]) == loser and ticket.get("Status") != "deleted":
            raise Transient(f"Request Tracker did not merge ticket {loser} into {winner}: {_line(reply)}")

    async def observe(self, cursor: dict[str, Any] | None) -> Observed:
        """See Sink. Tickets of ours by `LastUpdated`, newest first, until before the cursor; then their histories.

        Times have whole seconds, so the last two minutes are read again each time and `seen` remembers what was told. No
        time stands in a query: Request Tracker reads it in the time zone of the user.
        """
        me = await self._rest.whoami()
        if cursor is None:
            since = from_ms(int(await self._rest.server_time()) * 1000)
            return Observed(events=(), cursor={"from": since, "since": since, "seen": []})
        floor, since, seen = str(cursor["from"]), str(cursor["since"]), set(cursor.get("seen", ()))
        window = from_ms(max(to_ms(since) - OVERLAP_SECONDS * 1000, to_ms(floor)))
        events: list[Helpdesk] = []
        kept: list[str] = []
        newest = since
        for number, updated in await self._rest.updated(me, window):
            newest = max(newest, updated)
            ticket, _ = await self._rest.ticket(number)
            ticket_id = our_id(ticket, me, self._settings) if ticket is not None else ""
            for entry in await self._rest.history(number):
                told = f"{entry.id}@{entry.created}"  # a restored database gives the same number again
                if not ticket_id or entry.creator in (me, state.SYSTEM) or state.at(entry) < window:
                    continue
                found = state.event(entry, ticket_id, self.name)
                if found is None:
                    continue
                kept.append(told)
                if told not in seen:
                    events.append(found)
        events.sort(key=lambda event: (event.at, int(event.id)))
        edge = from_ms(max(to_ms(newest) - OVERLAP_SECONDS * 1000, 0))
        remembered = sorted(told for told in kept if told.partition("@")[2].removesuffix("Z") + ".000Z" >= edge)
        return Observed(events=tuple(events), cursor={"from": floor, "since": newest, "seen": remembered})

    async def check(self) -> tuple[str, ...]:
        """See Sink."""
        settings = self._settings
        try:
            version = (await self._rest.http.request("GET", "/rt")).json().get("Version", "?")
            await self._rest.whoami()
            reply = await self._rest.http.request("GET", f"/queue/{quote(settings.queue, safe='')}", allow=(403,))
        except HilferufError as error:
            return (str(error),)
        if not str(version).startswith(("5.", "6.")):
            return (f"Request Tracker {version} is not supported; 5.0 or newer is needed",)
        if reply.status != 200:
            return (f"the queue {settings.queue!r} does not exist or the user lacks the right SeeQueue on it",)
        queue = reply.json()
        problems: list[str] = []
        fields = {str(field.get("name")) for field in queue.get("TicketCustomFields") or ()}
        if not fields:
            problems.append(
                f"no custom field of queue {settings.queue!r} is visible: grant SeeCustomField on the queue"
            )
        for name in filter(None, (settings.external_id_field, settings.rank_field, settings.label_field)):
            if fields and name not in fields:
                problems.append(f"the custom field {name!r} is not applied to queue {settings.queue!r}")
        if not any(link.get("ref") == "create" for link in queue.get("_hyperlinks") or ()):
            problems.append(f"the user lacks the right CreateTicket on queue {settings.queue!r}")
        return tuple(problems)

    async def aclose(self) -> None:
        """See Sink."""
        await self._rest.http.aclose()

    async def _set(self, held: Held, ticket: Ticket, todo: Changes) -> list[str]:
        """Set the fields under If-Match. A value that is no longer what was read is a person's and stays. Returns refusals."""
        number = held.remote_id
        for _ in range(3):
            raw, etag = await self._rest.ticket(number)
            if raw is None:
                raise Transient(f"Request Tracker: ticket {number} vanished while it was written; looking again")
            if self._settings.requestor and not raw.get("Requestor"):
                raise Permanent(f"Request Tracker dropped requestor {self._settings.requestor!r} on ticket {number}")
            own = held.ticket_id == ticket.id and await self._rest.in_our_queue(raw)
            if own and self._settings.external_id_field not in custom_fields(raw):
                raise Permanent(
                    f"Request Tracker dropped custom field {self._settings.external_id_field}='{ticket.id}' on ticket {number}:"
                    f" the field is not applied to queue {self._settings.queue!r} or not visible to the token's user"
                )
            values = self._values(raw, held, ticket, todo)
            if not values:
                return []
            headers = {"If-Match": etag} if etag else {}
            reply = await self._rest.http.request(
                "PUT", f"/ticket/{number}", json=values, headers=headers, allow=(412,)
            )
            if reply.status == 404:
                raise Transient(f"Request Tracker: ticket {number} vanished while it was written; looking again")
            if reply.status != 412:
                said = reply.json()
                return [str(line) for line in said if _REFUSAL.search(str(line))] if isinstance(said, list) else []
        raise Transient(f"Request Tracker: ticket {number} changes faster than it can be written", retry_after=2.0)

    def _values(self, raw: dict[str, Any], held: Held, ticket: Ticket, todo: Changes) -> dict[str, Any]:
        settings = self._settings
        now = state.fields_of(raw, held.ticket_id, settings)
        values: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        if todo.priority is not None and now.priority == held.priority:
            values["Priority"] = state.NUMBERS[ticket.priority]
        if todo.rank_key is not None and now.rank_key == held.rank_key:
            custom[settings.rank_field] = self._rank(todo.rank_key)
        # Our own post may have opened it just now, by the desk's own rule; anything else is a person's doing.
        if todo.status is not None and now.status in (held.status, "open") and now.status != todo.status:
            values["Status"] = _STATUS[todo.status]
        fields = custom_fields(raw)
        own = held.ticket_id == ticket.id and settings.external_id_field in fields
        if own and ticket.id not in fields[settings.external_id_field]:
            custom[settings.external_id_field] = ticket.id  # lost in a race; free again since the winner was merged
        if any(post.removed for post in ticket.posts) and "subject" not in held.human:
            subject = self._subject(ticket)
            if raw.get("Subject") != subject:
                values["Subject"] = subject
        return values | ({"CustomFields": custom} if custom else {})

    async def _append(self, number: str, ticket: Ticket, post: Post, *, known: bool) -> None:
        if post.removed:  # without a name: no receipt asks for this line's removal
            await self._say(number, "comment", render.marker(post), render.removal(ticket, post))
        else:
            who = f"{render.author(ticket)}: {render.marker(post)}"
            await self._say(number, "correspond", who, self._body(ticket, post, edited=known))

    async def _say(self, number: str, kind: str, subject: str, content: str) -> None:
        said = {"Subject": subject, "Content": content, "ContentType": "text/plain"}
        reply = await self._rest.http.request("POST", f"/ticket/{number}/{kind}", json=said)
        if reply.status == 404:
            raise Transient(f"{reply.what}: the ticket vanished while it was written; looking again")

    def _subject(self, ticket: Ticket) -> str:
        return render.subject(ticket, limit=SUBJECT_LIMIT, octets=True, mode=self._settings.text)

    def _body(self, ticket: Ticket, post: Post, *, edited: bool = False) -> str:
        return render.body(ticket, post, mode=self._settings.text, edited=edited)

    @staticmethod
    def _rank(rank: int) -> str:
        """Ten digits: the field is text, and text must sort as the number does."""
        return f"{rank:010d}"


def _line(reply: Reply) -> str:
    return " ".join(reply.body[:300].decode("utf-8", "replace").split())
