"""What every crash and chaos test asks of a helpdesk: each ticket once, with every post on it."""

from typing import Any

import httpx

from records.tickets import Delivery, Ticket
from sinks.contract import Sink
from sinks.plan import changes
from sinks.render import named
from tests.servers import RequestTrackerServer


async def stands_once(sink: Sink, ticket: Ticket, entry: Delivery) -> None:
    """One remote ticket, with every post on it, and nothing left to write."""
    found = await sink.find(ticket.id)
    assert len(found) == 1, f"{sink.name} has {len(found)} tickets for {ticket.id}"
    remote = await sink.read(found[0].remote_id)
    assert remote is not None and entry.held is not None and entry.held.remote_id == remote.remote_id
    held = named(remote, ticket)
    missing = {p.id for p in ticket.posts if not p.removed} - set(held.posts)
    assert not missing, f"{sink.name}: {missing} missing on {ticket.id}"
    assert held.posts == entry.held.posts
    left = changes(held, ticket, sink.fields)
    assert not left.posts and left.rank_key is None and left.priority is None, left


async def rt_count(tracker: RequestTrackerServer) -> int:
    """Tickets in the queue; those merged away are not listed by Request Tracker."""
    async with httpx.AsyncClient(headers={"Authorization": f"token {tracker.token}"}, timeout=60) as client:
        query = {"query": f"Queue = '{tracker.queue}' AND id > 0", "per_page": "1"}
        answer: Any = (await client.get(f"{tracker.url}/REST/2.0/tickets", params=query)).json()
        return int(answer["total"])
