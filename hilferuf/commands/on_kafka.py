"""`hilferuf listen`, `work`, `deliver` (and `run`: all three) of a deployment on Kafka."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from typing import Any

import msgspec
import structlog

from config.settings import Loaded, Server
from config.yaml_file import ConfigError
from hilferuf.deployment import kafka_of
from hilferuf.hangup import on_hangup
from hilferuf.in_force import Follower
from hilferuf.on_kafka import Deployment, OnTopic, Progress, rules_at_start, switching, topics_of
from hilferuf.rules import RuleSet, rules_of
from hilferuf.seen import Outside, set_up_log
from hilferuf.wiring import listeners_of, sink_settings
from listeners.clock import SystemClock
from listeners.contract import Listener
from listeners.kafka_publisher import KafkaPublisher
from priority.strategy import load_strategy
from records.errors import HilferufError
from streams.deliverer import Deliverer
from streams.kafka.app import FATAL

log = structlog.get_logger("service")

STOP_SECONDS = 60.0


def serve(loaded: Loaded, roles: set[str], *, sink: str | None, instance: str | None, health_port: int | None) -> int:
    """Run until SIGTERM or SIGINT. roles: of `listen`, `work`, `deliver`; sink: deliver to this one only; instance: a name that
    outlives the process. Raises ConfigError, and HilferufError for topics that are missing or wrong."""
    if sink is not None and sink not in dict(sink_settings(loaded.settings)):
        raise ConfigError(f"there is no sink {sink}", loaded.file, hint="see `sinks` in the settings")
    set_up_log(loaded.settings.log)
    loaded.data_dir.mkdir(parents=True, exist_ok=True)
    process = Process(loaded, roles, sink, instance)

    async def run_and_leave() -> int:
        code = await process.run(health_port)
        # What had to be written is written. Faust's threads and finalisers would only hold the process up, or acknowledge;
        # asyncio's own would wait for tasks of Faust that swallow their cancellation.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    return asyncio.run(run_and_leave())


class Process:
    """One process with its roles. Listeners stop first, workers and deliverers last."""

    def __init__(self, loaded: Loaded, roles: set[str], sink: str | None, instance: str | None) -> None:
        self._loaded, self._roles, self._sink, self._instance = loaded, roles, sink, instance
        self._clock, self._progress, self._stop = SystemClock(), Progress(), asyncio.Event()
        self._rules = None if "work" in roles else rules_of(loaded)  # a worker may find others in force
        load_strategy(loaded.settings.strategy, loaded.base)
        self._editions: OnTopic | None = OnTopic(loaded) if "work" in roles else None
        self._follower: Follower | None = None
        self._listeners: list[Listener] = listeners_of(loaded, self._clock) if "listen" in roles else []
        self._deliverers: list[Deliverer] = []
        self._working: list[asyncio.Task[None]] = []
        self._looking: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._crashed = False

    async def run(self, health_port: int | None) -> int:
        """Returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        on_hangup(loop, self._look_again)
        outside = Outside(self._progress, self._listeners, self._deliverers, self._stop.is_set)
        await _start(outside, self._loaded.settings.server, health_port)
        hearing = await self._hear()
        stopped = asyncio.create_task(self._stop.wait())
        preparing = asyncio.create_task(self._prepare(outside.port))
        try:
            await asyncio.wait([preparing, stopped], return_when=asyncio.FIRST_COMPLETED)
            if preparing.done():
                await preparing
            await stopped
        finally:
            self._stop.set()
            await self._end(hearing)
            preparing.cancel()
            await asyncio.wait([preparing], timeout=STOP_SECONDS / 12)  # a Faust that just starts may swallow it
            await self._leave()
            await outside.stop()
        log.info("stopped")
        return FATAL if self._crashed else 0

    async def _hear(self) -> "list[asyncio.Task[None]]":
        """Listeners hear at once: what comes before Kafka answers lies in the spool."""
        if not self._listeners:
            return []
        publisher = KafkaPublisher(
            kafka_of(self._loaded),
            self._loaded.data_dir,
            self._clock.now,
            log_days=self._loaded.settings.retention.log_days,
        )
        await publisher.start()
        self._progress.publisher = publisher
        return [self._task(listener.run(publisher, self._stop), listener.name) for listener in self._listeners]

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        async def watched() -> None:
            try:
                await work
            except Exception as error:  # a fault of ours: the process ends in good order, and is started again
                log.exception("crashed", part=name, error=repr(error))
                self._crashed = True
                self._stop.set()

        return asyncio.create_task(watched(), name=name)

    async def _prepare(self, port: int) -> None:
        """Waits for the brokers, checks the topics, then starts the work. Raises HilferufError for wrong topics."""
        ids = await topics_of(self._loaded, self._progress)
        rules = self._rules or await self._in_force()
        deployment = Deployment(rules, ids, self._clock, self._instance)
        applications = [deployment.worker()] if "work" in self._roles else []
        if self._editions is not None:
            self._follower = Follower(rules, self._editions, switching(applications[0]), self._clock.now)
        for application, deliverer in deployment.deliverers(self._sink) if "deliver" in self._roles else ():
            applications.append(application)
            self._deliverers.append(deliverer)
        for application in applications:
            await application.start()
            self._progress.applications.append(application)
        self._working = [self._task(d.run(self._stop), f"deliver {d.sink.name}") for d in self._deliverers]
        if self._follower is not None:
            self._following = self._task(self._follower.run(self._stop), "lexicons")
        self._progress.waiting = None
        groups = [application.group for application in applications]
        self._looking = self._task(deployment.look_around(groups), "looking around")
        log.info("started", roles=sorted(self._roles), groups=groups, instance=self._instance, health=f"port {port}")

    async def _in_force(self) -> RuleSet:
        assert self._editions is not None
        return await rules_at_start(self._loaded, self._editions, self._clock, self._progress)

    def _look_again(self) -> None:
        if self._follower is not None:
            self._follower.look_again()

    async def _end(self, hearing: "list[asyncio.Task[None]]") -> None:
        if hearing:
            await asyncio.wait(hearing, timeout=STOP_SECONDS / 4)
        if self._progress.publisher is not None:
            await self._progress.publisher.aclose()

    async def _leave(self) -> None:
        """Deliverers finish what they write, then the groups are left."""
        threading.excepthook = _thread_ended
        if self._looking is not None:
            self._looking.cancel()
        if self._following is not None:
            await asyncio.wait([self._following], timeout=STOP_SECONDS / 4)
        if self._working:
            await asyncio.wait(self._working, timeout=STOP_SECONDS / 2)
        for application in self._progress.applications:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(application.stop(), STOP_SECONDS)


async def _start(outside: Outside, server: Server, port: int | None) -> None:
    """Metrics and health. Raises HilferufError when the port is taken."""
    server = server if port is None else msgspec.structs.replace(server, port=port)
    try:
        await outside.start(server)
    except OSError as error:
        raise HilferufError(
            f"metrics and health cannot listen on {server.host}:{server.port}: {error.strerror}; set server.port or "
            "--health-port"
        ) from error


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    """Where Kafka is away, Faust's polling thread ends by an error of its own while we leave; nothing hangs on it any more."""
    log.debug("thread ended", error=repr(ended.exc_value))
