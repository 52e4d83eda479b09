"""Places inside a document, and the nearest right word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.mention import Mention
from records.paths import dotted, fields_at, nearest, parse_path, split_error, unknown_key

names = st.text("abc_", min_size=1, max_size=4)


@given(st.tuples(names), st.lists(names | st.integers(0, 99)).map(tuple))
def test_a_path_survives_its_text(first, rest):
    assert parse_path(dotted(first + rest)) == first + rest


def test_an_error_is_split_into_fault_and_place():
    assert split_error("Expected `int` >= 0 - at `$.media[1].width`") == ("Expected `int` >= 0", ("media", 1, "width"))
    assert split_error("Object missing required field `id`") == ("Object missing required field `id`", ())


def test_the_keys_of_an_item_in_a_list_are_known():
    assert "width" in fields_at(Mention, ("media", 7))
    assert fields_at(Mention, ("account",)) == ("id", "handle", "brand")


@pytest.mark.parametrize(("word", "right"), [("txt", "text"), ("Text", "text"), ("zzz", None)])
def test_the_nearest_word(word, right):
    assert nearest(word, ["text", "media"]) == right


def test_an_unknown_key_of_any_make_can_be_said():
    unknown_key("\ud83d" * 500, ["text"]).encode()
    assert unknown_key("zzz", ["b", "a"]) == "unknown key `zzz` (known keys: a, b)"
