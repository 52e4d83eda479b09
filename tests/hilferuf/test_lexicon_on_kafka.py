"""`lexicon health` and `lexicon suggest` on a deployment on Kafka: they read the topics, no worker is asked."""

import json

import pytest

from hilferuf.commands.lexicon_health import health
from hilferuf.commands.lexicon_suggest import propose
from lexicons.suggest import Limits
from listeners.clock import SystemClock
from records import codec, topics
from records.events import Helpdesk
from records.normalise import normalise_mention
from records.times import from_ms
from records.topics import MENTIONS, WHOLE, state_of
from streams.assess import Assess
from tests.streams.conftest import RULES, judge, mention
from tests.streams.kafka.desk_rig import Writer, make, settings_for
from tests.streams.test_outcomes import post


@pytest.fixture
def desk(kafka, prefix, tmp_path):
    """The writer, and the settings file."""
    settings = settings_for(kafka, prefix)
    make(settings, MENTIONS, state_of("assess"), topics.RULES)
    (tmp_path / "acme.yaml").write_text("lexicon: 1\nbrands: [{id: acme, handles: [acme]}]\n")
    where = f"bootstrap: [{', '.join(kafka)}], prefix: {prefix}, partitions: 2, replication: 1, min_insync: 1"
    config = tmp_path / "hilferuf.yaml"
    config.write_text(f"lexicons: [en, acme.yaml]\nkafka: {{{where}}}\n")
    return Writer(settings), config


def heard(writer: Writer, number: int, text: str) -> None:
    now = from_ms(SystemClock().now())
    document = {"id": f"x:{number}", "text": text, "author": {"id": str(number)}}
    writer.put(MENTIONS, f"x:{number}", codec.encode(normalise_mention(document, observed_at=now)))


def author(name: str, *done: str) -> bytes:
    """The state of an author who called for help, and with whose ticket people did this."""
    stage = Assess(RULES, judge)
    state, _ = stage.step(f"x:{name}", None, post(name, "help, @acme lost my parcel", author=name))
    assert state is not None
    (ticket,) = state.tickets
    for what in done:
        event = Helpdesk(sink="desk", id=what, ticket_id=ticket, at=mention().occurred_at, what=what)  # type: ignore[arg-type]
        after, _ = stage.step(f"x:{name}", state, event)
        assert after is not None
        state = after
    return stage.dump(state)


def test_health_judges_what_the_topic_holds(desk, capfd):
    writer, config = desk
    for number in range(3):
        heard(writer, number, "@acme please help, my router is broken")
    heard(writer, 2, "@acme please help, my router is broken")  # a redelivery
    writer.put(MENTIONS, "x:9", b"nonsense")
    assert health(config, [], None, None, 7, as_json=True) == 0
    found = {(one["kind"], one["name"]): one["hits"] for one in map(json.loads, capfd.readouterr().out.splitlines())}
    assert found["language", "en"] == found["trigger", "en.broken"] == 3 and found["brand", "acme"] == 3


def test_suggest_learns_from_the_newest_state_of_each_author(desk, capfd):
    writer, config = desk
    topic = state_of("assess")
    for name in ("a", "b", "c"):
        writer.put(topic, f"x:{name}", author(name, "solved"))
    writer.put(topic, "x:a", author("a", "answered", "solved"))
    writer.put(topic, "x:b", None)  # forgotten
    writer.put(topic, "x:d", author("d"))
    writer.put(topic, WHOLE, b'{"what a shard knows of itself": 1}')
    heard(writer, 50, "@acme lovely weather, the cake is baked and the sun is out")
    assert propose(config, [], [], "en", Limits(), as_json=True) == 0
    assert "1 solved, 1 closed as no need" in capfd.readouterr().err
