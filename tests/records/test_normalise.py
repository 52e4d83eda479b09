"""The input form of a mention becomes the topic form: filled, repaired and marked, or refused."""

import json

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from records import normalise
from records.codec import encode
from records.errors import Poison
from records.mention import Change, Mention
from records.normalise import normalise_mention
from tests.records.strategies import few, mentions, spoiled

NOW = "2026-03-01T10:00:00.000Z"


def read(document: dict | bytes | str, **given) -> Mention:
    return normalise_mention(document, **{"observed_at": NOW, "listener": "test", **given})


def post(**fields) -> Mention:
    return read({"id": "x:1", "text": "Hilfe", **fields})


def refused(document: dict | bytes | str) -> Poison:
    with pytest.raises(Poison) as caught:
        read(document)
    return caught.value


def marked(mention: Mention) -> list[str]:
    return [change.field for change in mention.ingest.changes]


# Filling


def test_id_and_text_are_enough():
    mention = post()
    assert mention == Mention(
        id="x:1", native_id="1", channel="x", kind="post", op="create", revision=mention.revision, direction="inbound",
        visibility="public", occurred_at=NOW, observed_at=NOW, time_quality="observed", text="Hilfe", media=(),
        account=msgspec.convert({"id": "unknown"}, normalise.form.Account), author=normalise.form.Author(id=None),
        ingest=normalise.form.Ingest(listener="test"),
    )  # fmt: skip


@few
@given(mentions())
def test_topic_form_stays_as_it_is(mention):
    assert normalise_mention(encode(mention), observed_at=NOW) == mention


@few
@given(spoiled(mentions().map(msgspec.to_builtins)))
def test_normalising_twice_changes_nothing(document):
    try:
        once = normalise_mention(document, observed_at=NOW)
    except Poison:
        return
    assert normalise_mention(encode(once), observed_at=NOW) == once


@few
@given(mentions())
def test_the_fast_path_takes_what_is_complete(mention):
    assume(
        b"\\u0000" not in encode(mention)
    )  # somebody wrote the six characters of an escape: looked at twice, and kept
    assert normalise._complete(encode(mention), NOW) == mention


def test_bytes_text_and_objects_are_read_alike():
    document = {"id": "x:1", "text": "Grüße", "occurred_at": "2026-01-05T10:00:00Z"}
    assert read(document) == read(json.dumps(document)) == read(json.dumps(document).encode())


def test_the_given_object_is_left_alone():
    document = {"id": "x:1", "text": "a\0", "author": {"id": 7, "followers": -1}}
    read(document)
    assert document == {"id": "x:1", "text": "a\0", "author": {"id": 7, "followers": -1}}


@pytest.mark.parametrize(
    ("fields", "kind", "visibility"),
    [
        ({}, "post", "public"),
        ({"visibility": "private"}, "direct_message", "private"),
        ({"kind": "direct_message"}, "direct_message", "private"),
        ({"id": "whatsapp:1"}, "direct_message", "private"),
        ({"id": "email:1"}, "email", "private"),
        ({"id": "app_store:1"}, "review", "public"),
        ({"thread": {"parent_id": "0"}}, "reply", "public"),
        ({"id": "facebook:1", "thread": {"parent_id": "0"}}, "comment", "public"),
        ({"thread": {"reposted_id": "0", "parent_id": "0"}}, "repost", "public"),
        ({"thread": {"quoted_id": "0"}}, "quote", "public"),
    ],
)
def test_kind_and_visibility_follow_from_channel_and_thread(fields, kind, visibility):
    mention = post(**fields)
    assert (mention.kind, mention.visibility) == (kind, visibility)


def test_the_revision_is_the_platforms_or_the_edit_time_or_a_hash_of_the_text():
    assert post(revision="7").revision == "7"
    assert post(revision=7).revision == "7"
    assert post(edited_at="2026-01-05T10:00:00.5Z").revision == "1767607200500"
    assert post().revision == post(author={"id": "9"}).revision
    assert post().revision != post(text="Hilfe!").revision


def test_two_hides_around_a_restore_are_two_revisions():
    one = read({"id": "x:1", "op": "hide", "occurred_at": "2026-01-05T10:00:00Z"})
    other = read({"id": "x:1", "op": "hide", "occurred_at": "2026-01-05T11:00:00Z"})
    assert one.revision != other.revision


def test_a_delete_needs_its_id_only():
    mention = read({"id": "x:1", "op": "delete"})
    assert (mention.op, mention.text) == ("delete", None)


def test_a_photo_needs_no_text():
    mention = read({"id": "x:1", "media": ["https://example.org/defect.jpg"]})
    assert mention.media[0].url == "https://example.org/defect.jpg"
    assert mention.text is None


