"""Deterministic ids."""

from hypothesis import given
from hypothesis import strategies as st

from records.ids import digest, operation_id, ticket_id


def test_the_same_input_gives_the_same_id_on_every_machine():
    assert ticket_id("x:7", "x:1") == "hf-a6de13b63a0d49e1"
    assert operation_id("hf-a6de13b63a0d49e1", "queue", 1) == operation_id("hf-a6de13b63a0d49e1", "queue", 1)


def test_the_borders_between_parts_count():
    assert digest("ab", "c") != digest("a", "bc")


def test_a_version_has_its_own_operation_id():
    assert operation_id("hf-1", "queue", 1) != operation_id("hf-1", "queue", 2)


@given(st.text(st.characters()), st.integers(1, 32))
def test_any_text_has_a_digest_of_the_size_asked_for(text, size):
    assert len(digest(text, size=size)) == 2 * size
