"""The imitation itself: that it keeps Zendesk's documented rules, misbehaves on demand and survives a kill."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sinks.imitations.zendesk import RANK_FIELD, ZendeskImitation
from sinks.imitations.zendesk_faults import Fault
from tests.sinks.zendesk_desk import Clock

TICKET = {"subject": "Hilfe", "comment": {"body": "Hilfe"}, "external_id": "hf-1"}


@pytest.fixture
async def zendesk() -> AsyncIterator[ZendeskImitation]:
    async with ZendeskImitation(now=Clock()) as imitation:
        yield imitation


@pytest.fixture
async def client(zendesk: ZendeskImitation) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(zendesk.url, zendesk) as client:
        yield client


def _client(url: str, imitation: ZendeskImitation, timeout: float = 5.0) -> httpx.AsyncClient:
    auth = (f"{imitation.email}/token", imitation.token)
    return httpx.AsyncClient(base_url=f"{url}/api/v2", auth=auth, timeout=timeout)


async def _create(client: httpx.AsyncClient, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post("/tickets", json={"ticket": {**TICKET, **more}}, headers=headers)


async def test_without_a_token_nothing_is_answered(zendesk: ZendeskImitation) -> None:
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(f"{zendesk.url}/api/v2/tickets")).status_code == 401


async def test_an_idempotency_key_misses_hits_differs_and_expires(
    zendesk: ZendeskImitation, client: httpx.AsyncClient
) -> None:
    first = await _create(client, "k")
    again = await _create(client, "k")
    other = await _create(client, "k", subject="Anders")
    lookups = [reply.headers.get("x-idempotency-lookup") for reply in (first, again)]
    assert lookups == ["miss", "hit"]
    assert first.json()["ticket"]["id"] == again.json()["ticket"]["id"]
    assert (other.status_code, other.json()["error"]) == (400, "IdempotentRequestError")
    zendesk.now.now += 7200  # type: ignore[attr-defined] - the test's clock
    assert (await _create(client, "k")).headers["x-idempotency-lookup"] == "miss"


async def test_an_external_id_is_not_unique_and_listed_at_once(client: httpx.AsyncClient) -> None:
    await _create(client)
    await _create(client)
    assert (await client.get("/tickets", params={"external_id": "hf-1"})).json()["count"] == 2


async def test_the_search_lags_ten_minutes(zendesk: ZendeskImitation, client: httpx.AsyncClient) -> None:
    await _create(client)
    query = {"query": "type:ticket external_id:hf-1"}
    assert (await client.get("/search", params=query)).json()["count"] == 0
    zendesk.now.now += 600  # type: ignore[attr-defined] - the test's clock
    assert (await client.get("/search", params=query)).json()["count"] == 1


async def test_an_unknown_custom_field_is_dropped_and_a_word_in_a_number_is_refused(client: httpx.AsyncClient) -> None:
    dropped = await _create(client, custom_fields=[{"id": 5, "value": 1}])
    assert dropped.status_code == 201
    assert 5 not in [field["id"] for field in dropped.json()["ticket"]["custom_fields"]]
    refused = await _create(client, custom_fields=[{"id": RANK_FIELD, "value": "high"}])
    assert refused.status_code == 422


async def test_an_old_stamp_is_a_conflict(client: httpx.AsyncClient) -> None:
    made = (await _create(client)).json()["ticket"]
    safe = {"safe_update": True, "updated_stamp": made["updated_at"], "priority": "low"}
    path = f"/tickets/{made['id']}"
    assert (await client.put(path, json={"ticket": safe})).status_code == 200
    assert (await client.put(path, json={"ticket": safe})).status_code == 409


async def test_a_closed_ticket_takes_no_update_but_a_follow_up(client: httpx.AsyncClient) -> None:
    number = (await _create(client)).json()["ticket"]["id"]
    early = await _create(client, via_followup_source_id=number)
    await client.put(f"/tickets/{number}", json={"ticket": {"status": "closed"}})
    late = await client.put(f"/tickets/{number}", json={"ticket": {"priority": "low"}})
    follow_up = await _create(client, via_followup_source_id=number)
    assert (early.status_code, late.status_code, follow_up.status_code) == (422, 422, 201)


async def test_a_suspended_requester_and_one_without_an_address_are_refused(
    zendesk: ZendeskImitation, client: httpx.AsyncClient
) -> None:
    user = zendesk.desk.add_user("Kim")
    zendesk.desk.state.users[user]["suspended"] = True
    suspended = await _create(client, requester_id=user)
    nameless = await _create(client, requester={"name": "Kim"})
    assert "is suspended" in suspended.text
    assert (suspended.status_code, nameless.status_code) == (422, 422)


async def test_a_users_external_id_is_found_whatever_its_case(client: httpx.AsyncClient) -> None:
    ids = []
    for name in ("AbC", "aBc"):
        user = {"user": {"name": "Kim", "external_id": name}}
        ids.append((await client.post("/users/create_or_update", json=user)).json()["user"]["id"])
    assert ids[0] == ids[1]


async def test_a_merge_is_a_job_that_closes_the_source(zendesk: ZendeskImitation, client: httpx.AsyncClient) -> None:
    zendesk.desk.job_seconds = 5
    source, target = [(await _create(client)).json()["ticket"]["id"] for _ in range(2)]
    job = (await client.post(f"/tickets/{target}/merge", json={"ids": [source]})).json()["job_status"]
    assert job["status"] == "queued"
    zendesk.now.now += 5  # type: ignore[attr-defined] - the test's clock
    assert (await client.get(f"/job_statuses/{job['id']}")).json()["job_status"]["results"][0]["success"] is True
    closed = (await client.get(f"/tickets/{source}")).json()["ticket"]
    assert (closed["status"], closed["tags"]) == ("closed", ["closed_by_merge"])


async def test_redaction_wants_the_comment_as_it_stands(client: httpx.AsyncClient) -> None:
    number = (await _create(client)).json()["ticket"]["id"]
    comment = (await client.get(f"/tickets/{number}/comments")).json()["comments"][0]
    path = f"/comment_redactions/{comment['id']}"
    wrong = await client.put(path, json={"ticket_id": number, "html_body": "<redact>Anders</redact>"})
    marked = comment["html_body"].replace("Hilfe", "<redact>Hilfe</redact>")
    right = await client.put(path, json={"ticket_id": number, "html_body": marked})
    assert (wrong.status_code, right.json()["comment"]["body"]) == (400, "▇▇▇▇▇")


async def test_the_export_leaves_the_last_minute_out_and_is_for_admins(
    zendesk: ZendeskImitation, client: httpx.AsyncClient
) -> None:
    await _create(client)
    start = int(zendesk.now()) - 65
    path = f"/incremental/ticket_events?start_time={start}"
    assert (await client.get(path)).json()["ticket_events"] == []
    assert (await client.get(f"/incremental/ticket_events?start_time={start + 60}")).status_code == 400
    zendesk.now.now += 60  # type: ignore[attr-defined] - the test's clock
    assert len((await client.get(path)).json()["ticket_events"]) == 1
    zendesk.desk.state.users[zendesk.user_id]["role"] = "agent"
    assert (await client.get(path)).status_code == 403


async def test_a_deleted_ticket_is_gone(client: httpx.AsyncClient) -> None:
    number = (await _create(client)).json()["ticket"]["id"]
    assert (await client.delete(f"/tickets/{number}")).status_code == 204
    assert (await client.get(f"/tickets/{number}")).status_code == 404


async def test_a_fault_waits_its_turn_and_passes(zendesk: ZendeskImitation, client: httpx.AsyncClient) -> None:
    zendesk.fault(Fault(method="GET", after=1, status=429, headers={"Retry-After": "3"}, body="<html></html>"))
    replies = [await client.get("/tickets") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 429, 200]
    assert (replies[1].headers["Retry-After"], replies[1].headers["Content-Type"][:9]) == ("3", "text/html")


@pytest.mark.parametrize("fault", [Fault(committed=True, cut=True), Fault(committed=True, hang=30.0)])
async def test_an_answer_is_lost_after_the_commit(zendesk: ZendeskImitation, fault: Fault) -> None:
    zendesk.fault(fault)
    async with _client(zendesk.url, zendesk, timeout=0.3) as client:
        with pytest.raises(httpx.TransportError):
            await _create(client)
    assert len(zendesk.desk.state.tickets) == 1


async def test_a_request_that_breaks_the_contract_is_refused_and_remembered() -> None:
    def on_request(seen: object) -> None:
        raise ValueError("prioritty is not allowed")

    async with ZendeskImitation(on_request=on_request) as imitation, _client(imitation.url, imitation) as client:
        assert (await client.get("/tickets")).status_code == 400
        assert imitation.violations == ["GET /api/v2/tickets: prioritty is not allowed"]


async def test_as_a_process_of_its_own_it_survives_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "zendesk.json"
    template = ZendeskImitation()
    for count in (1, 2):
        command = (sys.executable, "-m", "sinks.imitations.zendesk", "--state", str(file))
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().split()[3].rstrip(",")
        async with _client(url, template) as client:
            await client.post(f"{url}/_imitation/faults", json={"path": "/api/v2/search", "status": 500})
            assert (await client.get("/search")).status_code == 500
            await _create(client)
            state = json.loads((await client.get(f"{url}/_imitation/state")).content)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert len(state["tickets"]) == count
