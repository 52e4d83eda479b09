"""N-grams are places in tables: within them, the same everywhere, for whatever is written."""

import os
import subprocess
import sys
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.model.grams import LETTER_BITS, SHAPE_BITS, WORD_BITS, of_letters, of_shapes, of_words

WORDS = st.lists(
    st.text(st.characters(exclude_categories=()), min_size=1, max_size=12), max_size=30
)  # lone surrogates too


def place(codes: list[int], bits: int) -> int:
    """The docstring's formula, in whole numbers of any size."""
    hashed = codes[0]
    for code in codes[1:]:
        hashed = (hashed * 0x01000193 + code) % 2**32
    return (hashed * 0x9E3779B1 % 2**32) >> (32 - bits)


def grams(codes: list[int], lengths: tuple[int, ...], bits: int) -> list[int]:
    return [place(codes[at : at + n], bits) for n in lengths for at in range(len(codes) - n + 1)]


@given(WORDS)
def test_words_lie_where_the_formula_says(words) -> None:
    assert of_words(words).tolist() == grams(
        [crc32(word.encode("utf-8", "replace")) for word in words], (1, 2), WORD_BITS
    )


@given(WORDS)
def test_letters_lie_where_the_formula_says(words) -> None:
    codes = [ord(letter) for letter in f" {' '.join(words)} "]
    assert of_letters(words).tolist() == grams(codes, (3, 4, 5), LETTER_BITS)


@given(WORDS)
def test_shapes_lie_where_the_formula_says(shapes) -> None:
    hashes = [crc32(shape.encode("utf-8", "replace")) for shape in shapes]
    assert of_shapes(shapes).tolist() == grams(hashes, (1, 2, 3, 4), SHAPE_BITS)


@given(WORDS)
def test_every_place_is_within_its_table(words) -> None:
    for found, bits in ((of_words(words), WORD_BITS), (of_letters(words), LETTER_BITS), (of_shapes(words), SHAPE_BITS)):
        assert found.dtype == np.uint32
        assert not len(found) or int(found.max()) < 2**bits


@pytest.mark.parametrize(("words", "count"), [([], 0), (["a"], 1), (["a", "b"], 3), (["a", "b", "c"], 5)], ids=str)
def test_short_texts_have_few_grams(words, count) -> None:
    assert len(of_words(words)) == count


def test_no_word_and_one_letter_are_no_accident() -> None:
    assert len(of_letters([])) == 0
    assert len(of_letters(["a"])) == 1  # the letter between its two ends
    assert len(of_shapes([])) == 0


def test_pair_does_not_depend_on_what_else_was_read() -> None:
    before = of_words(["kein", "netz"]).tolist()
    of_words([f"word{number}" for number in range(120_000)])  # more than the cache holds
    assert of_words(["kein", "netz"]).tolist() == before


def test_another_process_has_the_same_places() -> None:
    code = "from lexicons.model.grams import of_words; print(of_words(['kein', 'netz']).tolist())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == str(of_words(["kein", "netz"]).tolist())


def test_order_of_the_words_shows_in_pairs_alone() -> None:
    assert sorted(of_words(["a", "b"])[:2]) == sorted(of_words(["b", "a"])[:2])
    assert of_words(["a", "b"])[2] != of_words(["b", "a"])[2]
