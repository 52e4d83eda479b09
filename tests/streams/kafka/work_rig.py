"""`hilferuf work` as processes of their own, over topics that the test writes and reads."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from config.kafka import client_options
from config.settings import Retention
from records import codec
from records.topics import MENTIONS
from streams.kafka import admin
from tests.streams.conftest import mention
from tests.streams.kafka.desk_rig import Writer, settings_for

SETTINGS = """\
data_dir: {data}
lexicons: [de, en, brand.yaml]
strategy: {strategy}
kafka:
  bootstrap: [{bootstrap}]
  prefix: {prefix}
  partitions: 2
  replication: 1
  min_insync: 1
{more}
server: {{port: 0}}
log: {{level: info}}
"""
BRAND = """\
lexicon: 1
brands: [{id: nordfunk, names: [Nordfunk], handles: [nordfunk], hashtags: [nordfunk]}]
"""
CALL = "@nordfunk Hilfe, seit drei Tagen kein Netz und keiner meldet sich"
PATIENCE = 60.0  # seconds; the machine may be busy


class Worker:
    """A process. `log`: all that it said."""

    def __init__(self, folder: Path, settings: Path, *arguments: str) -> None:
        self._file = folder / f"log{len(list(folder.glob('log*')))}"
        with self._file.open("ab") as log:
            command = [sys.executable, "-c", "from hilferuf.cli import main; main()", "work", "--config", str(settings)]
            self.process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log, start_new_session=True)

    @property
    def log(self) -> str:
        return self._file.read_text("utf-8")

    def says(self, text: str, timeout: float = PATIENCE) -> str:
        """Wait for a line with this text."""
        until = time.monotonic() + timeout
        while True:
            for line in self.log.splitlines():
                if text in line:
                    return line
            assert self.process.poll() is None, f"ended with {self.process.returncode}\n{self.log}"
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def ready(self) -> "Worker":
        """Wait until it works its partitions."""
        port = self.says("port ").partition("port ")[2].split("'")[0].split('"')[0]
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    return self
            except (urllib.error.HTTPError, OSError):
                assert self.process.poll() is None and time.monotonic() < until, self.log
                time.sleep(0.05)

    def ended(self, timeout: float = PATIENCE) -> int:
        return self.process.wait(timeout)

    def stop(self) -> tuple[int, float]:
        """SIGTERM; exit code and seconds until it was gone."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE), time.monotonic() - begun

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)


class Desk:
    """Topics, settings files and the processes that run on them."""

    def __init__(self, addresses: list[str], prefix: str, folder: Path, *, made: bool = True) -> None:
        self.kafka = settings_for(addresses, prefix)
        self.folder, self.workers, self.sent = folder, list[Worker](), 0
        (folder / "brand.yaml").write_text(BRAND, "utf-8")
        if made:
            self.make()

    def make(self) -> None:
        admin.apply(self.kafka, Retention())

    def settings(self, name: str = "one", strategy: str = "balanced", **more: Any) -> Path:
        path = self.folder / f"{name}.yaml"
        text = SETTINGS.format(
            data=f"data-{name}",
            strategy=strategy,
            bootstrap=", ".join(f'"{address}"' for address in self.kafka.bootstrap),
            prefix=self.kafka.prefix,
            more="\n".join(f"  {key}: {value}" for key, value in more.items()),
        )
        path.write_text(text, "utf-8")
        return path

    def start(self, settings: Path, *arguments: str) -> Worker:
        worker = Worker(self.folder, settings, *arguments)
        self.workers.append(worker)
        return worker

    def discard(self) -> None:
        for worker in self.workers:
            worker.kill()

    def call(self, writer: Writer, count: int = 1) -> None:
        """New calls for help, by one author each."""
        sends = []
        for number in range(self.sent, self.sent + count):
            post = mention(str(number), CALL, author=f"p{number}", minute=number)
            value = codec.encode(post)
            sends.append(writer.producer.send(self.kafka.topic(MENTIONS), value, key=post.id.encode()))
        for sent in sends:
            sent.get(30)
        self.sent += count

    def read(self, topic: str) -> dict[int, list[Any]]:
        """Committed records by partition."""
        name = self.kafka.topic(topic)
        consumer = KafkaConsumer(
            **client_options(self.kafka), isolation_level="read_committed", enable_auto_commit=False
        )
        tps = [TopicPartition(name, partition) for partition in range(self.kafka.partitions)]
        consumer.assign(tps)
        ends = consumer.end_offsets(tps)
        consumer.seek_to_beginning(*tps)
        found: dict[int, list[Any]] = {tp.partition: [] for tp in tps}
        until = time.monotonic() + PATIENCE
        while any(consumer.position(tp) < end for tp, end in ends.items()):
            assert time.monotonic() < until, "a transaction stays open"
            for tp, records in consumer.poll(200).items():
                found[tp.partition] += records
        consumer.close()
        return found

    def newest(self, topic: str) -> dict[str, Any]:
        records = sorted((r for rs in self.read(topic).values() for r in rs), key=lambda record: record.timestamp)
        return {record.key.decode(): record.value for record in records}

    def until(self, condition: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, what + "\n" + "\n".join(worker.log for worker in self.workers)
            time.sleep(0.2)
