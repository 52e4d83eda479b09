"""The calls that the Zendesk sink makes, each as what it answers: whole lists, one ticket, the end of a background job.

Addresses in answers are never followed: every path is built from ids on the configured address.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

import httpx

from config.settings import ZendeskSettings
from records.errors import Permanent, Refused, Transient
from sinks import zendesk_state as state
from sinks.http import Http, Reply
from sinks.limits import Limiter
from sinks.zendesk_check import answer_of
from sinks.zendesk_state import Body

PAGE = 100
JOB_SECONDS = 10.0


class Rest:
    """The account over REST. `http` for everything that is one plain call."""

    def __init__(
        self,
        settings: ZendeskSettings,
        token: str,
        transport: httpx.AsyncBaseTransport | None,
        now: Callable[[], float],
    ) -> None:
        self._me = ""
        self.http = Http(
            "Zendesk",
            f"{settings.url.rstrip('/')}/api/v2",
            auth=(f"{settings.email}/token", token),
            secrets=(token,),
            timeout=settings.timeout_seconds,
            limiter=Limiter(settings.writes_per_minute, patience=settings.timeout_seconds),
            connections=settings.concurrency + 2,
            transport=transport,
            now=now,
        )

    async def tickets_of(self, ticket_id: str) -> list[Body]:
        """Every remote ticket with this id of ours, oldest first, closed and merged ones too."""
        reply = await self.http.request("GET", "/tickets", params={"external_id": ticket_id})
        found = state.objects(answer_of(reply).get("tickets"))
        # A server that ignores the filter must not hand us somebody else's tickets.
        ours = [ticket for ticket in found if ticket.get("external_id") == ticket_id and state.number(ticket.get("id"))]
        return sorted(ours, key=lambda ticket: int(state.number(ticket["id"])))

    async def ticket(self, remote_id: str) -> Body | None:
        """The ticket; None of one that was deleted or never was."""
        if not remote_id.isdecimal():
            return None
        reply = await self.http.request("GET", f"/tickets/{remote_id}")
        if reply.status == 404:
            return None
        ticket = answer_of(reply).get("ticket")
        if not isinstance(ticket, dict) or state.number(ticket.get("id")) != remote_id:
            raise Transient(f"{reply.what}: the answer holds no ticket {remote_id}")
        return ticket if ticket.get("status") != "deleted" else None

    async def many(self, remote_ids: Iterable[str]) -> dict[str, Body]:
        """These tickets by remote id; deleted ones are missing."""
        wanted = sorted(filter(None, remote_ids), key=int)
        found: dict[str, Body] = {}
        for first in range(0, len(wanted), PAGE):
            ids = ",".join(wanted[first : first + PAGE])
            reply = await self.http.request("GET", "/tickets/show_many", params={"ids": ids})
            found |= {
                state.number(ticket.get("id")): ticket for ticket in state.objects(answer_of(reply).get("tickets"))
            }
        return found

    async def comments(self, remote_id: str) -> list[Body]:
        """All comments of a ticket, oldest first; none of one that was deleted."""
        return await self.pages(f"/tickets/{remote_id}/comments", "comments")

    async def pages(self, path: str, name: str) -> list[Body]:
        """A whole list by its cursors, never by the addresses that come with it."""
        found: list[Body] = []
        after = ""
        for _ in range(100):  # Zendesk takes 5,000 comments a ticket
            params: dict[str, str | int] = {"page[size]": PAGE} | ({"page[after]": after} if after else {})
            reply = await self.http.request("GET", path, params=params)
            if reply.status == 404:
                break
            answer = answer_of(reply)
            found += state.objects(answer.get(name))
            meta = answer.get("meta")
            after = (
                str(meta.get("after_cursor") or "") if isinstance(meta, dict) and meta.get("has_more") is True else ""
            )
            if not after:
                break
        return found

    async def export(self, start: int) -> Body:
        """The export of ticket events from this second on (since 1970)."""
        params: dict[str, str | int] = {"start_time": start, "include": "comment_events"}
        try:
            return answer_of(await self.http.request("GET", "/incremental/ticket_events", params=params))
        except Permanent as error:
            if "recent" in str(error).lower():  # our clock is ahead of theirs: there is nothing to be had yet
                return {}
            raise

    async def job_done(self, reply: Reply, what: str) -> None:
        """Waits for a background job. Raises Transient while it has not ended or has failed: the next pass looks again."""
        wait, end = 0.1, time.monotonic() + JOB_SECONDS
        while True:
            job = answer_of(reply).get("job_status")
            job = job if isinstance(job, dict) else {}
            results = state.objects(job.get("results"))
            if job.get("status") == "completed" and all(result.get("success") is not False for result in results):
                return
            if job.get("status") in ("completed", "failed", "killed"):
                raise Transient(f"Zendesk: the {what} failed; looking again", 5.0)
            key = str(job.get("id") or "")
            if not key.replace("-", "").isalnum() or time.monotonic() > end:
                raise Transient(f"Zendesk: the {what} has not ended yet; looking again", 5.0)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 2.0)
            reply = await self.http.request("GET", f"/job_statuses/{key}")

    async def whoami(self) -> str:
        """The id of the token's user, asked once."""
        if not self._me:
            user = answer_of(await self.http.request("GET", "/users/me")).get("user")
            self._me = state.number(user.get("id")) if isinstance(user, dict) else ""
            if not self._me:
                raise Refused("Zendesk: the token belongs to no user; check address, e-mail and token")
        return self._me
