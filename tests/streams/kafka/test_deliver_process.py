"""`hilferuf deliver` killed, stopped and restarted as a process, with the helpdesk over HTTP."""

import asyncio
import json
import signal

import pytest

from sinks.imitations.zendesk import ZendeskImitation
from sinks.imitations.zendesk_faults import Fault
from tests.servers import free_port
from tests.streams.kafka.deliver_processes import Office, until, zendesk_settings
from tests.streams.kafka.deliver_rig import operation, tickets

CREATE = {"method": "POST", "path": "/api/v2/tickets"}


@pytest.fixture
async def helpdesk():
    async with ZendeskImitation() as imitation:
        yield imitation


@pytest.fixture
async def office(kafka, prefix, tmp_path, helpdesk):
    sinks = {"zendesk": zendesk_settings(helpdesk), "queue": {}}
    return await Office(kafka, prefix, tmp_path, sinks, helpdesk.token).open()


def creates(helpdesk):
    return [seen for seen in helpdesk.requests if (seen.method, seen.path) == ("POST", "/api/v2/tickets")]


def standing(helpdesk):
    return [ticket["external_id"] for ticket in helpdesk.desk.state.tickets.values()]


async def test_killed_before_the_answer_to_a_create_it_finds_the_ticket_after_its_restart(office, helpdesk):
    (call,) = tickets(1)
    helpdesk.fault(Fault(**CREATE, committed=True, hang=90))
    await office.put(operation(call))
    async with office.delivering("--sink", "zendesk", "--instance", "d1") as first:
        await until(lambda: asyncio.sleep(0, creates(helpdesk)))
        assert await first.end(signal.SIGKILL) == -signal.SIGKILL
    async with office.delivering("--sink", "zendesk", "--instance", "d1") as second:
        await second.delivered("zendesk", 1)
    assert len(creates(helpdesk)) == 1 and standing(helpdesk) == [call.id]


async def test_stopped_during_a_slow_write_it_leaves_in_good_time_and_the_next_one_goes_on(office, helpdesk):
    slow, quick = tickets(2)
    helpdesk.fault(Fault(**CREATE, committed=True, hang=90))
    await office.put(operation(slow))
    async with office.delivering("--sink", "zendesk") as first:
        await until(lambda: asyncio.sleep(0, creates(helpdesk)))
        await office.put(operation(quick))
        await first.delivered("zendesk", 1)
        began = asyncio.get_running_loop().time()
        assert await first.end(signal.SIGTERM) == 0
        assert asyncio.get_running_loop().time() - began < 40
    async with office.delivering("--sink", "zendesk") as second:
        await second.delivered("zendesk", 1)
    assert len(creates(helpdesk)) == 2 and sorted(standing(helpdesk)) == sorted([slow.id, quick.id])


async def test_a_ticket_refused_for_good_is_delivered_after_a_redrive_by_hand(office, helpdesk):
    (call,) = tickets(1)
    helpdesk.fault(Fault(**CREATE, status=422, body={"error": "RecordInvalid"}))
    await office.put(operation(call))
    async with office.delivering("--sink", "zendesk") as process:
        await process.measures('hilferuf_deliveries_total{outcome="dead",sink="zendesk"} 1.0')
        (letter,) = map(json.loads, (await office.call("dlq", "list", "--json")).splitlines())
        assert letter["origin"] == f"deliver/zendesk|{call.id}"
        assert "1 redriven" in await office.call("dlq", "redrive", letter["id"])
        await process.delivered("zendesk", 1)
    assert standing(helpdesk) == [call.id]


async def test_a_dead_helpdesk_holds_up_no_other_and_gets_its_tickets_when_it_is_back(kafka, prefix, tmp_path):
    calls = tickets(3)
    async with ZendeskImitation(port=free_port()) as helpdesk:
        settings = {"zendesk": zendesk_settings(helpdesk), "queue": {}}
    office = await Office(kafka, prefix, tmp_path, settings, helpdesk.token).open()
    await office.put(*(operation(ticket) for ticket in calls))
    async with office.delivering() as both:
        await both.delivered("queue", 3)
        await both.measures('hilferuf_deliveries_pending{sink="zendesk"} 3.0')
        async with helpdesk:
            await both.delivered("zendesk", 3)
            assert sorted(standing(helpdesk)) == sorted(ticket.id for ticket in calls)
            assert await both.end(signal.SIGTERM) == 0
