"""The engine's door and the clock, in memory: what a listener's test holds instead of an engine and of waiting."""

import asyncio
from collections.abc import Sequence
from typing import Any

from listeners.contract import Bad, Cursor
from records.errors import Backpressure
from records.facts import CustomerFact
from records.mention import Mention


class StepClock:
    """A clock that stands still until somebody sleeps: the sleep returns at once and moves it. Every sleep is recorded."""

    def __init__(self, now: int = 1_750_000_000_000) -> None:
        self._now = now
        self.slept: list[float] = []

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Returns after the loop's other tasks had their turn; seconds later by this clock."""
        self.slept.append(seconds)
        self._now += round(seconds * 1000)
        await asyncio.sleep(0.001)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += round(seconds * 1000)


class MemoryPublisher:
    """A Publisher that keeps everything in memory. `full`: the next so many calls raise Backpressure; `on_publish` is
    called after each accepted call (to stop a listener, or to kill it between two pages)."""

    def __init__(self) -> None:
        self.mentions: list[Mention] = []
        self.facts: list[CustomerFact] = []
        self.bad: list[Bad] = []
        self.cursors: dict[str, dict[str, Any]] = {}
        self.calls = 0
        self.refused = 0
        self.full = 0
        self.block: asyncio.Event | None = None
        self._changed = asyncio.Event()

    @property
    def ids(self) -> list[str]:
        """Ids of the mentions in the order they came."""
        return [mention.id for mention in self.mentions]

    async def publish(
        self,
        mentions: Sequence[Mention],
        *,
        facts: Sequence[CustomerFact] = (),
        bad: Sequence[Bad] = (),
        cursor: Cursor | None = None,
    ) -> None:
        """Accept all or, while `full`, nothing. While `block` is set and not released, waits."""
        if self.block is not None:
            await self.block.wait()
        if self.full > 0:
            self.full -= 1
            self.refused += 1
            self._notify()
            raise Backpressure("the engine is full", retry_after=0.1)
        self.calls += 1
        self.mentions.extend(mentions)
        self.facts.extend(facts)
        self.bad.extend(bad)
        if cursor is not None:
            self.cursors[cursor.key] = dict(cursor.value)
        self._notify()

    async def cursor(self, key: str) -> dict[str, Any] | None:
        """The cursor last made durable under this key."""
        return self.cursors.get(key)

    async def until(self, condition: Any, seconds: float = 5.0) -> None:
        """Waits until `condition()` holds, looked at after every call. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
