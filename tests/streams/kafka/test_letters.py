"""Dead letters on Kafka: each goes through the door by which it came in, and is marked or gone for good."""

import hashlib
from contextlib import ExitStack
from functools import cache

import pytest

from listeners.kafka_client import partition_of
from records import codec
from records.errors import HilferufError
from records.events import DeadLetter, Redrive, Spoke, Tick
from records.mention import Mention
from records.normalise import normalise_mention
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, DEAD_LETTERS, DELIVERIES, MENTIONS, TICKETS, WHOLE
from streams import deliver
from streams import letters as rules
from streams.dead_letters import DELIVERY_ORIGIN, dead_letter
from streams.kafka.deliver import Deliver
from streams.kafka.letters import KafkaLetters
from streams.kafka.reading import Reader, Record
from streams.kafka.sending import sending
from streams.kafka.view import viewed
from streams.runner import Route
from tests.sinks.contract_suite import a_ticket
from tests.streams.kafka.desk_rig import Writer, make, settings_for

NOW = 1_790_000_000_000
HEARD = normalise_mention({"id": "x:1", "text": "help"}, observed_at="2026-09-21T12:00:00Z")


class Desk:
    def __init__(self, addresses, prefix, folder):
        self.settings = settings_for(addresses, prefix)
        make(self.settings, MENTIONS, AUTHOR_EVENTS, TICKETS, DELIVERIES, DEAD_LETTERS)
        make(self.settings, CUSTOMER_FACTS, most_bytes=300)
        self.writer = Writer(self.settings)
        self._stack, self._folder = ExitStack(), folder
        reader = self._stack.enter_context(Reader(self.settings))
        self.letters = KafkaLetters(reader, cache(self._sender), cache(self._ledger))

    def _sender(self):
        return self._stack.enter_context(sending(self.settings))

    def _ledger(self):
        return self._stack.enter_context(viewed(self.settings, self._folder, lambda: NOW, print))

    def close(self):
        self._stack.close()

    def bury(self, original: bytes, origin: str, at: int = NOW) -> DeadLetter:
        letter = dead_letter(original, "a fault", None, origin, at)
        self.writer.put(DEAD_LETTERS, letter.id, codec.encode(letter))
        return letter

    def redrive(self) -> rules.Redriven:
        return rules.redrive(self.letters, [one for one in self.letters.all() if not one.redriven], NOW)

    def read(self, topic: str) -> list[Record]:
        with Reader(self.settings) as reader:
            places = reader.places(topic)
            return [record for records in reader.read(reader.starts(places), reader.ends(places)) for record in records]


@pytest.fixture
def desk(kafka, prefix, tmp_path):
    desk = Desk(kafka, prefix, tmp_path)
    yield desk
    desk.close()


def test_all_are_listed_by_time_and_of_one_that_came_twice_the_last(desk):
    late, early = desk.bury(b"late", "a:1", NOW), desk.bury(b"early", "a:2", NOW - 1)
    again = desk.bury(b"late", "a:1", NOW + 1)
    assert again.id == late.id and desk.letters.all() == [early, again]
    assert desk.letters.all() == [early, again]  # a second look begins anew


def test_what_a_listener_could_not_read_is_normalised_again_and_marked(desk):
    desk.bury(b'{"id": "x:1", "text": "help"}', "heard.ndjson:3")
    desk.bury(b'{"id": "t", "kind": "tag", "customer": "c1", "at": "2026-01-01", "tag": "vip"}', "facts.ndjson:1")
    desk.bury(b'{"id": 7', "heard.ndjson:4")
    done = desk.redrive()
    assert done.passed == 2 and [letter.original for letter, _ in done.failed] == [b'{"id": 7']
    assert [record.key for record in desk.read(MENTIONS)] == ["x:1"]
    assert [record.key for record in desk.read(CUSTOMER_FACTS)] == ["c1"]
    assert sorted(letter.redriven for letter in desk.letters.all()) == [False, True, True]
    assert desk.redrive().passed == 0 and len(desk.read(MENTIONS)) == 1  # once is enough


@pytest.mark.parametrize("topic", [MENTIONS, AUTHOR_EVENTS])
def test_what_a_stage_failed_on_goes_to_that_stage_again_under_its_key(desk, topic):
    record = codec.encode(HEARD if topic == MENTIONS else Spoke(mention=HEARD))
    desk.writer.put(topic, "some key", b"before")
    partition, offset = desk.writer.put(topic, "some key", record)
    desk.writer.put(topic, "some key", b"after")
    desk.bury(record, f"{topic}/{partition}/{offset}")
    assert desk.redrive().passed == 1
    last = desk.read(topic)[-1]
    assert (last.key, last.value, last.place.partition) == ("some key", record, partition)


@pytest.mark.parametrize("place", ["0/7", "9/0", "-1", "0", "x/y"])
def test_what_has_left_the_log_is_said_to_have(desk, place):
    desk.bury(codec.encode(HEARD), f"{MENTIONS}/{place}")
    ((_, error),) = desk.redrive().failed
    assert "has left the log" in str(error)


