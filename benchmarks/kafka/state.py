"""A million keys of state: memory, the start from the changelog, the start from snapshots."""

import asyncio
import tempfile
import time

from benchmarks.kafka.holding import Held
from benchmarks.kafka.job import PARTITIONS
from benchmarks.kafka.rig import Broker, Process, fresh
from config.kafka import KafkaSettings
from records import codec
from streams.kafka.batches import Keyed, Writing
from streams.kafka.cluster import Cluster


async def fill(broker: Broker, prefix: str, keys: int) -> None:
    """Write the changelog as a worker does."""
    kafka = KafkaSettings(
        bootstrap=tuple(broker.addresses), prefix=prefix, partitions=PARTITIONS, replication=1, min_insync=1
    )
    cluster = Cluster(kafka, f"{prefix}fill", "bench", {}, lambda: 0)
    producer = cluster.transactional("fill")
    await producer.start()
    far, chunk = int(time.time() * 1000) + 10**9, 20_000
    for first in range(0, keys, chunk):
        records: dict[int, list[Keyed]] = {partition: [] for partition in range(PARTITIONS)}
        for number in range(first, min(first + chunk, keys)):
            value = codec.encode(Held(far + number, f"{number:08d}" * 58))
            records[number % PARTITIONS].append(Keyed(f"x:{1_900_000_000_000_000_000 + number}".encode(), value))
        async with producer.transaction():
            writing = Writing(producer)
            await writing.begin({cluster.tp("holding-state", p): rows for p, rows in records.items() if rows})
            await writing.end()
    await producer.stop()


def main(broker: Broker, keys: int = 1_000_000) -> None:
    """Print the figures."""
    prefix = fresh()
    broker.make(f"{prefix}events", f"{prefix}holding-state", partitions=PARTITIONS)
    asyncio.run(fill(broker, prefix, keys))
    with tempfile.TemporaryDirectory() as folder:
        for start in ("from the changelog", "from snapshots"):
            argument = {"brokers": broker.addresses, "prefix": prefix, "folder": folder}
            process = Process("benchmarks.kafka.holding", argument)
            try:
                opened = process.answer("opened", 300)
                stopped = process.answer("stopped", 300)
            finally:
                process.end()
            print(
                f"start {start}: {opened['keys']:,} keys in {opened['opened']:.1f} s, {opened['rss']:,.0f} MB; "
                f"stop with snapshots {stopped['stopped']:.1f} s, {stopped['rss']:,.0f} MB"
            )
