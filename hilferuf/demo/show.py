"""Where the demo is shown: a live picture at a terminal, plain lines elsewhere. Two classes, one contract."""

import sys
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from hilferuf.demo.board import Board, Change
from hilferuf.demo.view import Moment, change_line, live, rows_for

PLAIN_WIDTH = 110
TOP = 5  # plain lines tell who rises to these ranks; below, they would only be many


class Show(AbstractContextManager["Show"]):
    """Shows the demo; entered before the story begins, left when it is over."""

    @abstractmethod
    def update(self, board: Board, moment: Moment, changes: Sequence[Change]) -> None:
        """Show a moment, and what changed since the last."""

    @abstractmethod
    def say(self, what: RenderableType) -> None:
        """Print something that stays, before or after the story."""


class TerminalShow(Show):
    """The live queue, on the terminal's other screen, so that what stood there is back afterwards."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, board: Board, moment: Moment, changes: Sequence[Change]) -> None:
        """Draw."""
        self._live.update(live(board, moment, rows_for(self._console.height)), refresh=True)

    def say(self, what: RenderableType) -> None:
        """Print."""
        self._console.print(what)


class PlainShow(Show):
    """A line for each change, for a log or a pipe."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, width=PLAIN_WIDTH, color_system=None)

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""

    def update(self, board: Board, moment: Moment, changes: Sequence[Change]) -> None:
        """Print what changed."""
        for change in changes:
            if change.what == "raised" and (change.rank or 0) > TOP:
                continue
            print(change_line(change, moment.now), file=self._console.file, flush=True)

    def say(self, what: RenderableType) -> None:
        """Print."""
        self._console.print(what)
