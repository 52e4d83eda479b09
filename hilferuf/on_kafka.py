"""The parts of a deployment on Kafka as they run in one process: what it waits for at its start, and how it is seen."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from config.settings import Loaded
from hilferuf.rules import rules_of
from hilferuf.seen import count_verdict
from hilferuf.wiring import sink_settings
from listeners.contract import Clock
from records.errors import Transient
from records.events import Rules
from records.ids import digest
from streams import metrics
from streams.kafka import admin, members
from streams.kafka.app import Application
from streams.kafka.cluster import Cluster
from streams.topology import rules_record, stages

log = structlog.get_logger("service")

AGAIN_SECONDS = 5.0
LOOK_AROUND_SECONDS = 60.0


class Progress:
    """How a process on Kafka is, as seen from outside. `waiting`: for what, before it can work; then the applications tell."""

    def __init__(self) -> None:
        self.waiting: str | None = "starts"
        self.applications: Sequence[Application] = ()

    @property
    def failure(self) -> BaseException | None:
        """Nobody asks a process that failed: it has left by then."""
        return None

    @property
    def trouble(self) -> str | None:
        """What it waits for, or which partitions are not worked."""
        return self.waiting or "; ".join(line for app in self.applications for line in app.troubles()) or None

    async def measure(self) -> None:
        """Applications keep their gauges themselves."""
        if self.waiting:
            metrics.KAFKA_UP.set(0)


def fingerprint(loaded: Loaded, rules: Rules) -> str:
    """What is the same in every process of one deployment, and differs in another one: the rules, and where tickets go."""
    sinks = [f"{name} {getattr(options, 'url', '')}" for name, options in sink_settings(loaded.settings)]
    return digest(rules.name, *sinks, size=4)


async def topics_of(loaded: Loaded, progress: Progress) -> dict[str, str]:
    """Ids of all topics, once the brokers answer; until then one line now and then says what is waited for. Raises
    HilferufError for topics that are missing or wrong: then nothing is to be waited for."""
    kafka = loaded.settings.kafka
    assert kafka is not None
    said = ""
    while True:
        try:
            return await asyncio.to_thread(admin.require_topics, kafka, loaded.settings.retention)
        except Transient as error:
            progress.waiting = f"waits for Kafka: {error}"
            if str(error) != said:
                log.warning("waits for Kafka", error=str(error))
                said = str(error)
        await asyncio.sleep(AGAIN_SECONDS)


async def worker_of(loaded: Loaded, clock: Clock, instance: str | None, progress: Progress) -> Application:
    """screen, profile and assess of one process, not started."""
    settings, rules = loaded.settings, rules_of(loaded)
    assert settings.kafka is not None
    record = rules_record(rules.lexicon, rules.strategy, settings)
    group, mark = settings.kafka.group("work"), fingerprint(loaded, record)
    ids = await topics_of(loaded, progress)
    cluster = Cluster(settings.kafka, group, members.client_id("work", mark), ids, clock.now)
    made = stages(rules.lexicon, rules.strategy, settings, count_verdict)
    return Application(cluster, made, folder=loaded.data_dir, instance=instance, rules=record)


async def look_around(loaded: Loaded, group: str, mark: str) -> None:
    """Says when members of another deployment share our group."""
    kafka = loaded.settings.kafka
    assert kafka is not None
    said: list[str] = []
    while True:
        await asyncio.sleep(LOOK_AROUND_SECONDS)
        try:
            found = await asyncio.to_thread(members.other_deployments, kafka, group, mark)
        except Exception as error:  # noqa: BLE001 - a look that fails says nothing about the work
            log.debug("cannot look at the group", group=group, error=str(error))
            continue
        metrics.OTHER_DEPLOYMENTS.labels(group).set(len(found))
        if found != said:
            for line in found:
                log.error("two deployments", error=line)
            said = found


def leave(code: int) -> None:
    """End the process without the finalisers of Faust and its threads: what had to be written is written."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def data_folder(loaded: Loaded) -> Path:
    """The data folder, made where it is missing."""
    loaded.data_dir.mkdir(parents=True, exist_ok=True)
    return loaded.data_dir
