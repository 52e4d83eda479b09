"""Topics as they are against topics as they must be, on a real broker."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from config.kafka import KafkaSettings
from config.settings import Retention
from records.errors import HilferufError, Transient
from records.topics import AUTHOR_EVENTS, MENTIONS, TICKETS
from streams.kafka import brokers
from streams.kafka.admin import Actual, apply, differences, faults, plan, require_topics, topic_ids
from streams.kafka.brokers import administration
from streams.kafka.catalogue import catalogue
from streams.kafka.examination import examine
from tests.kafka_server import start_kafka

WEEK = Retention()
COUNT = 11


@pytest.fixture
def settings(kafka, prefix):
    return KafkaSettings(bootstrap=tuple(kafka), prefix=prefix, partitions=2, replication=1, min_insync=1)


def with_partitions(settings, count):
    return msgspec.structs.replace(settings, partitions=count)


def set_config(settings, name, **values):
    with administration(settings) as admin:
        given = {key.replace("_", "."): value for key, value in values.items()}
        admin.alter_configs([ConfigResource("TOPIC", settings.topic(name), given)])
        deadline = time.monotonic() + 20
        while given.items() - config_of(admin, settings.topic(name)).items() and time.monotonic() < deadline:
            time.sleep(0.05)


def config_of(admin, topic):
    found = admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")["topic"][topic]
    return {name: value["value"] for name, value in found.items()}


def test_apply_makes_all_topics_as_planned_and_again_changes_nothing(settings):
    assert [item.kind for item in plan(settings, WEEK)] == ["create"] * COUNT
    assert [item.kind for item in apply(settings, WEEK)] == ["create"] * COUNT
    assert plan(settings, WEEK) == [] == apply(settings, WEEK)


def test_plan_makes_nothing(settings):
    plan(settings, WEEK)
    assert topic_ids(settings, [MENTIONS]) == {}


def test_four_that_apply_at_once_do_no_harm(settings):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: apply(settings, WEEK), range(4)))
    assert plan(settings, WEEK) == []


def test_a_change_of_retention_is_planned_with_what_it_deletes_and_done(settings):
    apply(settings, WEEK)
    shorter = Retention(log_days=1)
    texts = [item.text for item in plan(settings, shorter) if item.topic.name == MENTIONS]
    assert texts[0] == "retention.ms 604800000 -> 86400000; what is older will be deleted"
    apply(settings, shorter)
    assert plan(settings, shorter) == []
    assert any(item.text == "retention.ms 86400000 -> 604800000" for item in plan(settings, WEEK))


def test_settings_that_the_plan_does_not_name_stay(settings):
    apply(settings, WEEK)
    set_config(settings, MENTIONS, **{"file_delete_delay_ms": "1234", "retention_ms": "5000"})
    apply(settings, WEEK)
    with administration(settings) as admin:
        found = config_of(admin, settings.topic(MENTIONS))
    assert (found["file.delete.delay.ms"], found["retention.ms"]) == ("1234", "604800000")


@pytest.mark.parametrize("count", [1, 3])
def test_a_wrong_partition_count_is_told_and_never_changed(settings, count):
    apply(settings, WEEK)
    (line,) = faults(apply(with_partitions(settings, count), WEEK))
    assert f"2 partitions instead of {count}" in line and "set kafka.partitions to 2" in line
    assert plan(settings, WEEK) == []


def test_a_missing_topic_stops_the_start_with_what_to_do(settings):
    with pytest.raises(HilferufError, match=r"topics .*mentions, .*: missing; `hilferuf topics apply` makes it"):
        require_topics(settings, WEEK)
    assert plan(settings, WEEK)  # and is not made by asking


def test_a_wrong_partition_count_stops_the_start(settings):
    apply(settings, WEEK)
    with pytest.raises(HilferufError, match="2 partitions instead of 4"):
        require_topics(with_partitions(settings, 4), WEEK)


def test_a_changelog_without_compaction_stops_the_start(settings):
    apply(settings, WEEK)
    set_config(settings, "assess-state", **{"cleanup_policy": "delete"})
    with pytest.raises(HilferufError, match=r"assess-state: cleanup.policy delete -> compact; `hilferuf topics apply`"):
        require_topics(settings, WEEK)
    require_topics(settings, WEEK, [MENTIONS])  # who does not use it may start


def test_a_setting_that_loses_nothing_does_not_stop_the_start(settings):
    apply(settings, WEEK)
    set_config(settings, "assess-state", **{"segment_ms": "7200000"})
    assert set(require_topics(settings, WEEK, ["assess-state", TICKETS])) == {"assess-state", TICKETS}


def test_a_topic_made_anew_has_another_id(settings):
    apply(settings, WEEK)
    before = require_topics(settings, WEEK)
    assert len(set(before.values())) == COUNT and before == topic_ids(settings, before)
    with administration(settings) as admin:
        admin.delete_topics([settings.topic("assess-state")])
    deadline = time.monotonic() + 20
    while "assess-state" in topic_ids(settings, ["assess-state"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    apply(settings, WEEK)
    after = require_topics(settings, WEEK)
    assert {name for name in before if before[name] != after[name]} == {"assess-state"}


def test_a_wrong_clock_of_a_client_does_not_date_its_records(settings):
    apply(settings, WEEK)
    topic = TopicPartition(settings.topic(MENTIONS), 0)
    now = time.time() * 1000
    producer = KafkaProducer(bootstrap_servers=list(settings.bootstrap))
    producer.send(topic.topic, b"old", partition=0, timestamp_ms=86_400_000).get(10)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=list(settings.bootstrap))
    consumer.assign([topic])
    found = consumer.offsets_for_times({topic: int(now) - 60_000})[topic]  # as `reprocess --from` looks
    consumer.close()
    assert found is not None and abs(found.timestamp - now) < 60_000


def test_where_no_broker_is_one_line_says_so_at_once(settings):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        away = msgspec.structs.replace(settings, bootstrap=(address,))
        with pytest.raises(Transient, match=f"^Kafka at {address} cannot be reached: Connection refused"):
            require_topics(away, WEEK)


def test_a_broker_that_takes_the_connection_and_never_answers_is_told_within_15_seconds(settings):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        dumb = msgspec.structs.replace(settings, bootstrap=(f"127.0.0.1:{mute.getsockname()[1]}",) * 3)
        start = time.monotonic()
        with pytest.raises(Transient, match="does not answer within 5 s"):
            require_topics(dumb, WEEK)
        assert time.monotonic() - start < 15


def test_brokers_that_name_an_address_that_leads_nowhere_are_told_in_one_line(settings, monkeypatch, caplog):
    """`advertised.listeners`: the commonest fault of a first set-up."""
    monkeypatch.setattr(brokers, "TIMEOUT_SECONDS", 0.5)
    server = start_kafka(1, "advertised.listeners=PLAINTEXT://127.0.0.1:1")
    try:
        lost = msgspec.structs.replace(settings, bootstrap=tuple(server.bootstrap))
        with pytest.raises(Transient, match=r"a broker that it names cannot be reached .* advertised\.listeners"):
            require_topics(lost, WEEK)
        (found,) = examine(lost, WEEK, [], None)
        assert not found.well and "advertised.listeners" in found.text
        assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
    finally:
        server.discard()


def test_one_address_that_answers_is_enough(settings):
    apply(settings, WEEK)
    some = msgspec.structs.replace(settings, bootstrap=("127.0.0.1:1", *settings.bootstrap))
    assert len(require_topics(some, WEEK)) == COUNT


async def test_it_may_be_called_where_an_event_loop_runs(settings):
    assert topic_ids(settings, [MENTIONS]) == {}


def test_more_copies_than_brokers_is_told_with_what_to_change(settings):
    with pytest.raises(HilferufError, match=r"start more brokers or lower kafka\.replication"):
        apply(msgspec.structs.replace(settings, replication=9), WEEK)


def actual_of(topic, **changes):
    found = Actual(id="1", partitions=topic.partitions, replication=topic.replication, config=dict(topic.config))
    return msgspec.structs.replace(found, **changes)


@pytest.fixture
def three_copies():
    kafka = KafkaSettings(bootstrap=("k:1",), replication=3, min_insync=2)
    return {topic.name: topic for topic in catalogue(kafka, WEEK)}


def test_a_topic_with_fewer_copies_is_told_and_goes_on_being_written(three_copies):
    topic = three_copies[AUTHOR_EVENTS]
    config = {**topic.config, "min.insync.replicas": "1"}
    # Two in sync of one copy could never be written.
    (found,) = differences(topic, actual_of(topic, replication=1, config=config))
    assert (found.kind, found.fatal) == ("cannot", False) and "1 copies instead of 3" in found.text


def test_larger_messages_than_planned_are_no_fault_and_smaller_ones_are(three_copies):
    topic = three_copies[TICKETS]
    assert differences(topic, actual_of(topic, config={**topic.config, "max.message.bytes": "9000000"})) == []
    assert len(differences(topic, actual_of(topic, config={**topic.config, "max.message.bytes": "1000"}))) == 1


def test_a_policy_in_another_order_is_the_same(three_copies):
    topic = three_copies["dead-letters"]
    assert differences(topic, actual_of(topic, config={**topic.config, "cleanup.policy": "delete,compact"})) == []
