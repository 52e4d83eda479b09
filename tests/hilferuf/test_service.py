"""A running service as its operator sees it: every metric has a value, and the log has neither a post's text nor a secret."""

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from streams import metrics
from tests.hilferuf.exposition import Numbers
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
MAIN = [sys.executable, "-c", "from hilferuf.cli import main; main()"]
TEXT, SECRET = "Schnabeltier", "sehr-geheimes-wort"
SETTINGS = """\
lexicons: [de, acme.yaml]
listeners:
  files: [{{path: heard.ndjson, kind: mentions, follow: {follow}}}]
{webhook}
sinks: {{queue: {{observe_seconds: 0.05}}}}
server: {{port: 0}}
log: {{level: info}}
"""
WEBHOOK = "  webhook: {{port: {port}, secrets: [{{env: SERVICE_SECRET}}]}}"


def environment() -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if key != "HILFERUF_CONFIG"}
    return {**clean, "PYTHONPATH": str(ROOT), "SERVICE_SECRET": SECRET}


def wait_for(condition, service, seconds=60.0):
    """What `condition` returns as soon as that is true; it is looked at again and again while the service runs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert service.poll() is None, "the service has ended"
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def push(port: int, secret: str, text: str) -> int:
    body = json.dumps({"id": "mastodon:9", "text": text, "author": {"id": "9", "handle": "uta"}}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hilferuf-Signature": f"sha256={signature}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/mentions", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    (folder / "acme.yaml").write_text("lexicon: 1\nbrands: [{id: acme, names: [Acme], handles: [acme]}]\n")
    (folder / "heard.ndjson").write_text(
        f'{{"id": "x:1", "text": "@acme Hilfe, mein {TEXT} geht nicht!", "author": {{"id": "7", "handle": "anna"}}}}\n'
        f'{{"id": "x:2", "text": "@acme {TEXT} gebacken", "author": {{"id": "8"}}}}\n'
        f'{{"id": "x:3", "text": 5, "title": "{TEXT}"}}\n'
        f'{{"id": "{TEXT}\n'
    )
    return folder


@pytest.fixture(scope="module")
def seen(folder):
    """A service that hears a file and a webhook, of whose tickets a person solves one. Returns metrics and log."""
    port = free_port()
    config = folder / "hilferuf.yaml"
    config.write_text(SETTINGS.format(follow="true", webhook=WEBHOOK.format(port=port)))
    log = folder / "log"
    with log.open("wb") as stderr:
        service = subprocess.Popen([*MAIN, "run"], cwd=folder, stdout=stderr, stderr=stderr, env=environment())
    try:
        health = int(wait_for(lambda: re.search(r"port (\d+)", log.read_text()), service)[1])

        def look() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{health}/metrics", timeout=10) as answer:
                return answer.read().decode()

        wait_for(lambda: Numbers(look()).of("hilferuf_listener_state", "webhook", "live") == 1, service)
        assert push(port, "wrong", f"@acme {TEXT}") == 401
        assert push(port, SECRET, f"@acme Hilfe, das {TEXT} ist kaputt") == 200
        wait_for(lambda: Numbers(look()).of("hilferuf_deliveries_total", "queue", "done") >= 2, service)
        queue = subprocess.run(
            [*MAIN, "queue", "--json"], cwd=folder, capture_output=True, env=environment(), check=True
        )
        ticket = json.loads(queue.stdout.splitlines()[0])["ticket"]
        subprocess.run(
            [*MAIN, "queue", "--solve", ticket], cwd=folder, capture_output=True, env=environment(), check=True
        )
        wait_for(lambda: Numbers(look()).of("hilferuf_helpdesk_events_total", "queue", "solved"), service)
        text = look()
    finally:
        service.terminate()
        service.wait(30)
    return Numbers(text), log.read_text()


def families() -> list[str]:
    """The metrics of `streams/metrics.py` that the embedded engine has, as they are exposed."""
    every = [found for found in vars(metrics).values() if isinstance(found, MetricWrapperBase)]
    return [found.describe()[0].name for found in every if found not in metrics.ON_KAFKA]


@pytest.mark.parametrize("family", families())
def test_every_metric_is_set_by_a_running_service(seen, family):
    assert family in seen[0].families


def test_dead_letters_are_counted(seen):
    assert seen[0].of("hilferuf_dead_letters") == 2
    assert seen[0].of("hilferuf_sink_up", "queue") == 1


def test_a_service_at_info_logs_no_text_and_no_secret(seen):
    _, log = seen
    assert "started" in log and "stopped" in log
    assert TEXT not in log and TEXT.lower() not in log
    assert SECRET not in log


def test_a_drained_file_leaves_no_text_in_the_log(folder, tmp_path):
    for name in ("acme.yaml", "heard.ndjson"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "hilferuf.yaml").write_text(SETTINGS.format(follow="false", webhook=""))
    run = subprocess.run(
        [*MAIN, "run", "--drain"], cwd=tmp_path, capture_output=True, env=environment(), timeout=60, check=True
    )
    said = (run.stdout + run.stderr).decode()
    assert "stopped" in said
    assert TEXT not in said and SECRET not in said
