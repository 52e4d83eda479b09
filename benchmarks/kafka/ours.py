"""The stage of `job` on our engine, as a process of its own."""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.kafka import job
from config.kafka import KafkaSettings
from streams.kafka.app import Application
from streams.kafka.cluster import Cluster
from streams.kafka.shard import Shard
from streams.stage import Output, Stage


class Job(Stage[job.Total]):
    """The stage."""

    name, source = "job", "events"

    def __init__(self, run: str) -> None:
        super().__init__(job.Total)
        self._out, self._changelog = f"out-{run}", f"state-{run}"

    @property
    def changelog(self) -> str:
        return self._changelog

    def decode(self, data: bytes) -> Any:
        return job.decode(data)

    def step(self, key: str, state: job.Total | None, record: Any) -> tuple[job.Total | None, list[Output]]:
        after, told = job.step(state, record)
        return after, [Output(self._out, key, told)]


async def main(argument: dict[str, Any]) -> None:
    """Until the last event is committed."""
    watch = job.Watch(argument["count"])

    class Watched(Shard[job.Total]):
        async def apply(self, batch: Any) -> bool:
            before = self.applied
            watch.began()
            taken = await super().apply(batch)
            watch.done(self.applied - before)
            return taken

    kafka = KafkaSettings(
        bootstrap=tuple(argument["brokers"]),
        prefix=argument["prefix"],
        partitions=job.PARTITIONS,
        replication=1,
        min_insync=1,
    )
    cluster = Cluster(kafka, f"{argument['prefix']}{argument['run']}", "bench", {}, lambda: int(time.time() * 1000))
    stage = Job(argument["run"])
    with tempfile.TemporaryDirectory() as folder:
        application = Application(
            cluster, [stage], folder=Path(folder), make_shard=lambda c, p, f: Watched(stage, p, c, folder=f)
        )
        await application.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
