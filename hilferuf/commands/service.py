"""`hilferuf run`, `listen`, `deliver`: the service. Starts from the bottom up, stops from the top down."""

import asyncio
import fcntl
import os
import signal
from pathlib import Path
from typing import IO

import msgspec
import structlog

from config.settings import Loaded
from config.yaml_file import ConfigError
from hilferuf.engine import InEngine, deliverers_of, engine_of, rules_at_start, switching, undelivered
from hilferuf.engine_file import path_of
from hilferuf.hangup import on_hangup
from hilferuf.in_force import Follower
from hilferuf.rules import settings_of
from hilferuf.seen import Embedded, Outside, count_verdict, set_up_log
from hilferuf.wiring import listeners_of
from listeners.clock import SystemClock
from listeners.contract import Listener
from records.errors import HilferufError
from streams.deliverer import Deliverer
from streams.embedded import EmbeddedEngine

log = structlog.get_logger("service")
FATAL = 70  # the engine cannot go on: let the orchestrator start us again


def service(
    config: Path | None,
    roles: set[str],
    *,
    drain: bool = False,
    health_port: int | None = None,
    sink: str | None = None,
    instance: str | None = None,
) -> int:
    """Run until SIGTERM or SIGINT (or, with `drain`, until there is nothing left to do). Returns the exit code."""
    loaded = settings_of(config)
    if loaded.settings.kafka is not None:
        from hilferuf.commands.on_kafka import serve

        if drain:
            raise ConfigError(
                "--drain is for the embedded engine", loaded.file, hint="`hilferuf lag` shows what is left"
            )
        roles = {"work" if role == "stages" else role for role in roles}
        return serve(loaded, roles, sink=sink, instance=instance, health_port=health_port)
    if "work" in roles or sink is not None:
        raise ConfigError(
            "there is no section `kafka`: `work` and `--sink` are for a deployment on Kafka",
            loaded.file,
            hint="`hilferuf run` does everything in one process without Kafka; see docs/operations.md",
        )
    if health_port is not None:
        server = msgspec.structs.replace(loaded.settings.server, port=health_port)
        loaded = msgspec.structs.replace(loaded, settings=msgspec.structs.replace(loaded.settings, server=server))
    set_up_log(loaded.settings.log)
    loaded.data_dir.mkdir(parents=True, exist_ok=True)
    locks = [_lock(loaded, role) for role in sorted(roles)]
    try:
        return asyncio.run(_serve(loaded, roles, drain))
    finally:
        for lock in locks:
            lock.close()


async def _serve(loaded: Loaded, roles: set[str], drain: bool) -> int:
    clock, stop = SystemClock(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    rules = rules_at_start(loaded, clock) if "stages" in roles else None
    engine = engine_of(rules, clock, count_verdict) if rules else _without_stages(loaded, clock)
    follower = Follower(rules, InEngine(engine), switching(engine, count_verdict), clock.now) if rules else None
    on_hangup(loop, follower.look_again if follower else lambda: None)
    listeners = listeners_of(loaded, clock) if "listen" in roles else []
    deliverers = deliverers_of(loaded, engine, clock) if "deliver" in roles else []
    engine.start()
    outside = Outside(Embedded(engine, deliverers), listeners, deliverers, stop.is_set)
    try:
        try:
            await outside.start(loaded.settings.server)
        except OSError as error:
            where = f"{loaded.settings.server.host}:{loaded.settings.server.port}"
            raise HilferufError(
                f"metrics and health cannot listen on {where}: {error.strerror}; set server.port or --health-port"
            ) from error
        log.info("started", roles=sorted(roles), file=str(path_of(loaded)), health=f"port {outside.port}")
        crashed = await _until_stopped(engine, listeners, deliverers, stop, drain, follower)
    finally:
        await outside.stop()
        await asyncio.to_thread(engine.stop)
    log.info("stopped")
    return FATAL if engine.failure or crashed else 0


def _without_stages(loaded: Loaded, clock: SystemClock) -> EmbeddedEngine:
    return EmbeddedEngine(path_of(loaded), (), clock=clock.now, log_days=loaded.settings.retention.log_days)


async def _until_stopped(
    engine: EmbeddedEngine,
    listeners: list[Listener],
    deliverers: list[Deliverer],
    stop: asyncio.Event,
    drain: bool,
    follower: Follower | None,
) -> bool:
    """Listeners stop first, so that nothing new comes while the deliverers finish what they write. Returns whether a part
    crashed."""
    silence = asyncio.Event()
    hearing = [asyncio.create_task(listener.run(engine, stop), name=listener.name) for listener in listeners]
    delivering = [asyncio.create_task(deliverer.run(silence), name=deliverer.sink.name) for deliverer in deliverers]
    following = [asyncio.create_task(follower.run(stop), name="lexicons")] if follower else []
    watching = asyncio.create_task(_watch(engine, hearing, deliverers, stop, drain))
    try:
        await asyncio.wait([watching, *delivering], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        crashed = await _end(hearing)
        silence.set()
        crashed |= await _end(delivering)
        crashed |= await _end([watching, *following])
    return crashed


async def _end(tasks: list["asyncio.Task[None]"]) -> bool:
    """Wait for the tasks; returns whether one of them crashed."""
    crashed = False
    for task, result in zip(tasks, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
        if isinstance(result, BaseException):
            crashed = True
            log.error("crashed", part=task.get_name(), error=repr(result))
    return crashed


async def _watch(
    engine: EmbeddedEngine,
    hearing: list["asyncio.Task[None]"],
    deliverers: list[Deliverer],
    stop: asyncio.Event,
    drain: bool,
) -> None:
    """Ends when the service is to stop: told so, the engine failed, a listener crashed, or (`drain`) all is done."""
    while not stop.is_set() and engine.failure is None:
        if any(task.done() and task.exception() is not None for task in hearing):
            return
        if drain and all(task.done() for task in hearing):
            await engine.settled()
            if not await undelivered(engine, deliverers):
                return
        try:
            await asyncio.wait_for(stop.wait(), 0.1)
        except TimeoutError:
            continue


def _lock(loaded: Loaded, role: str) -> IO[str]:
    """One process a role and data folder. The lock goes with the process, however it ends."""
    path = loaded.data_dir / f"{role}.lock"
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise HilferufError(f"{path}: another process already does `{role}` on this data folder") from error
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle
