"""A whole deployment on Kafka: a change of the lexicon, a restart, and what was dropped gets its ticket from the log."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from listeners.clock import SystemClock
from records import codec
from records.normalise import normalise_mention
from records.times import from_ms
from records.topics import MENTIONS
from tests.hilferuf.test_reprocess import BRAND, HEARD, NAMED
from tests.streams.kafka.desk_rig import Writer, settings_for

ROOT = Path(__file__).parents[2]
MAIN = [sys.executable, "-c", "from hilferuf.cli import main; main()"]


class Deployment:
    def __init__(self, addresses, prefix, folder):
        self.folder, self.writer = folder, None
        where = f"bootstrap: [{', '.join(addresses)}], prefix: {prefix}, partitions: 2, replication: 1, min_insync: 1"
        (folder / "hilferuf.yaml").write_text(f"lexicons: [de, acme.yaml]\nkafka: {{{where}}}\nserver: {{port: 0}}\n")
        self.rules(BRAND)
        self.call("topics", "apply")
        self.writer = Writer(settings_for(addresses, prefix))

    def rules(self, text: str) -> None:
        (self.folder / "acme.yaml").write_text(text)

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [*MAIN, *words], cwd=self.folder, capture_output=True, env=environment(), timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def heard(self) -> None:
        now = from_ms(SystemClock().now())
        for mention_id, text, author in HEARD:
            mention = normalise_mention({"id": mention_id, "text": text, "author": {"id": author}}, observed_at=now)
            self.writer.put(MENTIONS, mention_id, codec.encode(mention))

    @contextmanager
    def working(self):
        with (self.folder / "log").open("ab") as log:
            worker = subprocess.Popen([*MAIN, "work"], cwd=self.folder, stdout=log, stderr=log, env=environment())
        try:
            yield
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(30)

    def tickets(self) -> dict[str, list[str]]:
        """ticket -> mentions, as soon as the worker has taken in all that was written."""
        deadline, done = time.monotonic() + 60, 0
        while time.monotonic() < deadline:
            lags = [json.loads(line) for line in self.call("lag", "--json").splitlines()]
            done = done + 1 if all(lag["records"] == 0 for lag in lags if lag["group"].endswith("work")) else 0
            if done == 2:  # between two topics a record may just be on its way
                lines = [json.loads(line) for line in self.call("queue", "--json").splitlines()]
                return {line["ticket"]: line["mentions"] for line in lines}
            time.sleep(0.2)
        raise AssertionError((self.folder / "log").read_text()[-3_000:])


def environment() -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if key != "HILFERUF_CONFIG"}
    return {**clean, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def deployment(kafka, prefix, tmp_path):
    return Deployment(kafka, prefix, tmp_path)


def test_what_was_dropped_is_kept_by_the_rules_of_today_and_no_second_ticket_comes(deployment):
    deployment.heard()
    with deployment.working():
        before = deployment.tickets()
    assert list(before.values()) == [["x:1"]]
    deployment.rules(NAMED)
    with deployment.working():
        assert deployment.tickets() == before  # a restart alone changes nothing for what was dropped
        assert deployment.call("reprocess", "--from", "1h").startswith("2 mentions and 0 facts fed again")
        after = deployment.tickets()
    assert before.items() <= after.items()
    assert sorted(after.values()) == [["x:1"], ["x:2"]]
