"""A real Kafka broker for tests, from Maven Central's jars on Java 17, on 127.0.0.1, ended by its id.

`KAFKA_BOOTSTRAP=host:port` uses a running one instead (not for tests that kill the broker or need TLS).
"""

import base64
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import free_port

DEPLOY = Path(__file__).parent.parent / "deploy" / "kafka"
MISSING = "Kafka tests need Java 17 and Maven (Debian: openjdk-17-jre-headless maven), or KAFKA_BOOTSTRAP=host:port"
_JAVA = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def libraries() -> Path:
    """The broker's jars, fetched once into the user's cache. Skips (under CI=true: fails) where Java or Maven is missing."""
    if not (shutil.which("java") and shutil.which("mvn")):
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hilferuf" / "kafka-4.1.1"
    cache.parent.mkdir(parents=True, exist_ok=True)
    with (cache.parent / "kafka.lock").open("w") as lock:  # Maven's own store is none that two may fill at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cache.exists():
            with tempfile.TemporaryDirectory(dir=cache.parent) as scratch:
                jars = Path(scratch) / "jars"
                command = ["mvn", "-q", "-B", "-f", str(DEPLOY / "pom.xml"), "dependency:copy-dependencies"]
                subprocess.run([*command, f"-DoutputDirectory={jars}"], check=True, timeout=300)
                jars.rename(cache)
    return cache


@dataclass
class KafkaServer:
    """Nodes of one cluster, each broker and controller. `extra`: lines for server.properties, `{port}`, `{folder}` filled in;
    they may replace the listener PLAINTEXT on `port`."""

    folder: Path
    nodes: int = 1
    extra: str = ""
    format_arguments: tuple[str, ...] = ()
    ports: list[int] = field(default_factory=list)
    processes: "dict[int, subprocess.Popen[bytes]]" = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._jars = libraries()
        self.ports = [free_port() for _ in range(self.nodes)]
        controllers = [free_port() for _ in range(self.nodes)]
        voters = ",".join(f"{i + 1}@127.0.0.1:{port}" for i, port in enumerate(controllers))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        copies = min(self.nodes, 3)
        for i, (port, controller) in enumerate(zip(self.ports, controllers, strict=True)):
            node = self.folder / f"node{i}"
            node.mkdir(parents=True)
            settings = {
                "process.roles": "broker,controller",
                "node.id": i + 1,
                "controller.quorum.voters": voters,
                "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
                "controller.listener.names": "CONTROLLER",
                "log.dirs": node / "data",
                "offsets.topic.num.partitions": 8,
                "offsets.topic.replication.factor": copies,
                "transaction.state.log.num.partitions": 8,
                "transaction.state.log.replication.factor": copies,
                "transaction.state.log.min.isr": max(1, copies - 1),
                "group.initial.rebalance.delay.ms": 0,
                "auto.create.topics.enable": "false",
                "log.cleaner.dedupe.buffer.size": 16_000_000,
            }
            for line in self.extra.format(port=port, controller=controller, folder=node).splitlines():
                name, _, value = line.partition("=")
                settings[name.strip()] = value.strip()
            text = "".join(f"{name}={value}\n" for name, value in settings.items())
            (node / "server.properties").write_text(text, "utf-8")
            arguments = ["format", "-t", cluster, "-c", str(node / "server.properties"), *self.format_arguments]
            subprocess.run(
                self._java("kafka.tools.StorageTool", *arguments), check=True, capture_output=True, timeout=60
            )

    def _java(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={DEPLOY / 'log4j2.properties'}"
        return ["java", *_JAVA, logging, "-cp", f"{self._jars}/*", *arguments]

    @property
    def bootstrap(self) -> list[str]:
        return [f"127.0.0.1:{port}" for port in self.ports]

    def start(self, node: int | None = None, timeout: float = 60.0) -> "KafkaServer":
        """Start one node or all, and wait until they listen."""
        wanted = range(self.nodes) if node is None else [node]
        for i in wanted:
            folder = self.folder / f"node{i}"
            with (folder / "log").open("ab") as log:
                command = self._java("kafka.Kafka", str(folder / "server.properties"))
                self.processes[i] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        for i in wanted:
            self._wait(i, timeout)
        return self

    def _wait(self, node: int, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.processes[node].poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports[node])) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("Kafka did not start:\n" + (self.folder / f"node{node}" / "log").read_text()[-2000:])

    def kill(self, node: int = 0, number: int = signal.SIGKILL) -> None:
        """End one node by a signal, and wait until it is gone. Its data stays."""
        process = self.processes.pop(node, None)
        if process is not None:
            process.send_signal(number)
            process.wait(60)

    def discard(self) -> None:
        """End all nodes and delete their data."""
        for node in list(self.processes):
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_kafka(nodes: int = 1, extra: str = "", format_arguments: tuple[str, ...] = ()) -> KafkaServer:
    """A cluster of its own in a new folder, started; `discard` ends it."""
    folder = Path(tempfile.mkdtemp(prefix="hilferuf-kafka-"))
    return KafkaServer(folder, nodes, extra, format_arguments).start()
