"""When a call is durable, and what may not overtake it: the publisher over a producer whose acknowledgements the test gives."""

import asyncio
import threading

import pytest
import structlog
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from config.kafka import KafkaSettings, SpoolSettings
from listeners import kafka_publisher
from listeners.contract import Cursor
from listeners.kafka_publisher import KafkaPublisher
from records import codec
from records.errors import Backpressure, HilferufError, Transient
from records.topics import CURSORS, DEAD_LETTERS
from tests.listeners.mentions import mention

AFTER = 0.3


class Brokers:
    """Takes records; acknowledges them when told, or at once while `well`. `reached`: whether a producer can be made."""

    def __init__(self):
        self.well, self.reached, self.links = False, True, 0
        self.waiting, self.log = [], []
        self.refuses = None
        self._lock = threading.RLock()  # sent in the producer's thread, acknowledged in the test's too

    def link(self, kafka, options):
        if not self.reached:
            raise Transient("nobody there")
        self.links += 1
        return self

    def send(self, jobs):
        with self._lock:
            self.waiting += jobs
            if self.well:
                self.acknowledge()

    def acknowledge(self, count=None, errors=()):
        """The oldest so many sendings."""
        with self._lock:
            for records, done in self.waiting[:count]:
                bad = list(errors) or [
                    (n, MessageSizeTooLargeError()) for n, r in enumerate(records) if self.refuses and self.refuses(r)
                ]
                if not bad:
                    self.log += records
                done(bad)
            del self.waiting[:count]

    def close(self, seconds):
        self.waiting = []

    @property
    def ids(self):
        return [record.key.decode() for record in self.log if record.topic != CURSORS]

    @property
    def marks(self):
        return [codec.msgspec.json.decode(record.value)["n"] for record in self.log if record.topic == CURSORS]


@pytest.fixture
def brokers(monkeypatch):
    fake = Brokers()
    monkeypatch.setattr(kafka_publisher, "Link", fake.link)
    monkeypatch.setattr(kafka_publisher, "RETRY_SECONDS", 0.02)
    return fake


@pytest.fixture
async def door(brokers, tmp_path):
    publisher = made(tmp_path)
    await publisher.start()
    yield publisher
    await publisher.aclose()


@pytest.fixture
async def patient(brokers, tmp_path):
    """For what must not go to the spool, however slow the machine is."""
    publisher = made(tmp_path, after=60)
    await publisher.start()
    yield publisher
    brokers.well = True
    brokers.acknowledge()
    await publisher.aclose()


def made(folder, after=AFTER):
    kafka = KafkaSettings(bootstrap=("127.0.0.1:9",), spool=SpoolSettings(max_mb=1, after_seconds=after))
    return KafkaPublisher(kafka, folder, lambda: 1_790_000_000_000, log_days=7)


def give(door, *numbers, mark=None, key="a", text="Hilfe"):
    cursor = None if mark is None else Cursor(key=key, value={"n": mark})
    return asyncio.ensure_future(door.publish([mention(n, text) for n in numbers], cursor=cursor))


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_call_returns_when_all_of_it_is_acknowledged(patient, brokers):
    call = give(patient, 1, 2)
    await until(lambda: brokers.waiting)
    await asyncio.sleep(0.02)
    assert not call.done()
    assert patient.in_flight == 2
    brokers.acknowledge()
    await call
    assert (brokers.ids, patient.in_flight, patient.spooled) == (["x:1", "x:2"], 0, 0)


async def test_a_cursor_waits_for_its_records_and_for_all_earlier_ones(patient, brokers):
    first, second = give(patient, 1, mark=1), give(patient, 2, mark=2)
    await until(lambda: len(brokers.waiting) == 2)
    brokers.waiting.reverse()
    brokers.acknowledge(1)
    await asyncio.sleep(0.05)
    assert len(brokers.waiting) == 1, "a cursor passed over records that are not durable"
    brokers.acknowledge(1)
    await until(lambda: brokers.waiting)
    brokers.acknowledge()
    await asyncio.gather(first, second)
    assert brokers.marks == [2], "the newest covers both"


