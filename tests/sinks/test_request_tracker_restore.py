"""Request Tracker: down, and back with an older database (SINKS case 17)."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from config.section import Secret
from config.settings import RequestTrackerSettings
from records.errors import Transient
from sinks.protocol import converge
from sinks.request_tracker import RequestTracker
from tests.servers import RequestTrackerServer

pytestmark = pytest.mark.rt
Make = Callable[..., Any]


async def test_case_17_down_then_restored_from_a_backup_nothing_is_lost_or_doubled(
    rt: RequestTrackerServer, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    settings = RequestTrackerSettings(url=rt.url, token=Secret(file=str(rt.folder / "token")), queue=rt.queue)
    sink = RequestTracker(settings)
    kept = make_ticket(make_post(1, "vorher"))
    held_kept = await converge(sink, make_delivery(kept))
    cursor = (await sink.observe(None)).cursor

    await asyncio.to_thread(rt.stop)
    with pytest.raises(Transient, match="connection failed"):
        await converge(sink, make_delivery(kept, held_kept, version=2))
    backup = rt.backup()
    await asyncio.to_thread(rt.start)

    lost = make_ticket(make_post(1, "danach"))
    held_lost = await converge(sink, make_delivery(lost))
    more = msgspec.structs.replace(kept, posts=(*kept.posts, make_post(2, "und noch eins")))
    held_kept = await converge(sink, make_delivery(more, held_kept, version=2))

    await asyncio.to_thread(rt.stop)
    rt.restore(backup)
    await asyncio.to_thread(rt.start)

    stranger = make_ticket(make_post(1, "jemand anders"), author_key="x:9")
    held_stranger = await converge(sink, make_delivery(stranger))
    assert held_stranger.remote_id == held_lost.remote_id  # the number went to somebody else
    again = await converge(sink, make_delivery(lost, held_lost, version=1))
    assert again.remote_id != held_lost.remote_id and again.posts == {"x:1": "1"}
    back = await converge(sink, make_delivery(more, held_kept, version=2))
    assert back.remote_id == held_kept.remote_id and back.posts == {"x:1": "1", "x:2": "1"}
    assert len(await sink.find(lost.id)) == len(await sink.find(kept.id)) == 1
    # The server is shared: what an agent did for another test within the second of the cursor is told too, and is not ours.
    ours = {kept.id, lost.id, stranger.id}
    assert [event for event in (await sink.observe(cursor)).events if event.ticket_id in ours] == []
    await sink.aclose()
