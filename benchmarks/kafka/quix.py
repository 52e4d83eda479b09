"""The stage of `job` on quix-streams, exactly once, with its own state and changelog. Its python need hold nothing of ours."""

import json
import sys
import tempfile
from typing import Any

from quixstreams import Application, State

from benchmarks.kafka import job


def main(argument: dict[str, Any]) -> None:
    """Until the last event was worked (its commit comes with the next interval)."""
    watch = job.Watch(argument["count"])
    prefix, run = argument["prefix"], argument["run"]
    application = Application(
        broker_address=",".join(argument["brokers"]),
        consumer_group=f"{prefix}{run}",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        state_dir=tempfile.mkdtemp(),
        loglevel="ERROR",
        producer_extra_config={"compression.type": "lz4", "acks": "all"},
    )
    source = application.topic(f"{prefix}events", value_deserializer="bytes", key_deserializer="bytes")
    target = application.topic(f"{prefix}out-{run}", value_serializer="bytes", key_serializer="bytes")

    def work(value: bytes, state: State) -> bytes:
        watch.began()
        event = job.decode(value)
        held = state.get_bytes("total")
        after, told = job.step(None if held is None else job.load(held), event)
        state.set_bytes("total", job.encode(after))
        watch.done(1)
        return job.encode(told)

    application.dataframe(source).apply(work, stateful=True).to_topic(target)
    application.run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