def test_text_is_taken_from_html_where_there_is_nothing_else():
    assert read({"id": "rss:1", "text_html": "<p>Kein&nbsp;Netz<br>seit <b>Montag</b></p>"}).text == (
        "Kein\xa0Netz\nseit Montag"
    )


@pytest.mark.parametrize(
    ("author", "expected"),
    [("4711", {"id": "4711"}), ("@lena", {"id": None, "handle": "lena"}), ("Lena B", {"id": None, "name": "Lena B"})],
)
def test_a_plain_author_is_an_id_a_handle_or_a_name(author, expected):
    assert msgspec.to_builtins(post(author=author).author) == expected


def test_numbers_are_taken_as_ids():
    mention = post(author={"id": 12}, account={"id": 3}, thread={"root_id": 9}, native_ids=[1, "2"])
    assert (mention.author.id, mention.account.id, mention.thread.root_id) == ("12", "3", "9")
    assert mention.native_ids == ("1", "2")
    assert marked(mention) == []


def test_null_is_the_same_as_left_out():
    empty = dict.fromkeys(("author", "account", "media", "thread", "ingest", "op", "kind", "visibility", "observed_at"))
    assert post(**empty) == post()


def test_a_replay_is_marked_and_a_listener_kept():
    mention = read({"id": "x:1", "text": "a", "ingest": {"listener": "x", "cursor": "5"}}, replay=True)
    assert (mention.ingest.listener, mention.ingest.cursor, mention.ingest.replay) == ("x", "5", True)


@few
@given(mentions())
def test_the_fast_path_marks_a_replay_too(mention):
    assert read(encode(mention), replay=True).ingest.replay


# Times


@pytest.mark.parametrize(
    "time", ["2026-01-05T10:00:00Z", "2026-01-05T11:00:00+01:00", "2026-01-05t10:00:00.000z", 1767607200, 1767607200000]
)
def test_times_of_every_form_become_utc_with_milliseconds(time):
    mention = post(
        occurred_at=time, author={"id": "1", "created_at": time}, media=[{"type": "link", "expires_at": time}]
    )
    assert mention.occurred_at == mention.author.created_at == mention.media[0].expires_at == "2026-01-05T10:00:00.000Z"
    assert (mention.time_quality, marked(mention)) == ("platform", [])


@pytest.mark.parametrize(
    "time", ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0, "2026-02-30T10:00:00.000Z", "soon", {}]
)
def test_a_time_that_cannot_be_true_becomes_the_observation(time):
    mention = post(occurred_at=time)
    assert (mention.occurred_at, mention.time_quality) == (NOW, "observed")
    assert marked(mention) == ["occurred_at"]


def test_clocks_may_differ_by_five_minutes():
    assert post(occurred_at="2026-03-01T10:05:00Z").occurred_at == "2026-03-01T10:05:00.000Z"
    assert post(occurred_at="2026-03-01T10:05:01Z").occurred_at == NOW


def test_the_future_counts_from_the_mentions_own_observation():
    mention = post(observed_at="2026-01-05T10:00:00Z", occurred_at="2026-01-06T10:00:00Z")
    assert mention.occurred_at == mention.observed_at == "2026-01-05T10:00:00.000Z"


def test_an_observation_in_the_future_becomes_now():
    mention = post(observed_at="2099-01-05T10:00:00Z")
    assert (mention.observed_at, marked(mention)) == (NOW, ["observed_at"])


def test_an_edit_in_the_future_does_not_stay_the_newest_for_ever():
    mention = post(edited_at="2099-01-05T10:00:00Z")
    assert (mention.edited_at, marked(mention)) == (NOW, ["edited_at"])


def test_a_time_without_a_zone_is_read_as_utc_and_marked():
    mention = post(occurred_at="2026-01-05 10:00:00")
    assert (mention.occurred_at, marked(mention)) == ("2026-01-05T10:00:00.000Z", ["occurred_at"])


def test_a_day_is_kept_as_such():
    mention = post(occurred_at="2026-01-05")
    assert (mention.occurred_at, mention.time_quality) == ("2026-01-05T00:00:00.000Z", "date_only")


def test_an_impossible_time_inside_a_complete_mention_is_found():
    document = msgspec.to_builtins(post(occurred_at="2026-01-05T10:00:00Z", author={"id": "1"}))
    document["author"]["created_at"] = "2026-02-30T10:00:00.000Z"
    mention = read(encode(document))
    assert (mention.author.created_at, marked(mention)) == (None, ["author.created_at"])


