"""Nobody's handle, link, name or number reaches the words; a skeleton says how a post is said, not about what."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.model.pieces import BRAND, LINKED, MOST_PIECES, NAME, OTHER, pieces, skeleton
from lexicons.text import cut

# Each hides a marker that stands nowhere else: a letter of it among the words is a leak.
SECRETS = st.sampled_from(
    [
        "@xqxq", "@XQxq_77", ".@xqxq", "＠xqxq", "@xqxq.xqxq", "mail@xqxq.example", "https://xqxq.example/xqxq?id=xqxq",
        "http://xqxq.example", "www.xqxq.example", "4711", "+43664123456", "12.03.2026", "AB1234", "٣٤٥", "７８", "x²", "№5",
    ]
)  # fmt: skip
ORDINARY = st.sampled_from(
    ["Hallo", "mein", "Router", "ist", "weg", "?", "!", "😡", "…", "\n", "#kaputt", "\u202e", "(", "ß"]
)
POSTS = st.lists(st.one_of(SECRETS, ORDINARY, st.text(alphabet="abcäß .,", max_size=8)), max_size=30).map(" ".join)


def words(text: str, ours=None, names=()) -> list[str]:
    return pieces(cut(text), ours, names).words


@given(POSTS)
def test_no_handle_link_or_number_reaches_the_words(text) -> None:
    for word in words(text):
        assert "xq" not in word
        assert not any(letter.isdigit() and letter != "0" for letter in word)
        assert "@" not in word or word in (BRAND, OTHER)


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=200)  # lone surrogates too


@given(ANYTHING)
def test_whatever_is_written_no_number_and_no_handle_is_a_word(text) -> None:
    for word in words(text):
        assert not any(letter.isdecimal() and letter != "0" for letter in word)
        assert "@" not in word or word in (BRAND, OTHER)
        assert "://" not in word


@given(POSTS)
def test_words_and_what_was_written_go_together(text) -> None:
    seen = pieces(cut(text), None)
    assert len(seen.words) == len(seen.raw)
    assert all(seen.words)
    assert all(seen.raw)


def test_own_handle_is_the_brand_and_another_is_another() -> None:
    assert words("@Nordfunk und @kundin", {"@nordfunk"}) == [BRAND, "und", OTHER]


def test_with_no_handle_known_each_may_be_the_brands() -> None:
    assert words("@nordfunk und @kundin") == [BRAND, "und", BRAND]


def test_name_of_two_words_is_one_mask() -> None:
    assert words("Hallo Nord Funk, Hilfe", None, [(1, 2)]) == ["hallo", NAME, "hilfe"]


def test_link_and_number_leave_their_place() -> None:
    assert words("Vertrag 4711 https://a.example/b") == ["vertrag", "0", LINKED]


@pytest.mark.parametrize(
    ("text", "mark"), [("so. ", "."), ("so?!", "?"), ("so!!", "!"), ("so…", "…"), ("so...", "…")], ids=str
)
def test_mark_at_the_end_of_a_sentence_is_a_word(text, mark) -> None:
    assert words(text) == ["so", mark]


def test_emoji_are_friendly_unfriendly_or_neither() -> None:
    assert words("👍 😡 🚲") == ["<friendly>", "<unfriendly>", "<emoji>"]


def test_long_text_has_said_it_by_its_thousandth_word() -> None:
    assert len(words("Hilfe " * 5 * MOST_PIECES)) == MOST_PIECES


KEPT = frozenset(["mein", "ist", "seit", "tagen"])


def shape(text: str) -> list[str]:
    return skeleton(pieces(cut(text), None), KEPT)


def test_posts_of_two_industries_and_one_shape_have_one_skeleton() -> None:
    assert shape("Mein Router ist seit 3 Tagen tot") == shape("Mein Koffer ist seit 12 Tagen weg")
    assert shape("Mein Router ist seit 3 Tagen tot") == ["^", "mein", "#N", "ist", "seit", "#0", "tagen", "#w"]


@given(*[st.from_regex(re.compile(r"[B-DF-HJ-NP-TV-Z][a-z]{2,12}"), fullmatch=True)] * 2)
def test_which_noun_it_is_does_not_show(one, other) -> None:
    assert shape(f"mein {one} ist tot") == shape(f"mein {other} ist tot")


def test_skeleton_tells_capitals_endings_and_marks() -> None:
    assert shape("Wir WARTEN immer. Kommt jemand?") == ["^", "#w", "#A", "#wer", ".", "#wmt", "#wnd", "?"]
