"""Payloads of X as mentions."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners.x_entities import entities
from listeners.x_ids import first_of
from listeners.x_mapping import Ear, activity_mention, page_mentions, stream_mention
from records.codec import encode, mentions
from records.errors import Poison
from records.times import to_ms

EAR = Ear(account_id="900", handle="@nordfunk", brand="Nordfunk")
NOW = to_ms("2026-01-05T10:00:05.000Z")
FIRST = str(first_of(to_ms("2026-01-05T10:00:00.000Z")))
SECOND = str(first_of(to_ms("2026-01-05T10:02:00.000Z")))
SHARED = Path(__file__).parents[2].parent / "shared" / "payloads" / "x"


def post(**more):
    return {
        "id": FIRST,
        "text": "@nordfunk Hilfe, kein Netz",
        "author_id": "41",
        "created_at": "2026-01-05T10:00:00.000Z",
        "edit_history_tweet_ids": [FIRST],
        **more,
    }


def mapped(includes=None, rules=None, now=NOW, **more):
    return stream_mention({"data": post(**more), "includes": includes or {}, "matching_rules": rules}, EAR, now)


def test_a_post_becomes_a_complete_mention():
    mention = mapped(
        {"users": [{"id": "41", "username": "ada_k", "name": "Ada", "public_metrics": {"followers_count": 0}}]},
        [{"id": "7", "tag": "hilferuf:marke"}, {"id": "8"}],
        lang="de",
        conversation_id=FIRST,
        public_metrics={"like_count": 3, "reply_count": 0},
    )
    assert mention.id == f"x:{FIRST}"
    assert (mention.kind, mention.op, mention.revision, mention.direction) == ("post", "create", "0", "inbound")
    assert mention.occurred_at == "2026-01-05T10:00:00.000Z"
    assert mention.permalink == f"https://x.com/ada_k/status/{FIRST}"
    assert mention.author_key == "x:41"
    assert (mention.author.followers, mention.author.following, mention.author.is_account) == (0, None, False)
    assert (mention.metrics.likes, mention.metrics.replies, mention.metrics.views) == (3, 0, None)
    assert mention.language.tag == "de"
    assert [(rule.id, rule.tag) for rule in mention.matched] == [("7", "marke"), ("8", None)]
    assert mention.account.brand == "Nordfunk"
    assert mention.ingest.changes == ()
    assert mentions.decode(encode(mention)) == mention


def test_an_unknown_author_has_unknown_followers():
    mention = mapped()
    assert mention.author.followers is None
    assert mention.author.handle is None
    assert mention.permalink == f"https://x.com/i/status/{FIRST}"


def test_an_edit_keeps_the_first_id_and_gets_a_revision():
    mention = mapped(
        id=SECOND, edit_history_tweet_ids=[FIRST, SECOND], created_at="2026-01-05T10:02:00.000Z", now=NOW + 600_000
    )
    assert mention.id == f"x:{FIRST}"
    assert mention.native_ids == (FIRST, SECOND)
    assert (mention.op, mention.revision) == ("update", "1")
    assert mention.occurred_at == "2026-01-05T10:00:00.000Z"
    assert mention.edited_at == "2026-01-05T10:02:00.000Z"
    assert mention.permalink.endswith(SECOND)


def test_a_reply_names_its_parent_and_the_parents_author():
    mention = mapped(
        referenced_tweets=[{"type": "replied_to", "id": "55"}, {"type": "quoted", "id": "66"}],
        in_reply_to_user_id="900",
        conversation_id="50",
    )
    thread = mention.thread
    assert mention.kind == "reply"
    assert (thread.parent_id, thread.parent_author_id, thread.quoted_id) == ("55", "900", "66")
    assert (thread.root_id, thread.conversation_id) == ("50", "50")


@pytest.mark.parametrize(("type_", "kind"), [("quoted", "quote"), ("retweeted", "repost")])
def test_quotes_and_reposts_are_told_apart(type_, kind):
    assert mapped(referenced_tweets=[{"type": type_, "id": "66"}]).kind == kind


def test_the_brands_own_post_is_outbound():
    mention = mapped(author_id="900")
    assert mention.direction == "outbound"
    assert mention.author.is_account is True


def test_the_brands_own_post_is_known_by_its_handle_when_no_id_is_configured():
    payload = {"data": post(), "includes": {"users": [{"id": "41", "username": "NordFunk"}]}}
    assert stream_mention(payload, Ear(handle="nordfunk"), NOW).direction == "outbound"
    assert stream_mention({"data": post()}, Ear(), NOW).author.is_account is None


def test_a_long_post_has_its_whole_text():
    mention = mapped(note_tweet={"text": "lang " * 100, "entities": {"hashtags": []}})
    assert mention.text.startswith("lang lang")
    assert len(mention.text) == 500


def test_escaping_is_undone_once():
    assert mapped(text="a &amp;lt; b &lt;3 &copy; R&amp;D").text == "a &lt; b <3 &copy; R&D"


def test_media_and_place():
    mention = mapped(
        {
            "media": [
                {"media_key": "3_1", "type": "photo", "url": "https://pbs.example/1.jpg", "width": 10, "height": 20},
                {
                    "media_key": "7_2",
                    "type": "video",
                    "duration_ms": 900,
                    "preview_image_url": "https://pbs.example/2.jpg",
                    "variants": [
                        {"content_type": "application/x-mpegURL", "url": "https://v.example/2.m3u8"},
                        {"content_type": "video/mp4", "bit_rate": 100, "url": "https://v.example/small.mp4"},
                        {"content_type": "video/mp4", "bit_rate": 900, "url": "https://v.example/big.mp4"},
                    ],
                },
            ],
            "places": [{"id": "p1", "full_name": "Kiel, DE", "country_code": "DE"}],
        },
        attachments={"media_keys": ["3_1", "7_2", "3_unknown"]},
        geo={"place_id": "p1", "coordinates": {"type": "Point", "coordinates": [10.1, 54.3]}},
    )
    assert [(item.type, item.url) for item in mention.media] == [
        ("image", "https://pbs.example/1.jpg"),
        ("video", "https://v.example/big.mp4"),
        ("other", None),
    ]
    assert mention.media[0].width == 10
    assert mention.media[1].duration_ms == 900
    assert (mention.geo.lat, mention.geo.lon, mention.geo.place, mention.geo.country) == (54.3, 10.1, "Kiel, DE", "DE")


@pytest.mark.parametrize(("tag", "expected"), [("und", "und"), ("qme", "und"), ("zxx", "und"), ("en", "en")])
def test_what_is_no_language_is_und(tag, expected):
    assert mapped(lang=tag).language.tag == expected


def test_an_automated_account_is_a_bot():
    users = [{"id": "41", "username": "wetter", "affiliation": {"description": "Automated"}}]
    assert mapped({"users": users}).author.bot is True


def test_the_time_is_in_the_id_when_nothing_else_says_it():
    bare = {"id": FIRST, "text": "kein Netz"}
    assert stream_mention({"data": bare}, EAR, NOW).occurred_at == "2026-01-05T10:00:00.000Z"
    old = stream_mention({"data": {"id": "1234", "text": "kein Netz"}}, EAR, NOW)
    assert (old.occurred_at, old.time_quality) == ("2026-01-05T10:00:05.000Z", "observed")


@pytest.mark.parametrize("bad_id", [None, "", "abc", "12 3", 5.5, [], "9" * 30])
def test_a_post_without_a_usable_id_is_refused_with_its_field(bad_id):
    with pytest.raises(Poison) as error:
        mapped(id=bad_id)
    assert error.value.field == "data.id"


def test_one_bad_post_does_not_spoil_its_page():
    found, bad = page_mentions({"data": [post(), {"id": "?", "text": "x"}, 7, post(id=SECOND)]}, EAR, NOW)
    assert [mention.native_id for mention in found] == [FIRST, FIRST]
    assert len(bad) == 2


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "text",
                "author_id",
                "created_at",
                "entities",
                "geo",
                "lang",
                "note_tweet",
                "public_metrics",
                "attachments",
                "referenced_tweets",
                "edit_history_tweet_ids",
                "conversation_id",
                "in_reply_to_user_id",
            ]
        ),
        anything,
    ),
    anything,
    anything,
)
def test_no_odd_part_costs_the_call_for_help(parts, includes, rules):
    payload = {"data": {"id": FIRST, "text": "Hilfe", **parts}, "includes": includes, "matching_rules": rules}
    try:
        mention = stream_mention(payload, EAR, NOW)
    except Poison as error:
        assert error.field in {"text", None}  # a text that is no text
    else:
        assert mentions.decode(encode(mention)) == mention


@given(
    st.lists(
        st.sampled_from(
            ["@nordfunk", "#netz", "$NF", "https://t.co/ab1", "😀", "&", "<b>", "ä", "Hilfe", "@nordfunk2", "é"]
        ),
        min_size=1,
        max_size=12,
    )
)
def test_places_of_entities_hold_in_the_unescaped_text(words):
    text = " ".join(words)
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    found = {"mentions": [], "hashtags": [], "cashtags": [], "urls": []}
    at = 0
    for word in words:
        shown = word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        start = len(escaped[:at].encode("utf-16-le")) // 2  # X as it counts for some clients
        at += len(shown) + 1
        if word[0] == "@":
            found["mentions"].append({"start": start, "end": start + len(word), "username": word[1:]})
        elif word[0] == "#":
            found["hashtags"].append({"start": start, "end": start + len(word), "tag": word[1:]})
        elif word[0] == "$":
            found["cashtags"].append({"start": start, "end": start + len(word), "tag": word[1:]})
        elif word.startswith("https"):
            found["urls"].append(
                {"start": start, "end": start + len(word), "url": word, "expanded_url": "https://n.example"}
            )
    placed = entities(found, text)
    for entity in placed:
        assert text[entity["start"] : entity["end"]] == entity["text"]
    assert len({entity["start"] for entity in placed}) == len(placed)


def test_offsets_follow_the_normal_form_of_the_text():
    text = "e\u0301 e\u0301 @nordfunk"
    mention = mapped(text=text, entities={"mentions": [{"start": 6, "end": 15, "username": "nordfunk", "id": "900"}]})
    entity = mention.entities[0]
    assert mention.text[entity.start : entity.end] == "@nordfunk"


def test_a_deleted_post_of_the_activity_api_becomes_a_delete():
    event = {"data": {"event_type": "post.delete", "payload": {"id": FIRST, "author_id": "41"}}}
    mention = activity_mention(event, EAR, NOW)
    assert (mention.id, mention.op, mention.text, mention.author.id) == (f"x:{FIRST}", "delete", None, "41")


def test_an_activity_that_is_no_post_is_passed_over():
    assert activity_mention({"data": {"event_type": "like.create", "payload": {"id": "1"}}}, EAR, NOW) is None


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("search_recent.json", 10),
        ("users_mentions.json", 10),
        ("playground_tweets_search_stream.json", 1),
        ("activity_post.mention.create.json", 1),
        ("activity_post.delete.json", 1),
    ],
)
def test_reference_payloads_are_mapped(file, count):
    path = SHARED / file
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing")
        pytest.skip("the reference payloads lie beside the checkout in ../shared, which is not there")
    payload = json.loads(path.read_bytes())
    now = to_ms("2026-11-25T00:00:00.000Z")
    data = payload["data"]
    if isinstance(data, list):
        found, bad = page_mentions(payload, EAR, now)
        assert bad == []
    elif "event_type" in data:
        found = [activity_mention(payload, EAR, now)]
    else:
        found = [stream_mention(payload, EAR, now)]
    assert len(found) == count
    for mention in found:
        assert mentions.decode(encode(mention)) == mention
        assert not [change for change in mention.ingest.changes if change.field in {"text", "id", "author"}]
