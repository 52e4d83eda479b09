"""The crash test's world: Hilferuf as a process of its own, real Request Tracker and an imitated Zendesk behind proxies that
lose answers, and a sender that keeps giving a mention until it is accepted."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx

from listeners.signatures import hex_signature
from records.times import MINUTE, from_ms
from sinks.imitations.zendesk import RANK_FIELD, ZendeskImitation
from tests.proxy import LosingProxy
from tests.servers import RequestTrackerServer, free_port

SECRET = "crash-test"
START = 1_790_000_000_000
LOST = 0.25  # of all writes: the helpdesk does the work and the answer never comes
SETTINGS = """\
data_dir: data
lexicons: [de, en, brand.yaml]
listeners:
  webhook: {{port: {webhook}, secrets: [{{env: HOOK}}]}}
sinks:
  request_tracker: {{url: "{rt}", queue: {queue}, token: {{env: RT}}, rerank_minutes: 0, observe_seconds: 1}}
  zendesk: {{url: "{zendesk}", email: {email}, token: {{env: ZD}}, rank_field: {rank}, rerank_minutes: 0, observe_seconds: 1}}
server: {{port: {health}}}
log: {{level: warning}}
"""
BRAND = """\
lexicon: 1
brands: [{id: nordfunk, names: [Nordfunk], handles: [nordfunk], hashtags: [nordfunk]}]
"""
CALLS = (
    "@nordfunk Hilfe, seit drei Tagen kein Netz und keiner meldet sich",
    "@nordfunk mein Router ist kaputt, wann kommt der Techniker?",
    "@nordfunk der Router brennt, es riecht nach Rauch! Hilfe!",
    "@nordfunk warte seit zwei Wochen auf die Rückerstattung 👩‍👩‍👧",
    "@nordfunk help, my internet is down",
)


def story(seed: int) -> "list[dict[str, Any]]":
    """Endless in principle: posts of a few people, with repeats, edits and deletes, in the input form."""
    chance, events, minute = random.Random(seed), [], 0
    for number in range(4_000):
        minute += chance.randint(1, 30)
        author = {"id": f"p{number // 3 if chance.random() < 0.7 else chance.randrange(number // 3 + 1)}"}
        at = from_ms(START + minute * MINUTE)
        post = {"id": f"x:{seed}{number:05d}", "author": author, "occurred_at": at}
        roll = chance.random()
        if roll < 0.75 or not events:
            events.append(post | {"text": chance.choice(CALLS)})
        elif roll < 0.85:
            events.append(post | {"text": "schönes Wetter heute"})
        else:
            old = chance.choice(events[-12:])
            later = {"id": old["id"], "author": old["author"], "occurred_at": old["occurred_at"]}
            if roll < 0.93:
                events.append(later | {"op": "update", "edited_at": at, "text": chance.choice(CALLS)})
            else:
                events.append(later | {"op": "delete", "edited_at": at, "text": None})
    return events


class Desk:
    """Everything that outlives a kill, and the process that is killed."""

    def __init__(self, folder: Path, tracker: RequestTrackerServer, seed: int) -> None:
        self.folder, self.tracker = folder, tracker
        self.zendesk = ZendeskImitation()
        self.proxies: list[LosingProxy] = []
        self.webhook, self.health = free_port(), free_port()
        self.seed = seed
        self.process: asyncio.subprocess.Process | None = None
        self.pending = story(seed)
        self.accepted: list[dict[str, Any]] = []

    async def __aenter__(self) -> "Desk":
        await self.zendesk.start()
        ports = (self.tracker.port, int(self.zendesk.url.rsplit(":", 1)[1]))
        self.proxies = [LosingProxy(port, lose=LOST, seed=self.seed) for port in ports]
        for proxy in self.proxies:
            await proxy.start()
        rt, zendesk = self.proxies
        text = SETTINGS.format(
            webhook=self.webhook,
            health=self.health,
            rt=rt.url,
            queue=self.tracker.queue,
            zendesk=zendesk.url,
            email=self.zendesk.email,
            rank=RANK_FIELD,
        )
        (self.folder / "hilferuf.yaml").write_text(text, "utf-8")
        (self.folder / "brand.yaml").write_text(BRAND, "utf-8")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        for proxy in self.proxies:
            await proxy.stop()
        await self.zendesk.stop()

    @property
    def settings(self) -> Path:
        return self.folder / "hilferuf.yaml"

    def secrets(self) -> dict[str, str]:
        return {"HOOK": SECRET, "RT": self.tracker.token, "ZD": self.zendesk.token}

    async def start(self) -> None:
        """Start Hilferuf; does not wait until it is ready."""
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from hilferuf.cli import main; main()",
                "run",
                "--config",
                str(self.settings),
                env={**os.environ, **self.secrets()},
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    async def end(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 30)

    async def send(self, count: int) -> None:
        """Give the next mentions, in small batches, until as many were accepted; what got no answer is given again."""
        goal = len(self.accepted) + count
        async with httpx.AsyncClient(timeout=5) as client:
            while len(self.accepted) < goal:
                batch = self.pending[: 1 + len(self.accepted) % 3]
                body = json.dumps(batch).encode()
                headers = {"X-Hilferuf-Signature": hex_signature(body, SECRET)}
                try:
                    url = f"http://127.0.0.1:{self.webhook}/v1/mentions"
                    answer = await client.post(url, content=body, headers=headers)
                except httpx.HTTPError:
                    await asyncio.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    assert not answer.json().get("rejected"), answer.text
                    self.accepted += batch
                    del self.pending[: len(batch)]

    async def heard_something(self) -> None:
        """Wait until one more mention was accepted."""
        before = len(self.accepted)
        while len(self.accepted) == before:
            await asyncio.sleep(0.01)

    async def settled(self, timeout: float) -> None:
        """Wait until the engine has taken everything in and the ledger has no work left."""
        deadline = asyncio.get_running_loop().time() + timeout
        while asyncio.get_running_loop().time() < deadline:
            if self._backlog() == 0:
                return
            await asyncio.sleep(0.2)
        raise AssertionError(f"{self._backlog()} entries still have work\n" + (self.folder / "log").read_text()[-3000:])

    def _backlog(self) -> int:
        path = self.folder / "data" / "hilferuf.db"
        if not path.exists():
            return 1
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            (log,) = reader.execute(
                "SELECT coalesce(max(next_offset), 0) FROM topics WHERE topic = 'mentions'"
            ).fetchone()
            (seen,) = reader.execute("SELECT coalesce(max(offset), 0) FROM positions WHERE stage = 'screen'").fetchone()
            (work,) = reader.execute("SELECT count(*) FROM deliveries WHERE pending = 1").fetchone()
        finally:
            reader.close()
        return int(log - seen + work)
