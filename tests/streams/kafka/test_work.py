"""`hilferuf work` as processes: what it says, how it ends, and how long nobody works when one goes."""

import itertools
import signal
import threading
import time

import pytest
from kafka import TopicPartition

from records import codec
from records.topics import DEAD_LETTERS, MENTIONS, TICKETS, WHOLE, state_of
from tests.kafka_server import KafkaServer, start_kafka
from tests.streams.kafka.desk_rig import Writer, admin, unmake
from tests.streams.kafka.work_rig import Desk

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def desk(kafka, prefix, tmp_path):
    desk = Desk(kafka, prefix, tmp_path)
    yield desk
    desk.discard()


def everyone_has_a_ticket(desk: Desk) -> bool:
    return len(desk.newest(TICKETS)) == desk.sent


def heard(desk: Desk) -> set[str]:
    """Ids of the posts that stand on tickets."""
    return {post.id for value in desk.newest(TICKETS).values() for post in codec.tickets.decode(value).ticket.posts}


# how it begins and ends


def test_calls_become_tickets_and_sigterm_ends_it_quietly_with_snapshots(desk):
    writer = Writer(desk.kafka)
    desk.call(writer, 2_600)
    worker = desk.start(desk.settings()).ready()
    desk.until(lambda: everyone_has_a_ticket(desk), "tickets")
    code, seconds = worker.stop()
    assert code == 0 and seconds < 15, worker.log
    snapshots = {path.name for path in (desk.folder / "data-one").rglob("*.snapshot")}
    assert snapshots == {f"{stage}-{number}.snapshot" for stage in ("screen", "assess") for number in (0, 1)}
    said = [line.partition("]")[2].split()[0] for line in worker.log.splitlines() if line.strip()]
    assert said == ["started", "stopped"], worker.log  # nothing of Faust's or aiokafka's either
    again = desk.start(desk.settings()).ready()
    desk.call(writer)
    desk.until(lambda: everyone_has_a_ticket(desk), "one more")
    assert again.stop()[0] == 0
    assert desk.newest(DEAD_LETTERS) == {}


def test_without_a_broker_it_says_what_it_waits_for_once_and_works_once_it_comes(prefix, tmp_path):
    broker: KafkaServer = start_kafka()
    desk = Desk(broker.bootstrap, prefix, tmp_path)
    broker.kill(0, signal.SIGTERM)
    try:
        worker = desk.start(desk.settings())
        line = worker.says("waits for Kafka")
        assert broker.bootstrap[0] in line
        time.sleep(7)  # it tries again meanwhile
        assert worker.log.count("\n") <= 2 and worker.process.poll() is None, worker.log
        broker.start()
        worker.ready()
        desk.call(Writer(desk.kafka))
        desk.until(lambda: everyone_has_a_ticket(desk), "a ticket")
        broker.kill()
        time.sleep(1)
        code, seconds = worker.stop()  # and it ends without one, too
        assert code == 0 and seconds < 20 and "Traceback" not in worker.log, worker.log
    finally:
        desk.discard()
        broker.discard()


def test_sigterm_while_it_waits_for_the_broker_ends_it(tmp_path):
    desk = Desk(["127.0.0.1:1"], "t.", tmp_path, made=False)
    worker = desk.start(desk.settings())
    worker.says("waits for Kafka")
    code, seconds = worker.stop()
    assert code == 0 and seconds < 25, worker.log


def test_topics_that_are_missing_end_it_with_what_to_do(desk):
    unmake(desk.kafka, TICKETS, state_of("assess"))
    worker = desk.start(desk.settings())
    assert worker.ended() == 1
    assert f"topics {desk.kafka.topic(TICKETS)}, " in worker.log and "`hilferuf topics apply` makes it" in worker.log
    assert "Traceback" not in worker.log


def test_another_count_of_partitions_ends_it_with_what_to_do(desk):
    settings = desk.settings()
    settings.write_text(settings.read_text().replace("partitions: 2", "partitions: 3"))
    worker = desk.start(settings)
    assert worker.ended() == 1
    assert "2 partitions instead of 3" in worker.log and "set kafka.partitions to 2" in worker.log


def test_when_most_records_become_dead_letters_it_stops_with_70_and_writes_none_of_them(desk):
    writer = Writer(desk.kafka)
    for number in range(100):
        writer.producer.send(desk.kafka.topic(MENTIONS), b"not json", key=b"%d" % number, partition=0)
    writer.producer.flush()
    worker = desk.start(desk.settings(guard="{records: 50, share: 0.5}"))
    assert worker.ended() == 70
    assert "screen 0: most records would become dead letters" in worker.log and "kafka.guard.share" in worker.log
    assert "Traceback" not in worker.log
    assert desk.newest(DEAD_LETTERS) == {}
    let_through = desk.start(desk.settings(guard="{records: 50, share: 1.0}"))
    desk.until(lambda: len(desk.newest(DEAD_LETTERS)) == 100, "dead letters")
    assert let_through.stop()[0] == 0


