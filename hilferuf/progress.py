"""One line that says how far a long command is, on a terminal only."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_SECONDS = 0.2


class Progress:
    """`say` writes over the line before, a few times a second at most."""

    def __init__(self) -> None:
        self._said = time.monotonic()  # what is done in a moment says nothing
        self.shown = False

    def say(self, text: str) -> None:
        """How far it is."""
        if sys.stderr.isatty() and time.monotonic() >= self._said + _SECONDS:
            self._said, self.shown = time.monotonic(), True
            sys.stderr.write(f"\r\x1b[2K{text}")
            sys.stderr.flush()


@contextmanager
def progress() -> Iterator[Progress]:
    """Takes the line away at the end."""
    line = Progress()
    try:
        yield line
    finally:
        if line.shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
