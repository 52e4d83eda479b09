"""A shard as the application owns it: with the queue of its batches, and the task that works them off."""

import asyncio
from typing import Any

from streams.kafka.shard import Shard
from streams.kafka.transport import Batch

QUEUED = 2  # batches that wait for one shard


class Owned:
    """See the module. None in the queue: the shard's position left the log. sought: when, by the monotonic clock; ticked: when,
    milliseconds since 1970; blocked: why it stands still."""

    def __init__(self, shard: Shard[Any]) -> None:
        self.shard = shard
        self.queue: asyncio.Queue[Batch | None] = asyncio.Queue(QUEUED)
        self.sought = 0.0
        self.ticked = 0
        self.blocked: str | None = None
        self.task: asyncio.Task[None] | None = None

    def drop_waiting(self) -> None:
        """Nobody reads the queue now: the agent, which waits to put into it, must go on to other partitions."""
        while not self.queue.empty():
            self.queue.get_nowait()

    async def end(self) -> None:
        """Cancel the task, and wait until it is gone."""
        while self.task is not None and not self.task.done():
            # Once may not do: `asyncio.wait_for` of Python 3.11 swallows it when its result comes just then.
            self.task.cancel()
            await asyncio.wait([self.task], timeout=0.5)
