"""Lines of recorded mentions read in order, with the bad ones in their place."""

import io
import json

from listeners.contract import Bad
from listeners.ndjson import MAX_LINE
from listeners.replay import Pace, read_facts, read_mentions
from records.mention import Mention

NOW = "2026-03-01T10:00:00.000Z"


def mentions(data: bytes, **given):
    return list(read_mentions(io.BytesIO(data), observed_at=NOW, **given))


def test_lines_keep_their_order_and_a_bad_one_stands_in_its_place():
    first, second, third = mentions(b'{"id":"x:2","text":"b"}\n{broken\n{"id":"x:1","text":"a"}\n', name="posts.ndjson")
    assert isinstance(first, Mention)
    assert first.id == "x:2"
    assert isinstance(second, Bad)
    assert (second.origin, second.original) == ("posts.ndjson:2", b"{broken")
    assert isinstance(third, Mention)


def test_a_misspelt_key_is_named_with_line_field_and_the_right_one():
    (bad,) = mentions(b'\n{"id":"x:1","text":"a","author":{"id":"1","folowers":3}}')
    assert bad.origin == "stdin:2"
    assert bad.field == "author.folowers"
    assert "did you mean `followers`?" in bad.reason


def test_the_reason_never_shows_the_text():
    (bad,) = mentions(b'{"id":"x:1","text":["Meine Nummer ist 0151"]}')
    assert bad.field == "text"
    assert "0151" not in bad.reason


def test_a_missing_time_is_until_where_that_is_given():
    (mention,) = mentions(b'{"id":"x:1","text":"a"}', until="2026-02-01T00:00:00.000Z")
    assert (mention.occurred_at, mention.time_quality) == ("2026-02-01T00:00:00.000Z", "observed")


def test_a_missing_time_is_the_observation_else():
    (mention,) = mentions(b'{"id":"x:1","text":"a"}')
    assert mention.occurred_at == NOW


def test_a_post_after_until_keeps_its_time():
    (mention,) = mentions(
        b'{"id":"x:1","text":"a","occurred_at":"2026-02-02T00:00:00Z"}', until="2026-02-01T00:00:00.000Z"
    )
    assert mention.occurred_at == "2026-02-02T00:00:00.000Z"


def test_until_may_lie_in_the_future():
    (mention,) = mentions(
        b'{"id":"x:1","text":"a","occurred_at":"2031-02-02T00:00:00Z"}', until="2031-03-01T00:00:00.000Z"
    )
    assert mention.occurred_at == "2031-02-02T00:00:00.000Z"


def test_replayed_mentions_say_so():
    (mention,) = mentions(b'{"id":"x:1","text":"a"}')
    assert mention.ingest.replay
    assert mention.ingest.listener == "replay"


def test_a_line_too_long_becomes_a_dead_letter_and_the_rest_goes_on():
    long = json.dumps({"id": "x:1", "text": "y" * (MAX_LINE + 1)}).encode()
    bad, mention = mentions(long + b'\n{"id":"x:2","text":"a"}\n')
    assert isinstance(bad, Bad)
    assert f"{len(long)} bytes" in bad.reason
    assert mention.id == "x:2"


def test_facts_are_read_the_same_way():
    fact, bad = read_facts(
        io.BytesIO(b'{"id":"1","kind":"erasure","customer":"c"}\n{"id":"2","kind":"erasur","customer":"c"}\n'),
        observed_at=NOW,
        name="facts.ndjson",
    )
    assert fact.customer == "c"
    assert (bad.origin, bad.field) == ("facts.ndjson:2", "kind")


def test_the_pace_waits_for_what_is_due_later():
    pace = Pace(10.0)
    assert pace.wait(1_000_000, 0) == 0
    assert pace.wait(1_060_000, 0) == 6.0
    assert pace.wait(1_060_000, 2_000) == 4.0


def test_the_pace_never_waits_for_what_is_late_or_has_no_time():
    pace = Pace(10.0)
    pace.wait(1_000_000, 0)
    assert pace.wait(900_000, 0) == 0
    assert pace.wait(None, 0) == 0
