"""The listeners' side of the engine's door: gives, waits while the engine is full, and gives again."""

from asyncio import Event
from collections.abc import Sequence

from listeners.backoff import Backoff, Random
from listeners.clock import pause, unless_stopped
from listeners.contract import Bad, Clock, Cursor, Publisher
from listeners.status import Status
from records.errors import Transient
from records.facts import CustomerFact
from records.mention import Mention

BACKPRESSURE = Backoff(base=0.1, cap=5.0)
GRACE = 1.0  # seconds a transaction may still take after `stop`; a listener has two in all


class Outlet:
    """A Publisher with patience. Nothing is lost to Backpressure: the same call is given until it is durable, or until
    `stop`; then the cursor has not moved, and the other side is asked again after the restart."""

    def __init__(self, out: Publisher, clock: Clock, stop: Event, status: Status, random: Random) -> None:
        self._out, self._clock, self._stop, self._status, self._random = out, clock, stop, status, random

    async def give(
        self,
        mentions: Sequence[Mention] = (),
        *,
        facts: Sequence[CustomerFact] = (),
        bad: Sequence[Bad] = (),
        cursor: Cursor | None = None,
    ) -> None:
        """Returns when all of it is durable. Raises Stopped."""
        attempt = 0
        while True:
            try:
                await unless_stopped(
                    self._out.publish(mentions, facts=facts, bad=bad, cursor=cursor), self._stop, GRACE
                )
            except Transient as full:
                attempt += 1
                await pause(self._clock, BACKPRESSURE.wait(attempt, self._random, full.retry_after or 0.05), self._stop)
            else:
                self._status.published((*mentions, *facts), bad)
                return

    async def cursor(self, key: str) -> dict[str, object] | None:
        """The cursor last made durable. Raises Stopped."""
        return await unless_stopped(self._out.cursor(key), self._stop, GRACE)
