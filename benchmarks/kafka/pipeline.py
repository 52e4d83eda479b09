"""A backlog through `hilferuf work`: mentions a second of one process and of two, with their CPU and the broker's.

The workers own their partitions before the backlog is written; while it is written they are stopped. So neither their start nor
the writing is in the figure.
"""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from benchmarks.kafka.rig import Broker, cpu_of, fresh, median_of
from benchmarks.mentions import mentions
from benchmarks.rules import BRAND
from config.kafka import KafkaSettings
from config.settings import Retention
from records import codec
from records.topics import AUTHOR_EVENTS, MENTIONS, TICKETS
from streams.kafka import admin

SETTINGS = """\
data_dir: data{number}
lexicons: [de, en, brand.yaml]
kafka:
  bootstrap: [{brokers}]
  prefix: {prefix}
  partitions: {partitions}
  replication: 1
  min_insync: 1
  session_seconds: 120
server: {{port: 0}}
log: {{level: warning}}
"""
PATIENCE = 180.0  # seconds


class Deployment:
    """Topics of their own, and workers."""

    def __init__(self, broker: Broker, partitions: int = 8) -> None:
        self.kafka = KafkaSettings(
            bootstrap=tuple(broker.addresses), prefix=fresh(), partitions=partitions, replication=1, min_insync=1
        )
        admin.apply(self.kafka, Retention())
        self.workers: list[subprocess.Popen[bytes]] = []
        self._admin = KafkaAdminClient(bootstrap_servers=broker.addresses)
        self._consumer = KafkaConsumer(bootstrap_servers=broker.addresses, isolation_level="read_committed")

    @contextlib.contextmanager
    def working(self, count: int) -> Iterator[None]:
        """With so many `hilferuf work`, once they have shared the partitions."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "brand.yaml").write_text(BRAND, "utf-8")
            try:
                for number in range(count):
                    self.workers.append(self._start(folder, number))
                self._until_shared(count)
                yield
            finally:
                for worker in self.workers:
                    worker.kill()
                    worker.wait()
                self._admin.close()
                self._consumer.close()

    def _start(self, folder: Path, number: int) -> "subprocess.Popen[bytes]":
        brokers = ", ".join(f'"{address}"' for address in self.kafka.bootstrap)
        settings = folder / f"settings{number}.yaml"
        text = SETTINGS.format(
            number=number, brokers=brokers, prefix=self.kafka.prefix, partitions=self.kafka.partitions
        )
        settings.write_text(text, "utf-8")
        command = [sys.executable, "-c", "from hilferuf.cli import main; main()", "work", "--config", str(settings)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _until_shared(self, count: int) -> None:
        group, until = self.kafka.group("work"), time.monotonic() + PATIENCE
        while time.monotonic() < until:
            time.sleep(0.2)
            with contextlib.suppress(KafkaError):  # the group's coordinator is being made
                found = self._admin.describe_groups([group])[group]
                if found["group_state"] == "Stable" and len(found["members"]) == count:
                    time.sleep(3)  # the shards open
                    return
        raise RuntimeError("the workers did not get ready")

    def signal(self, number: int) -> None:
        """To all workers."""
        for worker in self.workers:
            worker.send_signal(number)

    def cpu(self) -> float:
        """CPU seconds of all workers so far."""
        return sum(cpu_of(worker.pid) for worker in self.workers)

    def wait_done(self) -> None:
        """Until every mention is a ticket or dropped. Behind the last record of a partition a marker may stand."""
        partitions = range(self.kafka.partitions)
        tps = [TopicPartition(self.kafka.topic(topic), p) for topic in (MENTIONS, AUTHOR_EVENTS) for p in partitions]
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            ends = self._consumer.end_offsets(tps)
            group = self.kafka.group("work")
            committed = self._admin.list_group_offsets(group)[group]
            if all(ends[tp] - (committed[tp].offset if tp in committed else 0) <= 1 for tp in tps):
                return
            time.sleep(0.1)
        raise RuntimeError("the workers did not come to the end")

    def tickets(self) -> int:
        """Records of `tickets`, markers included."""
        tps = [TopicPartition(self.kafka.topic(TICKETS), p) for p in range(self.kafka.partitions)]
        return sum(self._consumer.end_offsets(tps).values())


def backlog(count: int, calls: float = 0.05) -> list[tuple[bytes, bytes]]:
    """Mentions, the newest of now, as they lie in the topic."""
    began = int(time.time() * 1000) - count * 40
    return [(post.id.encode(), codec.encode(post)) for post in mentions(count, calls=calls, start_ms=began)]


def run(broker: Broker, workers: int, records: list[tuple[bytes, bytes]]) -> dict[str, float]:
    """One run."""
    deployment = Deployment(broker)
    with deployment.working(workers):
        deployment.signal(signal.SIGSTOP)
        broker.fill(deployment.kafka.topic(MENTIONS), records)
        cpu, server, began = deployment.cpu(), broker.cpu(), time.perf_counter()
        deployment.signal(signal.SIGCONT)
        deployment.wait_done()
        seconds = time.perf_counter() - began
        return {
            "rate": len(records) / seconds,
            "cpu": (deployment.cpu() - cpu) / len(records) * 1e6,
            "broker": (broker.cpu() - server) / len(records) * 1e6,
        }


def main(broker: Broker, rounds: int = 3, count: int = 100_000) -> None:
    """Print the figures."""
    records = backlog(count)
    rows: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, found in rows.items():
            found.append(run(broker, workers, records))
    for workers, found in rows.items():
        spread = " ".join(f"{row['rate']:,.0f}" for row in found)
        print(
            f"{workers} worker{'s' if workers > 1 else ''}: {median_of(found, lambda row: row['rate']):,.0f} mentions/s "
            f"({spread}), {median_of(found, lambda row: row['cpu']):.0f} µs CPU a mention, "
            f"broker {median_of(found, lambda row: row['broker']):.0f} µs",
            flush=True,
        )
    pairs = [{"ratio": two["rate"] / one["rate"]} for one, two in zip(rows[1], rows[2], strict=True)]
    print(f"two workers / one: {median_of(pairs, lambda row: row['ratio']):.2f}")
