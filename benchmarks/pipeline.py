"""Mentions a second through the whole embedded pipeline with durable commits; latency from listener to queue; memory."""

import asyncio
import resource
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.mentions import mentions
from benchmarks.rules import rules
from listeners.clock import SystemClock
from records.mention import Mention
from sinks.protocol import converge
from sinks.queue import QueueSink
from streams.deliverer import Deliverer
from streams.embedded import EmbeddedEngine
from streams.ledger import EmbeddedLedger
from streams.runner import Route
from streams.store import Store
from streams.topology import stages

BATCH = 500


def engine_at(folder: str) -> EmbeddedEngine:
    """A fresh engine with the packaged lexicons, the brand Nordfunk and the strategy `balanced`."""
    found = rules()
    return EmbeddedEngine(
        Path(folder) / "engine.db",
        stages(found.lexicon, found.strategy, found.loaded.settings),
        clock=SystemClock().now,
        routes=[Route("queue")],
    )


def throughput(count: int = 20_000) -> tuple[float, float, int]:
    """(mentions a second of wall time, of CPU time, tickets) from publish to the ledger, commits durable."""

    async def run() -> int:
        ready = list(mentions(count))
        nonlocal began, cpu
        began, cpu = time.perf_counter(), time.process_time()
        for first in range(0, count, BATCH):
            await engine.publish(ready[first : first + BATCH])
        await engine.settled()
        return await engine.call(lambda store: store.pending("queue"))

    began = cpu = 0.0
    with tempfile.TemporaryDirectory(dir=".") as folder:
        engine = engine_at(folder)
        engine.start()
        tickets = asyncio.run(run())
        wall, used = time.perf_counter() - began, time.process_time() - cpu
        engine.stop()
    return count / wall, count / used, tickets


def latency(rate: int = 200, seconds: int = 20, calls: float = 0.05) -> tuple[list[float], list[float]]:
    """Milliseconds, sorted, from handing a call for help to the engine until (1) its ticket stands in the ranked queue, and
    (2) the local queue, as a helpdesk, holds it and the ledger knows."""
    wanted: list[float] = []
    delivered: list[float] = []

    async def one(engine: EmbeddedEngine, post: Mention) -> None:
        began = time.perf_counter()
        await engine.publish([post])
        if not post.text or not post.text.startswith("@nordfunk"):
            return
        while not (tickets := await engine.call(lambda store: store.tickets_of(post.id))):
            await asyncio.sleep(0.001)
        wanted.append((time.perf_counter() - began) * 1000)
        while not await engine.call(lambda store: _holds(store, tickets[0].id, post.id)):
            await asyncio.sleep(0.002)
        delivered.append((time.perf_counter() - began) * 1000)

    async def run(engine: EmbeddedEngine, folder: str) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        deliverer = Deliverer(
            QueueSink(Path(folder) / "queue.db"), EmbeddedLedger(engine, "queue"), converge, clock=SystemClock()
        )
        engine.on_turn.append(lambda: loop.call_soon_threadsafe(deliverer.wake.set) and None)
        delivering = asyncio.create_task(deliverer.run(stop))
        posts = list(mentions(rate * seconds, calls=calls, start_ms=SystemClock().now()))
        tasks, began = [], time.perf_counter()
        for number, post in enumerate(posts):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(one(engine, post)))
        await asyncio.gather(*tasks)
        engine.on_turn.clear()
        stop.set()
        await delivering

    with tempfile.TemporaryDirectory(dir=".") as folder:
        engine = engine_at(folder)
        engine.start()
        asyncio.run(run(engine, folder))
        engine.stop()
    return sorted(wanted), sorted(delivered)


def _holds(store: Store, ticket: str, post: str) -> bool:
    entry = store.delivery("queue", ticket)
    return entry is not None and entry.held is not None and post in entry.held.posts


def _spread(waits: list[float]) -> str:
    return (
        f"p50 {statistics.median(waits):.0f} ms, p99 {waits[int(len(waits) * 0.99)]:.0f} ms, highest {waits[-1]:.0f} ms"
    )


def main() -> None:
    """Print the figures."""
    wall, cpu, tickets = throughput()
    print(f"pipeline, 5 % calls, durable: {wall:,.0f} mentions/s wall, {cpu:,.0f} mentions/s of CPU, {tickets} tickets")
    wanted, delivered = latency()
    print(f"200 mentions/s, 5 % calls, until ranked: {_spread(wanted)}")
    print(f"200 mentions/s, 5 % calls, until in the local queue: {_spread(delivered)}")
    wanted, _ = latency(seconds=10, calls=1.0)
    print(f"200 calls for help/s, until ranked: {_spread(wanted)}")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
