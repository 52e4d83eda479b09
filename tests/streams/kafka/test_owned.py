"""Which control records a partition wants of its owner; without brokers."""

from types import SimpleNamespace
from typing import Any

import pytest

from records.events import Rules, Tick
from records.times import MINUTE, from_ms
from streams.kafka.app import Application
from streams.kafka.cluster import Cluster
from streams.kafka.owned import Owned
from streams.kafka.turn import Note
from streams.profile import Profile
from streams.screen import Screen
from tests.streams.conftest import judge
from tests.streams.kafka.desk_rig import settings_for

OLD, NEW = (Rules(lexicon_version=version, strategy="s") for version in ("old", "new"))
NOW = 10 * MINUTE


class Shard:
    def __init__(self, stage: Any, note: Note | None = None, due: int | None = None) -> None:
        self.stage, self.partition, self.note, self.is_open = stage, 0, note, True
        self.states = SimpleNamespace(next_due=lambda: due)
        self.offers: list[Any] = []

    def offer(self, stage: Any, rules: Rules) -> None:
        self.offers.append((stage, rules))


def owned(note: Note | None = None, due: int | None = None, stage: Any = None) -> Owned:
    return Owned(Shard(stage or Screen(judge), note, due))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (None, [NEW]),
        (Note(), [NEW]),
        (Note(rules=OLD.name), [NEW]),
        (Note(rules=NEW.name), []),
        (Note(deriving=NEW.name), []),
        (Note(rules=NEW.name, deriving=OLD.name), [NEW]),  # as an earlier release may have left it
    ],
)
def test_rules_are_told_to_a_partition_that_does_not_know_them(note, told):
    assert owned(note).controls(NOW, NEW) == told


def test_they_are_told_once_a_minute_at_most_and_a_tick_holds_them_up_for_nothing():
    mine = owned(Note(rules=OLD.name), due=NOW)
    assert mine.controls(NOW, NEW) == [Tick(at=from_ms(NOW)), NEW]
    assert mine.controls(NOW + 1, NEW) == []
    assert mine.controls(NOW + MINUTE, NEW) == [Tick(at=from_ms(NOW + MINUTE)), NEW]


def test_a_stage_without_a_lexicon_is_told_nothing():
    assert owned(stage=Profile()).controls(NOW, NEW) == []


def test_an_application_offers_new_rules_to_every_partition_and_tells_them_at_once(tmp_path):
    kafka = settings_for(["127.0.0.1:1"], "t.")
    cluster = Cluster(kafka, "t.work", "test", {}, lambda: NOW)
    application = Application(cluster, [Screen(judge)], folder=tmp_path, rules=OLD)
    busy, idle = owned(Note(rules=OLD.name)), Shard(Screen(judge))
    topic = cluster.tp("mentions", 0)
    application._owned[topic], application._idle[cluster.tp("mentions", 1)] = busy, idle  # type: ignore[assignment]
    assert busy.controls(NOW, OLD) == []
    busy.told = NOW - 1
    fresh = Screen(judge)
    application.switch([fresh], NEW)
    assert busy.shard.offers == idle.offers == [(fresh, NEW)]  # type: ignore[attr-defined]
    assert busy.controls(NOW, application._rules) == [NEW]
    assert application._by_source[topic.topic] is fresh