async def test_a_cursor_waits_for_no_other_key(patient, brokers):
    first, second = give(patient, 1, mark=1), give(patient, 2, mark=2, key="b")
    await until(lambda: len(brokers.waiting) == 2)
    brokers.waiting.reverse()
    brokers.acknowledge(1)
    await until(lambda: len(brokers.waiting) == 2)
    brokers.waiting.reverse()
    brokers.acknowledge(1)
    await second
    assert not first.done()
    brokers.acknowledge()
    await until(lambda: brokers.waiting)
    brokers.acknowledge()
    await first


async def test_what_is_not_acknowledged_in_time_goes_to_the_spool_in_order(door, brokers):
    with structlog.testing.capture_logs() as lines:
        await asyncio.gather(give(door, 1, mark=1), give(door, 2, mark=2), give(door, 3))
        assert "did not acknowledge" in door.trouble
        await until(lambda: door.spooled == 5)
        assert await door.cursor("a") == {"n": 2}
        brokers.well = True
        brokers.acknowledge()
        await until(lambda: not door.spooled)
        await until(lambda: any("back" in line["event"] for line in lines))
    assert brokers.ids == ["x:1", "x:2", "x:3", "x:1", "x:2", "x:3"], "late, and from the spool"
    assert brokers.marks == [2]
    assert door.trouble is None
    assert [(line["event"].split(":")[0], line.get("drained")) for line in lines] == [
        ("Kafka is away", None),
        ("Kafka is back, the spool is drained", 5),
    ]


async def test_nothing_overtakes_a_spool_that_is_not_drained(door, brokers):
    await give(door, 1)
    await until(lambda: brokers.waiting and door.spooled)
    late = give(door, 2)
    await late
    brokers.well = True
    brokers.acknowledge()
    await until(lambda: not door.spooled)
    await give(door, 3)
    assert list(dict.fromkeys(brokers.ids)) == ["x:1", "x:2", "x:3"]


async def test_within_a_drained_batch_cursors_come_last(door, brokers):
    await asyncio.gather(give(door, 1, mark=1), give(door, 2, mark=2, key="b"))
    await until(lambda: len(brokers.waiting) == 3)  # two calls, then the spool's records
    brokers.acknowledge(2)
    await asyncio.sleep(0.05)
    assert len(brokers.waiting) == 1
    assert all(record.topic != CURSORS for record in brokers.waiting[0][0])
    brokers.well = True
    brokers.acknowledge()
    await until(lambda: not door.spooled)
    assert brokers.marks == [1, 2]


async def test_a_steady_stream_goes_back_to_kafka_itself(door, brokers):
    await give(door, 1)
    brokers.well = True
    brokers.acknowledge()
    calls = [asyncio.create_task(stream(door, n)) for n in range(4)]
    await until(lambda: door._direct)
    await asyncio.gather(*calls)
    assert door.spooled == 0


async def stream(door, number):
    for n in range(100):
        await give(door, 1_000 * number + n)
        await asyncio.sleep(0.001)


async def test_a_record_that_failed_is_sent_again_by_another_producer(patient, brokers):
    call = give(patient, 1, mark=1)
    await until(lambda: brokers.waiting)
    brokers.acknowledge(errors=[(0, KafkaTimeoutError("expired"))])
    brokers.well = True
    await call
    await until(lambda: brokers.ids == ["x:1"] and brokers.marks == [1])
    assert brokers.links == 2


async def test_a_record_that_no_broker_takes_stands_in_nobodys_way(door, brokers):
    brokers.well, brokers.refuses = True, lambda record: record.key == b"x:1"
    await asyncio.gather(give(door, 1), give(door, 2))
    await until(lambda: "x:2" in brokers.ids and not door.spooled)
    (letter,) = {record.value for record in brokers.log if record.topic == DEAD_LETTERS}
    letter = codec.dead_letters.decode(letter)
    assert "max.message.bytes" in letter.reason
    assert codec.mentions.decode(letter.original).id == "x:1"


