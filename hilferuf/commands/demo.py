"""`hilferuf demo`: a story of an invented brand through the whole product, on this machine alone."""

import asyncio
import sys

from hilferuf.demo.runner import run_demo


def demo(seconds: float, plain: bool) -> int:
    """Play it; live at a terminal, plain lines elsewhere. Returns the exit code."""
    terminal = not plain and sys.stdout.isatty()
    return asyncio.run(run_demo(terminal, seconds))
