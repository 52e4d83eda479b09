"""`hilferuf doctor`: one line a check, each with what to do. Exit code 0 = all well, 1 = something is wrong."""

import asyncio
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from config.settings import Loaded
from hilferuf.engine_file import path_of
from hilferuf.rules import rules_of, settings_of
from hilferuf.wiring import listeners_of, sinks_of
from listeners.clock import SystemClock
from records.errors import HilferufError
from streams.store import connect

FREE_BYTES = 500_000_000


def doctor(config: Path | None) -> int:
    """Run every check; a failing one stops no other."""
    loaded = settings_of(config)
    print(f"ok    settings     {loaded.file}")
    checks: list[tuple[str, Callable[[], str]]] = [
        ("rules", lambda: _rules(loaded)),
        ("data folder", lambda: _folder(loaded)),
        ("engine file", lambda: _engine(loaded)),
        ("port", lambda: _port(loaded.settings.server.host, loaded.settings.server.port)),
        ("listeners", lambda: _listeners(loaded)),
    ]
    answers = [_say(name, check) for name, check in checks]
    return 0 if asyncio.run(_sinks(loaded)) and all(answers) else 1


def _say(name: str, check: Callable[[], str]) -> bool:
    try:
        print(f"ok    {name:<12} {check()}")
    except (HilferufError, OSError) as error:
        print(f"WRONG {name:<12} {error}")
        return False
    return True


def _rules(loaded: Loaded) -> str:
    rules = rules_of(loaded)
    return f"lexicons {rules.lexicon.version}, strategy {rules.strategy.version}"


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
    with socket.socket() as probe:
        if port and probe.connect_ex((host, port)) == 0:
            return f"{host}:{port} answers: hilferuf (or something else) is running"
    return f"{host}:{port} is free"


def _listeners(loaded: Loaded) -> str:
    found = listeners_of(loaded, SystemClock())
    if not found:
        raise HilferufError("none is configured: nothing is heard; see `listeners` in docs/listeners.md")
    return ", ".join(listener.name for listener in found)


async def _sinks(loaded: Loaded) -> bool:
    well = True
    try:
        sinks = sinks_of(loaded)
    except HilferufError as error:
        print(f"WRONG {'sinks':<12} {error}")
        return False
    for sink, _ in sinks:
        try:
            faults = await sink.check()
        except (HilferufError, OSError) as error:
            faults = (str(error),)
        for fault in faults:
            print(f"WRONG {sink.name:<12} {fault}")
        if not faults:
            print(f"ok    {sink.name:<12} takes tickets")
        well = well and not faults
        await sink.aclose()
    return well
