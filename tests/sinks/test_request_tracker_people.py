"""Request Tracker: what people do there, and who is who (SINKS cases 12, 13; feedback as in 18)."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from records.errors import Permanent
from sinks.protocol import converge
from sinks.request_tracker import RequestTracker

pytestmark = pytest.mark.rt
Make = Callable[..., Any]


async def test_case_12_a_post_on_a_resolved_ticket_reopens_it(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    held = await converge(sink, make_delivery(ticket))
    await desk.ask("PUT", f"/ticket/{held.remote_id}", {"Status": "resolved"})
    solved = await converge(sink, make_delivery(ticket, held, version=2))
    assert (solved.status, solved.human) == ("solved", ("status",))
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2, "geht wieder nicht")))
    held = await converge(sink, make_delivery(more, solved, version=3))
    assert (held.status, held.remote_id, held.human) == ("open", solved.remote_id, ())
    assert len(await desk.tickets(ticket)) == 1


async def test_case_12_solved_and_withdrawn_close_it(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    for status, there in (("solved", "resolved"), ("withdrawn", "rejected")):
        ticket = make_ticket()
        held = await converge(sink, make_delivery(ticket))
        over = msgspec.structs.replace(ticket, status=status)
        held = await converge(sink, make_delivery(over, held, version=2))
        assert (await desk.ask("GET", f"/ticket/{held.remote_id}"))["Status"] == there
        assert held.status == status


async def test_case_12_deleted_stays_deleted_until_the_author_speaks_again(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    held = await converge(sink, make_delivery(ticket))
    await desk.ask("PUT", f"/ticket/{held.remote_id}", {"Status": "deleted"})
    gone = await converge(sink, make_delivery(msgspec.structs.replace(ticket, rank_key=5), held, version=2))
    assert gone.gone and gone.remote_id == held.remote_id and await desk.tickets(ticket) == []
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2, "Hallo? Hilfe!")))
    new = await converge(sink, make_delivery(more, gone, version=3))
    assert not new.gone and [str(number) for number in await desk.tickets(ticket)] == [new.remote_id] != [
        held.remote_id
    ]


async def test_case_12_merged_by_a_person_into_another_ticket(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(priority="urgent")
    held = await converge(sink, make_delivery(ticket))
    other = await desk.ask("POST", "/ticket", {"Queue": "Social", "Subject": "Störung Nord", "Priority": 10})
    await desk.ask("PUT", f"/ticket/{held.remote_id}", {"MergeInto": other["id"]})
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2, "auch hier")), rank_key=7)
    held = await converge(sink, make_delivery(more, held, version=2))
    raw = await desk.ask("GET", f"/ticket/{other['id']}")
    assert held.remote_id == other["id"] and raw["Priority"] == "10" and raw["Subject"] == "Störung Nord"
    assert any("auch hier" in text for text in await desk.texts(other["id"]))
    assert len(await desk.tickets(ticket)) == 1
    assert await converge(sink, make_delivery(more, held, version=2)) == held


async def test_case_12_moved_to_another_queue_it_is_still_the_same_ticket(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    held = await converge(sink, make_delivery(ticket))
    await desk.ask("PUT", f"/ticket/{held.remote_id}", {"Queue": "Billing"})
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2, "hallo?")), rank_key=7)
    after = await converge(sink, make_delivery(more, None, version=2, recovering=True))
    assert after.remote_id == held.remote_id and "rank_key" in after.human and after.posts == {"x:1": "1", "x:2": "1"}


async def test_case_12_moved_out_of_sight_stops_no_other_ticket(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    held = await converge(sink, make_delivery(ticket))
    await desk.ask("PUT", f"/ticket/{held.remote_id}", {"Queue": "Legal"})
    with pytest.raises(Permanent, match="moved to a queue without rights"):
        await converge(sink, make_delivery(msgspec.structs.replace(ticket, rank_key=7), held, version=2))


async def test_a_persons_edit_is_never_written_over(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(priority="low", subject="alt")
    held = await converge(sink, make_delivery(ticket))
    edits = {"Priority": 100, "Subject": "Von Hand", "CustomFields": {"Rank": "0000000007"}}
    await desk.ask("PUT", f"/ticket/{held.remote_id}", edits)
    wanted = msgspec.structs.replace(ticket, priority="normal", rank_key=99_000_000, subject="neu")
    for version in (2, 3):
        held = await converge(sink, make_delivery(wanted, held, version=version, recovering=version == 3))
        assert (held.priority, held.rank_key) == ("urgent", 7)
        assert held.human == ("priority", "rank_key", "subject")
    assert (await desk.ask("GET", f"/ticket/{held.remote_id}"))["Subject"] == "Von Hand"


async def test_case_13_people_of_one_name_never_share_a_ticket_or_a_user(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    same = {"author_name": "Alex Muster", "author_handle": None, "subject": "Hilfe"}
    tickets = [make_ticket(author_key=key, **same) for key in ("x:1", "x:2", "mastodon:1")]
    held = [await converge(sink, make_delivery(ticket)) for ticket in tickets]
    assert len({one.remote_id for one in held}) == 3
    for one in held:
        raw = await desk.ask("GET", f"/ticket/{one.remote_id}")
        assert raw["Requestor"] == []  # documented: nobody to mail; the author stands in every text
        assert (await desk.texts(one.remote_id))[0].startswith("Alex Muster schrieb")


async def test_case_13_a_requestor_from_the_settings_stands_on_every_ticket(
    rt_settings: Any, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    sink = RequestTracker(msgspec.structs.replace(rt_settings, requestor="social-media@desk.example"))
    held = await converge(sink, make_delivery(make_ticket(author_handle="@user@social.example")))
    raw = await desk.ask("GET", f"/ticket/{held.remote_id}")
    assert [user["id"] for user in raw["Requestor"]] == ["social-media@desk.example"]
    await sink.aclose()


async def test_observe_tells_what_people_did_once_and_not_what_we_did(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    held = await converge(sink, make_delivery(ticket))
    start = await sink.observe(None)
    assert start.events == ()
    number = held.remote_id
    await desk.ask("POST", f"/ticket/{number}/correspond", {"Content": "Wir sehen nach", "ContentType": "text/plain"})
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2, "danke")))
    await converge(sink, make_delivery(more, held, version=2))
    await desk.ask("PUT", f"/ticket/{number}", {"Priority": 33})
    first = await sink.observe(start.cursor)
    await desk.ask("PUT", f"/ticket/{number}", {"Status": "resolved"})  # most likely within the same second
    second = await sink.observe(first.cursor)
    third = await sink.observe(second.cursor)
    ours = [
        [(event.what, event.value) for event in seen.events if event.ticket_id == ticket.id]
        for seen in (first, second, third)
    ]
    assert ours == [[("answered", None), ("priority", "33")], [("solved", "resolved")], []]
    again = await sink.observe(start.cursor)  # the cursor was not stored: told again under the same ids
    assert {event.id for event in first.events} <= {event.id for event in again.events}


async def test_observe_loses_nothing_under_steady_changes(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    held = await converge(sink, make_delivery(ticket))
    cursor = (await sink.observe(None)).cursor
    told: list[str | None] = []

    async def change() -> None:
        for number in range(1, 13):
            await desk.ask("PUT", f"/ticket/{held.remote_id}", {"Priority": number})

    changing = asyncio.create_task(change())
    while True:
        last = changing.done()
        seen = await sink.observe(cursor)
        cursor = seen.cursor
        told += [event.value for event in seen.events if event.ticket_id == ticket.id]
        if last:
            break
    assert told == [str(number) for number in range(1, 13)]
