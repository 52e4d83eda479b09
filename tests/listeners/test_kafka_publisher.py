"""The publisher on a real broker: in order, through its absence, through a kill; and a webhook that answers 200 meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
import structlog

from listeners import kafka_publisher
from listeners.contract import Bad, Cursor
from records import codec
from records.errors import HilferufError, Transient
from records.topics import CUSTOMER_FACTS, DEAD_LETTERS, MENTIONS
from tests.kafka_server import start_kafka
from tests.listeners import kafka_rig
from tests.listeners.kafka_rig import CALLERS, fact, newest_cursors, numbers, publisher, read, settings_for, until
from tests.listeners.mentions import mention
from tests.listeners.test_webhook import serving
from tests.servers import free_port


@pytest.fixture
async def ready(kafka, prefix):
    """Settings of a broker that has our topics."""
    return kafka_rig.with_topics(kafka, prefix, after=20)


@pytest.fixture(scope="module")
def mortal():
    """A broker that may be killed."""
    server = start_kafka(extra="broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=500")
    yield server
    server.discard()


@pytest.fixture
def nobody(prefix):
    """Settings of a broker that is not there."""
    return settings_for([f"127.0.0.1:{free_port()}"], prefix, after=0.2, max_mb=1)


async def test_everything_is_on_its_topic_under_its_key_in_order(ready, tmp_path):
    door = publisher(ready, tmp_path)
    await door.start()
    bad = Bad(original=b"{", reason="no JSON", origin="webhook:/v1/mentions[0]")
    await asyncio.gather(*[door.publish([mention(n)], facts=[fact(n)]) for n in range(300)])
    await door.publish([], bad=[bad], cursor=Cursor(key="x/käse", value={"done_to": 7}))
    assert (door.in_flight, door.spooled, door.trouble) == (0, 0, None)
    assert await door.cursor("x/käse") == {"done_to": 7}
    assert await door.cursor("other") is None
    await door.aclose()
    mentions, facts = numbers(ready)
    assert mentions == set(range(300))
    assert facts == list(range(300))
    assert {record.key for record in read(ready, CUSTOMER_FACTS)} == {"c1"}
    (letter,) = read(ready, DEAD_LETTERS)
    assert codec.dead_letters.decode(letter.value).original == b"{"
    assert letter.key == codec.dead_letters.decode(letter.value).id


async def test_what_is_too_large_becomes_a_dead_letter_that_fits(ready, tmp_path):
    door = publisher(ready, tmp_path)
    await door.start()
    huge = Bad(original=os.urandom(3_000_000), reason="no JSON", origin="webhook:/v1/mentions")
    await door.publish([mention(1, "x" * 950_000), mention(2)], bad=[huge])
    await door.aclose()
    assert numbers(ready)[0] == {2}
    letters = [codec.dead_letters.decode(record.value) for record in read(ready, DEAD_LETTERS)]
    assert sorted(len(letter.original) for letter in letters) == [500_000, 500_000]
    assert sorted(letter.origin for letter in letters) == ["kafka/mentions", "webhook:/v1/mentions"]
    assert all("cut" in letter.reason for letter in letters)


async def test_a_webhook_answers_200_while_kafka_is_away_and_503_only_when_the_spool_is_full(
    nobody, ready, clock, tmp_path, monkeypatch
):
    door = publisher(nobody, tmp_path)
    await door.start()
    async with serving(clock, door, monkeypatch) as client:
        statuses = []
        while 503 not in statuses and len(statuses) < 40:
            body = {"id": f"x:{len(statuses)}", "text": "x" * 60_000}
            statuses.append((await client.post("/v1/mentions", body))[0].status)
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 503
    await door.aclose()
    back = publisher(ready, tmp_path)
    await back.start()
    await until(lambda: not back.spooled)
    await back.aclose()
    assert numbers(ready)[0] == set(range(statuses.count(200)))


async def test_the_start_needs_no_broker_and_a_cursor_waits_for_one(nobody, tmp_path, monkeypatch):
    monkeypatch.setattr("listeners.kafka_link.CONNECT_SECONDS", 0.3)
    door = publisher(nobody, tmp_path)
    with structlog.testing.capture_logs() as lines:
        await door.start()
        await door.publish([mention(1)], cursor=Cursor(key="x", value={"n": 1}))
        assert await door.cursor("x") == {"n": 1}
        unknown = asyncio.ensure_future(door.cursor("facebook"))
        await until(lambda: any("where a listener reads on" in line["event"] for line in lines))
        assert not unknown.done()
        assert nobody.bootstrap[0] in door.trouble
        await door.aclose()
        with pytest.raises(Transient):
            await unknown
    assert sum(line["event"].startswith("Kafka is away") for line in lines) == 1


async def test_a_missing_topic_is_said_and_costs_nothing(kafka, prefix, tmp_path, monkeypatch):
    monkeypatch.setattr("listeners.kafka_link.BLOCK_SECONDS", 1.0)
    door = publisher(settings_for(kafka, prefix, after=0.2), tmp_path)
    await door.start()
    await door.publish([mention(1)])
    await until(lambda: "topics apply" in (door.trouble or ""))
    kafka_rig.with_topics(kafka, prefix)
    await until(lambda: not door.spooled)
    await door.aclose()
    assert numbers(settings_for(kafka, prefix))[0] == {1}


async def test_one_process_at_a_time_has_the_spool(ready, tmp_path):
    door = publisher(ready, tmp_path)
    await door.start()
    with pytest.raises(HilferufError, match="another process"):
        await publisher(ready, tmp_path).start()
    await door.aclose()


async def test_through_a_brokers_absence_nothing_is_lost_and_nothing_overtakes(mortal, prefix, tmp_path):
    kafka = kafka_rig.with_topics(mortal.bootstrap, prefix, after=3)
    door = publisher(kafka, tmp_path)
    await door.start()
    stop, given = asyncio.Event(), 0

    async def stream():
        nonlocal given
        while not stop.is_set():
            last = given + 5
            facts = [fact(n) for n in range(given, last)]
            await door.publish([mention(n) for n in range(given, last)], facts=facts, cursor=at(last))
            given = last
            await asyncio.sleep(0.01)

    def at(number):
        return Cursor(key="x", value={"n": number})

    task = asyncio.create_task(stream())
    with structlog.testing.capture_logs() as lines:
        await until(lambda: given > 100)
        await asyncio.to_thread(mortal.kill)
        await until(lambda: door.spooled > 500)
        assert door.trouble
        assert await door.cursor("x")
        await asyncio.to_thread(mortal.start)
        await until(lambda: door._direct)
        before = given
        await until(lambda: given > before + 20)
    stop.set()
    await task
    await door.aclose()
    mentions, facts = numbers(kafka)
    assert mentions == set(range(given))
    assert list(dict.fromkeys(facts)) == list(range(given)), "something overtook"
    assert newest_cursors(kafka) == {"x": {"n": given}}
    assert [line["event"].split(":")[0] for line in lines] == ["Kafka is away", "Kafka is back, the spool is drained"]


@pytest.mark.parametrize("away", [False, True])
async def test_every_call_that_returned_survives_a_kill(away, mortal, prefix, tmp_path):
    kafka = kafka_rig.with_topics(mortal.bootstrap, prefix)
    returned: set[int] = set()
    for first in (0, 1_000_000):
        script = [sys.executable, "-m", "tests.listeners.kafka_rig", mortal.bootstrap[0], prefix, tmp_path, str(first)]
        child = subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        heard = asyncio.create_task(asyncio.to_thread(hear, child, returned))
        await more(returned)
        if away and not first:
            await asyncio.to_thread(mortal.kill)
            await more(returned)
        child.send_signal(signal.SIGKILL)
        await heard
        child.wait(10)
    if away:
        await asyncio.to_thread(mortal.start)
    door = publisher(kafka, tmp_path)
    await door.start()
    await until(lambda: not door.spooled and not door.trouble)
    await door.aclose()
    mentions, facts = numbers(kafka)
    assert returned <= mentions
    assert returned <= set(facts)
    for key, value in newest_cursors(kafka).items():  # low-water: nothing before a cursor is missing
        caller = int(key.removeprefix("caller"))
        first = value["n"] // 1_000_000 * 1_000_000
        assert set(range(first + caller, value["n"] + 1, CALLERS)) <= mentions


async def more(returned):
    enough = len(returned) + 300
    await until(lambda: len(returned) > enough)


def hear(child, returned):
    for line in child.stdout:
        if line.startswith(b"durable") and line.endswith(b"\n"):
            returned.add(int(line.split()[1]))


async def test_kafka_errors_say_where_and_what_to_do(nobody, tmp_path, monkeypatch):
    monkeypatch.setattr("listeners.kafka_link.CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(kafka_publisher, "RETRY_SECONDS", 0.1)
    door = publisher(nobody, tmp_path)
    await door.start()
    await until(lambda: "cannot be reached" in door.trouble)
    assert "hilferuf doctor" in door.trouble
    await door.aclose()
    assert MENTIONS not in door.trouble
