"""Posts, comments and page webhooks of Facebook as mentions."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners.facebook_mapping import content_mark, map_change, map_comment, map_post
from listeners.meta_values import Ignored, Source, moment
from records.codec import encode, mentions
from records.errors import Poison
from records.mention import Mention, revision_order
from tests.listeners.shared_payloads import payload

NOW = "2026-03-01T12:00:00.000Z"
SOURCE = Source(page_id="1001", listener="facebook", observed_at=NOW, handle="nordfunk", brand="nordfunk")
POST = "1001_501"
COMMENT = {
    "id": "501_601",
    "message": "Bei mir geht seit gestern nichts",
    "created_time": "2026-03-01T10:00:00+0000",
    "from": {"id": "7001", "name": "Ada"},
    "permalink_url": f"https://www.facebook.com/{POST}?comment_id=601",
    "like_count": 3,
    "comment_count": 0,
}


def changed(**value):
    base = {"item": "comment", "comment_id": "501_601", "post_id": POST, "parent_id": POST, "created_time": 1772359200}
    return map_change(
        "feed", {**base, "verb": "add", "message": "Hilfe", "sender_id": 7001, "sender_name": "Ada", **value}, SOURCE
    )


def test_a_comment_of_the_graph():
    mention = map_comment(COMMENT, SOURCE, post_id=POST, post_author="1001")
    assert (mention.id, mention.kind, mention.op) == ("facebook:501_601", "comment", "create")
    assert (mention.occurred_at, mention.revision) == ("2026-03-01T10:00:00.000Z", "1772359200000")
    assert (mention.author.id, mention.author.name, mention.author.followers) == ("7001", "Ada", None)
    assert (mention.thread.root_id, mention.thread.parent_id, mention.thread.parent_author_id) == (POST, POST, "1001")
    assert (mention.metrics.likes, mention.metrics.replies, mention.metrics.reposts) == (3, 0, None)
    assert (mention.account.id, mention.account.handle, mention.account.brand) == ("1001", "nordfunk", "nordfunk")


def test_an_answer_to_a_comment_is_a_reply_below_it():
    parent = {"id": "501_601", "from": {"id": "7001"}}
    mention = map_comment({**COMMENT, "id": "501_602", "parent": parent}, SOURCE, post_id=POST, post_author="1001")
    assert (mention.kind, mention.thread.parent_id, mention.thread.parent_author_id) == ("reply", "501_601", "7001")
    assert mention.thread.root_id == POST


def test_what_the_page_says_is_outbound():
    mention = map_comment({**COMMENT, "from": {"id": "1001", "name": "Nordfunk"}}, SOURCE, post_id=POST)
    assert (mention.direction, mention.author.is_account) == ("outbound", True)


def test_the_webhook_and_the_graph_name_the_same_utterance_alike():
    polled, pushed = map_comment(COMMENT, SOURCE, post_id=POST), changed()
    assert (polled.id, polled.op, polled.revision) == (pushed.id, pushed.op, pushed.revision)
    assert polled.thread.root_id == pushed.thread.root_id
    assert polled.author_key == pushed.author_key
    assert polled.permalink == pushed.permalink


@pytest.mark.parametrize(
    ("verb", "op"),
    [
        ("add", "create"),
        ("edited", "update"),
        ("edit", "update"),
        ("remove", "delete"),
        ("delete", "delete"),
        ("hide", "hide"),
        ("unhide", "restore"),
    ],
)
@pytest.mark.parametrize("item", ["comment", "status", "post", "photo", "video", "share"])
def test_each_verb_is_an_operation(verb, op, item):
    mention = changed(verb=verb, item=item)
    assert mention.op == op
    assert mention.id == ("facebook:501_601" if item == "comment" else f"facebook:{POST}")
    assert (mention.text is None) == (op in ("delete", "hide", "restore"))


def test_the_moving_time_of_a_comment_orders_its_revisions_and_says_what_it_is():
    add, edit = changed(created_time=669), changed(verb="edited", created_time=1772359300)
    add = changed()
    remove = changed(verb="remove", created_time=1772359400)
    assert revision_order(add) < revision_order(edit)
    assert (add.time_quality, edit.time_quality, remove.time_quality) == ("platform", "sent", "sent")
    assert (add.edited_at, edit.edited_at) == (None, "2026-03-01T10:01:40.000Z")


@pytest.mark.parametrize(
    "ids", [{"comment_id": 501601}, {"sender_id": "7001"}, {"from": {"id": 7001, "name": "Ada"}, "sender_id": None}]
)
def test_ids_may_be_integers_or_text_and_authors_come_in_two_forms(ids):
    mention = changed(**ids)
    assert mention.author.id == "7001"
    assert mention.native_id in ("501601", "501_601")


def test_without_an_author_the_mention_is_its_own_author_key():
    mention = map_change("mention", {"post_id": "9_1", "item": "post", "verb": "add", "message": "@Nordfunk?"}, SOURCE)
    assert (mention.author.id, mention.author_key, mention.kind) == (None, "facebook:9_1", "post")


def test_a_mention_in_a_comment_is_a_comment():
    mention = map_change("mention", {"post_id": "9_1", "comment_id": "1_2", "item": "comment", "verb": "add"}, SOURCE)
    assert (mention.id, mention.kind, mention.thread.root_id) == ("facebook:1_2", "comment", "9_1")


def test_without_a_time_the_entrys_time_stands_in():
    value = {"item": "status", "verb": "add", "post_id": POST, "message": "Hilfe"}
    sent = map_change("feed", value, SOURCE, sent_at="2026-03-01T11:00:00.000Z")
    assert (sent.occurred_at, sent.time_quality) == ("2026-03-01T11:00:00.000Z", "sent")
    unknown = map_change("feed", value, SOURCE)
    assert (unknown.occurred_at, unknown.time_quality) == (NOW, "observed")
    assert sent.revision == unknown.revision, "a redelivery is the same revision"


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("feed", {"item": "reaction", "verb": "add", "reaction_type": "angry"}, "reaction"),
        ("feed", {"item": "like", "verb": "add"}, "like"),
        ("feed", {"item": "post", "verb": "mute", "post_id": POST}, "verb mute"),
        ("feed", {"item": "page", "verb": "add"}, "item page"),
        ("feed", {"item": "status", "verb": "add", "post_id": POST, "published": 0}, "unpublished"),
        ("ratings", {}, "field ratings"),
    ],
)
def test_what_calls_for_no_help_is_ignored_and_counted(field, value, what):
    assert map_change(field, value, SOURCE) == Ignored(what)


@pytest.mark.parametrize(
    ("given", "media"),
    [
        ({"photos": ["https://cdn.invalid/a.jpg", "https://cdn.invalid/b.jpg"], "item": "status"}, ["image", "image"]),
        ({"link": "https://cdn.invalid/a.jpg", "item": "photo"}, ["image"]),
        ({"link": "https://cdn.invalid/a.mp4", "item": "video"}, ["video"]),
        ({"link": "https://nordfunk.invalid/", "item": "share"}, ["link"]),
        ({"photo": "https://cdn.invalid/a.jpg"}, ["image"]),
        ({"photo": "javascript:alert(1)", "link": {"no": "link"}}, []),
    ],
)
def test_pushed_media_come_by_reference(given, media):
    assert [item.type for item in changed(**given).media] == media


def test_an_album_of_the_graph_is_its_pictures():
    picture = {"type": "photo", "media": {"image": {"src": "https://cdn.invalid/a.jpg", "width": 720, "height": 480}}}
    post = {
        "id": POST,
        "created_time": "2026-03-01T10:00:00+0000",
        "attachments": {"data": [{"media_type": "album", "subattachments": {"data": [picture, picture]}}]},
    }
    mention = map_post(post, SOURCE)
    assert [(item.type, item.width) for item in mention.media] == [("image", 720), ("image", 720)]
    assert mention.text is None


def test_a_tag_of_the_page_is_an_entity():
    mention = map_post(
        {"id": "9_1", "message": "Nordfunk?", "message_tags": [{"id": "1001", "name": "Nordfunk"}]}, SOURCE
    )
    assert [(entity.type, entity.id) for entity in mention.entities] == [("mention", "1001")]


def test_an_unpublished_post_is_ignored():
    assert map_post({"id": POST, "is_published": False}, SOURCE) == Ignored("unpublished")


@pytest.mark.parametrize("value", [{}, [], None, "text", {"id": "has space"}, {"id": True}, {"id": 1.5}, {"id": {}}])
def test_without_a_usable_id_a_post_is_poison_and_says_where(value):
    with pytest.raises(Poison) as caught:
        map_post(value, SOURCE)
    assert caught.value.field == "id"


def test_a_new_text_is_a_new_mark_and_a_new_number_of_likes_is_not():
    mark = content_mark(map_comment(COMMENT, SOURCE, post_id=POST))
    assert content_mark(map_comment({**COMMENT, "like_count": 9}, SOURCE, post_id=POST)) == mark
    assert content_mark(map_comment({**COMMENT, "message": "Geht wieder"}, SOURCE, post_id=POST)) != mark


@given(
    st.datetimes(datetime(2007, 1, 1), datetime(2100, 1, 1)).map(lambda time: time.replace(microsecond=0, tzinfo=UTC))
)
def test_seconds_milliseconds_and_text_are_one_time(time):
    seconds = int(time.timestamp())
    written = time.strftime("%Y-%m-%dT%H:%M:%S+0000")
    assert moment(seconds) == moment(seconds * 1000) == moment(str(seconds)) == moment(written)


@pytest.mark.parametrize("value", [None, "", "soon", True, -5, 0, 10**40, float("nan"), float("inf"), [], "9" * 5000])
def test_what_is_no_time_is_unknown(value):
    assert moment(value) is None


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
json_values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
names = [
    "item",
    "verb",
    "post_id",
    "comment_id",
    "parent_id",
    "from",
    "created_time",
    "message",
    "photos",
    "post",
    "link",
    "message_tags",
]


@given(
    st.sampled_from(["feed", "mention"]),
    st.dictionaries(st.sampled_from(names), json_values | st.sampled_from(["comment", "add"])),
)
def test_no_value_breaks_the_mapping_of_a_change(field, value):
    try:
        mention = map_change(field, value, SOURCE)
    except Poison:
        return
    if isinstance(mention, Mention):
        assert mentions.decode(encode(mention)) == mention


@given(st.dictionaries(st.sampled_from([*COMMENT, "parent", "attachment", "message_tags"]), json_values))
def test_no_value_breaks_the_mapping_of_a_comment(value):
    try:
        map_comment({**COMMENT, **value}, SOURCE, post_id=POST)
    except Poison as error:
        assert error.field == "id"


@pytest.mark.shared
def test_real_comments_of_the_graph_are_mapped():
    page = payload("facebook/graph_comments_p1.json")
    found = [map_comment(item, SOURCE, post_id="19292868552_10158407654328553") for item in page["data"]]
    assert len({mention.id for mention in found}) == len(found) == 10
    assert found[0].id == "facebook:10158407654328553_10158407835073553", "the id is read from the permalink"
    assert [mention.kind for mention in found].count("reply") == 4
    assert found[5].thread.parent_id == "10158407654328553_10158407903973553"


@pytest.mark.shared
def test_real_posts_of_the_graph_are_mapped():
    found = [map_post(item, SOURCE) for item in payload("facebook/graph_feed_p1.json")["data"]]
    assert [mention.kind for mention in found] == ["post"] * 5
    assert found[0].occurred_at == "2021-07-04T19:50:58.000Z"


@pytest.mark.shared
def test_real_changes_of_one_comment_are_its_life():
    values = payload("facebook/webhook_feed_value_add_edited_remove.ndjson")
    life = [map_change("feed", value, SOURCE) for value in values]
    assert len({mention.id for mention in life}) == 1
    assert [(mention.op, mention.text) for mention in life] == [
        ("create", "I"),
        ("update", "I don't"),
        ("delete", None),
    ]
    assert sorted(life[:2], key=revision_order) == life[:2]
    assert life[0].author.id == "1914154345481707"
    assert json.loads(encode(life[2]))["text"] is None
