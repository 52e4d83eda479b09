"""Real servers for tests, started on 127.0.0.1 and ended by their id. Used by tests/sinks and tests/crash."""

import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parent.parent / "deploy" / "request-tracker"
PROGRAM = Path("/usr/share/request-tracker5/libexec/rt-server")
MISSING = "Request Tracker 5 is not installed; get it with: sudo deploy/request-tracker/install.sh"


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need_request_tracker() -> None:
    """Skip with one line where Request Tracker is missing; under CI=true that is a failure."""
    if PROGRAM.exists():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


@dataclass
class RequestTrackerServer:
    """A seeded Request Tracker of its own; `queue` Social, users `hilferuf` (the sink's) and `agent` (a person)."""

    folder: Path
    port: int
    workers: int = 2
    queue: str = "Social"
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return (self.folder / "token").read_text().strip()

    @property
    def agent_token(self) -> str:
        return (self.folder / "agent-token").read_text().strip()

    def start(self, timeout: float = 90.0) -> None:
        """Start and wait until it answers. Raises RuntimeError with what it printed."""
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["bash", str(DEPLOY / "start.sh"), str(self.folder), str(self.port)],
                stdout=log,
                stderr=log,
                env={**os.environ, "RT_WORKERS": str(self.workers)},
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url + "/REST/2.0/rt", timeout=5).close()
            except urllib.error.HTTPError:
                return  # 401: it answers, and wants a token
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("Request Tracker did not start:\n" + Path(log.name).read_text("utf-8", "replace")[-2000:])

    def stop(self) -> None:
        """Stop it and wait."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.process = None

    def administer(self, command: str) -> None:
        """Run one of Request Tracker's own commands as its user, as an administrator would."""
        user = ["setpriv", "--reuid=www-data", "--regid=www-data", "--init-groups"] if os.geteuid() == 0 else []
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/bin",
            "RT_SITE_CONFIG": str(self.folder / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(self.folder / "conf.d"),
        }
        subprocess.run(
            [*user, *shlex.split(command)],
            check=True,
            env=environment,
            cwd=self.folder,
            capture_output=True,
            timeout=60,
        )

    def backup(self) -> Path:
        """A copy of the database as it is; stop the server first."""
        copy = self.folder / "backup"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "db", copy)
        return copy

    def restore(self, copy: Path) -> None:
        """Put a backup back; stop the server first."""
        for file in copy.iterdir():
            target = self.folder / "db" / file.name
            target.write_bytes(file.read_bytes())  # keeps owner and mode


def start_request_tracker(workers: int = 2) -> RequestTrackerServer:
    """A new one on a free port, in a temporary folder that its unprivileged user can enter. Takes about ten seconds."""
    need_request_tracker()
    parent = Path(tempfile.mkdtemp(prefix="hilferuf-rt-"))
    parent.chmod(0o755)
    server = RequestTrackerServer(parent / "rt", free_port(), workers)
    server.start()
    return server


def discard(server: RequestTrackerServer) -> None:
    """Stop it and remove its folder."""
    server.stop()
    shutil.rmtree(server.folder.parent, ignore_errors=True)
