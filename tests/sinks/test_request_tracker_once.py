"""Request Tracker: a ticket exists once (SINKS cases 1, 2, 3, 10, 11). It has no unique key and no idempotency."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from config.settings import RequestTrackerSettings
from records.errors import Transient
from records.tickets import Held
from sinks.protocol import converge
from sinks.request_tracker import RequestTracker
from tests.proxy import LosingProxy

pytestmark = pytest.mark.rt
Make = Callable[..., Any]


@pytest.fixture
async def lossy(rt: Any, rt_settings: RequestTrackerSettings) -> AsyncIterator[tuple[LosingProxy, RequestTracker]]:
    proxy = LosingProxy(rt.port)
    await proxy.start()
    sink = RequestTracker(msgspec.structs.replace(rt_settings, url=proxy.url))
    yield proxy, sink
    await sink.aclose()
    await proxy.stop()


async def test_case_1_answer_of_the_create_is_lost(
    lossy: Any, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    proxy, sink = lossy
    ticket = make_ticket()
    proxy.lose_next(lambda method, path: method == "POST" and path.endswith("/ticket"))
    with pytest.raises(Transient, match="outcome unknown"):
        await converge(sink, make_delivery(ticket))
    held = await converge(sink, make_delivery(ticket, recovering=True))
    assert [str(number) for number in await desk.tickets(ticket)] == [held.remote_id]
    assert held.posts == {"x:1": "1"}


async def test_case_1_answers_of_any_write_are_lost(
    lossy: Any, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    proxy, sink = lossy
    ticket = make_ticket(*(make_post(number, f"Beitrag {number}") for number in range(1, 4)))
    proxy._lose, proxy._random = 0.8, random.Random(1)
    held: Held | None = None
    for _ in range(40):
        try:
            held = await converge(sink, make_delivery(ticket, held, recovering=True))
        except Transient:
            continue
        break
    assert held is not None and sum(lost for _, _, lost in proxy.log) > 2
    assert len(await desk.tickets(ticket)) == 1
    texts = await desk.texts(held.remote_id)
    assert [sum(f"Beitrag {number}\n" in text for text in texts) for number in range(1, 4)] == [1, 1, 1]


_KILLED_AFTER_CREATE = """
import asyncio, os, signal, sys
import httpx, msgspec
from config.settings import RequestTrackerSettings
from records.tickets import Delivery
from sinks.protocol import converge
from sinks.request_tracker import RequestTracker

