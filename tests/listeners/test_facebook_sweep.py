"""What a reading of a list tells that was not known: new, edited, hidden."""

from hypothesis import given
from hypothesis import strategies as st

from listeners.facebook_mapping import map_post
from listeners.facebook_sweep import MAX_SEEN, Memo, Seen, read_page
from listeners.meta_values import Source
from records.times import from_ms

NOW = 1_772_359_200_000
SOURCE = Source(page_id="1001", listener="facebook", observed_at=from_ms(NOW))


def post(number, age=0, message="Hilfe", **more):
    created = from_ms(NOW - age * 1000).replace(".000Z", "+0000")
    return {"id": f"1001_{number}", "message": message, "created_time": created, "from": {"id": "7"}, **more}


def read(items, memo=None, *, settled=0, oldest=0, now=NOW):
    memo = memo or Memo()
    return read_page(
        items, lambda item: map_post(item, SOURCE), memo=memo, settled=settled, oldest=oldest, now=now, origin="feed"
    )


def ops(reading):
    return [(mention.native_id, mention.op) for mention in reading.mentions]


def test_what_was_seen_is_no_news():
    first = read([post(1)])
    assert ops(first) == [("1001_1", "create")]
    assert ops(read([post(1)], first.memo)) == []


@given(st.lists(st.sampled_from(["Hilfe", "Hilfe!", "geht wieder"]), min_size=1, max_size=6))
def test_each_change_of_a_text_is_one_update(texts):
    memo, heard = Memo(), []
    for step, text in enumerate(texts):
        reading = read([post(1, message=text)], memo, now=NOW + step * 60_000)
        memo = reading.memo
        heard += reading.mentions
    wanted = [text for before, text in zip([None, *texts], texts, strict=False) if before != text]
    assert [mention.text for mention in heard] == wanted
    assert len({(mention.op, mention.revision) for mention in heard}) == len(heard)


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_each_hiding_and_showing_is_one_operation(hidings):
    memo, heard = Memo(), []
    for step, hidden in enumerate(hidings):
        reading = read([post(1, is_hidden=hidden)], memo, now=NOW + step * 60_000)
        memo = reading.memo
        heard += [mention.op for mention in reading.mentions]
    wanted = [
        "hide" if hidden else "restore"
        for before, hidden in zip([False, *hidings], hidings, strict=False)
        if before != hidden
    ]
    assert heard == ["create", *wanted]


def test_what_was_posted_before_the_first_start_is_remembered_but_no_mention():
    reading = read([post(1, age=10), post(2, age=1000)], Memo(start=NOW - 100_000))
    assert ops(reading) == [("1001_1", "create")]
    assert ops(read([post(2, age=1000, message="geändert")], reading.memo)) == [("1001_2", "update")]


def test_a_full_memo_does_not_take_forgotten_items_for_news():
    full = Memo(seen={f"facebook:1001_{n}": Seen(NOW - n * 1000, "mark") for n in range(MAX_SEEN)})
    old = post(9999, age=MAX_SEEN + 60)
    assert ops(read([old], full, settled=NOW - 120_000)) == []
    assert ops(read([old], full, settled=0)) == [("1001_9999", "create")], "not yet settled: it is news"


def test_the_memo_keeps_the_newest_and_forgets_what_is_too_old():
    reading = read([post(n, age=n) for n in range(MAX_SEEN + 50)], oldest=NOW - 400_000)
    assert len(reading.memo.seen) == 401
    reading = read([post(n, age=n) for n in range(MAX_SEEN + 50)])
    assert len(reading.memo.seen) == MAX_SEEN
    assert "facebook:1001_0" in reading.memo.seen


def test_a_bad_item_is_a_dead_letter_once():
    reading = read([{"message": "ohne Kennung"}, post(1)])
    assert [(letter.origin, letter.field) for letter in reading.bad] == [("feed[0]", "id")]
    assert ops(reading) == [("1001_1", "create")]
    assert read([{"message": "ohne Kennung"}], reading.memo).bad == ()


def test_an_unordered_page_says_so():
    assert read([post(1, age=1), post(2, age=2)]).ordered
    assert not read([post(2, age=2), post(1, age=1)]).ordered


def test_an_item_without_a_time_does_not_move_the_mark():
    reading = read([{"id": "1001_1", "message": "Hilfe"}, post(2, age=50)])
    assert reading.newest == NOW - 50_000
    assert len(reading.mentions) == 2
