"""Whatever is written has features, and the model an answer, in time that grows no faster than the text."""

from collections.abc import Callable
from math import isfinite
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.model.acts import Heard
from lexicons.model.features import Features, features
from lexicons.model.grams import LETTER_BITS, SHAPE_BITS, WORD_BITS
from lexicons.model.pieces import pieces
from lexicons.model.weights import Model
from lexicons.need import signals
from lexicons.text import cut

PARTS = st.sampled_from(
    [
        "Hilfe",
        "\ud800",
        "\udfff",
        "\u202e",
        "\u200d",
        "😡",
        "👩\u200d👧",
        "@a",
        "https://a.example",
        "\0",
        "e\u0301",
        "?",
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=300),
    st.lists(PARTS, max_size=40).map("".join),
    st.lists(PARTS, max_size=40).map(" ".join),
)


@pytest.fixture(scope="module")
def read(untrained, tiny_model) -> Callable[[str], Features]:
    """A text as the model sees it."""

    def seen(text: str) -> Features:
        parts = cut(text)
        found = signals(parts, untrained, [], False).features
        return features(pieces(parts, None), found, Heard(), untrained.cues, "handle", tiny_model.kept)

    return seen


@pytest.fixture(scope="module")
def model(tiny_model) -> Callable[[], Model]:
    """The model, not shown where a test fails: it is 300,000 numbers."""
    return lambda: tiny_model


@given(TEXTS)
def test_places_are_within_the_tables_and_answers_within_their_ranges(read, model, text) -> None:
    seen = read(text)
    for places, bits in ((seen.words, WORD_BITS), (seen.letters, LETTER_BITS), (seen.shapes, SHAPE_BITS)):
        assert not len(places) or int(places.max()) < 2**bits
    assert all(isfinite(value) for value in seen.acts.values())
    assert 0 <= model().need_of(model().need.total(seen)) <= 1
    assert 0 <= model().urgency_of(seen) <= 3
    assert 0 <= model().anger_of(seen) <= 3


@given(TEXTS)
def test_sum_is_the_same_with_and_without_its_parts(read, model, text) -> None:
    seen = read(text)
    z, moved = model().need.add_up(seen)
    assert z == pytest.approx(model().need.total(seen))
    assert z == pytest.approx(model().need.bias + sum(moved.values()))


@pytest.mark.parametrize(
    "unit",
    ["a", "a ", "Hilfe! ", "😡", "\u200d", "\u202e", "@a ", "https://a.example ", "?", "e\u0301", "\ud800"],
    ids=ascii,
)
def test_ten_times_the_text_takes_no_more_than_its_share_of_time(read, model, unit) -> None:
    """Two sizes are held against each other, the best of many turns each: what a busy machine adds goes to single turns."""

    def work(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        begin = thread_time()
        model().need.add_up(read(text))
        return thread_time() - begin

    work(1_000)
    short = long = float("inf")
    for _ in range(25):
        short, long = min(short, work(10_000)), min(long, work(100_000))
        if long < 20 * short:  # linear is 10, quadratic 100
            return
    raise AssertionError(f"ten times the text took {long / short:.1f} times the work")
