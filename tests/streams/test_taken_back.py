"""What its author takes back leaves every ticket: no text, and after an erasure no name, in any operation or state."""

import itertools

import msgspec
import pytest

from records.facts import Erasure, Link
from records.mention import Author, Mention
from records.times import MINUTE, from_ms
from streams.memory import MemoryEngine

from .conftest import START, mention
from .test_any_order import feed, fresh_engine

HOUR = 60
LINK = Link(id="l", customer="c1", author="x:anna", evidence="verified", at=from_ms(START))


def post(native: str, text: str, minute: float, root: str | None = None) -> Mention:
    author = Author(id="anna", name="Anna Beispiel", handle="annabeispiel", url="https://x.example/annabeispiel")
    return msgspec.structs.replace(mention(native, text, minute=minute, thread={"root_id": root}), author=author)


def deletion(of: Mention) -> Mention:
    return msgspec.structs.replace(of, op="delete", text=None)


def erasure(minute: float) -> Erasure:
    return Erasure(id="e", customer="c1", at=from_ms(START + int(minute * MINUTE)))


def remains(engine: MemoryEngine) -> str:
    """Everything that is held of the author: the newest operation of every ticket, and the state behind it."""
    state = engine._states["assess"]["x:anna"]
    return msgspec.json.encode([list(engine.tickets.values()), state]).decode()


TWO_THREADS = (post("1", "help oneword", 0, "r1"), post("2", "help twoword", 100 * HOUR, "r2"))
BRIDGE = post("3", "help threeword", 50 * HOUR)


def test_a_deleted_post_is_not_quoted_by_its_withdrawn_ticket():
    only = post("1", "help oneword", 0)
    assert "oneword" not in remains(feed(fresh_engine(), [only, deletion(only)]))


def test_a_deleted_post_is_not_quoted_by_a_ticket_merged_before():
    engine = feed(fresh_engine(), [*TWO_THREADS, BRIDGE, deletion(TWO_THREADS[0])])
    assert sorted(op.ticket.status for op in engine.tickets.values()) == ["merged", "open"]
    assert "oneword" not in remains(engine)


def test_a_ticket_merged_after_a_delete_still_says_which_post_is_gone():
    second = post("4", "help fourword", 100 * HOUR + 1, "r2")
    engine = feed(fresh_engine(), [*TWO_THREADS, second, deletion(second), BRIDGE])
    (merged,) = [op.ticket for op in engine.tickets.values() if op.ticket.status == "merged"]
    assert [(p.id, p.removed, p.text) for p in merged.posts] == [("x:4", True, None)]


@pytest.mark.parametrize(
    "before",
    [TWO_THREADS, (*TWO_THREADS, BRIDGE), (TWO_THREADS[0], deletion(TWO_THREADS[0]))],
    ids=["open", "merged", "withdrawn"],
)
def test_an_erasure_reaches_open_merged_and_withdrawn_tickets(before):
    left = remains(feed(fresh_engine(), [*before, LINK, erasure(1000 * HOUR)]))
    assert not [word for word in ("word", "Anna Beispiel", "annabeispiel") if word in left]


def test_a_conversation_that_goes_on_after_an_erasure_keeps_stubs_of_what_was_said_before():
    engine = feed(fresh_engine(), [post("1", "help oneword", 0), post("2", "help twoword", 60), LINK, erasure(30)])
    (operation,) = engine.tickets.values()
    assert [(p.id, p.removed) for p in operation.ticket.posts] == [("x:1", True), ("x:2", False)]
    assert "oneword" not in remains(engine)


def test_an_erasure_given_twice_changes_nothing_more():
    engine = feed(fresh_engine(), [*TWO_THREADS, LINK, erasure(1000 * HOUR)])
    before = dict(engine.tickets)
    assert feed(engine, [erasure(1000 * HOUR), erasure(1001 * HOUR)]).tickets == before


def test_what_was_said_before_an_erasure_is_not_heard_again():
    engine = feed(fresh_engine(), [TWO_THREADS[0], LINK, erasure(1000 * HOUR), TWO_THREADS[0], TWO_THREADS[1]])
    assert [op.ticket.status for op in engine.tickets.values()] == ["withdrawn"]
    assert "word" not in remains(engine)


@pytest.mark.parametrize("order", [*itertools.permutations([TWO_THREADS[0], LINK, erasure(1000 * HOUR)])])
def test_an_erasure_comes_to_its_author_whatever_comes_first(order):
    engine = feed(fresh_engine(), list(order))
    assert not [op.ticket.status for op in engine.tickets.values() if op.ticket.status != "withdrawn"]
    assert "word" not in remains(engine)


def long_talk() -> list[Mention]:
    return [post(str(n), "help " + "x" * 4_000, n) for n in range(60)]


def test_a_deletion_is_heard_of_a_post_that_has_left_the_authors_set():
    engine = feed(fresh_engine(), [*long_talk(), deletion(long_talk()[0])])
    (operation,) = engine.tickets.values()
    assert [p.id for p in operation.ticket.posts if p.removed] == ["x:0"]


def test_an_erasure_reaches_posts_that_have_left_the_authors_set():
    engine = feed(fresh_engine(), [*long_talk(), LINK, erasure(1000)])
    (operation,) = engine.tickets.values()
    assert {p.id for p in operation.ticket.posts if p.removed} == {f"x:{n}" for n in range(60)}