# Texts


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"Hilfe \ud83d", "Hilfe \ufffd"),
        (rb"Hilfe \ud83d\ud83d\ude00 da", "Hilfe \ufffd\U0001f600 da"),
        (rb"\ude00Hilfe", "\ufffdHilfe"),
        (rb"a\u0000b", "a\ufffdb"),
        (b"a\x00b", "a\ufffdb"),
        (b"Kaputt \xf0\x9f", "Kaputt \ufffd\ufffd"),
        (b"St\xf6rung", "St\ufffdrung"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "\U0001f600"),
    ],
)
def test_no_call_for_help_is_lost_for_a_broken_emoji(raw, text):
    mention = read(b'{"id":"x:1","author":{"id":"7","name":"Lena"},"text":"' + raw + b'"}')
    assert mention.text == text
    assert marked(mention) == ["text"]
    encode(mention)


def test_a_lone_surrogate_in_an_object_is_repaired_too():
    mention = post(text="a\ud83d", author={"id": "7", "name": "L\0"})
    assert (mention.text, mention.author.name) == ("a\ufffd", "L\ufffd")
    assert marked(mention) == ["text", "author.name"]


def test_raw_control_characters_in_a_text_are_no_reason_to_refuse():
    assert read(b'{"id":"x:1","text":"eins\tzwei"}').text == "eins\tzwei"


def test_a_long_text_is_cut_and_marked():
    mention = post(text="ü" * 1_000_000, entities=[{"type": "url", "start": 3, "end": 900_000}])
    assert len(mention.text) == 40_000
    assert mention.text_truncated
    assert mention.ingest.changes == (Change(field="text", change="truncated", reason="longer than 40000 characters"),)
    assert (mention.entities[0].start, mention.entities[0].end) == (3, None)


def test_a_text_at_the_bound_is_whole():
    assert not post(text="ü" * 40_000).text_truncated


def test_other_long_strings_are_cut_and_long_addresses_go():
    mention = post(title="t" * 50_000, media=[{"type": "image", "url": "data:" + "A" * 50_000}])
    assert len(mention.title) == 40_000
    assert mention.media[0].url is None
    assert marked(mention) == ["title", "media[0].url"]


def test_decomposed_letters_are_composed_and_the_entities_follow():
    mention = post(text="fu\u0308r @nordfunk", entities=[{"type": "mention", "start": 5, "end": 14}])
    entity = mention.entities[0]
    assert mention.text == "für @nordfunk"
    assert mention.text[entity.start : entity.end] == "@nordfunk"
    assert marked(mention) == ["text"]


# Bad parts


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"geo": 5}, "geo"),
        ({"geo": {"lat": "x", "country": "DE"}}, "geo.lat"),
        ({"metrics": {"likes": -1, "views": 5}}, "metrics.likes"),
        ({"author": {"id": "7", "followers": -3}}, "author.followers"),
        ({"author": {"id": "7", "followers": "many"}}, "author.followers"),
        ({"author": ["7"]}, "author"),
        ({"language": {"tag": 5.5}}, "language.tag"),
        ({"language": ["de"]}, "language"),
        ({"media": "photo"}, "media"),
        ({"media": [{"type": "image", "width": "wide"}]}, "media[0].width"),
        ({"kind": "tweet"}, "kind"),
        ({"visibility": "secret"}, "visibility"),
        ({"time_quality": 4}, "time_quality"),
        ({"text_truncated": "no"}, "text_truncated"),
        ({"thread": "5"}, "thread"),
        ({"ingest": 1}, "ingest"),
        ({"raw": {"sha256": 5.5}}, "raw.sha256"),
        ({"title": {}}, "title"),
        ({"revision": []}, "revision"),
        ({"rating": {"value": "five"}}, "rating.value"),
        ({"matched": [{"tag": "a"}]}, "matched[0]"),
    ],
)
def test_a_bad_optional_part_is_emptied_and_marked(fields, fault):
    mention = post(**fields)
    assert mention.text == "Hilfe"
    assert fault in marked(mention)


def test_marks_name_the_item_as_it_was_given():
    mention = post(media=[5, {"type": "image"}, 6, {"type": "image", "width": -1}])
    assert len(mention.media) == 2
    assert marked(mention) == ["media[0]", "media[2]", "media[3].width"]


def test_a_number_that_is_none_is_emptied():
    mention = read(b'{"id":"x:1","text":"a","rating":{"value":NaN,"best":1e999,"worst":1}}')
    assert (mention.rating.value, mention.rating.best, mention.rating.worst) == (None, None, 1)
    assert marked(mention) == ["rating.value", "rating.best"]


