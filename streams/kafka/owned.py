"""A shard as the application owns it: with the queue of its batches, and the task that works them off."""

import asyncio
from typing import Any

from records.events import Rules, Tick
from records.times import MINUTE, from_ms
from streams.kafka.shard import Shard
from streams.kafka.transport import Batch

QUEUED = 2  # batches that wait for one shard


class Owned:
    """See the module. None in the queue: the shard's position left the log. sought: when, by the monotonic clock; ticked, told:
    when a Tick and a change of the rules were written, milliseconds since 1970; blocked: why it stands still."""

    def __init__(self, shard: Shard[Any]) -> None:
        self.shard = shard
        self.queue: asyncio.Queue[Batch | None] = asyncio.Queue(QUEUED)
        self.sought = 0.0
        self.ticked = 0
        self.told = 0
        self.blocked: str | None = None
        self.task: asyncio.Task[None] | None = None

    def controls(self, now: int, rules: Rules | None) -> list[Tick | Rules]:
        """The control records that the partition wants now (milliseconds since 1970), each kind once a minute at most; rules:
        those that this process works by."""
        shard, wanted = self.shard, list[Tick | Rules]()
        due = shard.states.next_due() if shard.stage.timed else None
        if due is not None and due <= now and not 0 <= now - self.ticked < MINUTE:  # a clock may be set back
            self.ticked = now
            wanted.append(Tick(at=from_ms(now)))
        if rules is not None and shard.stage.switches_rules and not 0 <= now - self.told < MINUTE:
            note = shard.note
            if note is None or rules.name != (note.deriving or note.rules):
                self.told = now
                wanted.append(rules)
        return wanted

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