class Dying(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        if request.method == "POST" and request.url.path.endswith("/ticket"):
            os.kill(os.getpid(), signal.SIGKILL)
        return response

settings = msgspec.json.decode(sys.argv[1], type=RequestTrackerSettings)
delivery = msgspec.json.decode(sys.argv[2], type=Delivery)
asyncio.run(converge(RequestTracker(settings, transport=Dying()), delivery))
"""


async def test_case_2_killed_between_create_and_result(
    sink: RequestTracker, rt_settings: Any, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    arguments = [msgspec.json.encode(rt_settings).decode(), msgspec.json.encode(make_delivery(ticket)).decode()]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED_AFTER_CREATE, *arguments, env={**os.environ, "PYTHONPATH": "."}
    )
    assert await process.wait() == -signal.SIGKILL
    assert len(await desk.tickets(ticket)) == 1
    held = await converge(sink, make_delivery(ticket, recovering=True))
    assert [str(number) for number in await desk.tickets(ticket)] == [held.remote_id]


async def test_case_3_eight_racing_deliverers_end_as_one_ticket(
    rt_settings: Any, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket()
    created: list[str] = []
    together = asyncio.Barrier(8)

    class Racing(RequestTracker):
        async def create(self, ticket: Any, follows: str | None = None) -> str:
            await together.wait()  # nobody has created yet when all have looked: the worst case
            created.append(number := await super().create(ticket, follows))
            return number

    async def deliver() -> Held:
        sink = Racing(rt_settings)
        recovering = False
        try:
            while True:
                try:
                    return await converge(sink, make_delivery(ticket, recovering=recovering))
                except Transient:
                    recovering = True
                    await asyncio.sleep(random.uniform(0.05, 0.3))
        finally:
            await sink.aclose()

    everyone = await asyncio.gather(*(deliver() for _ in range(8)))
    numbers = await desk.tickets(ticket)
    assert len(created) == 8 and len(set(created)) == 8
    assert len(numbers) == 1
    last = await converge(rt := RequestTracker(rt_settings), make_delivery(ticket, everyone[-1]))
    await rt.aclose()
    assert last.remote_id == str(numbers[0]) == min(created, key=int)
    raw = await desk.ask("GET", f"/ticket/{last.remote_id}")
    assert [field["values"] for field in raw["CustomFields"] if field["name"] == "ExternalId"] == [[ticket.id]]


async def test_case_10_a_burst_out_of_order_is_one_ordered_ticket(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    posts = [make_post(number, f"Nachricht Nr. {number}.") for number in range(1, 21)]
    shuffled = random.Random(7).sample(posts, 20)
    if shuffled[0] is posts[0]:
        shuffled.reverse()
    ticket = make_ticket(*shuffled)
    held = await converge(sink, make_delivery(ticket))
    texts = await desk.texts(held.remote_id)
    assert [text.split("Nachricht Nr. ")[1].split(".")[0] for text in texts] == [str(number) for number in range(1, 21)]
    assert len(await desk.tickets(ticket)) == 1


async def test_case_10_the_reply_comes_before_the_root(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(make_post(5, "und noch immer nichts", kind="reply"))
    held = await converge(sink, make_delivery(ticket))
    later = msgspec.structs.replace(ticket, posts=(make_post(1, "Router defekt"), *ticket.posts))
    held = await converge(sink, make_delivery(later, held, version=2))
    assert held.posts == {"x:5": "1", "x:1": "1"}
    assert len(await desk.texts(held.remote_id)) == 2 and len(await desk.tickets(ticket)) == 1


async def test_case_11_edits_and_deletes_stay_on_the_same_ticket(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(make_post(1, "geheim"), make_post(2, "falsh"), subject="geheim")
    first = await converge(sink, make_delivery(ticket))
    posts = (make_post(1, None, removed=True, revision="2"), make_post(2, "falsch", revision="2", edited=True))
    changed = msgspec.structs.replace(ticket, posts=posts, subject="Ein Beitrag")
    held = await converge(sink, make_delivery(changed, first, version=2))
    assert held.remote_id == first.remote_id and len(await desk.tickets(ticket)) == 1
    assert held.posts == {"x:1": "", "x:2": "2"}
    assert "geändert" in (await desk.texts(held.remote_id, "Correspond"))[-1]
    assert (await desk.ask("GET", f"/ticket/{held.remote_id}"))["Subject"] == "Ein Beitrag"
    assert all("rt-shredder" in line and "geheim" not in line for line in held.receipt)
    assert [line.split(", ")[1].split(":")[0] for line in held.receipt] == ["text", "old subject"]
    again = await converge(sink, make_delivery(changed, None, version=2, recovering=True))
    assert again == held


async def test_twice_does_nothing_the_second_time(
    lossy: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    proxy, sink = lossy
    ticket = make_ticket(make_post(1), make_post(2, "weiter nichts"))
    held = await converge(sink, make_delivery(ticket))
    proxy.log.clear()
    assert await converge(sink, make_delivery(ticket, held)) == held
    assert {method for method, _, _ in proxy.log} == {"GET"}


async def test_never_created_and_withdrawn_creates_nothing(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(status="withdrawn")
    assert (await converge(sink, make_delivery(ticket))).remote_id == ""
    assert (await converge(sink, make_delivery(ticket, recovering=True))).remote_id == ""
    assert await desk.tickets(ticket) == []


async def test_merge_of_two_tickets_of_ours(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    one, two = make_ticket(make_post(1, "erstens")), make_ticket(make_post(2, "zweitens"))
    held_one, held_two = [await converge(sink, make_delivery(ticket)) for ticket in (one, two)]
    merged = msgspec.structs.replace(two, status="merged", merged_into=one.id)
    after = await converge(sink, make_delivery(merged, held_two, version=2))
    assert after.remote_id == after.merged_into == held_one.remote_id
    whole = msgspec.structs.replace(one, posts=(*one.posts, *two.posts))
    held = await converge(sink, make_delivery(whole, held_one, version=2))
    assert held.posts == {"x:1": "1", "x:2": "1"} and len(await desk.texts(held.remote_id)) == 2
    assert await converge(sink, make_delivery(merged, after, version=2)) == after
