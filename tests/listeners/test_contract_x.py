"""The listeners' contract, kept by X, and what only a stream can do wrong."""

import asyncio

import pytest

from listeners.imitations.x import Fault
from tests.listeners.contract_cases import *  # noqa: F403
from tests.listeners.contract_cases import Mortal, Run, begin
from tests.listeners.x_rig import SECRET, XRig


@pytest.fixture
async def rig(clock, monkeypatch):
    monkeypatch.setenv("X_RIG_TOKEN", SECRET)
    rig = XRig(clock)
    await rig.x.start()
    yield rig
    await rig.x.stop()


async def whole(rig, out):
    """The catch-up behind the connection is through."""
    await out.until(lambda: len(rig.x.searches) >= 2 and not out.cursors["x"].get("sweeps"))


async def test_a_closed_connection_is_opened_again_and_its_gap_is_caught_up(rig, out):
    async with Run(rig, out) as run:
        await whole(rig, out)
        rig.x.cut()
        rig.x.unstreamed = 1
        await run.heard([rig.write("@nordfunk in der Lücke")])
        assert run.listener.health().reconnects >= 1


async def test_a_server_that_closes_at_once_sees_few_connections(rig, out):
    rig.x.stream_faults.extend([Fault("close")] * 500)
    begun = rig.clock.now()
    async with Run(rig, out):
        async with asyncio.timeout(20):
            while rig.clock.now() - begun < 3 * 900_000:
                await asyncio.sleep(0.005)
    assert rig.x.connects <= 45 * 4
    assert rig.x.connects >= 45


async def test_duplicates_are_passed_on_and_harm_nothing(rig, out):
    rig.x.twice = True
    async with Run(rig, out) as run:
        await whole(rig, out)
        written = rig.write("@nordfunk doppelt")
        await run.heard([written])
        await out.until(lambda: out.ids.count(written) >= 2)


async def test_disorder_loses_nothing_after_a_restart(rig, out):
    async with Run(rig, out) as run:
        await whole(rig, out)
        rig.x.held = 3
        late = [rig.write(f"@nordfunk Nummer {n}") for n in range(3)]
        await out.until(lambda: late[2] in out.ids)
    out.mentions.clear()  # as if the two that came after it had not become durable
    async with Run(rig, out) as run:
        await run.heard(late)


@pytest.mark.parametrize("fault", [Fault("half_line"), Fault("reset"), Fault("disconnect")])
async def test_a_cut_inside_a_line_is_caught_up_and_is_no_dead_letter(rig, out, fault):
    await begin(rig, out)
    rig.x.stream_faults.append(fault)
    async with Run(rig, out) as run:
        await run.heard([rig.write("@nordfunk abgeschnitten")])
        await run.says("live")
    assert out.bad == []


async def test_silence_without_keep_alives_is_noticed(rig, out):
    rig.x.stream_faults.append(Fault("stall"))
    async with Run(rig, out) as run:
        async with asyncio.timeout(5):
            while rig.x.connects < 2:
                await asyncio.sleep(0.01)
        await run.heard([rig.write("@nordfunk nach der Stille")])


async def test_keep_alives_hold_a_silent_connection(rig, out):
    stall = 1.0
    rig.more = {"stall_seconds": stall}
    async with Run(rig, out) as run:
        await run.says("live")
        enough = rig.x.keep_alives + 2 * stall / rig.x.keep_alive  # twice as long as silence is borne
        async with asyncio.timeout(60):
            while rig.x.keep_alives < enough:
                await asyncio.sleep(rig.x.keep_alive)
        assert rig.x.connects == 1


async def test_the_catch_up_asks_again_because_the_index_lags(rig, out):
    await begin(rig, out)
    rig.x.index_lag = 30.0
    rig.clock.advance(20)
    missed = rig.write("@nordfunk eben noch")
    rig.clock.advance(5)
    async with Run(rig, out) as run:
        await run.heard([missed])
    assert len(rig.x.searches) >= 2


async def test_a_gap_of_more_than_seven_days_is_marked_on_the_next_mention(rig, out):
    await begin(rig, out)
    rig.write("@nordfunk für immer weg")
    rig.clock.advance(8 * 86_400)
    reachable = rig.write("@nordfunk noch da")
    out.mentions.clear()
    async with Run(rig, out) as run:
        await run.heard([reachable])
        await run.says("live")
        later = rig.write("@nordfunk später")
        await run.heard([later])
    assert [mention.id for mention in out.mentions if mention.ingest.gap_before] == [reachable]
    assert any("start_time" in search for search in rig.x.searches)


