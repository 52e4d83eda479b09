"""A body taken apart into items: an array, lines, one object."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners.batch import read_items, split_body
from records.errors import Poison

objects = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none(), min_size=1, max_size=3)


@given(st.lists(objects, max_size=5), st.booleans(), st.sampled_from([None, 2]))
def test_an_array_gives_its_items(items, ascii_only, indent):
    body = json.dumps(items, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    assert [json.loads(item) for item in split_body(body)] == items


@given(st.lists(objects, min_size=2, max_size=5))
def test_lines_give_their_objects_with_and_without_content_type(items):
    body = "\n".join(map(json.dumps, items)).encode()
    for content_type in ("application/x-ndjson", "application/json", ""):
        assert [json.loads(item) for item in split_body(body, content_type)] == items


@given(objects)
def test_one_object_may_span_lines(item):
    assert split_body(b" " + json.dumps(item, indent=2).encode() + b"\n") == [json.dumps(item, indent=2).encode()]


@pytest.mark.parametrize("body", [b"", b" \n", b"{", b"[1,", b"hello", b"[" * 100_000, b"[" + b"9" * 5000, b"{\n}}"])
def test_what_is_no_json_is_refused_without_showing_it(body):
    with pytest.raises(Poison) as caught:
        split_body(body)
    assert "hello" not in str(caught.value)


def test_items_keep_their_place():
    def read(item):
        if item == b"2":
            raise Poison("no", "text")
        return int(item)

    good, bad, rejected = read_items([b"1", b"2", b"3"], read, "here")
    assert good == [(0, 1), (2, 3)]
    assert [(letter.original, letter.origin, letter.field) for letter in bad] == [(b"2", "here[1]", "text")]
    assert [(item.index, item.reason) for item in rejected] == [(1, "no")]
