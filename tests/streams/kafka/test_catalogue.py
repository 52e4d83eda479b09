"""Which topics there must be, from the settings alone."""

import pytest

from config.kafka import KafkaSettings
from config.settings import Retention, Settings
from records.times import DAY
from records.topics import ALL, CURSORS, DELIVERIES, RULES
from streams.kafka.catalogue import STAGES, catalogue
from streams.screen import Screen
from streams.topology import stages

KAFKA = KafkaSettings(bootstrap=("k:1",), prefix="p.", partitions=5, replication=3, min_insync=2)


def topics(kafka=KAFKA, log_days=7.0):
    return {topic.name: topic for topic in catalogue(kafka, Retention(log_days=log_days))}


def test_there_is_every_topic_that_a_stage_reads_writes_or_keeps_its_state_in(monkeypatch):
    monkeypatch.setattr("streams.topology.scorer", lambda strategy: None)
    named = type("Named", (), {"version": "1"})()
    flow = stages(named, named, Settings())
    assert isinstance(flow[0], Screen) and tuple(stage.name for stage in flow) == STAGES
    assert set(topics()) == {*ALL, DELIVERIES, CURSORS, RULES, *(stage.changelog for stage in flow)}


def test_all_have_the_same_partitions_and_copies_under_the_prefix():
    assert {(item.partitions, item.replication) for item in topics().values()} == {(5, 3)}
    assert all(item.full_name == f"p.{name}" for name, item in topics().items())


@pytest.mark.parametrize(("replication", "min_insync", "found"), [(3, 2, "2"), (1, 2, "1"), (2, 2, "2")])
def test_no_topic_wants_more_copies_in_sync_than_there_are(replication, min_insync, found):
    kafka = KafkaSettings(bootstrap=("k:1",), replication=replication, min_insync=min_insync)
    assert {item.config["min.insync.replicas"] for item in topics(kafka).values()} == {found}


def test_what_is_heard_goes_after_log_days_and_a_day():
    for name in ("mentions", "customer-facts", "author-events", "dead-letters"):
        config = topics(log_days=3)[name].config
        assert "delete" in config["cleanup.policy"]
        assert int(config["retention.ms"]) == 3 * DAY
        assert int(config["segment.ms"]) <= DAY


def test_what_is_compacted_is_compacted_within_a_day_and_keeps_tombstones_for_a_day():
    compacted = {name: item.config for name, item in topics().items() if "compact" in item.config["cleanup.policy"]}
    assert set(compacted) == {
        *("tickets", "deliveries", "cursors", "rules", "screen-state", "profile-state", "assess-state", "dead-letters")
    }
    for config in compacted.values():
        assert int(config["max.compaction.lag.ms"]) == int(config["delete.retention.ms"]) == DAY


def test_only_dead_letters_are_compacted_and_deleted():
    assert [name for name, item in topics().items() if item.config["cleanup.policy"] == "compact,delete"] == [
        "dead-letters"
    ]
    assert not topics()["dead-letters"].compacted and topics()["tickets"].compacted


def test_a_dead_letter_fits_whatever_fitted_its_topic_in_base64():
    found = {name: int(item.config["max.message.bytes"]) for name, item in topics().items()}
    assert found["dead-letters"] > 2 * max(found[name] for name in ALL if name != "dead-letters")
