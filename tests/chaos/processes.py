"""Processes of a deployment under a supervisor that starts each again whenever it ends, as an orchestrator does."""

import asyncio
import os
import re
import resource
import signal
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

from tests.servers import free_port

ROOT = Path(__file__).parents[2]
MAIN = [sys.executable, "-c", "from tests.chaos.jumping_clock import main; main()"]
AGAIN = 0.5  # seconds between an end and the next start
ENDS_WITHIN = 90.0  # seconds after SIGTERM: the processes' own limit is 60, and others use this machine too
_STAMP = re.compile(r"^\S+Z \[?(\w+)\s*\]? ")


class Supervised:
    """One role as a process. exits: how often it ended with which code; said: how often each warning and error came; hung: what
    did not end after SIGTERM; gone: it is not started again."""

    def __init__(self, name: str, words: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.name, self.folder = name, folder
        self.words, self._environment = words, environment
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None
        self.exits: Counter[int] = Counter()
        self.said: Counter[str] = Counter()
        self.hung: list[str] = []
        self.paused = self.gone = False
        self._keeping: asyncio.Task[None] | None = None
        self._watching: set[asyncio.Task[None]] = set()

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def clock(self) -> Path:
        return self.folder / f"{self.name}.clock"

    def start(self) -> None:
        """From now on it runs."""
        self._keeping = asyncio.create_task(self._keep(), name=self.name)

    async def _keep(self) -> None:
        while not self.gone:
            await self._run_once()
            if not self.gone:
                await asyncio.sleep(AGAIN)

    async def _run_once(self) -> None:
        read, write = os.pipe()  # not a file: a full disk is played by a limit on the size of files
        command = [*MAIN, *self.words, "--health-port", str(self.port)]
        process = self.process = await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self._environment, stdout=write, stderr=write, start_new_session=True
        )
        os.close(write)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=2**22)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb"))
        try:
            with self.log.open("ab", buffering=0) as log:
                log.write(f"--- {time.time():.1f} start, pid {process.pid}\n".encode())
                while line := await reader.readline():
                    log.write(line)
                    self._count(line.decode("utf-8", "replace"))
                code = await process.wait()
                log.write(f"--- {time.time():.1f} ended with {code}\n".encode())
                self.exits[code] += 1
        finally:
            transport.close()

    def _count(self, line: str) -> None:
        for level in ("warning", "error"):
            if f"[{level}" in line:
                self.said[line.partition("]")[2].strip()[:40].partition("  ")[0]] += 1

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """To the process as it runs now, if it does."""
        if self.process is None or not self.alive:
            return
        self.process.send_signal(number)
        if number == signal.SIGTERM:
            task = asyncio.create_task(self._must_end(self.process))
            self._watching.add(task)
            task.add_done_callback(self._watching.discard)

    async def _must_end(self, process: asyncio.subprocess.Process) -> None:
        try:
            await asyncio.wait_for(process.wait(), ENDS_WITHIN)
        except TimeoutError:
            self.hung.append(f"{self.name} (pid {process.pid}) has not ended {ENDS_WITHIN:.0f} s after SIGTERM")
            process.kill()

    async def pause(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        if self.process is None or not self.alive or self.paused:
            return
        process, self.paused = self.process, True
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.paused = False
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)

    async def full_disk(self, seconds: float) -> None:
        """No file of the process can grow for so long."""
        if self.process is None or not self.alive:
            return
        process = self.process
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        try:
            await asyncio.sleep(seconds)
        finally:
            if process.returncode is None:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, resource.RLIM_INFINITY))

    def get(self, path: str) -> str:
        """Blocking; empty where nobody answers, or says no."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    async def ready(self, timeout: float = 90.0) -> None:
        """Wait until it says that it is."""
        end = time.monotonic() + timeout
        while not await asyncio.to_thread(self.get, "/readyz"):
            assert time.monotonic() < end, f"{self.name} is not ready\n{self.tail()}"
            await asyncio.sleep(0.2)

    def tail(self) -> str:
        return self.log.read_text("utf-8", "replace")[-3_000:] if self.log.exists() else ""

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, for good."""
        self.gone = True
        self.send(number)
        await asyncio.gather(*self._watching)
        if self._keeping is not None:
            await self._keeping
