"""The shell round `streams.deliver`: works the ledger of one sink by rank, and brings back what people did there.

Transaction 1 writes intents; then HTTP, outside any transaction; transaction 2 writes results. One entry is worked by one task
at a time, different entries side by side. A helpdesk that is down pauses its own deliverer and no other.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection

import structlog

from listeners.contract import Clock
from records import codec
from records.dead_letters import fitting_letter
from records.errors import HilferufError, Permanent, Refused, Transient
from records.tickets import Delivery, Held
from records.times import from_ms
from sinks.contract import Observed, Sink
from streams import dead_letters, deliver, metrics
from streams.ledger import Ledger

Converge = Callable[[Sink, Delivery], Awaitable[Held]]
log = structlog.get_logger("deliver")

TRIP_AFTER = 5  # failures in a row that pause the sink
MAX_PAUSE_SECONDS = 60.0
REFUSED_PAUSE_SECONDS = 30.0
IDLE_SECONDS = 1.0
FINISH_SECONDS = 10.0  # what is being written may take, when the process stops or gives a partition up


class Deliverer:
    """One sink. `wake` is set by the engine when there may be new work."""

    def __init__(
        self,
        sink: Sink,
        ledger: Ledger,
        converge: Converge,
        *,
        clock: Clock,
        concurrency: int = 4,
        observe_seconds: float = 30.0,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self.sink, self._ledger, self._converge, self._clock = sink, ledger, converge, clock
        self._concurrency, self._observe_seconds, self._spread = concurrency, observe_seconds, spread
        self._working: dict[str, asyncio.Task[None]] = {}
        self._paused_from = self._paused_until = 0
        self._failures = 0
        self.trouble: str | None = None
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver and observe until `stop`; what is being written is finished first (at most ten seconds)."""
        observing = asyncio.create_task(self._observe(stop))
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self.wake.clear()
                try:
                    await self._start_work()
                except Transient as error:  # the ledger cannot be written now (a full disk): later
                    log.warning("ledger not writable", sink=self.sink.name, error=str(error))
                waiting = [*self._working.values(), stopped, asyncio.create_task(self.wake.wait())]
                await asyncio.wait(waiting, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                waiting[-1].cancel()
        finally:
            stopped.cancel()
            observing.cancel()
            if self._working:
                await asyncio.wait(self._working.values(), timeout=FINISH_SECONDS)
            await asyncio.gather(observing, stopped, return_exceptions=True)
            await self.sink.aclose()

    async def finish(self, tickets: Collection[str]) -> None:
        """Wait until nothing is being written to these tickets. What takes longer than ten seconds is broken off; its intent
        stands, so whoever works it next looks it up first."""
        working = [self._working[ticket] for ticket in tickets if ticket in self._working]
        if working:
            _, late = await asyncio.wait(working, timeout=FINISH_SECONDS)
            for task in late:
                task.cancel()

    async def drain(self) -> None:
        """Work until nothing is due any more (for tests and `deliver --drain`)."""
        while await self._start_work() or self._working:
            if self._working:
                await asyncio.wait(self._working.values(), return_when=asyncio.FIRST_COMPLETED)

    async def _start_work(self) -> int:
        """Claim what is due, highest rank first, and start a task for each. Returns how many."""
        now = self._clock.now()
        limit = 1 if self._failures >= TRIP_AFTER else self._concurrency  # a tripped sink is tried with one write
        free = limit - len(self._working)
        paused = self._is_paused(now)
        metrics.SINK_UP.labels(self.sink.name).set(0 if paused else 1)
        if free <= 0 or paused:
            return 0
        busy = frozenset(self._working)

        for entry in await self._ledger.claim(free, busy, now):
            self._working[entry.ticket_id] = asyncio.create_task(self._work(entry))
        return len(self._working) - len(busy)

    async def _work(self, entry: Delivery) -> None:
        try:
            await self._write(entry)
        except HilferufError as error:
            # The result could not be stored. The intent stands in the ledger, so the ticket is looked up before the next try.
            log.warning("result not stored", sink=self.sink.name, ticket=entry.ticket_id, error=str(error))
            self._failed(str(error), None)
        finally:
            self._working.pop(entry.ticket_id, None)

    async def _write(self, entry: Delivery) -> None:
        """Converge one entry and store what came of it."""
        name = self.sink.name
        try:
            with metrics.DELIVERY_SECONDS.labels(name).time():
                held = await self._converge(self.sink, entry)
        except Refused as error:
            self._pause(REFUSED_PAUSE_SECONDS, str(error))
            await self._later(entry, str(error), None, "refused")
        except Permanent as error:
            message = str(error)
            log.error("ticket refused for good", sink=name, ticket=entry.ticket_id, error=message)  # noqa: TRY400 - no fault of ours
            await self._store(entry, lambda current: deliver.bury(current, entry, message), message)
            metrics.DELIVERIES.labels(name, "dead").inc()
            self._failures = 0
        except Transient as error:
            self._failed(str(error), error.retry_after)
            await self._later(entry, str(error), error.retry_after, "later")
        except Exception as error:  # a fault of ours: the entry stays, nothing is lost, and it is told
            log.exception("delivery failed", sink=name, ticket=entry.ticket_id)
            self._failed(repr(error), None)
            await self._later(entry, f"{type(error).__name__}: {error}", None, "later")
        else:
            await self._store(entry, lambda current: deliver.finish(current, entry, held))
            self._failures, self.trouble = 0, None
            metrics.DELIVERIES.labels(name, "done").inc()

    async def _later(self, entry: Delivery, message: str, retry_after: float | None, outcome: str) -> None:
        now, spread = self._clock.now(), self._spread()
        await self._store(entry, lambda current: deliver.fail(current, now, message, retry_after, spread))
        metrics.DELIVERIES.labels(self.sink.name, outcome).inc()

    async def _store(self, entry: Delivery, change: Callable[[Delivery], Delivery], dead: str | None = None) -> None:
        """Transaction 2: the change is applied to the entry as it stands now, since a newer operation may have come.
        `dead`: why the ticket was refused for good; it becomes a dead letter, to be redriven once the fault is mended."""

        letter = None
        if dead is not None:
            origin = f"{dead_letters.DELIVERY_ORIGIN}{entry.sink}|{entry.ticket_id}"
            letter = fitting_letter(codec.encode(entry.wanted), dead, None, origin, self._clock.now())
        await self._ledger.settle(entry, change, letter)

    def _failed(self, message: str, retry_after: float | None) -> None:
        self._failures += 1
        if self._failures >= TRIP_AFTER or retry_after:
            backoff = min(MAX_PAUSE_SECONDS, 2.0 ** max(self._failures - TRIP_AFTER, 0)) * self._spread()
            self._pause(max(backoff, min(retry_after or 0.0, deliver.MAX_RETRY_AFTER_SECONDS)), message)

    def _pause(self, seconds: float, message: str) -> None:
        now = self._clock.now()
        until = self._paused_until if self._is_paused(now) else 0
        self._paused_from, self._paused_until = now, max(until, now + int(seconds * 1000))
        if self.trouble is None:
            log.warning("sink paused", sink=self.sink.name, until=from_ms(self._paused_until), error=message)
        self.trouble = message

    def _is_paused(self, now: int) -> bool:
        """A clock that was set back ends a pause: it would last for as long as the clock had been wrong."""
        return self._paused_from <= now < self._paused_until

    async def _observe(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.observe_once()
            except (HilferufError, OSError) as error:
                log.warning("cannot observe", sink=self.sink.name, error=str(error))
            except Exception:  # a fault of ours, or an answer that nobody foresaw: told, and tried again
                log.exception("cannot observe", sink=self.sink.name)
            await self._clock.sleep(self._observe_seconds)

    async def observe_once(self) -> int:
        """Bring back what people did since the last time, as author events; returns how many."""
        if not self._ledger.observes:
            return 0
        seen: Observed = await self.sink.observe(await self._ledger.cursor())
        taken = await self._ledger.observed(seen.events, seen.cursor, self._clock.now())
        for event in seen.events:
            metrics.HUMAN_EVENTS.labels(self.sink.name, event.what).inc()
        return taken
