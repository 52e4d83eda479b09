"""A whole deployment on Kafka as processes, and the one who calls for help: everything that the storm of `faults` hits."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from config.kafka import KafkaSettings
from config.settings import Retention
from listeners.signatures import hex_signature
from streams.kafka import admin
from tests.chaos.processes import ROOT, Supervised
from tests.crash.desk import BRAND, SECRET
from tests.kafka_server import KafkaServer
from tests.proxy import LosingProxy
from tests.servers import RequestTrackerServer, free_port

PREFIX = "chaos."
PARTITIONS = 4
LOST = 0.2  # of all writes: the helpdesk does the work and the answer never comes
WORKERS, DELIVERERS = 3, 2
FOREVER = 400.0  # days: nothing is forgotten while the oracle still asks for it


class World:
    """Everything that outlives a kill, and the processes that are killed. accepted: what the listener answered 200 for; each is
    an obligation. named: workers and deliverers have names that outlive them (static membership)."""

    def __init__(
        self,
        folder: Path,
        broker: KafkaServer,
        tracker: RequestTrackerServer | None,
        seed: int,
        *,
        session_seconds: float = 6.0,
        named: bool = False,
        workers: int = WORKERS,
        log: str = "warning",
    ) -> None:
        self.folder, self.broker, self.tracker, self.seed, self.named = folder, broker, tracker, seed, named
        copies = min(3, broker.nodes)
        self.kafka = KafkaSettings(
            bootstrap=tuple(broker.bootstrap),
            prefix=PREFIX,
            partitions=PARTITIONS,
            replication=copies,
            min_insync=max(1, copies - 1),
            session_seconds=session_seconds,
        )
        self.retention = Retention(route_days=FOREVER, author_days=FOREVER)
        self.log = log
        self.proxy = LosingProxy(tracker.port, lose=LOST, seed=seed) if tracker is not None else None
        self.webhook = free_port()
        self.accepted: list[dict[str, Any]] = []
        self.remembers = True  # else `accepted` stays empty
        self.sent = self.refused = 0
        self.worker_count = workers
        self.workers: list[Supervised] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self.listeners: list[Supervised] = []
        self.deliverers: list[Supervised] = []

    @property
    def processes(self) -> list[Supervised]:
        return [*self.listeners, *self.workers, *self.deliverers]

    @property
    def sinks(self) -> list[str]:
        return ["request_tracker" if self.tracker is not None else "queue"]

    async def __aenter__(self) -> "World":
        if self.proxy is not None:
            await self.proxy.start()
        (self.folder / "brand.yaml").write_text(BRAND, "utf-8")
        await asyncio.to_thread(admin.apply, self.kafka, self.retention)
        self.listeners = [self.process("listener", "listen")]
        self.workers = [self.process(f"worker{number}", "work") for number in range(self.worker_count)]
        count = DELIVERERS if self.tracker is not None else 1  # the local queue is one file
        self.deliverers = [self.process(f"deliverer{number}", "deliver") for number in range(count)]
        for process in self.processes:
            process.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(process.end() for process in self.processes))
        if self.proxy is not None:
            await self.proxy.stop()

    def settings_of(self, name: str) -> dict[str, Any]:
        kafka = self.kafka
        if self.proxy is not None and self.tracker is not None:
            desk = {"url": self.proxy.url, "queue": self.tracker.queue, "token": {"env": "RT"}}
            sinks: dict[str, Any] = {"request_tracker": {**desk, "rerank_minutes": 0, "observe_seconds": 20}}
        else:
            sinks = {"queue": {}}
        return {
            "data_dir": f"data-{name}",
            "lexicons": ["de", "en", "brand.yaml"],
            "listeners": {"webhook": {"port": self.webhook, "secrets": [{"env": "HOOK"}]}},
            "sinks": sinks,
            "retention": {"route_days": FOREVER, "author_days": FOREVER},
            "kafka": {
                "bootstrap": list(kafka.bootstrap),
                "prefix": kafka.prefix,
                "partitions": kafka.partitions,
                "replication": kafka.replication,
                "min_insync": kafka.min_insync,
                "session_seconds": kafka.session_seconds,
                "snapshot_minutes": 0.5,
                "spool": {"max_mb": 1},
            },
            "server": {"port": 0},
            "log": {"level": self.log},
        }

    def process(self, name: str, role: str) -> Supervised:
        """A process that is not started yet, with settings and a data folder of its own."""
        file = self.folder / f"{name}.yaml"
        file.write_text(json.dumps(self.settings_of(name)), "utf-8")  # JSON is YAML
        words = [role, "--config", str(file)]
        if self.named and role != "listen":
            words += ["--instance", name]
        token = self.tracker.token if self.tracker is not None else "-"
        own = {key: value for key, value in os.environ.items() if key != "HILFERUF_CONFIG"}
        clock = str(self.folder / f"{name}.clock")
        more = {"PYTHONPATH": str(ROOT), "HOOK": SECRET, "RT": token, "HILFERUF_TEST_CLOCK": clock}
        return Supervised(name, words, self.folder, {**own, **more})

    def join(self) -> None:
        """One more worker."""
        worker = self.process(f"worker{len(self.workers)}", "work")
        self.workers.append(worker)
        worker.start()

    def leave(self, worker: Supervised, number: signal.Signals) -> None:
        """A worker goes for good."""
        worker.gone = True
        task = asyncio.create_task(worker.end(number))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def ready(self) -> None:
        """Wait until all processes work."""
        await asyncio.gather(*(process.ready() for process in self.processes))

    async def send(self, events: Iterable[dict[str, Any]], rate: float, batch: int = 3) -> None:
        """Give mentions, so many a second if they are accepted; what got no 200 is given again until it does."""
        source: Iterator[dict[str, Any]] = iter(events)
        begun, sent = time.monotonic(), 0
        url = f"http://127.0.0.1:{self.webhook}/v1/mentions"
        async with httpx.AsyncClient(timeout=10) as client:
            while given := list(islice(source, 1 + sent % batch)):
                body = json.dumps(given).encode()
                while not await self._accepted(client, url, body):
                    self.refused += 1
                    await asyncio.sleep(0.1)
                if self.remembers:
                    self.accepted += given
                sent += len(given)
                self.sent += len(given)
                await asyncio.sleep(max(0.0, begun + sent / rate - time.monotonic()))

    async def _accepted(self, client: httpx.AsyncClient, url: str, body: bytes) -> bool:
        try:
            answer = await client.post(url, content=body, headers={"X-Hilferuf-Signature": hex_signature(body, SECRET)})
        except httpx.HTTPError:
            return False
        if answer.status_code != 200:
            assert answer.status_code == 503, answer.text
            return False
        assert not answer.json().get("rejected"), answer.text
        return True

    async def until(self, well: Callable[[], Any], timeout: float) -> None:
        """Wait until `well` (awaited) names nothing that is still to be done."""
        end = time.monotonic() + timeout
        while left := await well():
            if time.monotonic() > end:
                tails = "\n".join(f"== {process.name}\n{process.tail()}" for process in self.processes)
                raise AssertionError(f"not quiet after {timeout:.0f} s: {left}\n{tails}")
            await asyncio.sleep(0.5)

    # what the storm does to what is not ours

    async def kill_broker(self, node: int, seconds: float) -> None:
        """SIGKILL to a broker, and start it again after so long."""
        await asyncio.to_thread(self.broker.kill, node)
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(self.broker.start, node, 90.0)

    async def kill_tracker(self, seconds: float) -> None:
        """SIGKILL to Request Tracker with its children, and start it again."""
        assert self.tracker is not None and self.tracker.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.tracker.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.tracker.process.wait, 10)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.tracker.start)
