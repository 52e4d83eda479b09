"""The view of the queue on Kafka: what the topics say, however old, foreign or broken the cache is."""

import stat
import threading
import uuid

import pytest

from records.errors import HilferufError, Transient
from records.times import HOUR
from records.topics import DELIVERIES, TICKETS, WHOLE
from streams.kafka.view import FILE, MAX_AGE, viewed
from streams.store import Store, connect
from tests.servers import free_port
from tests.sinks.contract_suite import a_post, a_ticket
from tests.streams.kafka.desk_rig import Writer, make, settings_for, unmake

NOW = 1_790_000_000_000
ALL = ("open", "answered", "solved", "withdrawn")
KIM, UTA = a_ticket(author="1"), a_ticket(a_post(2), author="2")


class Desk:
    def __init__(self, addresses, prefix, folder):
        self.settings, self.folder, self.now = settings_for(addresses, prefix), folder, NOW
        make(self.settings, TICKETS, DELIVERIES)
        self.writer = Writer(self.settings)

    def tickets(self, store: Store | None = None) -> list[str]:
        if store is not None:
            return [ticket.id for ticket in store.tickets(ALL, 10)]
        with viewed(self.settings, self.folder, lambda: self.now, print) as found:
            return self.tickets(found)

    def rows(self) -> set[str]:
        """The cache's own keys, after a look."""
        with viewed(self.settings, self.folder, lambda: self.now, print) as found:
            return {row[0] for row in found.sql.execute("SELECT ticket FROM tickets")}

    def doctor(self, ticket_id: str) -> None:
        """The cache's rows get this key, which stands on no topic: as if its tombstone had been compacted away unread."""
        self.rows()
        connection = connect(self.folder / FILE)
        with connection:
            connection.execute("UPDATE tickets SET ticket = ?", (ticket_id,))
        connection.close()


@pytest.fixture
def desk(kafka, prefix, tmp_path):
    return Desk(kafka, prefix, tmp_path / "data")


def test_tickets_and_where_they_were_delivered(desk):
    desk.writer.ticket(KIM)
    entry = desk.writer.delivery(KIM)
    with viewed(desk.settings, desk.folder, lambda: NOW, print) as store:
        assert desk.tickets(store) == [KIM.id]
        assert store.tickets_of(KIM.posts[0].id) == [KIM]
        assert store.deliveries_of(KIM.id) == [entry]


def test_a_second_look_reads_on_from_the_first(desk):
    desk.writer.ticket(KIM)
    desk.doctor("left as it was")
    desk.writer.ticket(UTA)
    assert desk.rows() == {"left as it was", UTA.id}


def test_a_tombstone_takes_ticket_and_delivery_away(desk):
    desk.writer.ticket(KIM)
    desk.writer.delivery(KIM)
    assert desk.tickets() == [KIM.id]
    desk.writer.put(TICKETS, KIM.id, None)
    desk.writer.put(DELIVERIES, f"queue|{KIM.id}", None)
    with viewed(desk.settings, desk.folder, lambda: NOW, print) as store:
        assert desk.tickets(store) == [] and store.tickets_of(KIM.posts[0].id) == []
        assert store.deliveries() == []
    files = b"".join(path.read_bytes() for path in desk.folder.iterdir())
    assert KIM.author_handle.encode() not in files  # nor in free pages, nor in the write-ahead log


def test_an_older_version_and_what_is_no_ticket_change_nothing(desk, capsys):
    desk.writer.ticket(UTA, version=2)
    desk.writer.ticket(a_ticket(a_post(2), author="2", status="solved"), version=1)
    for value in (b'{"schema": "observed/1"}', b'{"schema": "ticket-operation/1"}', b"\xff", b"[]"):
        desk.writer.put(TICKETS, KIM.id, value)
    desk.writer.put(TICKETS, WHOLE, b'{"event": "tick/1"}')
    desk.writer.put(DELIVERIES, f"queue|{KIM.id}", b"no delivery")
    desk.writer.put(DELIVERIES, f"queue|{WHOLE}", b'{"cursor": {}}')
    with viewed(desk.settings, desk.folder, lambda: NOW, print) as store:
        assert store.tickets(ALL, 10) == [UTA]
        assert store.deliveries() == []
    assert capsys.readouterr().out.count("passed over") == 4  # what should be a ticket or a delivery, and is none


def test_what_was_not_committed_is_not_seen_and_markers_hold_nothing_up(desk):
    writer = Writer(desk.settings, uuid.uuid4().hex)
    writer.producer.begin_transaction()
    writer.ticket(UTA)
    assert desk.tickets() == []  # and an open one holds nothing up either
    writer.producer.abort_transaction()
    writer.producer.begin_transaction()
    writer.ticket(KIM)
    writer.producer.commit_transaction()
    assert desk.tickets() == [KIM.id]
    assert desk.tickets() == [KIM.id]


@pytest.mark.parametrize("later", [MAX_AGE, -HOUR])
def test_a_cache_that_may_have_missed_tombstones_is_built_anew(desk, later):
    desk.writer.ticket(KIM)
    desk.doctor("compacted away")
    desk.now += later
    assert desk.rows() == {KIM.id}


def test_topics_that_were_made_again_are_read_from_their_beginning(desk):
    desk.writer.ticket(KIM)
    assert desk.tickets() == [KIM.id]
    unmake(desk.settings, TICKETS, DELIVERIES)
    make_again(desk.settings)
    writer = Writer(desk.settings)
    for number in range(10):  # in every partition, and longer than before: positions alone show nothing
        writer.put(TICKETS, f"hf-{number}|observed", b'{"schema": "observed/1"}')
    writer.ticket(UTA)
    assert desk.rows() == {UTA.id}


def make_again(settings):
    from kafka.errors import TopicAlreadyExistsError

    for _ in range(100):
        try:
            return make(settings, TICKETS, DELIVERIES)
        except TopicAlreadyExistsError:
            threading.Event().wait(0.1)
    raise AssertionError("the topics are still being deleted")


def test_a_cache_that_cannot_be_used_is_made_anew(desk, capsys):
    desk.writer.ticket(KIM)
    desk.folder.mkdir()
    (desk.folder / FILE).write_bytes(b"no database" * 1000)
    assert desk.tickets() == [KIM.id]
    assert "it is only a cache, and is made anew" in capsys.readouterr().out


def test_the_cache_is_its_owner_s_alone(desk):
    desk.writer.ticket(KIM)
    for _ in range(2):
        with viewed(desk.settings, desk.folder, lambda: NOW, print):
            assert {stat.S_IMODE(path.stat().st_mode) for path in desk.folder.glob(FILE + "*")} == {0o600}
        (desk.folder / FILE).chmod(0o644)


def test_two_looks_at_once_see_the_same(desk):
    for number in range(50):
        desk.writer.ticket(a_ticket(author=str(number)))
    found: list[int] = []

    def look() -> None:
        with viewed(desk.settings, desk.folder, lambda: NOW, print) as store:
            found.append(len(store.tickets(ALL, 100)))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [50, 50, 50]


def test_a_missing_topic_is_told_with_what_to_do(kafka, prefix, tmp_path):
    with (
        pytest.raises(HilferufError, match=r"has no topic .*tickets.*`hilferuf topics apply`"),
        viewed(settings_for(kafka, prefix), tmp_path, lambda: NOW, print),
    ):
        pass


def test_brokers_that_are_away_are_told_with_where_they_should_be(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    with (
        pytest.raises(Transient, match=f"Kafka at {address}"),
        viewed(settings_for([address], "t."), tmp_path, lambda: NOW, print),
    ):
        pass
