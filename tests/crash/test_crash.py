"""Killed again and again, answers lost after the work was done: every call for help is on exactly one ticket.

Rounds: HILFERUF_CRASH_ROUNDS (default 5; `make crash` runs 60); seed: HILFERUF_CRASH_SEED.
"""

import asyncio
import os
import random
from collections.abc import Iterator

import pytest

from config.settings import load_settings
from hilferuf.rules import rules_of
from records.normalise import normalise_mention
from records.tickets import Ticket
from records.times import DAY, from_ms
from sinks.contract import Sink
from sinks.request_tracker import RequestTracker
from sinks.zendesk import Zendesk
from streams.memory import MemoryEngine, ranked
from streams.store import Store, connect
from streams.topology import stages
from tests.crash.desk import START, Desk
from tests.crash.oracle import rt_count, stands_once
from tests.servers import RequestTrackerServer, discard, start_request_tracker

ROUNDS = int(os.environ.get("HILFERUF_CRASH_ROUNDS", "5"))
PER_ROUND = 8  # mentions
EARLY = 0.15  # of all kills: while the service still starts
NOW = from_ms(START + 365 * DAY)  # any time after the story
SEED = int(os.environ.get("HILFERUF_CRASH_SEED", "1"))


@pytest.fixture
def tracker() -> Iterator[RequestTrackerServer]:
    server = start_request_tracker(workers=2)
    yield server
    discard(server)


@pytest.mark.rt
@pytest.mark.timeout(3600)
async def test_no_kill_loses_a_call_for_help_or_doubles_a_ticket(tmp_path, tracker):
    chance = random.Random(SEED)
    async with Desk(tmp_path, tracker, SEED) as desk:
        for _ in range(ROUNDS):
            await desk.start()
            sending = asyncio.create_task(desk.send(PER_ROUND))
            if chance.random() < EARLY:
                await asyncio.sleep(chance.uniform(0.2, 1.5))  # while it starts
            else:
                await desk.heard_something()
                await asyncio.sleep(chance.uniform(0.0, 2.5))
            await desk.kill()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        for proxy in desk.proxies:
            proxy.calm()  # the last drain loses nothing: it is to end
        await desk.start()
        await desk.send(1)
        await desk.settled(120 + 10 * ROUNDS)
        assert await desk.end() == 0
        await judge_by_the_oracle(desk)


async def judge_by_the_oracle(desk: Desk) -> None:
    """Compare the accepted mentions, played in memory, with the ledger and with what each helpdesk holds."""
    wanted = {frozenset(p.id for p in t.posts if not p.removed) for t in in_memory(desk)}
    store = Store(connect(desk.folder / "data" / "hilferuf.db"))
    tickets = store.tickets(("open", "answered", "solved"), 100_000)
    assert {frozenset(p.id for p in t.posts if not p.removed) for t in tickets} == wanted
    assert len(tickets) == len(wanted), "two tickets hold the same posts"
    lost = sum(was for proxy in desk.proxies for _, _, was in proxy.log)
    print(f"{ROUNDS} kills, {len(desk.accepted)} mentions accepted, {len(tickets)} tickets, {lost} answers lost")
    settings = load_settings(desk.settings).settings.sinks
    assert settings.request_tracker is not None and settings.zendesk is not None
    sinks: list[tuple[Sink, int]] = [
        (RequestTracker(settings.request_tracker, token=desk.tracker.token), await rt_count(desk.tracker)),
        (Zendesk(settings.zendesk, token=desk.zendesk.token), zendesk_count(desk)),
    ]
    for sink, count in sinks:
        ledger = {entry.ticket_id: entry for entry in store.deliveries(sink.name)}
        assert all(entry.state == "settled" for entry in ledger.values()), [e.error for e in ledger.values() if e.error]
        for ticket in tickets:
            await stands_once(sink, ticket, ledger[ticket.id])
        standing = [e for e in ledger.values() if e.held and e.held.remote_id and e.wanted.ticket.status != "merged"]
        assert count == len(standing), f"{sink.name} holds tickets that the ledger does not know"
        await sink.aclose()
    store.sql.close()


def in_memory(desk: Desk) -> list[Ticket]:
    """The queue that the accepted mentions deserve."""
    rules = rules_of(load_settings(desk.settings))
    engine = MemoryEngine(stages(rules.lexicon, rules.strategy, rules.loaded.settings))
    engine.play(normalise_mention(event, observed_at=NOW, listener="webhook") for event in desk.accepted)
    return ranked(operation.ticket for operation in engine.tickets.values())


def zendesk_count(desk: Desk) -> int:
    """Tickets that were not merged away."""
    merged = [t for t in desk.zendesk.desk.state.tickets.values() if t["status"] == "closed"]
    return len(desk.zendesk.desk.state.tickets) - len(merged)
