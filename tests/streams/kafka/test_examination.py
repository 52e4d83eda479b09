"""What `hilferuf doctor` finds on a broker without a login (tests/streams/kafka/test_security.py: with one)."""

import msgspec
import pytest
from kafka import KafkaConsumer

from config.kafka import KafkaSettings
from config.settings import Retention
from records.topics import CURSORS
from streams.kafka import examination
from streams.kafka.admin import apply
from streams.kafka.examination import examine

WEEK = Retention()


@pytest.fixture
def settings(kafka, prefix):
    return KafkaSettings(bootstrap=tuple(kafka), prefix=prefix, partitions=2, replication=1, min_insync=1)


def wrong(settings, retention=WEEK):
    return {item.name: item.text for item in examine(settings, retention, ["queue"], "abc") if not item.well}


def test_missing_topics_are_one_line_and_the_other_questions_are_still_asked(settings):
    found = list(examine(settings, WEEK, ["queue"], "abc"))
    assert [item.name for item in found] == ["kafka", "topics", "rights", "clock", "groups"]
    assert list(wrong(settings)) == ["topics"]


def test_too_few_brokers_for_the_copies_are_told(settings):
    apply(settings, WEEK)
    assert "1 of at least 3 brokers" in wrong(msgspec.structs.replace(settings, replication=3))["kafka"]


@pytest.mark.parametrize("minutes", [-2, 2])
def test_a_clock_two_minutes_off_is_told(settings, monkeypatch, minutes):
    apply(settings, WEEK)
    assert wrong(settings) == {}
    now = examination._now
    monkeypatch.setattr(examination, "_now", lambda: now() + minutes * 60_000)
    assert "s off ours; set both by NTP" in wrong(settings)["clock"]


def test_looking_leaves_nothing_that_a_reader_sees(settings):
    apply(settings, WEEK)
    assert wrong(settings) == {}
    consumer = KafkaConsumer(
        settings.topic(CURSORS),
        bootstrap_servers=list(settings.bootstrap),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        consumer_timeout_ms=1_000,
    )
    assert list(consumer) == []
    consumer.close()


def test_without_rules_the_deployment_is_not_known_and_nothing_is_wrong(settings):
    apply(settings, WEEK)
    assert all(item.well for item in examine(settings, WEEK, ["queue"], None))