def test_records_that_retention_deletes_under_a_running_worker_are_told_and_it_goes_on(desk):
    writer = Writer(desk.kafka)
    worker = desk.start(desk.settings()).ready()
    desk.call(writer, 10)
    desk.until(lambda: everyone_has_a_ticket(desk), "tickets")
    worker.process.send_signal(signal.SIGSTOP)  # shorter than its session
    for _ in range(10):  # the answer to its waiting fetch, which holds the first of these, is under way
        desk.call(writer, 4)
    ends = {p: len(records) for p, records in desk.read(MENTIONS).items()}
    with admin(desk.kafka) as client:
        client.delete_records({TopicPartition(desk.kafka.topic(MENTIONS), p): end for p, end in ends.items()})
    worker.process.send_signal(signal.SIGCONT)
    desk.until(lambda: len(desk.newest(DEAD_LETTERS)) == 2, "dead letters about the loss")
    desk.call(writer, 10)
    later = {f"x:{number}" for number in range(50, 60)}
    desk.until(lambda: later <= heard(desk), "the tickets of what came later")
    assert worker.log.count("records lost") == 2 and worker.stop()[0] == 0


def test_a_partition_that_stands_still_is_told_and_the_others_are_worked(desk):
    """It was never worked, so it has no committed offset either, which the poll of all partitions meets each time."""
    writer = Writer(desk.kafka)
    writer.producer.send(desk.kafka.topic(state_of("screen")), b"{", key=b"x:1", partition=0).get(30)
    desk.call(writer, 40)
    other = {record.key.decode() for record in desk.read(MENTIONS)[1]} - {WHOLE}
    worker = desk.start(desk.settings())
    line = worker.says("partition stands still")
    assert "screen 0" in line and "screen-state/0/0" in line and "cannot be read" in line
    desk.until(lambda: heard(desk) == other, "the tickets of the other partition")
    desk.call(writer, 40)
    other = {record.key.decode() for record in desk.read(MENTIONS)[1]} - {WHOLE}
    desk.until(lambda: heard(desk) == other, "more tickets of the other partition")
    code, seconds = worker.stop()
    assert code == 0 and seconds < 15, worker.log
    assert worker.log.count("partition stands still") == 1


# several of them


class Steady:
    """Calls for help without a break, so that a gap in the work shows."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._stop = desk, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        writer = Writer(self._desk.kafka)
        while not self._stop.wait(0.1):
            self._desk.call(writer, 6)

    def __enter__(self) -> "Steady":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def longest_stall(self, since: float) -> float:
        """The longest time in seconds that a partition of mentions was not worked, from a time (Unix, seconds) on."""
        gaps = [0.0]
        for records in self._desk.read(state_of("screen")).values():
            times = [record.timestamp / 1000 for record in records if record.timestamp / 1000 >= since]
            gaps += [after - before for before, after in itertools.pairwise(times)]
        return max(gaps)


def test_two_workers_share_the_partitions_and_one_that_is_killed_is_replaced(desk):
    first = desk.start(desk.settings("one", session_seconds=6)).ready()
    second = desk.start(desk.settings("two", session_seconds=6)).ready()
    with Steady(desk) as steady:
        time.sleep(4)
        since = time.time()
        first.kill()
        desk.until(lambda: time.time() - since > 9 and everyone_has_a_ticket(desk), "all of it", 90)
    desk.until(lambda: everyone_has_a_ticket(desk), "all of it")
    stall = steady.longest_stall(since - 1)
    print(f"SIGKILL, session 6 s: {stall:.1f} s without work")
    assert 1 < stall < 14, second.log  # the first one worked a part: its partitions stood still until it was given up
    assert second.stop()[0] == 0
    assert desk.newest(DEAD_LETTERS) == {}


def test_a_worker_with_a_name_that_is_restarted_comes_back_to_its_partitions_at_once(desk):
    named = {name: desk.start(desk.settings(name), "--instance", name).ready() for name in ("one", "two")}
    with Steady(desk) as steady:
        time.sleep(4)
        since = time.time()
        code, down = named["one"].stop()
        assert code == 0
        named["one"] = desk.start(desk.settings("one"), "--instance", "one").ready()
        back = time.time() - since
        time.sleep(4)
    desk.until(lambda: everyone_has_a_ticket(desk), "all of it")
    stall = steady.longest_stall(since - 1)
    print(f"restart with a name: {stall:.1f} s without work; stopped after {down:.1f} s, ready after {back:.1f} s")
    assert stall < 10 + back
    for worker in named.values():
        assert worker.stop()[0] == 0


def test_two_deployments_with_one_prefix_are_told(desk):
    first = desk.start(desk.settings("one")).ready()
    other = desk.start(desk.settings("two", strategy="key-accounts")).ready()
    desk.until(lambda: "two deployments" in first.log or "two deployments" in other.log, "the line", 120)
    worker = other if "two deployments" in other.log else first
    line = worker.says("two deployments")
    assert "has members of another deployment" in line and "one kafka.prefix" in line
