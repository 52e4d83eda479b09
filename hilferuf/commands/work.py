"""`hilferuf work`: the stages of a deployment on Kafka. As many of these processes as wanted share the partitions."""

import asyncio
import contextlib
import signal
from pathlib import Path

import msgspec
import structlog

from config.settings import Loaded, Server
from config.yaml_file import ConfigError
from hilferuf.on_kafka import Progress, data_folder, fingerprint, leave, look_around, worker_of
from hilferuf.rules import rules_of, settings_of
from hilferuf.seen import Outside, set_up_log
from listeners.clock import SystemClock
from records.errors import HilferufError
from streams.topology import rules_record

log = structlog.get_logger("service")


def work(config: Path | None, instance: str | None, health_port: int | None) -> int:
    """Run until SIGTERM or SIGINT. Raises ConfigError without a section `kafka`."""
    loaded = on_kafka(config)
    set_up_log(loaded.settings.log)
    data_folder(loaded)
    leave(asyncio.run(_serve(loaded, instance, health_port)))
    return 0


def on_kafka(config: Path | None) -> Loaded:
    """Settings with a section `kafka`. Raises ConfigError."""
    loaded = settings_of(config)
    if loaded.settings.kafka is None:
        raise ConfigError(
            "there is no section `kafka`: `work` is for a deployment on Kafka",
            loaded.file,
            hint="`hilferuf run` does everything in one process without Kafka; see docs/operations.md",
        )
    return loaded


async def _serve(loaded: Loaded, instance: str | None, health_port: int | None) -> int:
    clock, stop, progress = SystemClock(), asyncio.Event(), Progress()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    outside = Outside(progress, (), (), stop.is_set)
    await seen_at(outside, loaded.settings.server, health_port)
    stopped = asyncio.create_task(stop.wait())
    making = asyncio.create_task(worker_of(loaded, clock, instance, progress))
    await asyncio.wait([making, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not making.done():
        making.cancel()
        return 0
    application = making.result()
    await application.start()
    progress.waiting, progress.applications = None, (application,)
    rules = rules_of(loaded)
    mark = fingerprint(loaded, rules_record(rules.lexicon, rules.strategy, loaded.settings))
    kafka = loaded.settings.kafka
    assert kafka is not None
    looking = asyncio.create_task(look_around(loaded, kafka.group("work"), mark))
    log.info("started", role="work", group=kafka.group("work"), instance=instance, health=f"port {outside.port}")
    await stopped
    looking.cancel()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(application.stop(), 60)
    await outside.stop()
    log.info("stopped")
    return 0


async def seen_at(outside: Outside, server: Server, port: int | None) -> None:
    """Start metrics and health. Raises HilferufError when the port is taken."""
    server = server if port is None else msgspec.structs.replace(server, port=port)
    try:
        await outside.start(server)
    except OSError as error:
        raise HilferufError(
            f"metrics and health cannot listen on {server.host}:{server.port}: {error.strerror}; set server.port or "
            "--health-port"
        ) from error
