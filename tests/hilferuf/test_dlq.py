"""`hilferuf dlq redrive`: through the door by which the record came in."""

import msgspec
import pytest

from hilferuf.commands.dlq import drop, redrive
from records import codec
from records.events import Spoke
from records.normalise import normalise_mention
from records.tickets import Delivery, TicketOperation
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, DEAD_LETTERS, MENTIONS
from streams.dead_letters import DELIVERY_ORIGIN, dead_letter
from streams.store import Store, connect
from tests.sinks.contract_suite import a_ticket

NOW = 1_790_000_000_000
HEARD = normalise_mention({"id": "x:1", "text": "help"}, observed_at="2026-09-21T12:00:00Z")


@pytest.fixture
def desk(tmp_path):
    """(settings file, store)."""
    settings = tmp_path / "hilferuf.yaml"
    settings.write_text("data_dir: data\n")
    connection = connect(tmp_path / "data" / "hilferuf.db")
    yield settings, Store(connection)
    connection.close()


def bury(store: Store, original: bytes, origin: str) -> None:
    letter = dead_letter(original, "a fault", None, origin, NOW)
    store.append(DEAD_LETTERS, [(letter.id, codec.encode(letter))], NOW)


@pytest.mark.parametrize(
    ("original", "topic", "key"),
    [
        (b'{"id": "x:1", "text": "help"}', MENTIONS, "x:1"),
        (b'{"id": "t", "kind": "tag", "customer": "c1", "at": "2026-01-01", "tag": "vip"}', CUSTOMER_FACTS, "c1"),
    ],
)
def test_what_a_listener_could_not_read_goes_into_its_topic(desk, original, topic, key):
    settings, store = desk
    bury(store, original, "heard.ndjson:3")
    assert redrive(settings, []) == 0
    assert [entry.key for entry in store.read(topic, 0, 10)] == [key]
    assert redrive(settings, []) == 0 and store.size(topic) == 1  # once is enough


@pytest.mark.parametrize("topic", [MENTIONS, AUTHOR_EVENTS])
def test_what_a_stage_failed_on_goes_to_that_stage_again(desk, topic):
    settings, store = desk
    record = codec.encode(HEARD if topic == MENTIONS else Spoke(mention=HEARD))
    store.append(topic, [("some key", record)], NOW)
    bury(store, record, f"{topic}/0")
    assert redrive(settings, []) == 0
    assert [(entry.key, entry.value) for entry in store.read(topic, 1, 10)] == [("some key", record)]


@pytest.mark.parametrize("offset", ["7", "-1"])
def test_what_has_left_the_log_is_said_to_have(desk, capsys, offset):
    settings, store = desk
    bury(store, codec.encode(Spoke(mention=HEARD)), f"{AUTHOR_EVENTS}/{offset}")
    assert redrive(settings, []) == 1
    assert "has left the log" in capsys.readouterr().err


def test_a_ticket_that_was_refused_for_good_is_delivered_again(desk):
    settings, store = desk
    ticket = a_ticket()
    wanted = TicketOperation(ticket_id=ticket.id, version=1, op="open", ticket=ticket)
    entry = Delivery(
        sink="queue", ticket_id=wanted.ticket_id, author_key="x:1", wanted=wanted, state="dead", error="no"
    )
    store.put_delivery(entry, 0)
    bury(store, codec.encode(wanted), f"{DELIVERY_ORIGIN}queue|{wanted.ticket_id}")
    assert redrive(settings, []) == 0
    assert store.delivery("queue", wanted.ticket_id) == msgspec.structs.replace(entry, state="pending", error=None)


def test_a_ticket_that_was_delivered_since_is_left_alone(desk):
    settings, store = desk
    ticket = a_ticket()
    wanted = TicketOperation(ticket_id=ticket.id, version=1, op="open", ticket=ticket)
    entry = Delivery(sink="queue", ticket_id=ticket.id, author_key="x:1", wanted=wanted, state="settled", error="once")
    store.put_delivery(entry, 0)
    bury(store, codec.encode(wanted), f"{DELIVERY_ORIGIN}queue|{ticket.id}")
    assert redrive(settings, []) == 0
    assert store.delivery("queue", ticket.id) == entry


def test_a_letter_that_came_twice_is_listed_redriven_and_dropped_once(desk, capsys):
    settings, store = desk
    for _ in range(2):
        bury(store, b'{"id": "x:1", "text": "help"}', "heard.ndjson:3")
    assert redrive(settings, []) == 0 and store.size(MENTIONS) == 1
    assert drop(settings, ["all"]) == 0 and store.read(DEAD_LETTERS, 0, 10) == []
    assert capsys.readouterr().out == "1 redriven, 0 still dead\n1 dropped\n"
