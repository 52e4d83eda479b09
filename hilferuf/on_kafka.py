"""The parts of a deployment on Kafka as they run in one process: what is waited for at the start, how each role is put
together, and how the process is seen."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from config.settings import Loaded
from hilferuf.deployment import fingerprint, kafka_of
from hilferuf.in_force import Reach, at_start
from hilferuf.rules import RuleSet
from hilferuf.seen import count_verdict
from hilferuf.wiring import sinks_of
from listeners.contract import Clock
from listeners.kafka_publisher import KafkaPublisher
from records.errors import Transient
from records.events import Rules
from sinks.protocol import converge
from streams import metrics
from streams.deliverer import Deliverer
from streams.editions import Editions
from streams.kafka import admin, members
from streams.kafka.app import Application
from streams.kafka.cluster import Cluster
from streams.kafka.deliver import Deliver, KafkaLedger
from streams.kafka.editions import Seen, looking
from streams.kafka.shard import Shard
from streams.runner import Route
from streams.stage import Stage
from streams.topology import rules_record, stages

T = TypeVar("T")
log = structlog.get_logger("service")

AGAIN_SECONDS = 5.0
LOOK_AROUND_SECONDS = 60.0


class Progress:
    """How a process on Kafka is, as seen from outside. `waiting`: for what, before it can work."""

    def __init__(self) -> None:
        self.waiting: str | None = "starts"
        self.applications: list[Application] = []
        self.publisher: KafkaPublisher | None = None

    @property
    def failure(self) -> BaseException | None:
        """The publisher's; a worker or a deliverer that failed has left."""
        return self.publisher.failure if self.publisher is not None else None

    @property
    def trouble(self) -> str | None:
        """What it waits for, or which partitions are not worked. A listener with room in its spool is ready without Kafka."""
        if self.waiting is not None and (self.applications or self.publisher is None):
            return self.waiting
        return "; ".join(line for app in self.applications for line in app.troubles()) or None

    async def measure(self) -> None:
        """Applications keep their gauges themselves."""
        if self.publisher is not None:
            metrics.SPOOL_RECORDS.set(self.publisher.spooled)
            metrics.SPOOL_BYTES.set(self.publisher.spooled_bytes)
            metrics.KAFKA_UP.set(int(self.publisher.trouble is None))
        elif self.waiting is not None:
            metrics.KAFKA_UP.set(0)


async def topics_of(loaded: Loaded, progress: Progress) -> dict[str, str]:
    """Ids of all topics, once the brokers answer. Raises HilferufError for topics that are missing or wrong: then nothing is to
    be waited for."""
    kafka, retention = kafka_of(loaded), loaded.settings.retention
    return await _answered(lambda: asyncio.to_thread(admin.require_topics, kafka, retention), "Kafka", progress)


async def _answered(ask: Callable[[], Awaitable[T]], what: str, progress: Progress) -> T:
    """Ask until there is an answer; until then a line says what is waited for."""
    said = ""
    while True:
        try:
            return await ask()
        except Transient as error:
            progress.waiting = f"waits for {what}: {error}"
            if str(error) != said:
                log.warning(f"waits for {what}", error=str(error))
                said = str(error)
        await asyncio.sleep(AGAIN_SECONDS)


class OnTopic(Reach):
    """The editions on the topic `rules`."""

    seconds = 5.0

    def __init__(self, loaded: Loaded) -> None:
        self._kafka, self._seen, self._lock = kafka_of(loaded), Seen(), asyncio.Lock()

    async def call(self, work: Callable[[Editions], T]) -> T:
        """In a thread, one after the other. Raises Transient, Refused."""
        async with self._lock:
            return await asyncio.to_thread(self._call, work)

    def _call(self, work: Callable[[Editions], T]) -> T:
        with looking(self._kafka, self._seen) as editions:
            return work(editions)


async def rules_at_start(loaded: Loaded, reach: Reach, clock: Clock, progress: Progress) -> RuleSet:
    """What a worker is to work by, once the brokers answer. Raises ConfigError, HilferufError."""
    return await _answered(
        lambda: reach.call(lambda editions: at_start(loaded, editions, clock.now())), "the lexicons in force", progress
    )


def switching(application: Application) -> Callable[[RuleSet], Awaitable[None]]:
    """How a worker is given other rules."""

    async def switch(rules: RuleSet) -> None:
        settings = rules.loaded.settings
        made = stages(rules.lexicon, rules.strategy, settings, count_verdict)
        application.switch(made, rules_record(rules.lexicon, rules.strategy, settings))

    return switch


class Deployment:
    """What the roles of one process share: settings, rules, the topics' ids."""

    def __init__(self, rules: RuleSet, ids: dict[str, str], clock: Clock, instance: str | None) -> None:
        self.loaded, self._rules, self._ids, self._clock = rules.loaded, rules, ids, clock
        self._instance, self._kafka, self._mark = instance, kafka_of(rules.loaded), fingerprint(rules)

    def worker(self) -> Application:
        """screen, profile and assess."""
        rules, settings = self._rules, self.loaded.settings
        made = stages(rules.lexicon, rules.strategy, settings, count_verdict)
        return self._application("work", made, rules=rules_record(rules.lexicon, rules.strategy, settings))

    def deliverers(self, only: str | None) -> list[tuple[Application, Deliverer]]:
        """One group a sink, so that a helpdesk that is down blocks no other. Raises ConfigError."""
        found: list[tuple[Application, Deliverer]] = []
        for sink, options in sinks_of(self.loaded):
            if only is not None and sink.name != only:
                continue
            ledger = KafkaLedger(Deliver(Route(sink.name, options.brands, options.rerank_minutes)))
            deliverer = Deliverer(
                sink,
                ledger,
                converge,
                clock=self._clock,
                concurrency=options.concurrency,
                observe_seconds=options.observe_seconds,
            )
            ledger.wake, ledger.finish = deliverer.wake.set, deliverer.finish
            application = self._application(
                f"deliver-{sink.name}",
                [ledger.stage],
                make_shard=ledger.shard,
                on_open=ledger.opened,
                on_close=ledger.closed,
            )
            ledger.fail = application.fail
            found.append((application, deliverer))
        return found

    def _application(
        self,
        role: str,
        made: Sequence[Stage[Any]],
        *,
        rules: Rules | None = None,
        make_shard: Callable[[Cluster, int, Path], Shard[Any]] | None = None,
        on_open: Callable[[Shard[Any]], None] = lambda shard: None,
        on_close: Callable[[Shard[Any]], None] = lambda shard: None,
    ) -> Application:
        cluster = Cluster(
            self._kafka, self._kafka.group(role), members.client_id(role, self._mark), self._ids, self._clock.now
        )
        return Application(
            cluster,
            made,
            folder=self.loaded.data_dir,
            instance=self._instance and f"{self._instance}-{role}",
            rules=rules,
            make_shard=make_shard,
            on_open=on_open,
            on_close=on_close,
        )

    async def look_around(self, groups: Sequence[str]) -> None:
        """Says when members of another deployment share our groups."""
        said: dict[str, list[str]] = {}
        while True:
            for group in groups:
                try:
                    found = await asyncio.to_thread(members.other_deployments, self._kafka, group, self._mark)
                except Exception as error:  # noqa: BLE001 - a look that fails says nothing about the work
                    log.debug("cannot look at the group", group=group, error=str(error))
                    continue
                metrics.OTHER_DEPLOYMENTS.labels(group).set(len(found))
                for line in found if found != said.get(group) else ():
                    log.error("two deployments", error=line)
                said[group] = found
            await asyncio.sleep(LOOK_AROUND_SECONDS)