def test_what_concerns_a_whole_partition_is_not_sent_by_hand(desk):
    tick = codec.encode(Tick(at="2026-09-21T12:00:00.000Z"))
    partition, offset = desk.writer.put(AUTHOR_EVENTS, WHOLE, tick)
    desk.bury(tick, f"{AUTHOR_EVENTS}/{partition}/{offset}")
    desk.bury(b"", f"{AUTHOR_EVENTS}/{partition}/{offset}")
    reasons = sorted(str(error) for _, error in desk.redrive().failed)
    assert ["comes by itself" in reasons[0], "tells of some that are gone" in reasons[1]] == [True, True]
    assert len(desk.read(AUTHOR_EVENTS)) == 1


def test_of_another_record_at_its_place_nothing_is_sent_and_of_one_that_was_cut_all(desk):
    value = codec.encode(HEARD)
    partition, offset = desk.writer.put(MENTIONS, "x:1", value)
    desk.bury(value[:50], f"{MENTIONS}/{partition}/{offset}", NOW)
    desk.bury(b'{"another": 1}', f"{MENTIONS}/{partition}/{offset}", NOW + 1)
    done = desk.redrive()
    assert done.passed == 1 and "has left the log" in str(done.failed[0][1])
    assert [record.value for record in desk.read(MENTIONS)] == [value, value]


def test_a_record_without_a_key_is_normalised_again(desk):
    value = codec.encode(HEARD)
    partition, offset = desk.writer.put(MENTIONS, None, value)
    desk.bury(value, f"{MENTIONS}/{partition}/{offset}")
    assert desk.redrive().passed == 1
    (record,) = (record for record in desk.read(MENTIONS) if record.key == "x:1")
    assert isinstance(codec.mentions.decode(record.value), Mention)


def test_a_ticket_that_was_refused_for_good_is_asked_for_again_in_its_partition_and_under_no_ticket_s_key(desk):
    ticket = a_ticket()
    entry = desk.writer.delivery(ticket, state="dead", error="no")
    desk.bury(codec.encode(entry.wanted), f"{DELIVERY_ORIGIN}queue|{ticket.id}")
    assert desk.redrive().passed == 1
    (record,) = desk.read(TICKETS)
    assert record.place.partition == partition_of(ticket.id.encode(), desk.settings.partitions)
    assert record.key != ticket.id
    assert codec.encode(Redrive(sink="queue", ticket_id=ticket.id)) == record.value
    stage = Deliver(Route("queue"))  # what the deliverer makes of it
    key, event = stage.read(record.key, record.value)
    assert (key, stage.step(key, entry, event)[0]) == (ticket.id, deliver.again(entry))
    assert deliver.again(entry).state == "pending"


def test_a_ticket_that_was_delivered_since_is_left_alone_and_one_that_nobody_knows_is_told(desk):
    ticket = a_ticket()
    entry = desk.writer.delivery(ticket)
    desk.bury(codec.encode(entry.wanted), f"{DELIVERY_ORIGIN}queue|{ticket.id}")
    desk.bury(codec.encode(entry.wanted), f"{DELIVERY_ORIGIN}queue|hf-unknown")
    done = desk.redrive()
    assert done.passed == 1 and desk.read(TICKETS) == []
    assert "the ledger has no ticket hf-unknown for queue" in str(done.failed[0][1])


def test_a_dropped_letter_is_gone_for_good(desk):
    kept, dropped = desk.bury(b"kept", "a:1"), desk.bury(b"dropped", "a:2")
    desk.letters.drop(dropped)
    desk.letters.flush()
    assert desk.letters.all() == [kept]
    assert [r.value for r in desk.read(DEAD_LETTERS) if r.key == dropped.id][-1] is None


def test_an_id_that_no_letter_has_is_told(desk):
    with pytest.raises(HilferufError, match="no dead letter dl-7"):
        rules.chosen(desk.letters, ["dl-7"])


def test_of_several_only_the_one_stays_whose_record_the_brokers_refuse(desk):
    tag = "".join(hashlib.sha256(b"%d" % n).hexdigest() for n in range(7))  # nothing that compression helps
    fact = f'{{"id": "t", "kind": "tag", "customer": "c1", "at": "2026-01-01", "tag": "{tag}"}}'.encode()
    desk.bury(b'{"id": "x:1", "text": "help"}', "a:1", NOW)
    large = desk.bury(fact, "a:2", NOW + 1)
    desk.bury(b'{"id": "x:2", "text": "help"}', "a:3", NOW + 2)
    done = desk.redrive()
    assert done.passed == 2 and [letter for letter, _ in done.failed] == [large]
    assert "larger than its topic takes" in str(done.failed[0][1])
    assert [letter for letter in desk.letters.all() if not letter.redriven] == [large]
