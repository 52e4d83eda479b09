"""What operators see from outside: health, metrics, and a log without texts and tokens."""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from typing import get_args

import pytest
import structlog

from config.settings import Log, Server
from hilferuf.rules import packaged
from hilferuf.seen import STATES, Embedded, Outside, count_verdict, set_up_log
from lexicons.compiler import load_lexicon
from listeners.contract import Health, State
from listeners.imitations.memory import StepClock
from listeners.x_client import XClient
from priority.strategy import load_strategy
from records.normalise import normalise_mention
from sinks.protocol import converge
from sinks.queue import QueueSink
from streams.deliverer import Deliverer
from streams.embedded import EmbeddedEngine
from streams.ledger import EmbeddedLedger
from streams.runner import Route
from streams.topology import stages
from tests.hilferuf.exposition import Numbers

SDKS = (
    "tweepy", "tweepy.client", "tweepy.streaming", "tweepy.api", "urllib3", "urllib3.connectionpool", "requests",
    "requests_oauthlib", "httpx", "httpcore", "httpcore.http11", "aiohttp.access", "facebook",
)  # fmt: skip


def fetch(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ask(port: int, path: str) -> tuple[int, dict]:
    status, body = fetch(port, path)
    return status, json.loads(body)


async def numbers(port: int) -> Numbers:
    status, text = await asyncio.to_thread(fetch, port, "/metrics")
    assert status == 200
    return Numbers(text)


class Throttled:
    """A listener that waits for its limit."""

    name = "x"

    def health(self) -> Health:
        return Health(state="throttled", reconnects=3, published=11, rejected=2)


@pytest.fixture
def log():
    """Logging as it was, after the test."""
    root = logging.getLogger()
    before, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("", *SDKS)}
    yield
    structlog.reset_defaults()
    root.handlers[:] = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
async def outside(tmp_path):
    engine = EmbeddedEngine(tmp_path / "e.db", (), clock=lambda: 1_780_000_000_000)
    seen = Outside(Embedded(engine, ()), (), (), lambda: False)
    await seen.start(Server(port=0))
    yield engine, seen.port
    await seen.stop()


@pytest.fixture
async def working(tmp_path):
    """An engine with the stages, a listener that is throttled, and a sink that nobody delivers to yet."""
    settings, clock = packaged().settings, StepClock()
    flow = stages(load_lexicon(["de"], base=tmp_path), load_strategy("balanced", tmp_path), settings, count_verdict)
    engine = EmbeddedEngine(tmp_path / "e.db", flow, clock=clock.now, routes=[Route("queue")])
    engine.start()
    deliverer = Deliverer(QueueSink(tmp_path / "queue.db"), EmbeddedLedger(engine, "queue"), converge, clock=clock)
    seen = Outside(Embedded(engine, (deliverer,)), (Throttled(),), (deliverer,), lambda: False)
    await seen.start(Server(port=0))
    yield engine, deliverer, seen.port
    await seen.stop()
    await deliverer.sink.aclose()
    await asyncio.to_thread(engine.stop)


def post(number: int, text: str):
    document = {"id": f"mastodon:{number}", "text": text, "author": {"id": str(number)}}
    return normalise_mention(json.dumps(document).encode(), observed_at="2026-03-01T10:00:00.000Z", listener="test")


async def test_ready_while_the_engine_takes_writes_and_not_on_a_full_disk(outside):
    engine, port = outside
    assert (await asyncio.to_thread(ask, port, "/readyz"))[0] == 200
    engine.trouble = "database or disk is full"
    status, body = await asyncio.to_thread(ask, port, "/readyz")
    assert (status, body["ready"], body["engine"]) == (503, False, "database or disk is full")
    assert (await asyncio.to_thread(ask, port, "/healthz"))[0] == 200, "a restart makes no room"


async def test_metrics_count_the_verdicts_by_channel_and_outcome(working):
    engine, _, port = working
    before = await numbers(port)
    await engine.publish([post(1, "Hilfe, mein Router ist kaputt"), post(2, "Kuchen gebacken"), post(3, "Kuchen")])
    await engine.settled()
    after = await numbers(port)
    for outcome, count in (("kept", 1), ("no_need", 2)):
        verdicts = ("hilferuf_verdicts_total", "mastodon", outcome)
        assert after.of(*verdicts) - before.of(*verdicts) == count
    delays = ("hilferuf_heard_delay_seconds_count", "mastodon")
    assert after.of(*delays) - before.of(*delays) == 3


