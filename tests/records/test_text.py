"""Texts made clean: lone surrogates, control characters, normal form, HTML."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.text import clean, is_nfc, nfc, plain

anything = st.text(st.characters())


@given(anything)
def test_clean_text_can_be_written_and_stays_clean(text):
    cleaned, reason = clean(text)
    cleaned.encode("utf-8")
    assert "\0" not in cleaned
    assert (reason is None) == (cleaned == text)
    assert clean(cleaned) == (cleaned, None)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_sound_text_is_left_alone(text):
    assert clean(text) == (text, None)


def test_every_lone_half_becomes_one_replacement():
    assert clean("a\ud83db\ude00c\ud83d\ud83d")[0] == "a\ufffdb\ufffdc\ufffd\ufffd"


@given(st.text())
def test_normal_form_c(text):
    assert is_nfc(nfc(text))
    assert nfc(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Eins</p><p>Zwei</p>", "Eins\nZwei"),
        ("a<br/>b<BR>c", "a\nb\nc"),
        ("1 &lt; 2 &amp; 3", "1 < 2 & 3"),
        ('<a href="https://example.org">hier</a>', "hier"),
        ("a < b", "a < b"),
    ],
)
def test_html_as_plain_text(markup, text):
    assert plain(markup) == text
