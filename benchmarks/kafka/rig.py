"""A broker, topics, backlogs, and processes whose cost is read from the system."""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from tests.kafka_server import KafkaServer, start_kafka

_TICKS = os.sysconf("SC_CLK_TCK")


class Broker:
    """Where the benchmark runs. Its CPU is known only where it is our own."""

    def __init__(self, addresses: Sequence[str], server: KafkaServer | None) -> None:
        self.addresses, self._server = list(addresses), server

    def cpu(self) -> float:
        """CPU seconds so far; 0 where the broker is somebody else's."""
        return sum(cpu_of(process.pid) for process in self._server.processes.values()) if self._server else 0.0

    def make(self, *names: str, partitions: int, compact: Sequence[str] = ()) -> None:
        """Topics of one copy."""
        admin = KafkaAdminClient(bootstrap_servers=self.addresses)
        wanted = [
            NewTopic(name, partitions, 1, topic_configs={"cleanup.policy": "compact"} if name in compact else {})
            for name in names
        ]
        admin.create_topics(wanted)
        admin.wait_for_topics(list(names))
        admin.close()

    def fill(self, topic: str, records: Iterable[tuple[bytes, bytes]], partition: int | None = None) -> None:
        """Write records, and wait until they are written."""
        producer = self.producer(linger_ms=20)
        failed: list[BaseException] = []
        for number, (key, value) in enumerate(records):
            producer.send(topic, value, key=key, partition=partition).add_errback(failed.append)
            if number % 20_000 == 19_999:
                producer.flush(120)
        producer.flush(120)
        producer.close()
        if failed:
            raise failed[0]

    def producer(self, **more: Any) -> Any:
        """As the listeners have it."""
        return KafkaProducer(
            bootstrap_servers=self.addresses,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            batch_size=65_536,
            **more,
        )


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def broker() -> Iterator[Broker]:
    """KAFKA_BOOTSTRAP, or one of our own that goes at the end."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield Broker(given.split(","), None)
        return
    server = start_kafka()
    try:
        yield Broker(server.bootstrap, server)
    finally:
        server.discard()


def fresh() -> str:
    """A prefix that nobody else has."""
    return f"b{uuid.uuid4().hex[:8]}."


class Process:
    """One system under test: `python -m module` with one JSON argument; what it prints are lines of JSON."""

    def __init__(self, module: str, argument: dict[str, Any], python: str = sys.executable) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
        command = [python, *os.environ.get("BENCH_PYTHON_OPTIONS", "").split(), "-m", module, json.dumps(argument)]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def answer(self, wanted: str, timeout: float = 180.0) -> dict[str, Any]:
        """The next line that has this field. Raises RuntimeError where the process ends before or takes too long."""
        assert self.process.stdout is not None
        alarm = threading.Timer(timeout, self.process.kill)
        alarm.start()
        try:
            for line in self.process.stdout:
                if line.startswith("{") and wanted in (found := json.loads(line)):
                    return dict(found)
        finally:
            alarm.cancel()
        raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()} and did not tell `{wanted}`")

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


def median_of(rows: Sequence[dict[str, float]], key: Callable[[dict[str, float]], float]) -> float:
    """The middle one."""
    found = sorted(key(row) for row in rows)
    return found[len(found) // 2]
