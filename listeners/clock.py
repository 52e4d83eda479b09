"""The clock of production, and waiting that a stop ends at once."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from listeners.contract import Clock

T = TypeVar("T")


class SystemClock:
    """Wall time and asyncio's sleep."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Stopped(Exception):
    """`stop` was set while something was under way."""


async def pause(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    """Sleeps for so many seconds. Raises Stopped as soon as `stop` is set."""
    await unless_stopped(clock.sleep(max(0.0, seconds)), stop)


async def unless_stopped(work: Coroutine[Any, Any, T], stop: asyncio.Event, grace: float = 0.0) -> T:
    """The result of `work`. When `stop` is set first, `work` gets `grace` seconds more, is then cancelled, and Stopped is
    raised. Work that ended is never thrown away, even when `stop` was set meanwhile."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and grace > 0:
            await asyncio.wait({task}, timeout=grace)
        if task.done():
            return task.result()
        raise Stopped
    finally:
        for pending in (task, stopping):
            if not pending.done():
                pending.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
