"""What changes between two looks at the queue."""

import importlib.util
from pathlib import Path

from hilferuf.demo.board import HOLD, Board, compare
from hilferuf.demo.story import load_story

_spec = importlib.util.spec_from_file_location("story_tickets", Path(__file__).with_name("story_tickets.py"))
assert _spec and _spec.loader
_made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_made)
ticket = _made.ticket


def moves(board):
    return {standing.ticket.id: standing.move for standing in board.standings}


def test_a_new_ticket_is_marked_until_it_has_been_seen():
    board = Board()
    assert [change.what for change in board.look([ticket("a")], [], 0.0)] == ["opened"]
    assert moves(board) == {"hf-a": "new"}
    board.look([ticket("a")], [], HOLD + 0.1)
    assert moves(board) == {"hf-a": "none"}


def test_a_ticket_that_overtakes_is_marked_and_the_overtaken_one_is_not():
    board = Board()
    board.look([ticket("a", rank_key=9), ticket("b", rank_key=5)], [], 0.0)
    changes = board.look([ticket("b", rank_key=12), ticket("a", rank_key=9)], [], 10.0)
    assert moves(board) == {"hf-a": "none", "hf-b": "up"}
    assert [(change.what, change.before, change.rank) for change in changes] == [("raised", 2, 1)]


def test_a_newcomer_above_moves_nobody():
    board = Board()
    board.look([ticket("a"), ticket("b", rank_key=50)], [], 0.0)
    board.look([ticket("c", rank_key=900), ticket("a"), ticket("b", rank_key=50)], [], 10.0)
    assert moves(board) == {"hf-c": "new", "hf-a": "none", "hf-b": "none"}


def test_an_answered_and_a_withdrawn_ticket_are_told_once():
    board = Board()
    board.look([ticket("a"), ticket("b")], [], 0.0)
    gone = [ticket("b", status="withdrawn")]
    assert [c.what for c in board.look([ticket("a", status="answered")], gone, 1.0)] == ["answered", "withdrawn"]
    assert board.look([ticket("a", status="answered")], gone, 2.0) == []


def test_a_ticket_that_opens_again_is_told():
    board = Board()
    board.look([ticket("a", status="answered")], [], 0.0)
    assert [change.what for change in board.look([ticket("a")], [], 1.0)] == ["reopened"]


def test_the_comparison_counts_found_missed_and_extra():
    story = load_story()
    ids = {f"m:{entry.n}": entry.n for entry in story.entries if entry.do not in {"edit", "delete"}}
    wanted = [f"m:{e.n}" for e in story.entries if e.need and e.do not in {"edit", "delete"}]
    joke = next(f"m:{e.n}" for e in story.entries if not e.need and e.ref is None and not story.people[e.author].brand)
    found = compare(story, ids, dict.fromkeys([*wanted, joke], True))
    assert found.extra and ids[joke] in found.extra
    assert not found.missed
    assert compare(story, ids, {}).found == 0


def test_a_deleted_post_counts_neither_way():
    story = load_story()
    deleted = {entry.ref for entry in story.entries if entry.do == "delete"}
    assert not deleted & set(compare(story, {}, {}).missed)