def test_unknown_is_null_and_never_zero():
    assert post(author={"id": "7", "followers": None}).author.followers is None
    assert post(author={"id": "7", "followers": -1}).author.followers is None


def test_very_many_faults_cost_little_and_lose_no_text():
    mention = post(media=[{"type": "nonsense", "width": -1}] * 5000)
    assert mention.text == "Hilfe"
    assert len(mention.ingest.changes) < 50


# Refusals


@pytest.mark.parametrize(
    ("document", "field", "words"),
    [
        ({"text": "a"}, "id", "`id` is missing"),
        ({"id": 5, "text": "a"}, "id", "must be text such as `x:1234`"),
        ({"id": "", "text": "a"}, "id", "empty"),
        ({"id": "1234", "text": "a"}, "id", "channel:native id"),
        ({"id": "x:", "text": "a"}, "id", "channel:native id"),
        ({"id": "x:1 2", "text": "a"}, "id", "space"),
        ({"id": "x:1\n", "text": "a"}, "id", "space or a control"),
        ({"id": "x:1\0", "text": "a"}, "id", "control character"),
        ({"id": "x:1\ud83d", "text": "a"}, "id", "control character"),
        ({"id": "x:" + "1" * 511, "text": "a"}, "id", "513 characters"),
        ({"id": "twitter:1", "text": "a"}, "id", "did you mean `x`?"),
        ({"id": "facebok:1", "text": "a"}, "id", "did you mean `facebook`?"),
        ({"id": "x:1", "channel": "twitter", "text": "a"}, "channel", "did you mean `x`?"),
        ({"id": "x:1", "channel": "facebook", "text": "a"}, "channel", "the id begins with x"),
        ({"id": "x:1", "channel": [], "text": "a"}, "channel", "unknown channel"),
        ({"id": "x:1", "op": "deleted"}, "op", "did you mean `delete`?"),
        ({"id": "x:1", "text": "a", "direction": "outbond"}, "direction", "did you mean `outbound`?"),
        ({"id": "x:1", "text": "a", "schema": "mention/2"}, "schema", "mention/1"),
        ({"id": "x:1"}, "text", "`text` is missing"),
        ({"id": "x:1", "text": 5}, "text", "got int"),
        ({"id": "x:1", "text": ["a"]}, "text", "got list"),
        ({"id": "x:1", "text": {"de": "a"}}, "text", "got dict"),
        ({"id": "x:1", "text": b"a"}, "text", "got bytes"),
        ({"id": "x:1", "txt": "a"}, "txt", "did you mean `text`?"),
        ({"id": "x:1", "text": "a", "author": {"id": "1", "folowers": 5}}, "author.folowers", "did you mean `followers`?"),
        (b'{"id":"x:1","text":"a","author":{"id":"1","na\xffme":"L"}}', "author.na\ufffdme", "did you mean `name`?"),
        (b'{"id":"x:1","text":"a","te\xffxt":"L"}', "te?xt", "did you mean `text`?"),
        ({"id": "x:1", "text": "a", "media": [{"typ": "image"}]}, "media[0].typ", "did you mean `type`?"),
    ],
)  # fmt: skip
def test_what_would_lose_data_is_refused_with_its_place(document, field, words):
    error = refused(document)
    assert error.field == field
    assert words in str(error)


@pytest.mark.parametrize(
    "data",
    [b"", b"   ", b"{", b"[]", b"5", b'"a"', b"null", b"NaN", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe{", "{"],
)
def test_what_is_no_object_is_refused(data):
    error = refused(data)
    assert error.field is None
    assert any(words in str(error) for words in ("JSON is malformed", "must be a JSON object", "nested too deeply"))


def test_a_refusal_never_shows_the_text():
    assert "Geheim" not in str(refused(b'{"id":"x:1","text":"Geheim",}'))
    assert "Geheim" not in str(refused({"id": "x:1", "text": ["Geheim"]}))


@few
@given(mentions().map(encode), st.data())
def test_damaged_bytes_give_a_mention_or_poison_and_nothing_else(data, damage):
    broken = bytearray(data)
    for _ in range(damage.draw(st.integers(1, 4))):
        at = damage.draw(st.integers(0, len(broken) - 1))
        broken[at : at + damage.draw(st.integers(0, 3))] = damage.draw(st.binary(max_size=3))
    try:
        mention = normalise_mention(bytes(broken), observed_at=NOW)
    except Poison as error:
        str(error).encode()
    else:
        assert normalise_mention(encode(mention), observed_at=NOW) == mention


def test_an_error_about_bytes_that_are_no_text_can_be_written():
    poison = refused(b'{"id":"x:1","text":"a","op":"cr\x80ate"}')
    assert str(poison).encode() and poison.field == "op"
