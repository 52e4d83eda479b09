"""SIGHUP: look at the lexicons' files again."""

import asyncio
import signal
import sys
from collections.abc import Callable


def on_hangup(loop: asyncio.AbstractEventLoop, look_again: Callable[[], None]) -> None:
    """In a terminal it goes on to mean that the terminal is gone, and ends the process."""
    if not sys.stdin.isatty():
        loop.add_signal_handler(signal.SIGHUP, look_again)
