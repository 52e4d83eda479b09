"""The start commands of docker-compose.yml as plain processes: what differs from containers is only where things lie."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.tools import DEPLOY, compose
from tests.servers import free_port

PROGRAM = str(Path(sys.executable).with_name("hilferuf"))
PATIENCE = 60.0  # seconds; the machine may be busy


@dataclass
class Process:
    """A running role."""

    name: str
    settings: Path
    port: int
    log: Path
    running: "subprocess.Popen[bytes]" = field(repr=False)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of metrics or health; status 0 = nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> None:
        """Wait until it says so."""
        self._wait("/readyz", lambda status, _: status == 200)

    def measures(self, line: str) -> None:
        """Wait until the metrics have this line."""
        self._wait("/metrics", lambda _, body: line in body.splitlines())

    def _wait(self, path: str, well: Callable[[int, str], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not well(*(found := self.get(path))):
            assert self.running.poll() is None, self.log.read_text()
            assert time.monotonic() < until, f"{found}\n{self.log.read_text()}"
            time.sleep(0.2)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(PATIENCE)


@dataclass
class Deployment:
    """docker-compose.yml on this machine. `kafka`: what to change in that section of the settings."""

    folder: Path
    kafka: dict[str, Any]
    webhook_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.services = compose({"HILFERUF_WEBHOOK_SECRET": "example"})["services"]

    def run(self, name: str) -> "subprocess.CompletedProcess[str]":
        """A service that ends by itself."""
        settings, _ = self._settings(name)
        command = [PROGRAM, *self.services[name]["command"]]
        return subprocess.run(
            command,
            check=False,
            env=self._environment(name, settings),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    @contextmanager
    def started(self, *names: str) -> Iterator[dict[str, Process]]:
        """Services that run until the end of the block, all ready."""
        processes = {name: self._start(name) for name in names}
        try:
            for process in processes.values():
                process.ready()
            yield processes
        finally:
            for process in processes.values():
                process.running.kill()
                process.running.wait()

    def _start(self, name: str) -> Process:
        settings, port = self._settings(name)
        log = self.folder / name / "log"
        with log.open("wb") as out:
            running = subprocess.Popen(
                [PROGRAM, *self.services[name]["command"]],
                env=self._environment(name, settings),
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return Process(name, settings, port, log, running)

    def _environment(self, name: str, settings: Path) -> dict[str, str]:
        own = {"PATH": os.environ["PATH"], "HILFERUF_CONFIG": str(settings)}
        return own | self.services[name].get("environment", {})

    def _settings(self, name: str) -> tuple[Path, int]:
        """The bundled settings with a data folder, addresses and ports of this machine."""
        folder, port = self.folder / name, free_port()
        folder.mkdir(exist_ok=True)
        settings = yaml.safe_load((DEPLOY / "compose" / "hilferuf.yaml").read_text("utf-8"))
        settings["kafka"] |= self.kafka
        settings["data_dir"] = str(folder / "data")
        settings["server"] = {"host": "127.0.0.1", "port": port}
        settings["listeners"]["webhook"] |= {"host": "127.0.0.1", "port": self.webhook_port}
        (folder / "brand.yaml").write_bytes((DEPLOY / "compose" / "brand.yaml").read_bytes())
        file = folder / "hilferuf.yaml"
        file.write_text(json.dumps(settings), "utf-8")  # JSON is YAML
        return file, port
