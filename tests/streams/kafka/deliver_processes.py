"""`hilferuf deliver` as processes of their own on a real broker, before an imitated Zendesk in the test's process."""

import asyncio
import json
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records import codec
from records.tickets import TicketOperation
from sinks.imitations.zendesk import ZendeskImitation
from tests.servers import free_port
from tests.streams.kafka.desk_rig import Writer, settings_for

ROOT = Path(__file__).parents[3]
MAIN = [sys.executable, "-c", "from hilferuf.cli import main; main()"]
PATIENCE = 60.0  # seconds; the machine may be busy


@dataclass
class Role:
    """A running process."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    async def end(self, number: signal.Signals) -> int:
        """Its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    def get(self, path: str) -> str:
        """Blocking; empty where nobody answers, or says no."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    async def ready(self) -> None:
        await until(lambda: asyncio.to_thread(self.get, "/readyz"), self._said)

    async def measures(self, line: str) -> None:
        """Wait until the metrics have this line."""

        async def found() -> bool:
            return line in (await asyncio.to_thread(self.get, "/metrics")).splitlines()

        await until(found, self._said)

    async def delivered(self, sink: str, number: int) -> None:
        """Wait until it has done so many writes."""
        await self.measures(f'hilferuf_deliveries_total{{outcome="done",sink="{sink}"}} {number}.0')

    def _said(self) -> str:
        return self.log.read_text()[-3_000:]


class Office:
    """A deployment that only delivers; the test writes what its workers would have written."""

    def __init__(
        self, addresses: list[str], prefix: str, folder: Path, sinks: dict[str, Any], token: str = "-"
    ) -> None:
        self.folder, self.kafka = folder, settings_for(addresses, prefix)
        kafka = {"bootstrap": addresses, "prefix": prefix, "partitions": 2, "replication": 1, "min_insync": 1}
        settings = {"kafka": kafka, "sinks": sinks, "server": {"port": 0}}
        (folder / "hilferuf.yaml").write_text(json.dumps(settings))  # JSON is YAML
        own = {key: value for key, value in os.environ.items() if key != "HILFERUF_CONFIG"}
        self.environment = {**own, "PYTHONPATH": str(ROOT), "ZENDESK_TOKEN": token}

    async def open(self) -> "Office":
        """Make the topics."""
        await self.call("topics", "apply")
        self.writer = await asyncio.to_thread(Writer, self.kafka)
        return self

    async def call(self, *words: str) -> str:
        """A command that ends by itself; its output."""
        process = await asyncio.create_subprocess_exec(
            *MAIN, *words, cwd=self.folder, env=self.environment, stdout=-1, stderr=-1
        )
        out, error = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, (out + error).decode()
        return out.decode()

    async def put(self, *operations: TicketOperation) -> None:
        for one in operations:
            await asyncio.to_thread(self.writer.put, "tickets", one.ticket_id, codec.encode(one))

    @asynccontextmanager
    async def delivering(self, *words: str) -> AsyncIterator[Role]:
        """Killed at the end of the block, if the test did not end it."""
        port, path = free_port(), self.folder / "log"
        with path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *MAIN,
                "deliver",
                "--health-port",
                str(port),
                *words,
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        role = Role(process, port, path)
        try:
            await role.ready()
            yield role
        finally:
            await role.end(signal.SIGKILL)


async def until(well: Callable[[], Awaitable[Any]], trouble: Callable[[], str] = str) -> None:
    """Ask again until it is so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not await well():
        assert loop.time() < end, trouble()
        await asyncio.sleep(0.1)


def zendesk_settings(imitation: ZendeskImitation, **more: Any) -> dict[str, Any]:
    """The section of the settings."""
    token = {"env": "ZENDESK_TOKEN"}
    return {"url": imitation.url, "email": imitation.email, "token": token, "timeout_seconds": 90, **more}