async def test_metrics_tell_how_far_a_stage_lags_behind(working, monkeypatch):
    engine, _, port = working
    monkeypatch.setattr(engine.runner, "work", lambda store: False)
    await engine.publish([post(n, "Kuchen") for n in range(7)])
    assert (await numbers(port)).of("hilferuf_stage_lag_records", "screen") == 7
    monkeypatch.undo()
    await engine.settled()
    after = await numbers(port)
    assert (after.of("hilferuf_stage_lag_records", "screen"), after.of("hilferuf_stage_records", "screen")) == (0, 7)


async def test_metrics_tell_what_waits_for_delivery_until_it_is_delivered(working):
    engine, deliverer, port = working
    await engine.publish([post(1, "Hilfe, mein Router ist kaputt"), post(2, "Hilfe, kein Netz")])
    await engine.settled()
    before = await numbers(port)
    assert (before.of("hilferuf_deliveries_pending", "queue"), before.of("hilferuf_tickets", "open")) == (2, 2)
    await deliverer.drain()
    after = await numbers(port)
    assert after.of("hilferuf_deliveries_pending", "queue") == 0
    done = ("hilferuf_deliveries_total", "done", "queue")
    assert after.of(*done) - before.of(*done) == 2


async def test_metrics_tell_the_one_state_that_a_listener_is_in(working):
    _, _, port = working
    seen = await numbers(port)
    states = {state: seen.of("hilferuf_listener_state", "x", state) for state in get_args(State)}
    assert states == {state: float(state == "throttled") for state in STATES}
    assert [seen.of(f"hilferuf_listener_{name}", "x") for name in ("published", "reconnects", "rejected")] == [11, 3, 2]


async def test_a_request_that_is_no_http_is_told_without_its_bytes(outside, capfd, log):
    set_up_log(Log())
    _, port = outside
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Hilferuf-Signature hushhush\r\n\r\n")
    assert b"400" in await reader.readline()
    writer.close()
    told = capfd.readouterr().err
    assert "no HTTP" in told and "hushhush" not in told


@pytest.mark.parametrize("level", ["debug", "info"])
def test_the_sdks_say_nothing_below_a_warning_whatever_the_level(capfd, log, level):
    set_up_log(Log(level=level))
    XClient("hushhush", "http://127.0.0.1:1")  # sets levels of its own
    for name in SDKS:
        logging.getLogger(name).debug("Authorization: Bearer hushhush")
        logging.getLogger(name).info("Bearer hushhush")
    assert capfd.readouterr().err == ""
    logging.getLogger("tweepy").warning("told")
    assert "told" in capfd.readouterr().err


def test_our_own_debug_lines_come_at_debug_only(capfd, log):
    set_up_log(Log(level="debug"))
    structlog.get_logger("t").debug("fine detail")
    assert "fine detail" in capfd.readouterr().err
    set_up_log(Log(level="info"))
    structlog.get_logger("t").debug("fine detail")
    assert capfd.readouterr().err == ""


def test_where_log_is_json_every_line_is_also_those_of_libraries(capfd, log):
    set_up_log(Log(format="json"))
    structlog.get_logger("t").info("ours")
    logging.getLogger("aiokafka.consumer").warning("the coordinator of %s is away", "work")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("faust").exception("theirs")
    ours, away, theirs = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert ours["event"] == "ours" and theirs["level"] == "error" and "ValueError: broken" in theirs["exception"]
    assert (away["event"], away["logger"]) == ("the coordinator of work is away", "aiokafka.consumer")


def test_a_send_that_is_tried_again_is_no_warning(capfd, log):
    """aiokafka says so whenever a transaction follows closely on another one, which is all the time."""
    set_up_log(Log())
    sender = logging.getLogger("aiokafka.producer.sender")
    sender.warning("Got error produce response on topic-partition %s, retrying. Error: %s", "tickets", "19")
    assert capfd.readouterr().err == ""
    sender.warning("Cannot send to node 1")
    assert "Cannot send" in capfd.readouterr().err


def test_what_a_library_says_again_and_again_is_written_once_and_counted(capfd, log, monkeypatch):
    set_up_log(Log())
    for number in range(1_000):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s: away", number)
    monkeypatch.setattr("hilferuf.seen.SELDOM_SECONDS", 0.0)
    logging.getLogger("aiokafka").error("Unable connect to node with id %s: away", "last")
    logging.getLogger("aiokafka").error("another")
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "last: away (999 more like this)" in lines[1] and "another" in lines[2]
