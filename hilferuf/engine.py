"""The running parts that `hilferuf run` and the demo share: the engine with its rules, and the deliverers it wakes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from config.settings import Loaded
from hilferuf.engine_file import opened, path_of
from hilferuf.in_force import Reach, at_start
from hilferuf.rules import RuleSet
from hilferuf.wiring import routes_of, sinks_of
from listeners.contract import Clock
from records.mention import Mention
from records.verdict import Verdict
from sinks.protocol import converge
from streams.deliverer import Deliverer
from streams.editions import Editions, StoredEditions
from streams.embedded import EmbeddedEngine
from streams.ledger import EmbeddedLedger
from streams.topology import rules_record, stages

T = TypeVar("T")
OnVerdict = Callable[[Mention, Verdict], None]


def rules_at_start(loaded: Loaded, clock: Clock) -> RuleSet:
    """What the engine is to work by. Raises ConfigError for lexicons or a strategy that cannot be used."""
    with opened(loaded, write=True, make=True) as store:
        return at_start(loaded, StoredEditions(store), clock.now())


def engine_of(rules: RuleSet, clock: Clock, on_verdict: OnVerdict) -> EmbeddedEngine:
    """The engine with all stages, not started."""
    loaded = rules.loaded
    settings = loaded.settings
    return EmbeddedEngine(
        path_of(loaded),
        stages(rules.lexicon, rules.strategy, settings, on_verdict),
        clock=clock.now,
        routes=routes_of(loaded),
        log_days=settings.retention.log_days,
        ticket_days=settings.retention.author_days,
        rules=rules_record(rules.lexicon, rules.strategy, settings),
    )


class InEngine(Reach):
    """The editions in the engine's file."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine

    async def call(self, work: Callable[[Editions], T]) -> T:
        """In the engine's next turn."""
        return await self._engine.call(lambda store: work(StoredEditions(store)))


def switching(engine: EmbeddedEngine, on_verdict: OnVerdict) -> Callable[[RuleSet], Awaitable[None]]:
    """How the engine is given other rules."""

    async def switch(rules: RuleSet) -> None:
        settings = rules.loaded.settings
        await engine.switch(
            stages(rules.lexicon, rules.strategy, settings, on_verdict),
            rules_record(rules.lexicon, rules.strategy, settings),
        )

    return switch


def deliverers_of(loaded: Loaded, engine: EmbeddedEngine, clock: Clock) -> list[Deliverer]:
    """One deliverer a sink, woken by every turn of the engine, for the loop that this is called in. Raises ConfigError."""
    loop = asyncio.get_running_loop()
    found = [
        Deliverer(
            sink,
            EmbeddedLedger(engine, sink.name),
            converge,
            clock=clock,
            concurrency=options.concurrency,
            observe_seconds=options.observe_seconds,
        )
        for sink, options in sinks_of(loaded)
    ]
    engine.on_turn.append(partial(call_soon, loop, partial(_wake, found)))
    return found


async def undelivered(engine: EmbeddedEngine, deliverers: Sequence[Deliverer]) -> int:
    """Ledger entries of these sinks that have work left."""
    names = [deliverer.sink.name for deliverer in deliverers]
    return await engine.call(lambda store: sum(store.pending(name) for name in names))


def call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From the engine's thread into the loop, unless that has ended."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def _wake(deliverers: Sequence[Deliverer]) -> None:
    for deliverer in deliverers:
        deliverer.wake.set()
