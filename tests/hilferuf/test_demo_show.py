"""Where the demo is shown."""

import importlib.util
import io
from pathlib import Path

from rich.console import Console

from hilferuf.demo.board import Board, Change
from hilferuf.demo.show import TOP, PlainShow, TerminalShow
from hilferuf.demo.view import Moment

_spec = importlib.util.spec_from_file_location("story_tickets", Path(__file__).with_name("story_tickets.py"))
assert _spec and _spec.loader
_made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_made)
MOMENT = Moment(start=1_773_727_200_000, end=1_773_781_200_000, now=1_773_750_000_000)


def test_the_terminal_gets_its_own_screen_back():
    out = io.StringIO()
    show = TerminalShow(Console(file=out, force_terminal=True, width=100, height=30))
    with show:
        show.update(Board(), MOMENT, [])
        assert out.getvalue().count("\x1b[?1049h") == 1
        assert "\x1b[?1049l" not in out.getvalue()
    assert "\x1b[?1049l" in out.getvalue()


def test_the_terminal_gets_its_screen_back_after_an_error_too():
    out = io.StringIO()
    try:
        with TerminalShow(Console(file=out, force_terminal=True, width=100, height=30)):
            raise ValueError
    except ValueError:
        pass
    assert "\x1b[?1049l" in out.getvalue()


def test_plain_lines_tell_openings_and_only_rises_to_the_top():
    out = io.StringIO()
    show = PlainShow(Console(file=out, width=110))
    ticket = _made.ticket("jule")
    told = [("opened", 30), ("raised", TOP), ("raised", TOP + 1)]
    with show:
        show.update(Board(), MOMENT, [Change(what=what, rank=rank, before=None, ticket=ticket) for what, rank in told])
    assert [line.split()[1:4] for line in out.getvalue().splitlines()] == [
        ["opened", "rank", "30"],
        ["raised", "rank", str(TOP)],
    ]