async def test_more_in_flight_than_is_bounded_is_backpressure(patient, brokers, monkeypatch):
    monkeypatch.setattr("listeners.kafka_calls.MAX_RECORDS", 3)
    call = give(patient, 1, 2)
    await until(lambda: brokers.waiting)
    with pytest.raises(Backpressure) as caught:
        await give(patient, 3, 4)
    assert caught.value.retry_after
    brokers.acknowledge()
    await call


async def test_a_full_spool_is_backpressure_and_no_later_cursor_passes_what_was_refused(door, brokers):
    large = [mention(n, "x" * 60_000) for n in range(20)]  # together more than a megabyte
    first = asyncio.ensure_future(door.publish(large, cursor=Cursor(key="a", value={"n": 1})))
    same, other = give(door, 50, mark=2), give(door, 51, mark=3, key="b")
    with pytest.raises(Backpressure, match="full"):
        await first
    with pytest.raises(Backpressure):
        await same
    await other
    assert await door.cursor("b") == {"n": 3}
    brokers.well = True
    brokers.acknowledge()
    await until(lambda: not door.spooled)
    assert brokers.marks == [3]


async def test_a_call_that_comes_while_an_earlier_one_is_refused_is_refused_too(door, brokers, monkeypatch):
    await give(door, 1)  # from now on to the spool
    begun, released = threading.Event(), threading.Event()

    def full(entries, at):
        begun.set()
        released.wait(10)
        monkeypatch.undo()
        return ["the spool is full"] * len(entries)

    monkeypatch.setattr(door._spool, "append", full)
    first = give(door, 2, mark=2)
    await until(begun.is_set)
    second, other = give(door, 3, mark=3), give(door, 4, mark=4, key="b")
    await asyncio.sleep(0.02)
    released.set()
    for call in (first, second):
        with pytest.raises(Backpressure):
            await call
    await other


async def test_what_the_spool_holds_is_drained_first_after_a_restart(brokers, tmp_path):
    brokers.reached = False
    one = made(tmp_path)
    await one.start()
    assert "answered" in one.trouble or "nobody" in one.trouble
    await one.publish([mention(1)], cursor=Cursor(key="a", value={"n": 1}))
    await one.aclose()
    brokers.reached = True
    two = made(tmp_path)
    await two.start()
    assert await two.cursor("a") == {"n": 1}
    call = give(two, 2)
    await until(lambda: brokers.waiting)
    brokers.well = True
    brokers.acknowledge()
    await call
    await two.aclose()
    assert brokers.ids == ["x:1", "x:2"]


async def test_what_is_in_flight_at_the_end_is_durable_when_it_is_closed(brokers, tmp_path):
    one = made(tmp_path)
    await one.start()
    call = give(one, 1)
    await until(lambda: brokers.waiting)
    await one.aclose()
    await call
    with pytest.raises(Backpressure):
        await give(one, 2)
    two = made(tmp_path)
    brokers.well = True
    await two.start()
    await until(lambda: not two.spooled)
    await two.aclose()
    assert brokers.ids == ["x:1"]


async def test_a_caller_that_gives_up_takes_nothing_back(door, brokers):
    call = give(door, 1)
    await until(lambda: brokers.waiting)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await until(lambda: door.spooled)


async def test_a_fault_of_ours_is_told_to_every_caller(door, brokers, monkeypatch):
    monkeypatch.setattr(door, "_send", None)
    with pytest.raises(HilferufError, match="stopped"):
        await give(door, 1)
    with pytest.raises(HilferufError, match="stopped"):
        await give(door, 2)
    assert door.failure is not None


async def test_a_disk_too_full_to_delete_makes_no_flood(door, brokers, monkeypatch):
    await give(door, 1)
    remove, failing = door._spool.remove, [3]

    def cannot(last):
        if failing[0]:
            failing[0] -= 1
            raise kafka_publisher.sqlite3.OperationalError("database or disk is full")
        remove(last)

    monkeypatch.setattr(door._spool, "remove", cannot)
    brokers.well = True
    brokers.acknowledge()
    await until(lambda: not door.spooled)
    assert brokers.ids == ["x:1", "x:1"], "once late, once from the spool"