async def test_a_quiet_week_is_no_gap(rig, out):
    async with Run(rig, out) as run:
        await run.says("live")
        await run.heard([rig.write("@nordfunk erste")])
        await whole(rig, out)
        rig.clock.advance(8 * 86_400)
        before = out.calls
        await out.until(lambda: out.calls > before)  # a keep-alive says that the stream is whole
    out.mentions.clear()
    async with Run(rig, out) as run:
        await run.heard([rig.write("@nordfunk zweite")])
    assert not any(mention.ingest.gap_before for mention in out.mentions)


async def test_a_full_queue_drops_the_connection_and_catches_up(rig, out):
    rig.options = {"queue_limit": 5}
    async with Run(rig, out) as run:
        await run.says("live")
        out.block = asyncio.Event()
        written = [rig.write(f"@nordfunk Flut {n}") for n in range(40)]
        async with asyncio.timeout(5):
            while rig.x.open_connections:
                await asyncio.sleep(0.005)
        out.block.set()
        await run.heard(written)


async def test_a_burst_reaches_the_engine_in_order(rig, out):
    async with Run(rig, out) as run:
        await whole(rig, out)
        written = [rig.write(f"@nordfunk Stoß {n}") for n in range(300)]
        await run.heard(written)
    first = [out.ids.index(one) for one in written]
    assert first == sorted(first)


async def test_an_unknown_event_is_counted_and_passed_over(rig, out):
    async with Run(rig, out) as run:
        await whole(rig, out)
        rig.x.misbehave(Fault("garbage", body=b'{"event": "something new"}'))
        await run.heard([rig.write("@nordfunk weiter")])
        assert run.listener.ignored == 1
    assert out.bad == []


async def test_remaining_zero_holds_the_next_search_back(rig, out):
    async with Run(rig, out):
        await whole(rig, out)
    missed = [rig.write(f"@nordfunk viele {n}") for n in range(rig.batch)]
    for _ in range(rig.x.limits["search"].left(rig.clock.now()) - 1):
        rig.x.limits["search"].take(rig.clock.now())
    rig.clock.slept = []
    async with Run(rig, out) as run:
        await run.heard(missed)
    assert max(rig.clock.slept) > 600
    assert rig.x.throttled == 0


@pytest.mark.parametrize("fault", [Fault("close"), Fault("reset")])
async def test_the_last_connection_of_a_window_is_followed_by_none_before_its_end(rig, out, fault):
    for _ in range(49):
        rig.x.limits["stream"].take(rig.clock.now())
    async with Run(rig, out) as run:
        await whole(rig, out)
        rig.clock.slept = []
        rig.x.misbehave(fault)
        async with asyncio.timeout(5):
            while rig.x.connects < 2:
                await asyncio.sleep(0.005)
        await run.says("live")
    assert rig.x.throttled == 0
    assert max(rig.clock.slept) > 600


async def test_the_first_start_hears_from_now_on(rig, out):
    rig.write("@nordfunk lange vorher")
    rig.clock.advance(1)
    async with Run(rig, out) as run:
        await run.says("live")
        await run.heard([rig.write("@nordfunk von nun an")])
    assert len(set(out.ids)) == 1


async def test_the_first_start_looks_back_as_far_as_configured(rig, out):
    old = rig.write("@nordfunk vor einer Stunde")
    rig.clock.advance(3600)
    rig.more = {"look_back_minutes": 90}
    async with Run(rig, out) as run:
        await run.heard([old])


async def test_a_query_that_search_refuses_does_not_stop_the_stream(rig, out):
    await begin(rig, out)
    rig.x.search_faults.extend([Fault("status", 400)] * 5)
    async with Run(rig, out) as run:
        await run.says("live")
        written = rig.write("@nordfunk trotzdem")
        await run.heard([written])
    assert next(mention for mention in out.mentions if mention.id == written)


async def test_a_sweep_that_stood_still_for_too_long_begins_again(rig, out):
    await begin(rig, out)
    for n in range(rig.batch):
        rig.write(f"@nordfunk für immer weg {n}")
    mortal = Mortal(out)
    task = asyncio.create_task(rig.listener().run(mortal, asyncio.Event()))
    await asyncio.wait_for(mortal.died.wait(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert out.cursors["x"]["sweeps"]
    rig.clock.advance(8 * 86_400)
    reachable = [rig.write(f"@nordfunk noch da {n}") for n in range(rig.batch)]
    async with Run(rig, out) as run:
        await run.heard(reachable)
        await run.says("live")
    assert sum(mention.ingest.gap_before for mention in out.mentions) == 1


async def test_stop_closes_the_socket(rig, out):
    rig.x.keep_alive = 60.0
    rig.more = {"stall_seconds": 60.0}
    async with Run(rig, out) as run:
        await run.says("live")
        assert rig.x.open_connections == 1
    async with asyncio.timeout(1):
        while rig.x.open_connections:
            await asyncio.sleep(0.005)
