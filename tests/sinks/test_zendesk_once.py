"""Zendesk: a ticket exists once (cases 1, 3, 4, 5 and 10), and what was dropped is never called delivered (6, 7)."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from records.errors import Permanent, Transient
from sinks.imitations.zendesk import ZendeskImitation
from sinks.imitations.zendesk_faults import Fault
from tests.sinks.contract_suite import a_post, a_ticket, deliver, gone
from tests.sinks.zendesk_desk import Clock, ZendeskDesk
from tests.sinks.zendesk_requests import check


@pytest.fixture
async def desk() -> AsyncIterator[ZendeskDesk]:
    clock = Clock()
    async with ZendeskImitation(now=clock, on_request=check) as imitation:
        desk = ZendeskDesk(imitation, clock, timeout_seconds=1.0)
        yield desk
        await desk.sink.aclose()
        assert imitation.violations == []


LOSSES = {
    "cut": Fault(method="POST", path="/api/v2/tickets", committed=True, cut=True),
    "timeout": Fault(method="POST", path="/api/v2/tickets", committed=True, hang=2.0),
    "bad gateway": Fault(method="POST", path="/api/v2/tickets", committed=True, status=502, body="<html>nginx</html>"),
    "half an answer": Fault(method="POST", path="/api/v2/tickets", committed=True, status=201, body='{"ticket": {"id"'),
    "another's page": Fault(
        method="POST", path="/api/v2/tickets", committed=True, status=200, body="<title>Log in</title>"
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_case_1_a_create_whose_answer_is_lost_ends_as_one_ticket(desk: ZendeskDesk, loss: str) -> None:
    desk.imitation.fault(LOSSES[loss])
    with pytest.raises(Transient):
        await deliver(desk.sink, a_ticket())
    held = await deliver(desk.sink, a_ticket(), recovering=True)
    assert held.posts == {"x:1": "1"}
    assert await desk.count() == 1


@pytest.mark.parametrize(("method", "path"), [("POST", ".*"), ("PUT", ".*"), ("PUT", ".*redactions.*"), ("GET", ".*")])
async def test_case_1_any_answer_may_be_lost_and_nothing_is_written_twice(
    desk: ZendeskDesk, method: str, path: str
) -> None:
    posts = [a_post(number, f"Beitrag {number}.") for number in range(1, 5)]
    ticket = a_ticket(*posts[:3], gone(posts[3]))
    held = await deliver(desk.sink, a_ticket(posts[0], posts[3]))
    for after in range(12):
        desk.imitation.behave()
        desk.imitation.fault(Fault(method=method, path=path, after=after, committed=True, cut=True))
        try:
            await deliver(desk.sink, ticket, 2, held, recovering=True)
        except Transient:
            continue
    desk.imitation.behave()
    held = await deliver(desk.sink, ticket, 2, held, recovering=True)
    texts = await desk.texts(held.remote_id)
    assert [texts.count(f"Beitrag {number}.") for number in range(2, 5)] == [1, 1, 0]
    assert await desk.count() == 1


async def test_case_3_eight_racing_deliverers_end_as_one_ticket(desk: ZendeskDesk) -> None:
    sinks = [desk.another() for _ in range(8)]
    tries = [deliver(sink, a_ticket(a_post(1), a_post(2, f"Fassung {n}"))) for n, sink in enumerate(sinks)]
    await asyncio.gather(*tries, return_exceptions=True)
    held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2, "Fassung 0")), recovering=True)
    assert await desk.count() == 1
    assert held.posts == {"x:1": "1", "x:2": "1"}
    for sink in sinks:
        await sink.aclose()


async def test_case_3_duplicates_are_folded_into_the_oldest(desk: ZendeskDesk) -> None:
    first = await desk.sink.create(a_ticket())
    desk.clock.now += 3 * 3600  # the key has expired, so Zendesk makes another
    second = await desk.sink.create(a_ticket())
    assert first != second
    held = await deliver(desk.sink, a_ticket(), recovering=True)
    assert held.remote_id == first
    assert (await desk.sink.read(second)).remote_id == first  # type: ignore[union-attr] - it was just made
    assert await desk.count() == 1


async def test_case_4_the_lagging_search_index_is_never_asked(desk: ZendeskDesk) -> None:
    await deliver(desk.sink, a_ticket())
    await deliver(desk.sink, a_ticket(), recovering=True)
    assert desk.imitation.desk.search(desk.clock(), f"external_id:{a_ticket().id}") == []
    assert not any("/search" in seen.path for seen in desk.imitation.requests)
    assert await desk.count() == 1


async def test_case_5_the_same_create_again_is_a_hit(desk: ZendeskDesk) -> None:
    assert await desk.sink.create(a_ticket()) == await desk.sink.create(a_ticket())
    assert await desk.count() == 1


async def test_case_5_the_same_key_with_another_text_finds_the_ticket_that_is_there(desk: ZendeskDesk) -> None:
    first = await desk.sink.create(a_ticket(a_post(1)))
    again = await desk.sink.create(a_ticket(a_post(1, "geändert", revision="2")))
    assert first == again
    assert await desk.count() == 1


async def test_case_5_a_hit_on_a_deleted_ticket_makes_a_new_one(desk: ZendeskDesk) -> None:
    first = await desk.sink.create(a_ticket())
    await desk.person(first, "delete")
    assert await desk.sink.create(a_ticket()) != first
    assert await desk.count() == 1


async def test_case_5_a_key_used_for_a_ticket_since_deleted_and_another_text_is_no_dead_end(desk: ZendeskDesk) -> None:
    first = await desk.sink.create(a_ticket(a_post(1)))
    await desk.person(first, "delete")
    assert await desk.sink.create(a_ticket(a_post(1, "geändert", revision="2"))) != first


async def test_case_6_a_field_that_zendesk_drops_silently_is_reported_and_not_delivered(desk: ZendeskDesk) -> None:
    desk.imitation.desk.state.fields.clear()
    with pytest.raises(Permanent, match=r"dropped custom field 900001='96378000' \(holds None\)"):
        await deliver(desk.sink, a_ticket())


async def test_case_7_a_change_made_meanwhile_is_read_and_not_overwritten(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    number = held.remote_id
    before = await desk.sink.read(number)
    assert before is not None
    desk.imitation.act(number, priority="low")
    with pytest.raises(Transient, match="was changed while it was written") as caught:
        await desk.sink.write(before, a_ticket(rank_key=99_000_000))
    assert caught.value.retry_after == 1.0
    held = await deliver(desk.sink, a_ticket(priority="urgent"), 2, held)
    assert (held.priority, held.human) == ("low", ("priority",))


async def test_case_7_a_priority_set_by_a_person_before_a_crash_was_mended_is_kept(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())  # the ledger never hears of this
    desk.imitation.act(held.remote_id, priority="low")
    held = await deliver(desk.sink, a_ticket(priority="urgent"), recovering=True)
    assert (held.priority, held.human) == ("low", ("priority",))


async def test_case_10_a_burst_of_replies_out_of_order_is_one_ticket_with_ordered_comments(desk: ZendeskDesk) -> None:
    posts = [a_post(number, f"Antwort {number:02d}.") for number in range(1, 21)]
    shuffled = posts[5:]
    random.Random(7).shuffle(shuffled)
    held = None
    for version, known in enumerate((posts[:2], posts[:5], [*posts[:5], *shuffled]), 1):
        ticket = a_ticket(*sorted(known, key=lambda p: p.occurred_at))
        held = await deliver(desk.sink, ticket, version, held)
    assert held is not None
    texts = await desk.texts(held.remote_id)
    places = [texts.rindex(f"Antwort {number:02d}.") for number in range(1, 21)]
    assert places == sorted(places)
    assert await desk.count() == 1
