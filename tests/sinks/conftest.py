"""Fixtures of the sink tests: invented tickets, and one real Request Tracker a session."""

import asyncio
import json
import secrets
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from config.section import Secret
from config.settings import RequestTrackerSettings
from records.ids import digest
from records.tickets import Delivery, Factor, Held, Intent, Post, Ticket, TicketOperation
from sinks.request_tracker import RequestTracker
from tests.servers import RequestTrackerServer, discard, start_request_tracker

NOW = "2026-11-25T09:00:00.000Z"


def make_post(number: int = 1, text: str | None = "Mein Anschluss ist kaputt, bitte Hilfe", **changes: Any) -> Post:
    values: dict[str, Any] = {
        "id": f"x:{number}",
        "revision": "1",
        "kind": "post",
        "role": "candidate",
        "occurred_at": f"2026-11-25T08:{number:02d}:00.000Z",
        "text": text,
        "permalink": f"https://social.example/anna/{number}",
    }
    return Post(**(values | changes))


def make_ticket(*posts: Post, **changes: Any) -> Ticket:
    values: dict[str, Any] = {
        "id": "hf-" + secrets.token_hex(8),
        "canonical_id": "hf-0",
        "author_key": "x:4711",
        "author_name": "Anna Beispiel",
        "author_handle": "anna_b",
        "author_url": None,
        "channel": "x",
        "brand": "nordfunk",
        "language": "de",
        "status": "open",
        "subject": "Mein Anschluss ist kaputt, bitte Hilfe",
        "league": 0,
        "league_name": None,
        "score": 42.0,
        "factors": (Factor("content", 42.0, 60.0, "„kaputt“, „Hilfe“"),),
        "due_at": "2026-11-25T09:30:00.000Z",
        "rank_key": 96_371_910,
        "priority": "high",
        "opened_at": "2026-11-25T08:01:00.000Z",
        "as_of": NOW,
        "posts": posts or (make_post(),),
        "strategy": "balanced",
        "lexicon_version": "1",
    }
    return Ticket(**(values | changes))


def make_delivery(ticket: Ticket, held: Held | None = None, *, version: int = 1, recovering: bool = False) -> Delivery:
    intent = Intent(digest(ticket.id, str(version)), version, NOW) if recovering else None
    operation = TicketOperation(ticket_id=ticket.id, version=version, op="update", ticket=ticket)
    return Delivery(
        sink="request_tracker",
        ticket_id=ticket.id,
        author_key=ticket.author_key,
        wanted=operation,
        held=held,
        intent=intent,
    )


@pytest.fixture(name="make_post")
def _make_post() -> Callable[..., Post]:
    return make_post


@pytest.fixture(name="make_ticket")
def _make_ticket() -> Callable[..., Ticket]:
    return make_ticket


@pytest.fixture(name="make_delivery")
def _make_delivery() -> Callable[..., Delivery]:
    return make_delivery


@pytest.fixture(scope="session")
def rt() -> Iterator[RequestTrackerServer]:
    """A real Request Tracker, seeded, on a free port, one for all tests."""
    server = start_request_tracker(workers=3)
    yield server
    discard(server)


class Desk:
    """An agent's and an onlooker's view of the helpdesk, past the sink."""

    def __init__(self, server: RequestTrackerServer) -> None:
        self.server = server

    async def ask(self, method: str, path: str, body: Any = None, *, agent: bool = True) -> Any:
        return await asyncio.to_thread(self._ask, method, path, body, agent)

    def _ask(self, method: str, path: str, body: Any, agent: bool) -> Any:
        token = self.server.agent_token if agent else self.server.token
        request = urllib.request.Request(
            f"{self.server.url}/REST/2.0{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    async def tickets(self, ticket: Ticket) -> list[int]:
        """Numbers of all tickets that carry the id anywhere, merged and deleted ones left out."""
        query = f"'CF.{{ExternalId}}' = '{ticket.id}' OR 'CF.{{Label}}' = '{ticket.id}'"
        query += f" OR RefersTo = 'urn:hilferuf:{ticket.id}'"
        found = await self.ask("GET", f"/tickets?query={urllib.parse.quote(query)}&per_page=100")
        return sorted(int(item["id"]) for item in found["items"])

    async def texts(self, number: str, kind: str = "Correspond,Create") -> list[str]:
        """Texts of these kinds in the ticket's history, in order."""
        history = await self.ask("GET", f"/ticket/{number}/history?fields=Type&per_page=100")
        texts = []
        for item in history["items"]:
            if item["Type"] in kind.split(","):
                query = urllib.parse.quote(
                    json.dumps([{"field": "TransactionId", "operator": "=", "value": item["id"]}])
                )
                found = await self.ask("GET", f"/attachments?query={query}&fields=Content")
                texts += [part.get("Content") or "" for part in found["items"]]
        return texts


@pytest.fixture
def desk(rt: RequestTrackerServer) -> Desk:
    return Desk(rt)


@pytest.fixture
def rt_settings(rt: RequestTrackerServer) -> RequestTrackerSettings:
    return RequestTrackerSettings(url=rt.url, token=Secret(file=str(rt.folder / "token")), queue=rt.queue)


@pytest.fixture
async def sink(rt_settings: RequestTrackerSettings) -> AsyncIterator[RequestTracker]:
    tracker = RequestTracker(rt_settings)
    yield tracker
    await tracker.aclose()
