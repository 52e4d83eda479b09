"""Request Tracker keeps the sinks' contract; where it cannot remove a text itself, the receipt's commands do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sinks.request_tracker import RequestTracker
from tests.sinks.contract_suite import ContractSuite, Desk, a_post, a_ticket, deliver, erased, gone

pytestmark = pytest.mark.rt


class RequestTrackerDesk(Desk):
    """The agent acts over REST 2."""

    def __init__(self, sink: RequestTracker, people: Any) -> None:
        self.sink = sink
        self.people = people

    async def person(self, remote_id: str, what: str, value: str | None = None) -> None:
        if what == "answered":
            await self.people.ask(
                "POST", f"/ticket/{remote_id}/correspond", {"Content": "x", "ContentType": "text/plain"}
            )
            return
        numbers = {"urgent": 100, "high": 75, "normal": 50, "low": 25}
        changes: dict[str, Any] = {
            "solved": {"Status": "resolved"},
            "reopened": {"Status": "open"},
            "delete": {"Status": "deleted"},
            "priority": {"Priority": numbers.get(value or "", 0)},
        }
        await self.people.ask("PUT", f"/ticket/{remote_id}", changes[what])

    async def texts(self, remote_id: str) -> str:
        subject = (await self.people.ask("GET", f"/ticket/{remote_id}"))["Subject"]
        kinds = "Create,Comment,Correspond,EmailRecord,CommentEmailRecord"
        texts = "\n".join([subject, *await self.people.texts(remote_id, kinds)])
        history = await self.people.ask("GET", f"/ticket/{remote_id}/history?fields=Data,OldValue&per_page=100")
        return texts + "".join(f"\n{item.get('Data')} {item.get('OldValue')}" for item in history["items"])

    async def count(self) -> int:
        return int((await self.people.ask("GET", "/tickets?query=Queue%3D'Social'"))["total"])

    async def tidy(self, receipt: tuple[str, ...]) -> None:
        """Do what the receipt says, all in one command since each takes seconds to load."""
        commands = [line.partition(": ")[2] for line in receipt]
        if not commands:
            return
        program = commands[0].partition(" --plugin ")[0]
        await asyncio.to_thread(
            self.people.server.administer, " ".join([program, *(command.removeprefix(program) for command in commands)])
        )


@pytest.fixture(name="desk")
async def _desk(sink: RequestTracker, desk: Any) -> AsyncIterator[RequestTrackerDesk]:
    rows = await desk.ask("GET", "/tickets?query=Queue%3D'Social'%20OR%20Queue%3D'Billing'&per_page=100")
    for row in rows["items"]:
        await desk.ask("PUT", f"/ticket/{row['id']}", {"Status": "deleted"})
    yield RequestTrackerDesk(sink, desk)


class TestContract(ContractSuite):
    """The suite; redaction goes by the receipt, and hard texts are in test_request_tracker_text.py."""

    test_hard_text_arrives_as_it_was_written = None  # type: ignore[assignment]

    async def test_a_deleted_post_leaves_no_text(self, desk: RequestTrackerDesk) -> None:  # type: ignore[override]
        second = a_post(2, "Meine Kundennummer ist 99887766")
        ticket = a_ticket(a_post(1), second)
        held = await deliver(desk.sink, ticket)
        held = await deliver(desk.sink, a_ticket(a_post(1), gone(second)), 2, held)
        await desk.tidy(held.receipt)
        texts = await desk.texts(held.remote_id)
        assert "99887766" not in texts and "mein Anschluss" in texts and held.posts["x:2"] == ""
        held = await deliver(desk.sink, a_ticket(a_post(1), gone(second)), 2, held)
        assert held.receipt == ()  # done: it is asked for no longer

    async def test_an_erased_author_leaves_neither_text_nor_name(self, desk: RequestTrackerDesk) -> None:  # type: ignore[override]
        ticket = a_ticket(a_post(1), a_post(2, "Ich heiße Kim"))
        held = await deliver(desk.sink, ticket)
        held = await deliver(desk.sink, erased(ticket), 2, held)
        await desk.tidy(held.receipt)
        texts = await desk.texts(held.remote_id)
        for part in ("mein Anschluss", "Ich heiße", "Kim Beispiel", "kim_beispiel", "x.example/status"):
            assert part not in texts
        held = await deliver(desk.sink, erased(ticket), 3, held)
        assert held.receipt == () and set(held.posts.values()) == {""}
