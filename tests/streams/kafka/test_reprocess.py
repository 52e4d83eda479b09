"""The log of a deployment on Kafka, fed again: the same records under the same keys, and nothing twice."""

import time

import pytest

from records import codec
from records.events import Answered, Lookup, Tick
from records.normalise import normalise_mention
from records.normalise_facts import normalise_fact
from records.times import MINUTE, to_ms
from records.topics import CUSTOMER_FACTS, MENTIONS, WHOLE
from streams.kafka.reading import Reader, Record
from streams.kafka.reprocess import KafkaLog
from streams.kafka.sending import sending
from streams.refeed import Span
from tests.streams.kafka.desk_rig import Writer, make, settings_for

AT = "2026-09-21T12:00:00.000Z"
FACT = normalise_fact(b'{"id": "t", "kind": "tag", "customer": "c1", "at": "2026-01-01", "tag": "vip"}', observed_at=AT)


def mention(number: int, **more: object) -> bytes:
    return codec.encode(normalise_mention({"id": f"x:{number}", "text": "help", **more}, observed_at=AT))


def span(since: int = 0, until: int | None = None, oldest: int = 0) -> Span:
    return Span(since, until or int(time.time() * 1000) + MINUTE, oldest)


class Desk:
    def __init__(self, addresses, prefix):
        self.settings = settings_for(addresses, prefix)
        make(self.settings, MENTIONS, CUSTOMER_FACTS)
        self.writer = Writer(self.settings)

    def again(self, asked: Span, step: int = 500) -> dict[str, int]:
        counts: dict[str, int] = {}
        with Reader(self.settings) as reader, sending(self.settings) as sender:
            for done in KafkaLog(reader, sender).feed(asked, step):
                for what, count in done.counts.items():
                    name = f"{done.topic} {what}"
                    counts[name] = counts.get(name, 0) + count
        return counts

    def read(self, topic: str) -> list[Record]:
        with Reader(self.settings) as reader:
            places = reader.places(topic)
            return [record for records in reader.read(reader.starts(places), reader.ends(places)) for record in records]


@pytest.fixture
def desk(kafka, prefix):
    return Desk(kafka, prefix)


def test_mentions_and_facts_under_their_keys_and_in_their_order(desk):
    for number in range(20):
        desk.writer.put(MENTIONS, f"x:{number}", mention(number))
    desk.writer.put(CUSTOMER_FACTS, "c1", codec.encode(FACT))
    before = desk.read(MENTIONS)
    assert desk.again(span(), step=3) == {"mentions fed": 20, "customer-facts fed": 1}
    after = desk.read(MENTIONS)
    for partition in (0, 1):
        was = [(r.key, r.value) for r in before if r.place.partition == partition]
        assert [(r.key, r.value) for r in after if r.place.partition == partition] == was + was
    assert [r.key for r in desk.read(CUSTOMER_FACTS)] == ["c1", "c1"]


def test_a_second_time_feeds_the_originals_and_not_the_copies(desk):
    desk.writer.put(MENTIONS, "x:1", mention(1))
    for times in (2, 3, 4):
        assert desk.again(span()) == {"mentions fed": 1}
        assert len(desk.read(MENTIONS)) == times


def test_control_records_tombstones_look_ups_and_what_cannot_be_read_are_not_fed(desk):
    lookup = Lookup(parent_id="x:1", answered=Answered(id="x:9", at=AT))
    for key, value in (
        (WHOLE, codec.encode(Tick(at=AT))),
        (None, mention(2)),
        ("x:1", codec.encode(lookup)),
        ("x:3", None),
        ("x:4", b"broken"),
    ):
        desk.writer.put(MENTIONS, key, value)
    assert desk.again(span()) == {"mentions look-up": 1, "mentions unreadable": 1}
    assert len(desk.read(MENTIONS)) == 5


def test_only_what_was_written_since_then_and_posts_before_until_but_every_delete(desk):
    desk.writer.put(MENTIONS, "x:1", mention(1))
    time.sleep(0.01)
    desk.writer.put(MENTIONS, "x:2", mention(2))
    time.sleep(0.01)
    desk.writer.put(MENTIONS, "x:3", mention(3))
    desk.writer.put(MENTIONS, "x:2", mention(2, op="delete", text=None))
    written = {record.key: record.at for record in desk.read(MENTIONS)[::-1]}
    assert desk.again(span(written["x:2"], written["x:3"]))["mentions fed"] == 2
    copies = [record for record in desk.read(MENTIONS) if record.copied]
    assert [(r.key, b'"delete"' in (r.value or b"")) for r in copies] == [("x:2", False), ("x:2", True)]


def test_posts_that_the_stages_may_have_forgotten_are_left_out(desk):
    desk.writer.put(MENTIONS, "x:1", mention(1, occurred_at="2026-08-31T00:00:00Z"))
    assert desk.again(span(oldest=to_ms("2026-09-01T00:00:00Z"))) == {"mentions too old": 1}


def test_what_comes_while_it_runs_is_not_fed_twice(desk):
    for number in range(5):
        desk.writer.put(MENTIONS, f"x:{number}", mention(number))
    with Reader(desk.settings) as reader, sending(desk.settings) as sender:
        for _ in KafkaLog(reader, sender).feed(span(), 1):
            desk.writer.put(MENTIONS, "x:1", mention(1))
    assert len([record for record in desk.read(MENTIONS) if record.copied]) == 5
