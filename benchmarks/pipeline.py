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
from records.times import from_ms
from streams.embedded import EmbeddedEngine
from streams.runner import Route
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


def latency(rate: int = 200, seconds: int = 10) -> tuple[float, float, float]:
    """(p50, p99, highest) milliseconds from handing a call for help to the engine until its ticket stands in the ledger."""
    waits: list[float] = []

    async def one(engine: EmbeddedEngine, post: object) -> None:
        began = time.perf_counter()
        await engine.publish([post])  # type: ignore[list-item]
        while not await engine.call(lambda store: store.tickets_of(post.id)):  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        waits.append((time.perf_counter() - began) * 1000)

    async def run(engine: EmbeddedEngine) -> None:
        now = SystemClock().now()
        posts = list(mentions(rate * seconds, calls=1.0, start_ms=now))
        tasks, began = [], time.perf_counter()
        for number, post in enumerate(posts):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(one(engine, post)))
        await asyncio.gather(*tasks)

    with tempfile.TemporaryDirectory(dir=".") as folder:
        engine = engine_at(folder)
        engine.start()
        asyncio.run(run(engine))
        engine.stop()
    waits.sort()
    return statistics.median(waits), waits[int(len(waits) * 0.99)], waits[-1]


def main() -> None:
    """Print the figures."""
    wall, cpu, tickets = throughput()
    print(f"pipeline, 5 % calls, durable: {wall:,.0f} mentions/s wall, {cpu:,.0f} mentions/s of CPU, {tickets} tickets")
    p50, p99, top = latency()
    print(f"latency at 200 calls for help/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms, highest {top:.0f} ms")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    print(f"({from_ms(SystemClock().now())})")


if __name__ == "__main__":
    main()
