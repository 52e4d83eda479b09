"""The stage of `job` on Faust as its manual has it: an agent and a table (in memory, with changelog), at least once."""

import json
import sys
import tempfile
from typing import Any

import faust

from benchmarks.kafka import job


def main(argument: dict[str, Any]) -> None:
    """Until the last event was worked."""
    watch = job.Watch(argument["count"])
    prefix, run = argument["prefix"], argument["run"]
    app = faust.App(
        f"{prefix}{run}",
        broker=[f"kafka://{address}" for address in argument["brokers"]],
        store="memory://",
        datadir=tempfile.mkdtemp(),
        topic_partitions=job.PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
        producer_compression_type="lz4",
        stream_recovery_delay=0.0,
        value_serializer="raw",
        key_serializer="raw",
    )
    source = app.topic(f"{prefix}events", key_type=bytes, value_type=bytes)
    target = app.topic(f"{prefix}out-{run}", key_type=bytes, value_type=bytes)
    table = app.Table(f"state-{run}", key_type=bytes, value_type=bytes, partitions=job.PARTITIONS)

    @app.agent(source)
    async def work(stream: Any) -> None:
        async for key, value in stream.items():
            watch.began()
            held = table.get(key)
            after, told = job.step(None if held is None else job.load(held), job.decode(value))
            table[key] = job.encode(after)
            await target.send(key=key, value=job.encode(told))
            watch.done(1)

    faust.Worker(app, loglevel="error", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
