"""A deployment that runs for a long time under an even load: memory, file handles, threads and lag stay flat.

HILFERUF_SOAK_SECONDS (`make soak`: 1,800), HILFERUF_SOAK_RATE (300 mentions a second). Calls for help are edits of old posts,
so that the state does not grow by its nature.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from records.times import SECOND, from_ms
from records.topics import DEAD_LETTERS
from streams.kafka.lag import lags
from tests.chaos.load import quiet
from tests.chaos.oracle import read_log
from tests.chaos.processes import Supervised
from tests.chaos.world import World
from tests.crash.desk import CALLS, START

SECONDS = float(os.environ.get("HILFERUF_SOAK_SECONDS", "1800"))
RATE = float(os.environ.get("HILFERUF_SOAK_RATE", "300"))
EVERY = 10.0  # seconds between two samples
KEPT = 20  # one of so many is a call for help
POSTS = 2_000


class Sample(NamedTuple):
    """One process. rss: megabytes."""

    rss: float
    files: int
    threads: int


def sample(process: Supervised) -> Sample:
    assert process.process is not None
    folder = Path(f"/proc/{process.process.pid}")
    pages = int((folder / "statm").read_text().split()[1])
    return Sample(pages * 4096 / 1e6, len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir())))


def weather() -> Iterator[dict[str, Any]]:
    """Mostly talk; now and then somebody edits a call for help."""
    for number in count():
        at = from_ms(START + number * SECOND // 10)
        if number % KEPT:
            post = {
                "id": f"x:5{number:08d}",
                "author": {"id": f"w{number % 50_000}"},
                "text": f"schönes Wetter {number}",
            }
            yield post | {"occurred_at": at}
            continue
        turn, post_number = divmod(number // KEPT, POSTS)
        first = from_ms(START + post_number * KEPT * SECOND // 10)
        call = {"id": f"x:7{post_number:05d}", "author": {"id": f"c{post_number % 500}"}, "occurred_at": first}
        call["text"] = f"{CALLS[(turn + post_number) % len(CALLS)]} ({turn})"
        yield call | ({"op": "update", "edited_at": at} if turn else {})


@pytest.mark.timeout(7200)
async def test_memory_files_threads_and_lag_stay_flat(tmp_path, broker):
    async with World(tmp_path, broker, None, 1, session_seconds=10.0, workers=2) as world:
        world.remembers = False
        await world.ready()
        over = False

        def flowing() -> Iterator[dict[str, Any]]:
            for event in weather():
                if over:
                    return
                yield event

        sending = asyncio.create_task(world.send(flowing(), RATE, batch=60))
        samples: dict[str, list[Sample]] = {process.name: [] for process in world.processes}
        behind: list[int] = []
        begun = time.monotonic()
        while time.monotonic() - begun < SECONDS:
            await asyncio.sleep(EVERY)
            for process in world.processes:
                samples[process.name].append(sample(process))
            behind.append(sum(lag.records for lag in await asyncio.to_thread(lags, world.kafka, world.sinks)))
        over = True
        seconds = time.monotonic() - begun
        await asyncio.wait_for(sending, 60)
        await quiet(world)
        rate = world.sent / seconds
        print(f"\n{seconds:.0f} s at {rate:.0f} mentions/s, {world.refused} refused")
        flat(samples, behind)
        assert rate > 0.95 * RATE
        assert not any(process.exits for process in world.processes)
        assert (await read_log(world.kafka, world.sinks)).topic(DEAD_LETTERS) == []


def flat(samples: dict[str, list[Sample]], behind: list[int]) -> None:
    """Compare the first third, after a start of its own (a tenth), with the last."""
    grown = []
    for name, found in samples.items():
        kept = found[len(found) // 10 :]
        third = max(1, len(kept) // 3)
        first, last = kept[:third], kept[-third:]
        for what, room in (("rss", 25.0), ("files", 5), ("threads", 2)):
            before = statistics.median(getattr(one, what) for one in first)
            after = statistics.median(getattr(one, what) for one in last)
            print(f"{name:12} {what:8} {before:8.1f} -> {after:8.1f}")
            if after > before * 1.15 + room:
                grown.append(f"{name}: {what} grew from {before:.1f} to {after:.1f}")
    third = max(1, len(behind) // 3)
    print(
        f"lag          {statistics.median(behind[:third]):.0f} -> {statistics.median(behind[-third:]):.0f}, most {max(behind)}"
    )
    if statistics.median(behind[-third:]) > 2 * statistics.median(behind[:third]) + RATE:
        grown.append("lag grew")
    assert not grown, grown
