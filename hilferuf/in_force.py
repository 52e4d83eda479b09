"""Which lexicons a service works by: at its start, and while it runs (docs/decisions/0011).

A lexicon that cannot be used never stops a service that has one: it goes on with the one that it has, and says so in its log,
in the metric `hilferuf_lexicon_refused`, and in `hilferuf doctor`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from config.settings import Loaded, load_settings
from config.yaml_file import ConfigError
from hilferuf.editions import compiled, from_files
from hilferuf.hit_metrics import expect_hits
from hilferuf.rules import RuleSet
from lexicons.compiler import Lexicon
from lexicons.edition import Edition
from priority.strategy import load_strategy
from records.errors import HilferufError, Transient
from records.times import from_ms
from streams import metrics
from streams.editions import Editions, InForce, Step, decided

T = TypeVar("T")
log = structlog.get_logger("lexicons")


def at_start(loaded: Loaded, editions: Editions, now: int) -> RuleSet:
    """What to work by from the start: the files, if they are others than when they were last looked at; else what is in force.
    now: milliseconds since 1970. Raises ConfigError where neither can be used, HilferufError."""
    strategy = load_strategy(loaded.settings.strategy, loaded.base)
    lexicon = _lexicon(loaded, editions, editions.in_force(), now)
    seen(lexicon)
    return RuleSet(loaded, lexicon, strategy)


def _lexicon(loaded: Loaded, editions: Editions, held: InForce | None, now: int) -> Lexicon:
    try:
        edition, lexicon = from_files(loaded)
    except ConfigError as error:
        if held is None:
            raise
        lexicon = compiled(loaded, editions.edition(held.now.edition))
        refused(error, lexicon.version)
        return lexicon
    if held is None or held.files != edition.id:
        editions.decide(decided(held, _step(edition, lexicon, now), edition.id), edition)
        if held is not None and held.now.edition != edition.id:
            log.info(
                "lexicons of changed files", version=lexicon.version, were=held.now.lexicon_version, by=held.now.how
            )
    elif held.now.edition != edition.id:
        try:
            lexicon = compiled(loaded, editions.edition(held.now.edition))
        except Transient:
            raise
        except HilferufError as error:  # made for another program: what else is there to work by?
            refused(error, lexicon.version)
        else:
            log.info("lexicons are not those of the files", version=lexicon.version, by=held.now.how, since=held.now.at)
    return lexicon


def _step(edition: Edition, lexicon: Lexicon, now: int) -> Step:
    return Step(edition=edition.id, lexicon_version=lexicon.version, at=from_ms(now), how="files")


def refused(error: HilferufError, keeps: str) -> None:
    """Say that a lexicon cannot be used."""
    metrics.LEXICON_REFUSED.set(1)
    log.error("lexicon refused", error=str(error), goes_on_with=keeps)


def seen(lexicon: Lexicon) -> None:
    """The metrics of the lexicon in force."""
    metrics.LEXICON.clear()
    metrics.LEXICON.labels(lexicon.version).set(1)
    expect_hits(lexicon)


class Reach(ABC):
    """How a running service reaches its editions. seconds: how often it looks."""

    seconds = 2.0

    @abstractmethod
    async def call(self, work: Callable[[Editions], T]) -> T:
        """`work` done with the editions. Raises Transient, Backpressure, and what `work` raises."""


class Follower:
    """Keeps a running service on the edition in force. rules: what it started with; switch: makes other rules active, and
    raises Transient where that has to be tried again."""

    def __init__(
        self, rules: RuleSet, reach: Reach, switch: Callable[[RuleSet], Awaitable[None]], clock: Callable[[], int]
    ) -> None:
        self._rules, self._reach, self._switch, self._clock = rules, reach, switch, clock
        self._seen: str | None = None  # the edition that was looked at last, used or refused
        self._again = asyncio.Event()

    def look_again(self) -> None:
        """Look at the files anew (SIGHUP)."""
        self._again.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        trouble = ""
        while not stop.is_set():
            try:
                if self._again.is_set():
                    self._again.clear()
                    await self._look_at_files()
                await self._follow()
                trouble = ""
            except ConfigError as error:
                refused(error, self._rules.lexicon.version)
            except HilferufError as error:
                if isinstance(error, Transient):
                    self._seen = None  # the switch too is tried again
                if str(error) != trouble:
                    log.warning("lexicons cannot be looked at now", error=str(error))
                    trouble = str(error)
            await _wait(self._reach.seconds, stop, self._again)

    async def _follow(self) -> None:
        held = await self._reach.call(lambda editions: editions.in_force())
        if held is None or held.now.edition == self._seen:
            return
        first, self._seen = self._seen is None, held.now.edition
        lexicon = self._rules.lexicon
        if held.now.lexicon_version != lexicon.version:  # equal versions judge equally: nothing to compile
            edition = await self._reach.call(lambda editions: editions.edition(held.now.edition))
            lexicon = await asyncio.to_thread(compiled, self._rules.loaded, edition)
        if lexicon.version == self._rules.lexicon.version:
            if not first:  # what is said of the files at the start holds until something is decided
                metrics.LEXICON_REFUSED.set(0)
            return
        rules = self._rules._replace(lexicon=lexicon)
        await self._switch(rules)
        log.info("lexicons switched", version=lexicon.version, was=self._rules.lexicon.version, by=held.now.how)
        self._rules = rules
        metrics.LEXICON_REFUSED.set(0)
        seen(lexicon)

    async def _look_at_files(self) -> None:
        """Only the lexicons: what else has changed in the settings waits for a restart."""
        loaded = self._rules.loaded
        named = await asyncio.to_thread(load_settings, Path(loaded.file))
        fresh = msgspec.structs.replace(loaded.settings, lexicons=named.settings.lexicons)
        edition, lexicon = await asyncio.to_thread(from_files, msgspec.structs.replace(loaded, settings=fresh))
        metrics.LEXICON_REFUSED.set(0)
        now = self._clock()

        def decide(editions: Editions) -> bool:
            held = editions.in_force()
            if held is not None and held.files == edition.id:
                return False
            editions.decide(decided(held, _step(edition, lexicon, now), edition.id), edition)
            return True

        if not await self._reach.call(decide):
            log.info("lexicons looked at again: the files are as they were", version=lexicon.version)


async def _wait(seconds: float, *events: asyncio.Event) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
