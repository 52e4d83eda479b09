"""Four engines, one stage, one broker: events a second and CPU an event, interleaved, medians.

BENCH_QUIX_PYTHON: a python that has quixstreams==3.28.1 and msgspec (it does not go together with our pinned packages, so it
needs an environment of its own); left out, quix-streams is left out.
"""

import os
import sys
import time
from collections.abc import Sequence

from benchmarks.kafka import job
from benchmarks.kafka.rig import Broker, Process, fresh, median_of

SYSTEMS = {
    "ours": "benchmarks.kafka.ours",
    "aiokafka": "benchmarks.kafka.plain",
    "quix": "benchmarks.kafka.quix",
    "faust": "benchmarks.kafka.ordinary",
}


def main(broker: Broker, rounds: int = 3, count: int = 200_000, names: Sequence[str] = tuple(SYSTEMS)) -> None:
    """Print the figures."""
    prefix, quix = fresh(), os.environ.get("BENCH_QUIX_PYTHON")
    broker.make(f"{prefix}events", partitions=job.PARTITIONS)
    broker.fill(f"{prefix}events", job.events(count))
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names if name != "quix" or quix}
    for number in range(rounds):
        for name, found in rows.items():
            found.append(_run(broker, prefix, f"{name}{number}", name, count, quix if name == "quix" else None))
    print(f"{count:,} events of {job.BYTES} B, {job.KEYS:,} keys, {job.PARTITIONS} partitions, medians of {rounds}")
    for name, found in rows.items():
        rate, cpu = count / median_of(found, lambda row: row["seconds"]), median_of(found, lambda row: row["cpu"])
        server = median_of(found, lambda row: row["broker"])
        spread = " ".join(f"{count / row['seconds']:,.0f}" for row in found)
        print(
            f"{name:9} {rate:8,.0f}/s ({spread}), {cpu / count * 1e6:5.1f} µs CPU an event, "
            f"broker {server / count * 1e6:5.1f} µs"
        )
    for name, others in rows.items():
        if name != "ours":
            pairs = [
                {"rate": other["seconds"] / own["seconds"], "cpu": own["cpu"] / other["cpu"]}
                for own, other in zip(rows["ours"], others, strict=True)
            ]
            rate, cpu = median_of(pairs, lambda row: row["rate"]), median_of(pairs, lambda row: row["cpu"])
            print(f"ours / {name}: rate {rate:.2f}, CPU an event {cpu:.2f}")


def _run(broker: Broker, prefix: str, run: str, name: str, count: int, python: str | None) -> dict[str, float]:
    topics = [f"{prefix}out-{run}"]
    if name in ("ours", "aiokafka"):
        topics.append(f"{prefix}state-{run}")
    if name == "faust":
        topics.append(f"{prefix}{run}-state-{run}-changelog")
    broker.make(*topics, partitions=job.PARTITIONS, compact=topics[1:])
    time.sleep(0.5)  # a topic that is a moment old refuses writes
    argument = {"brokers": broker.addresses, "prefix": prefix, "run": run, "count": count}
    process = Process(SYSTEMS[name], argument, python or sys.executable)
    try:
        process.answer("began")
        before = broker.cpu()
        found = process.answer("seconds")
        return {**found, "broker": broker.cpu() - before}
    finally:
        process.end()
