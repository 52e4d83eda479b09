"""Zendesk Support over its REST API: own thin client, no vendor SDK.

What is particular here:
- `external_id` is not unique: a create carries an `Idempotency-Key`, is looked up by `GET /tickets?external_id=` (never by
  the search, which lags), and of several the oldest takes the others in;
- nobody on a social network has a mail address, which an inline requester needs: every author is a user of its own, found
  by an external id that is a digest of the author key (Zendesk ignores the case of these, channels do not); so two people
  are never one, and no ticket is without a requester;
- posts are comments in the requester's name, so that they count as the customer's words and not as an agent's answer;
- fields are written with `safe_update`: what somebody changed since it was read is read again, never overwritten;
- a ticket closed for good takes no update, but its comments can be redacted; a new post makes a follow-up ticket.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from config.settings import ZendeskSettings
from records.errors import Permanent, Transient
from records.ids import digest, operation_id
from records.tickets import Held, Post, Ticket
from sinks import render
from sinks import zendesk_events as events
from sinks import zendesk_state as state
from sinks.contract import Observed, Sink
from sinks.plan import Changes, changes, removes
from sinks.zendesk_check import answer_of, faults
from sinks.zendesk_redaction import Redaction, former
from sinks.zendesk_rest import Rest
from sinks.zendesk_state import Body

SUBJECT_LIMIT = 150
TEXT_LIMIT = 15_000  # code points; a comment holds 64 KiB
_HUMAN = ("note", "priority", "rank_key", "status", "subject")


class Zendesk(Sink):
    """One Zendesk account. `now`: seconds since 1970. The token's user needs the rights listed in docs/zendesk.md."""

    name = "zendesk"

    def __init__(
        self,
        settings: ZendeskSettings,
        *,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        token = token if token is not None else settings.token.reveal()
        self._settings = settings
        self._base = settings.url.rstrip("/")
        self._now = now
        self.rerank_minutes = settings.rerank_minutes
        self.fields = {"status": "Status", "priority": "Priority", "note": "the internal note"}
        if settings.rank_field is not None:
            self.fields["rank_key"] = f"custom field {settings.rank_field}"
        self._rest = Rest(settings, token, transport, now)

    async def aclose(self) -> None:
        """Give connections back."""
        await self._rest.http.aclose()

    # --- reading ---------------------------------------------------------------------------------------------------

    async def find(self, ticket_id: str) -> tuple[Held, ...]:
        """See Sink. Deleted tickets are not in the answer; those merged away are left out."""
        found = [ticket for ticket in await self._rest.tickets_of(ticket_id) if not state.is_merged(ticket)]
        return tuple(
            Held(remote_id=state.number(ticket["id"]), status=state.status(ticket), ticket_id=ticket_id)
            for ticket in found
        )

    async def read(self, remote_id: str) -> Held | None:
        """See Sink. Zendesk never gives an id twice, so one that it does not know was deleted."""
        ticket = first = await self._rest.ticket(remote_id)
        hops: list[str] = []
        while ticket is not None:
            comments = await self._rest.comments(remote_id)
            target = state.merge_target(comments) if state.is_merged(ticket) else ""
            if not target or target in hops:
                break
            hops.append(remote_id)
            remote_id = target
            ticket = await self._rest.ticket(remote_id)
        if ticket is None or first is None:
            return Held(remote_id=remote_id, gone=True)
        found = state.held(ticket, comments, self._settings.rank_field, self._base)
        if ticket.get("external_id") != first.get("external_id"):
            found = msgspec.structs.replace(found, human=_HUMAN)  # merged into a stranger's: its fields are not ours
        return found

    # --- writing ---------------------------------------------------------------------------------------------------

    async def create(self, ticket: Ticket, follows: str | None = None) -> str:
        """See Sink. The first post is the ticket's description; the others follow by `write`."""
        posts = sorted(
            (post for post in ticket.posts if not post.removed), key=lambda post: (post.occurred_at, post.id)
        )
        requester = await self._requester(ticket)
        comment: dict[str, Any] = (
            {"body": self._body(ticket, posts[0]), "author_id": requester, "public": True}
            if posts
            else {"body": self._note(ticket), "public": False}
        )
        given: dict[str, Any] = {
            "external_id": ticket.id,
            "subject": self._subject(ticket),
            "comment": comment,
            "priority": ticket.priority,
            "requester_id": requester,
            "tags": ["hilferuf", f"hilferuf_{ticket.channel}"],
        }
        if self._settings.rank_field is not None:
            rank = render.rank_number(ticket.rank_key)
            given["custom_fields"] = [{"id": self._settings.rank_field, "value": rank}]
        if follows is not None:
            given["via_followup_source_id"] = int(follows)
        return await self._created(ticket, follows, given)

    async def _created(self, ticket: Ticket, follows: str | None, given: dict[str, Any]) -> str:
        """One key for every create of this ticket, so that racing deliverers make one. Another key only where this one
        leads nowhere: to a ticket deleted since, or (made of another text) to none."""
        key = operation_id(ticket.id, self.name if follows is None else f"{self.name}>{follows}", 1)
        for _ in range(3):
            try:
                reply = await self._rest.http.request(
                    "POST", "/tickets", json={"ticket": given}, headers={"Idempotency-Key": key}
                )
            except Permanent as error:
                if "idempot" not in str(error).lower():
                    raise
                found = [held for held in await self.find(ticket.id) if held.status != "closed"]
                if found:
                    return found[0].remote_id
                key = digest(key, json.dumps(given, sort_keys=True), size=16)
                continue
            made = state.number((answer_of(reply).get("ticket") or {}).get("id"))
            if not made:
                raise Transient(f"{reply.what}: answered {reply.status} without a ticket; outcome unknown")
            if reply.headers.get("x-idempotency-lookup") != "hit" or await self._rest.ticket(made) is not None:
                return made
            key = digest(key, made, size=16)
        raise Transient(f"Zendesk: ticket {ticket.id} could not be created under three keys; trying again")

    async def _requester(self, ticket: Ticket) -> int:
        """The author's user. Raises Permanent where an agent suspended it: Zendesk refuses its tickets."""
        user = {
            "name": render.author(ticket),
            "external_id": "hilferuf-" + digest(ticket.author_key, size=16),
            "skip_verify_email": True,
        }
        reply = await self._rest.http.request("POST", "/users/create_or_update", json={"user": user})
        known = answer_of(reply).get("user")
        found = state.number(known.get("id")) if isinstance(known, dict) else ""
        if not isinstance(known, dict) or not found:
            raise Transient(f"{reply.what}: answered {reply.status} without a user; outcome unknown")
        if known.get("suspended") is True:
            raise Permanent(
                f"Zendesk: the author of {ticket.id} is user {found}, which is suspended; lift it there, then redrive"
            )
        return int(found)

    async def write(self, held: Held, ticket: Ticket) -> Held:
        """See Sink. Posts, then fields and note, then redactions: a redaction changes the stamp that `safe_update` needs."""
        todo = changes(held, ticket, self.fields, self.rerank_minutes)
        if theirs := await self._persons(held.remote_id, todo):
            # After a crash the ledger may not know what was there before the person: the ticket's history does.
            held = msgspec.structs.replace(held, human=tuple(sorted({*held.human, *theirs})))
            todo = changes(held, ticket, self.fields, self.rerank_minutes)
        if not todo and not removes(ticket):
            return held
        stamp, _, requester = (held.etag or "|").partition("|")
        for given in self._updates(ticket, todo, int(requester) if requester else None):
            stamp = await self._update(held.remote_id, given, stamp)
        receipt: tuple[str, ...] = ()
        if removes(ticket):
            receipt = await Redaction(self._rest, held, ticket).run(todo.redact, subject=self._subject(ticket))
            if todo.note is not None and self._settings.explain_field is not None:
                receipt += (former(f"custom field {self._settings.explain_field}", held.remote_id),)
        back = await self.read(held.remote_id)
        if back is None or back.gone:
            raise Transient(f"Zendesk: ticket {held.remote_id} vanished while it was written; looking again")
        human = tuple(sorted({*held.human, *back.human}))
        return render.named(msgspec.structs.replace(back, human=human, receipt=receipt), ticket)

    async def _persons(self, remote_id: str, todo: Changes) -> list[str]:
        """Which of the fields to be written a person changed last, by the ticket's history."""
        names = {"priority": "priority", "rank_key": str(self._settings.rank_field)}
        asked = [field for field in names if getattr(todo, field) is not None]
        if not asked:
            return []
        audits, we = await self._rest.pages(f"/tickets/{remote_id}/audits", "audits"), await self._rest.whoami()
        return [field for field in asked if state.last_editor(audits, names[field]) not in ("", we)]

    def _updates(self, ticket: Ticket, todo: Changes, requester: int | None) -> list[dict[str, Any]]:
        """The bodies to be sent, in order. The fields ride with the last one: a customer's comment reopens a ticket, so a
        status has to come after or with it."""
        posts = sorted((*todo.append, *todo.correct), key=lambda post: (post.occurred_at, post.id))
        updates: list[dict[str, Any]] = []
        for post in posts:
            comment: dict[str, Any] = {"body": self._body(ticket, post, edited=post in todo.correct), "public": True}
            updates.append({"comment": comment if requester is None else {**comment, "author_id": requester}})
        if todo.note is not None:
            updates.append({"comment": {"body": render.cut(self._note(ticket), 4 * TEXT_LIMIT), "public": False}})
        fields: dict[str, Any] = {}
        if todo.priority is not None:
            fields["priority"] = todo.priority
        if todo.status is not None:
            fields["status"] = "open" if todo.status == "open" else "solved"
        custom = {
            field: value
            for field, value in (
                (self._settings.rank_field, todo.rank_key),
                (self._settings.explain_field, self._note(ticket)[:TEXT_LIMIT] if todo.note is not None else None),
            )
            if field is not None and value is not None
        }
        if custom:
            fields["custom_fields"] = [{"id": field, "value": value} for field, value in custom.items()]
        if fields and not updates:
            updates.append({})
        if updates:
            updates[-1] |= fields
        return updates

    async def _update(self, remote_id: str, given: dict[str, Any], stamp: str) -> str:
        """One PUT; returns the new stamp. Raises Transient where somebody was faster: the protocol reads again."""
        if stamp:
            given = {**given, "safe_update": True, "updated_stamp": stamp}
        reply = await self._rest.http.request("PUT", f"/tickets/{remote_id}", json={"ticket": given}, allow=(409,))
        if reply.status == 409:
            raise Transient(f"Zendesk: ticket {remote_id} was changed while it was written; reading again", 1.0)
        if reply.status == 404:
            raise Transient(f"Zendesk: ticket {remote_id} vanished while it was written; looking again")
        ticket = answer_of(reply).get("ticket")
        return str(ticket.get("updated_at") or "") if isinstance(ticket, dict) else ""

    def _note(self, ticket: Ticket) -> str:
        return render.note(ticket, mode=self._settings.text)

    def _body(self, ticket: Ticket, post: Post, *, edited: bool = False) -> str:
        return render.body(ticket, post, mode=self._settings.text, edited=edited, limit=TEXT_LIMIT)

    def _subject(self, ticket: Ticket) -> str:
        return render.subject(ticket, limit=SUBJECT_LIMIT, mode=self._settings.text)

    async def merge(self, loser: str, winner: str) -> None:
        """See Sink. A closed loser is over anyway; into a closed winner nothing can be merged, so the loser is solved."""
        source, target = await self._rest.ticket(loser), await self._rest.ticket(winner)
        if source is None or target is None or state.status(source) == "closed" or loser == winner:
            return
        if state.status(target) == "closed":
            text = f"Hilferuf: see request #{winner}, which is closed."
            await self._update(loser, {"status": "solved", "comment": {"body": text, "public": False}}, "")
            return
        given = {
            "ids": [int(loser)],
            "source_comment": f"Hilferuf: the same conversation as request #{winner}, merged into it.",
            "target_comment": f"Hilferuf: request #{loser} is the same conversation and was merged into this one.",
            "source_comment_is_public": False,
            "target_comment_is_public": False,
        }
        reply = await self._rest.http.request("POST", f"/tickets/{winner}/merge", json=given)
        await self._rest.job_done(reply, f"merge of ticket {loser} into {winner}")

    # --- people ----------------------------------------------------------------------------------------------------

    async def observe(self, cursor: dict[str, Any] | None) -> Observed:
        """See Sink. By the incremental export of ticket events: about a minute late, whole seconds, nothing lost."""
        place = events.place(cursor, self._now())
        if cursor is None:
            return Observed(events=(), cursor=msgspec.to_builtins(place))
        me = await self._rest.whoami()
        new: list[Body] = []
        start, end, more = place.start, None, True
        for _ in range(10):
            answer = await self._rest.export(min(start, int(self._now()) - events.LAG_SECONDS))
            new += [event for event in events.unseen(place, answer) if event not in new]
            end = state.whole(answer.get("end_time")) or end
            more = answer.get("end_of_stream") is False and end is not None and end > start
            if not more:
                break
            start = end or start
        theirs = events.by_people(new, me)
        tickets = await self._rest.many({state.number(event.get("ticket_id")) for event in theirs})
        adopted = {**place.adopted, **await self._adopted(tickets)}
        done = events.helpdesk_events(self.name, theirs, tickets, adopted)
        after = events.moved(place, new, end, adopted)
        return Observed(events=tuple(done), cursor=msgspec.to_builtins(after))

    async def _adopted(self, tickets: dict[str, Body]) -> dict[str, str]:
        """Tickets of ours that a person merged into another: what happens there happens to ours."""
        found: dict[str, str] = {}
        for remote, ticket in tickets.items():
            ours = events.our_id(ticket)
            if ours and state.is_merged(ticket) and (target := state.merge_target(await self._rest.comments(remote))):
                found[target] = ours
        return found

    async def check(self) -> tuple[str, ...]:
        """See Sink."""
        return await faults(self._rest.http, self._settings)
