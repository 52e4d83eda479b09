"""Reading Request Tracker over REST 2: tickets, histories, lists, and who we are there."""

import json
import re
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from config.settings import RequestTrackerSettings
from records.errors import Permanent, Refused, Transient
from records.tickets import Held
from sinks import request_tracker_state as state
from sinks.http import Http
from sinks.limits import Limiter
from sinks.request_tracker_state import Transaction, escaped

API = "/REST/2.0"
PAGE = 100
MEMORY = 20_000
_TOKEN = re.compile(r"^\d+-(\d+)-[0-9A-Za-z]+$")
_HISTORY = "Type,Field,NewValue,Creator,Created,ObjectId,Data"


class Rest:
    """The connection to one Request Tracker, and what never changes there: our name, the queue's number, texts of Creates."""

    def __init__(
        self, settings: RequestTrackerSettings, token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._token = token
        self.http = Http(
            "Request Tracker",
            settings.url.rstrip("/") + API,
            headers={"Authorization": f"token {self._token}"},
            secrets=(self._token,),
            timeout=settings.timeout_seconds,
            limiter=Limiter(settings.writes_per_minute, patience=settings.timeout_seconds),
            connections=settings.concurrency + 2,
            transport=transport,
        )
        self._me: str | None = None
        self._queue: str | None = None
        self._firsts: dict[tuple[int, str], str] = {}

    async def held(self, raw: dict[str, Any], etag: str | None) -> Held:
        """What a ticket holds, with its history; posts by their keys."""
        me = await self.whoami()
        number = str(raw["id"])
        history = await self.history(number)
        firsts = {
            entry.id: await self.first(entry) for entry in history if entry.kind == "Create" and entry.creator == me
        }
        return state.held(raw, history, firsts, me, self._settings, await self.in_our_queue(raw), etag)

    async def first(self, entry: Transaction) -> str:
        """The end of a Create's text, where its marker stands. A transaction never changes, so it is read once; its time is
        part of the key because a restored database gives the same number again."""
        key = (entry.id, entry.created)
        if key not in self._firsts:
            query = json.dumps([{"field": "TransactionId", "operator": "=", "value": str(entry.id)}])
            rows = await self.rows("/attachments", {"query": query, "fields": "Content"})
            if len(self._firsts) >= MEMORY:
                self._firsts.clear()
            self._firsts[key] = "\n".join(str(row.get("Content") or "")[-100:] for row in rows)
        return self._firsts[key]

    async def ticket(self, number: str) -> tuple[dict[str, Any] | None, str | None]:
        """The ticket (the one it was merged into) and its ETag; None where the helpdesk does not know the number."""
        if not number.isdigit():
            return None, None
        reply = await self.http.request("GET", f"/ticket/{number}", allow=(403,))
        if reply.status == 404:
            return None, None
        if reply.status == 403:
            raise Permanent(
                f"Request Tracker: ticket {number} is not visible to the token's user; it was moved to a queue without rights:"
                " grant SeeQueue and ShowTicket there"
            )
        raw = reply.json()
        if not isinstance(raw, dict) or "id" not in raw:
            raise Transient(f"{reply.what}: the answer is no ticket")
        return raw, reply.headers.get("etag")

    async def history(self, number: str) -> list[Transaction]:
        """The ticket's history, that of tickets merged into it included."""
        rows = await self.rows(f"/ticket/{number}/history", {"fields": _HISTORY})
        return [state.transaction(row) for row in rows]

    async def rows(self, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
        """All pages. A page may hold fewer rows than asked for, since rows without rights are left out: the end is an empty
        page, or the number of pages where the server gives one."""
        rows: list[dict[str, Any]] = []
        page = 1
        while True:
            reply = await self.http.request("GET", path, params={**params, "per_page": PAGE, "page": page})
            answer = reply.json() if reply.status == 200 else {}
            items = answer.get("items") or []
            rows += items
            if not items or page >= int(answer.get("pages") or page + 1):
                return rows
            page += 1

    async def updated(self, me: str, window: str) -> list[tuple[str, str]]:
        """Number and `LastUpdated` of our tickets that changed since `window`."""
        params = {
            "query": f"Creator = {escaped(me)}",
            "fields": "LastUpdated",
            "orderby": "LastUpdated",
            "order": "DESC",
        }
        found: list[tuple[str, str]] = []
        page = 1
        while True:
            reply = await self.http.request("GET", "/tickets", params={**params, "per_page": PAGE, "page": page})
            answer = reply.json() if reply.status == 200 else {}
            items = answer.get("items") or []
            for item in items:
                updated = str(item.get("LastUpdated", "")).removesuffix("Z") + ".000Z"
                if updated < window:
                    return found
                found.append((str(item["id"]), updated))
            if not items or page >= int(answer.get("pages") or page + 1):
                return found
            page += 1

    async def whoami(self) -> str:
        """Name of the token's user: what this user did are our own writes. The token carries the user's number."""
        if self._me is None:
            match = _TOKEN.match(self._token)
            if match is None:
                raise Refused(
                    "Request Tracker: the token is not of the form 1-USER-…; make one under Settings, Auth Tokens"
                )
            reply = await self.http.request("GET", f"/user/{match[1]}")
            name = str(reply.json().get("Name", "")) if reply.status == 200 else ""
            if not name:
                raise Refused("Request Tracker does not tell the token's user its own name; is the user privileged?")
            self._me = name
        return self._me

    async def in_our_queue(self, raw: dict[str, Any]) -> bool:
        """Whether the ticket is in the configured queue, or a person moved it."""
        if self._queue is None:
            reply = await self.http.request("GET", f"/queue/{quote(self._settings.queue, safe='')}")
            self._queue = str(reply.json().get("id", "")) if reply.status == 200 else ""
        queue = raw.get("Queue")
        return isinstance(queue, dict) and str(queue.get("id")) == self._queue

    async def server_time(self) -> float:
        """Seconds since 1970 by the server's clock, which is the one that stamps its tickets."""
        reply = await self.http.request("GET", "/rt")
        try:
            return parsedate_to_datetime(reply.headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError):
            return time.time()
