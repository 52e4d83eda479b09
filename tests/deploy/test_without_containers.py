"""docker-compose.yml's own start commands, settings and environment, on a real broker without containers: from a signed mention
at the webhook to a ticket in the local queue."""

import hashlib
import hmac
import json
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams import metrics
from tests.deploy.processes import PATIENCE, PROGRAM, Deployment, Process
from tests.servers import free_port

MENTION = {"id": "forum:1", "text": "@acme Hilfe, seit drei Tagen kein Netz, in der Hotline meldet sich keiner"}


@pytest.fixture
def deployment(kafka: list[str], prefix: str, tmp_path: Path) -> Deployment:
    made = Deployment(tmp_path, {"bootstrap": kafka, "prefix": prefix, "partitions": 2})
    done = made.run("topics")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_two_workers_share_the_partitions_and_stop_when_told(deployment: Deployment):
    with deployment.started("work-1", "work-2") as processes:
        for process in processes.values():
            process.measures("hilferuf_kafka_up 1.0")
        assert [process.stop() for process in processes.values()] == [0, 0]


def test_a_mention_at_the_webhook_becomes_a_ticket_in_the_local_queue(deployment: Deployment):
    with deployment.started("listen", "work-1", "work-2", "deliver") as processes:
        push(deployment.webhook_port, MENTION)
        ticket = delivered(processes["deliver"])
        assert ticket["mentions"] == ["forum:1"]
        for process in processes.values():
            process.measures("hilferuf_kafka_up 1.0")
        processes["listen"].measures('hilferuf_listener_state{listener="webhook",state="live"} 1.0')
        processes["deliver"].measures('hilferuf_sink_up{sink="queue"} 1.0')
        processes["deliver"].measures('hilferuf_deliveries_total{outcome="done",sink="queue"} 1.0')
        processes["deliver"].measures('hilferuf_deliveries_pending{sink="queue"} 0.0')
        assert {process.name: process.stop() for process in processes.values()} == dict.fromkeys(processes, 0)


def test_a_listener_without_kafka_takes_mentions_into_its_spool_and_says_so(tmp_path: Path):
    away = Deployment(tmp_path, {"bootstrap": [f"127.0.0.1:{free_port()}"]})
    with away.started("listen") as processes:
        push(away.webhook_port, MENTION)
        processes["listen"].measures("hilferuf_spool_records 1.0")
        processes["listen"].measures("hilferuf_kafka_up 0.0")
        assert "hilferuf_spool_bytes 0.0" not in processes["listen"].get("/metrics")[1].splitlines()
        assert processes["listen"].stop() == 0


def push(port: int, mention: dict[str, str]) -> None:
    """As another system would, with the secret of the environment."""
    body = json.dumps(mention).encode()
    signature = "sha256=" + hmac.new(b"example", body, hashlib.sha256).hexdigest()
    headers = {"X-Hilferuf-Signature": signature, "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/mentions", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.loads(answer.read())["accepted"] == [{"index": 0, "id": mention["id"]}]


def delivered(deliver: Process) -> dict[str, list[str]]:
    """What an operator sees with `docker compose exec deliver hilferuf queue`, once the ticket is delivered."""
    until = time.monotonic() + PATIENCE
    command = [PROGRAM, "queue", "--json", "--config", str(deliver.settings)]
    while time.monotonic() < until:
        seen = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
        for line in seen.stdout.splitlines():
            ticket = json.loads(line)
            if [(at["sink"], at["state"]) for at in ticket["delivered"]] == [("queue", "settled")]:
                return ticket
        assert deliver.running.poll() is None, deliver.log.read_text()
        time.sleep(0.5)
    raise AssertionError(f"{seen}\n{deliver.log.read_text()}")


def test_every_metric_of_kafka_is_set_by_running_processes(deployment: Deployment):
    with deployment.started("listen", "work-1", "deliver") as processes:
        push(deployment.webhook_port, MENTION)
        delivered(processes["deliver"])
        wanted = {family.describe()[0].name for family in metrics.ON_KAFKA}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            seen: set[str] = set()
            for process in processes.values():
                families = text_string_to_metric_families(process.get("/metrics")[1])
                seen |= {family.name for family in families if family.samples}
            if wanted <= seen:
                break
            time.sleep(0.5)
        assert wanted - seen == set()
