"""What a person sees of the demo."""

import importlib.util
import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from hilferuf.demo.board import Board, Change, Found, Said
from hilferuf.demo.view import ROWS, Moment, change_line, due, explanation, live, score_bar, summary
from records.times import to_ms

_spec = importlib.util.spec_from_file_location("story_tickets", Path(__file__).with_name("story_tickets.py"))
assert _spec and _spec.loader
_made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_made)
ticket = _made.ticket

NOON = to_ms("2026-03-17T11:00:00.000Z")
MOMENT = Moment(
    start=to_ms("2026-03-17T06:00:00.000Z"), end=to_ms("2026-03-17T21:00:00.000Z"), now=NOON, listeners=(("x", "live"),)
)


def shown(what, width=100):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(what)
    return console.export_text()


def full_board(number=30):
    board = Board()
    board.heard = 321
    board.look([ticket(f"p{n}", score=90.0 - n, rank_key=900 - n) for n in range(number)], [], 0.0)
    for n in range(9):
        board.recent.append(
            Said(at=f"2026-03-17T10:3{n}:00.000Z", channel="facebook", author="Anke", text="Hilfe!\n\n" * 30, outcome="ticket")
        )  # fmt: skip
    return board


@pytest.mark.parametrize("number", [0, 1, ROWS, 200])
def test_the_picture_fills_a_terminal_of_100_by_30_and_never_more(number):
    lines = shown(live(full_board(number), MOMENT)).splitlines()
    assert 26 <= len(lines) <= 30
    assert max(len(line) for line in lines) <= 100


def test_times_are_shown_as_berlin_sees_them():
    assert "12:00" in shown(live(full_board(), MOMENT)).splitlines()[0]


def test_a_ticket_due_tomorrow_names_the_day():
    assert due("2026-03-17T22:30:00.000Z", NOON) == "23:30"
    assert due("2026-03-18T07:30:00.000Z", NOON) == "Wed 08:30"


def test_a_league_is_named_in_plain_words():
    board = Board()
    board.look([ticket("jule", league=2, league_name="safety")], [], 0.0)
    assert "DANGER" in shown(live(board, MOMENT))


def test_markup_in_a_post_is_shown_and_not_obeyed():
    board = Board()
    board.look([ticket("jule", text="[red]Hilfe[/red] [/] :boom:")], [], 0.0)
    assert "[red]Hilfe[/red] [/] :boom:" in shown(live(board, MOMENT))


def test_the_handles_a_post_is_addressed_to_are_left_out_and_repeats_are_counted():
    first = ticket("jule", text="@nordfunk_hilft @nordfunk immer noch nichts")
    twice = msgspec.structs.replace(first, posts=first.posts * 2)
    board = Board()
    board.look([twice], [], 0.0)
    assert "2× immer noch nichts" in shown(live(board, MOMENT))


def test_the_bar_grows_with_the_score():
    bars = [score_bar(points, 8).rstrip() for points in (-5, 0, 12.5, 50, 100, 140)]
    assert bars == ["", "", "█", "████", "████████", "████████"]


def test_a_plain_line_says_time_rank_score_and_words():
    line = change_line(
        Change(
            what="raised", rank=1, before=4, ticket=ticket("jule", league=2, league_name="safety", text="Hilfe! " * 30)
        ),
        NOON,
    )
    assert line.startswith("12:00 raised    rank 1 (was 4)    score  42 DANGER  x jule_hinterm_deich: Hilfe!")
    assert "\n" not in line
    assert len(line) < 150


def test_the_explanation_shows_every_factor_and_their_sum():
    text = shown(explanation(ticket("jule"), 1))
    for part in ("Why rank 1", "30.0 of 55", "12.0 of 20", "called twice", "42.0 points", "followers", "09:08"):
        assert part in text


def test_the_summary_counts_what_was_found_and_missed():
    text = shown(summary(full_board(3), Found(59, 55, (1, 2, 3, 4), (9,)), 27.2))
    for part in ("321 posts", "27 s", "3 tickets", "59 posts", "55 were found", "4 missed", "1 kept"):
        assert part in " ".join(text.replace("│", " ").split())
