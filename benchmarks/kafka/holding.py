"""A worker with a large state, as a process of its own: how long until it has it, and in how much memory."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.kafka.job import PARTITIONS, rss
from config.kafka import KafkaSettings
from streams.kafka.app import Application
from streams.kafka.cluster import Cluster
from streams.stage import Output, Stage


class Held(msgspec.Struct, frozen=True):
    """A state of some 500 bytes."""

    due: int
    text: str


class Holding(Stage[Held]):
    """Holds; it is timed, as all of our stages with a large state are, so its states are looked into at the start."""

    name, source, timed = "holding", "events", True

    def __init__(self) -> None:
        super().__init__(Held)

    def decode(self, data: bytes) -> Any:
        return data

    def due(self, state: Held) -> int | None:
        return state.due

    def step(self, key: str, state: Held | None, record: Any) -> tuple[Held | None, list[Output]]:
        return state, []


async def main(argument: dict[str, Any]) -> None:
    """Open, tell, write snapshots, tell."""
    kafka = KafkaSettings(
        bootstrap=tuple(argument["brokers"]),
        prefix=argument["prefix"],
        partitions=PARTITIONS,
        replication=1,
        min_insync=1,
    )
    cluster = Cluster(kafka, f"{kafka.prefix}work", "bench", {}, lambda: int(time.time() * 1000))
    began = time.perf_counter()
    application = Application(cluster, [Holding()], folder=Path(argument["folder"]))
    await application.start()
    while len(application.shards) < PARTITIONS:
        await asyncio.sleep(0.05)
    keys = sum(len(shard.states) for shard in application.shards)
    print(json.dumps({"opened": time.perf_counter() - began, "keys": keys, "rss": rss()}), flush=True)
    began = time.perf_counter()
    await application.stop()
    for shard in application.shards:
        await shard.save()
    print(json.dumps({"stopped": time.perf_counter() - began, "rss": rss()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
