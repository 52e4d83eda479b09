"""`hilferuf doctor`: one line a check, each with what to do. Exit code 0 = all well, 1 = something is wrong."""

import asyncio
import os
import shutil
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

from config.kafka import KafkaSettings
from config.settings import FileSettings, Loaded
from config.yaml_file import ConfigError
from hilferuf.deployment import fingerprint
from hilferuf.editions import compiled
from hilferuf.engine_file import path_of
from hilferuf.engines import editions_of
from hilferuf.rules import rules_of, settings_of
from hilferuf.wiring import STDIN, Part, listener_parts, sink_of, sink_settings
from listeners.clock import SystemClock
from records.errors import HilferufError
from streams.store import connect

LOOPBACK = ("127.0.0.1", "::1", "localhost")
FREE_BYTES = 500_000_000


def doctor(config: Path | None) -> int:
    """Run every check; a failing one stops no other."""
    loaded = settings_of(config)
    print(f"ok    settings     {loaded.file}")
    settings, parts = loaded.settings, list(listener_parts(loaded, SystemClock()))
    checks: list[tuple[str, Callable[[], str]]] = [
        ("rules", lambda: _rules(loaded)),
        *([] if settings.kafka else [("lexicons", lambda: _in_force(loaded))]),
        ("data folder", lambda: _folder(loaded)),
        *([] if settings.kafka else [("engine file", lambda: _engine(loaded))]),
        ("health port", lambda: _port(settings.server.host, settings.server.port)),
    ]
    checks += [(part.name, partial(_listener, part)) for part in parts]
    if settings.listeners.webhook is not None:
        webhook = settings.listeners.webhook
        checks.append(("webhook port", partial(_port, webhook.host, webhook.port)))
    checks += [(f"file {index}", partial(_file, loaded, file)) for index, file in enumerate(settings.listeners.files)]
    if not parts:
        checks.append(("listeners", _nobody_listens))
    answers = [_say(name, check) for name, check in checks]
    if settings.kafka is not None:
        answers.append(_kafka(loaded, settings.kafka))
    return 0 if asyncio.run(_sinks(loaded)) and all(answers) else 1


def _say(name: str, check: Callable[[], str]) -> bool:
    try:
        print(f"ok    {name:<12} {check()}")
    except HilferufError as error:
        print(f"WRONG {name:<12} {error}")
        return False
    except OSError as error:
        print(f"WRONG {name:<12} {error.filename or ''}: {error.strerror}")
        return False
    return True


def _rules(loaded: Loaded) -> str:
    rules = rules_of(loaded)
    return f"lexicons {rules.lexicon.version}, strategy {rules.strategy.version}"


def _in_force(loaded: Loaded) -> str:
    """Whether the lexicons in force can be used: those of the files are another line's matter."""
    if loaded.settings.kafka is None and not path_of(loaded).exists():
        return "in force from the first start on"
    with editions_of(loaded) as editions:
        held = editions.in_force()
        if held is None:
            return "nothing was decided yet; the files are in force from the next start on"
        edition = editions.edition(held.now.edition)
    try:
        version = compiled(loaded, edition).version
    except ConfigError as error:
        hint = "`hilferuf lexicon rollback`, or mend it and apply"
        raise HilferufError(f"what is in force cannot be used: {error}; {hint}") from error
    said = f"{version} in force since {held.now.at}, by {held.now.how}"
    return said if held.now.edition == held.files else f"{said}; not those of the files"


def _folder(loaded: Loaded) -> str:
    folder = loaded.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise HilferufError(f"{folder} cannot be written; give it to the user that runs hilferuf")
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise HilferufError(f"{folder} has only {free // 1_000_000} MB free; make room")
    return f"{folder}, {free // 1_000_000_000} GB free"


def _engine(loaded: Loaded) -> str:
    path = path_of(loaded)
    if not path.exists():
        return "not there yet; `hilferuf run` makes it"
    connection = connect(path)
    try:
        (answer,) = connection.execute("PRAGMA quick_check").fetchone()
    finally:
        connection.close()
    if answer != "ok":
        raise HilferufError(f"{path} is damaged ({answer}); restore it from a backup")
    return f"{path}, {path.stat().st_size // 1_000_000} MB"


def _port(host: str, port: int) -> str:
    if host not in LOOPBACK:
        print(f"note  {'address':<12} {host}:{port} is open to others; put something that authenticates before it")
    with socket.socket() as probe:
        if port and probe.connect_ex((host, port)) == 0:
            return f"{host}:{port} is in use: by hilferuf, if it runs; else choose another"
    return f"{host}:{port} is free"


def _listener(part: Part) -> str:
    return f"{part.build().name}: configured"


def _file(loaded: Loaded, file: FileSettings) -> str:
    if file.path == STDIN:
        return "standard input"
    path = loaded.path(file.path)
    if path.is_file() and os.access(path, os.R_OK):
        return f"{path} can be read"
    if file.follow and not path.exists():
        return f"{path} is not there yet; it is waited for"
    raise HilferufError(f"{path} is no file that can be read")


def _nobody_listens() -> str:
    raise HilferufError("none is configured: nothing is heard; see docs/listeners.md")


def _kafka(loaded: Loaded, kafka: KafkaSettings) -> bool:
    from streams.kafka.examination import examine

    try:
        mine = fingerprint(rules_of(loaded))
    except HilferufError:
        mine = None  # the line `rules` says why
    sinks = [name for name, _ in sink_settings(loaded.settings)]
    well = True
    for finding in examine(kafka, loaded.settings.retention, sinks, mine):
        print(f"{'ok   ' if finding.well else 'WRONG'} {finding.name:<12} {finding.text}", flush=True)
        well = well and finding.well
    return _say("lexicons", lambda: _in_force(loaded)) if well else False


async def _sinks(loaded: Loaded) -> bool:
    well = True
    for name, options in sink_settings(loaded.settings):
        try:
            sink = sink_of(loaded, name, options)
            faults = await sink.check()
            await sink.aclose()
        except (HilferufError, OSError) as error:
            faults = (str(error),)
        for fault in faults:
            print(f"WRONG {name:<12} {fault}")
        if not faults:
            print(f"ok    {name:<12} takes tickets")
        well = well and not faults
    return well
