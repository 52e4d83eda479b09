"""Request Tracker: what it drops without a word is found, what is newer stays (SINKS cases 6, 7, 15)."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from records.errors import Permanent, Refused
from sinks.protocol import converge
from sinks.request_tracker import RequestTracker

pytestmark = pytest.mark.rt
Make = Callable[..., Any]


@pytest.mark.parametrize("field", ["rank_field", "external_id_field"])
async def test_case_6_a_custom_field_that_is_not_there(
    rt_settings: Any, make_ticket: Make, make_delivery: Make, field: str
) -> None:
    sink = RequestTracker(msgspec.structs.replace(rt_settings, **{field: "Missing"}))
    try:
        with pytest.raises(Permanent, match=r"dropped .*custom field Missing='?"):
            await converge(sink, make_delivery(make_ticket(rank_key=12)))
    finally:
        await sink.aclose()


async def test_case_6_a_value_that_the_field_refuses(
    sink: RequestTracker, make_ticket: Make, make_delivery: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "_rank", lambda rank: f"hoch {rank}")
    with pytest.raises(Permanent, match="Could not add a new value to custom field 'Rank'"):
        await converge(sink, make_delivery(make_ticket()))


async def test_case_6_a_status_that_does_not_exist(
    sink: RequestTracker, make_ticket: Make, make_delivery: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sinks.request_tracker").request_tracker._STATUS, "solved", "nosuch")
    with pytest.raises(Permanent, match="isn't a valid status"):
        await converge(sink, make_delivery(make_ticket(status="solved")))


async def test_case_6_a_requestor_that_is_dropped(rt_settings: Any, make_ticket: Make, make_delivery: Make) -> None:
    sink = RequestTracker(msgspec.structs.replace(rt_settings, requestor="@anna@social.example"))
    try:
        with pytest.raises(Permanent, match=r"dropped requestor '@anna@social\.example'"):
            await converge(sink, make_delivery(make_ticket()))
    finally:
        await sink.aclose()


async def test_case_7_an_older_version_that_comes_late_is_skipped(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(rank_key=900)
    held = await converge(sink, make_delivery(ticket, version=5))
    late = msgspec.structs.replace(ticket, rank_key=200)
    assert await converge(sink, make_delivery(late, held, version=4)) == held
    assert (await sink.read(held.remote_id)).rank_key == 900  # type: ignore[union-attr]


async def test_case_7_a_change_between_read_and_write_is_read_again(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(priority="low")
    held = await converge(sink, make_delivery(ticket))
    number, ask, refused = held.remote_id, sink._rest.http.request, []

    async def request(method: str, path: str, **more: Any) -> Any:
        if method == "PUT" and not refused:
            await desk.ask("PUT", f"/ticket/{number}", {"Priority": 61})
        reply = await ask(method, path, **more)
        refused.extend([path] if reply.status == 412 else [])
        return reply

    sink._rest.http.request = request  # type: ignore[method-assign]
    wanted = msgspec.structs.replace(ticket, priority="urgent", rank_key=ticket.rank_key + 900)
    after = await converge(sink, make_delivery(wanted, held, version=2))
    assert refused == [f"/ticket/{number}"]
    assert (after.priority, after.human, after.rank_key) == ("61", ("priority",), wanted.rank_key)


@pytest.mark.parametrize(("rank", "stands"), [(-1, 0), (float("nan"), 0), (1e9, 10**9), (2**63, 2**31 - 1)])
async def test_case_15_ranks_out_of_range(
    sink: RequestTracker, make_ticket: Make, make_delivery: Make, rank: Any, stands: int
) -> None:
    assert (await converge(sink, make_delivery(make_ticket(rank_key=rank)))).rank_key == stands


async def test_case_15_the_queue_can_be_sorted_by_rank(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    held = [await converge(sink, make_delivery(make_ticket(rank_key=rank))) for rank in (96_000_000, 9, 200_000_000)]
    numbers = [one.remote_id for one in held]
    query = "%20OR%20".join(f"id={number}" for number in numbers)
    found = await desk.ask("GET", f"/tickets?query={query}&orderby=CF.%7BRank%7D&order=DESC")
    assert [item["id"] for item in found["items"]] == [numbers[2], numbers[0], numbers[1]]


async def test_a_small_move_of_the_due_time_is_not_written(
    rt_settings: Any, make_ticket: Make, make_delivery: Make
) -> None:
    sink = RequestTracker(rt_settings)  # rerank_minutes: 5
    ticket = make_ticket(rank_key=90_000_000)
    held = await converge(sink, make_delivery(ticket))
    small = msgspec.structs.replace(ticket, rank_key=90_000_004, explanation=("etwas anders",))
    large = msgspec.structs.replace(small, rank_key=90_000_005)
    held = await converge(sink, make_delivery(small, held, version=2))
    assert held.rank_key == 90_000_000
    held = await converge(sink, make_delivery(large, held, version=3))
    assert held.rank_key == 90_000_005
    await sink.aclose()


async def test_a_wrong_token_is_refused_and_not_shown(rt_settings: Any, make_ticket: Make, make_delivery: Make) -> None:
    sink = RequestTracker(rt_settings, token="1-99-0123456789abcdef")
    with pytest.raises(Refused) as caught:
        await converge(sink, make_delivery(make_ticket()))
    assert "0123456789abcdef" not in str(caught.value)
    await sink.aclose()


async def test_check_finds_nothing_wrong_where_all_is_well(sink: RequestTracker) -> None:
    assert await sink.check() == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"queue": "Nirgends"}, "queue 'Nirgends' does not exist or the user lacks the right SeeQueue"),
        ({"rank_field": "Rang"}, "the custom field 'Rang' is not applied"),
        ({"url": "http://127.0.0.1:1"}, "connection failed"),
    ],
)
async def test_check_says_what_is_missing(rt_settings: Any, changes: dict[str, str], says: str) -> None:
    sink = RequestTracker(msgspec.structs.replace(rt_settings, **changes))
    assert any(says in line for line in await sink.check())
    await sink.aclose()
