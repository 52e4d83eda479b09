"""Zendesk: removals that come late, in pieces, or where a ticket is closed, merged or deleted."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from records.errors import Transient
from sinks.imitations.zendesk import EXPLAIN_FIELD, ZendeskImitation
from sinks.imitations.zendesk_faults import Fault
from tests.sinks.contract_suite import a_post, a_ticket, deleted, deliver, erased, gone
from tests.sinks.zendesk_desk import Clock, ZendeskDesk
from tests.sinks.zendesk_requests import check


@pytest.fixture
async def desk() -> AsyncIterator[ZendeskDesk]:
    clock = Clock()
    async with ZendeskImitation(now=clock, on_request=check) as imitation:
        desk = ZendeskDesk(imitation, clock)
        yield desk
        await desk.sink.aclose()
        assert imitation.violations == []


async def test_an_erasure_that_broke_off_after_its_note_is_finished_by_the_next_try(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    held = await deliver(desk.sink, deleted(a_ticket()), 2, held)
    desk.imitation.fault(Fault(method="PUT", path="/api/v2/comment_redactions/.*", status=500))
    with pytest.raises(Transient):
        await deliver(desk.sink, erased(a_ticket()), 3, held)
    await deliver(desk.sink, erased(a_ticket()), 3, held, recovering=True)
    assert "Kim Beispiel" not in str(desk.comments(held.remote_id))


async def test_an_erasure_after_a_delete_reaches_a_closed_ticket(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    held = await deliver(desk.sink, deleted(a_ticket()), 2, held)
    desk.imitation.act(held.remote_id, status="closed")
    held = await deliver(desk.sink, erased(a_ticket()), 3, held)
    assert "Kim Beispiel" not in str(desk.comments(held.remote_id))
    assert f"Zendesk: ticket {held.remote_id} is closed and keeps its subject; delete it" in held.receipt


async def test_a_removal_delivered_again_sends_nothing(desk: ZendeskDesk) -> None:
    first = a_post(1, "Kundennummer 99887766")
    held = await deliver(desk.sink, a_ticket(first, a_post(2)))
    after = msgspec.structs.replace(a_ticket(gone(first), a_post(2)), subject="Hilfe")
    held = await deliver(desk.sink, after, 2, held)
    desk.imitation.requests.clear()
    await deliver(desk.sink, after, 3, held)
    assert [seen for seen in desk.imitation.requests if seen.method != "GET"] == []


async def test_a_subject_that_a_person_set_after_a_removal_is_left_alone(desk: ZendeskDesk) -> None:
    first = a_post(1, "Kundennummer 99887766")
    held = await deliver(desk.sink, a_ticket(first, a_post(2)))
    after = msgspec.structs.replace(a_ticket(gone(first), a_post(2)), subject="Hilfe")
    held = await deliver(desk.sink, after, 2, held)
    desk.imitation.act(held.remote_id, subject="Von Hand")
    await deliver(desk.sink, msgspec.structs.replace(after, rank_key=99_000_000), 3, held)
    assert desk.imitation.desk.state.tickets[int(held.remote_id)]["subject"] == "Von Hand"


async def test_former_explanations_in_a_custom_field_become_a_receipt(desk: ZendeskDesk) -> None:
    other = ZendeskDesk(desk.imitation, desk.clock, explain_field=EXPLAIN_FIELD)
    held = await deliver(other.sink, a_ticket())
    held = await deliver(other.sink, deleted(a_ticket()), 2, held)
    assert any(f"keeps its former custom field {EXPLAIN_FIELD}" in line for line in held.receipt)
    await other.sink.aclose()


async def test_a_merged_ticket_that_a_person_deleted_stops_no_redaction(desk: ZendeskDesk) -> None:
    winner = await deliver(desk.sink, a_ticket())
    other = a_ticket(a_post(2))
    loser = await deliver(desk.sink, other)
    merged = msgspec.structs.replace(other, status="merged", merged_into=a_ticket().id, posts=())
    await deliver(desk.sink, merged, 2, loser)
    await desk.person(loser.remote_id, "delete")
    winner = await deliver(desk.sink, a_ticket(gone(a_post(1)), a_post(2), subject="Hilfe"), 2, winner)
    assert winner.posts == {"x:1": "", "x:2": "1"}


async def test_redaction_reaches_a_ticket_that_was_merged_twice(desk: ZendeskDesk) -> None:
    secret = a_post(1, "Kundennummer 99887766")
    tickets = [a_ticket(secret), a_ticket(a_post(2)), a_ticket(a_post(3))]
    held = [await deliver(desk.sink, ticket) for ticket in tickets]
    for loser, winner in ((0, 1), (1, 2)):
        merged = msgspec.structs.replace(tickets[loser], status="merged", merged_into=tickets[winner].id, posts=())
        await deliver(desk.sink, merged, 2, held[loser])
    wanted = msgspec.structs.replace(tickets[2], posts=(gone(secret), a_post(2), a_post(3)))
    await deliver(desk.sink, wanted, 2, held[2])
    assert "99887766" not in str(desk.imitation.desk.state.comments)
