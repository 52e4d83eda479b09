"""A plan, whole: judge in worker processes, keep what may matter in a scratch file, derive by author, compare.

The result depends on the rules and the records alone: not on how many processes there are, nor on which of them was faster.
"""

import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol, TypeVar

from records.errors import HilferufError
from records.facts import CustomerFact
from streams.plan.deriving import derived
from streams.plan.difference import Change
from streams.plan.gathered import Gathered, Group
from streams.plan.judging import Judged, Recorded, judged
from streams.plan.known import told
from streams.plan.rules import Load, Rules

T = TypeVar("T")
R = TypeVar("R")

GROUPS = 200  # authors derived in one go
AHEAD = 3  # pieces of work a process that may wait, or be done and not fetched


class TriggerLine(NamedTuple):
    """What a trigger has to do with the difference. hits: posts of the log that it hits, by the old and the new lexicon."""

    trigger: str
    hits: tuple[int, int]
    gained: int
    lost: int
    moved: int


class Plan(NamedTuple):
    """The difference. open_tickets: before and after. changes may be walked through once more and once more."""

    mentions: int
    open_tickets: tuple[int, int]
    counts: dict[str, int]
    triggers: list[TriggerLine]
    changes: Callable[[], Iterator[Change]]

    @property
    def is_empty(self) -> bool:
        """Whether the queue stays as it is."""
        return not any(self.counts.values())


@contextmanager
def planned(
    load: Load,
    recorded: Iterable[Recorded],
    facts: Iterable[CustomerFact] = (),
    *,
    tell_bad: Callable[[str], None],
    tell_progress: Callable[[str], None] = lambda text: None,
    processes: int | None = None,
) -> Iterator[Plan]:
    """The plan, as long as the `with` lasts. load: gives the rules, in whatever process it is called; processes: None = one a
    core, 0 = here; one piece of work alone is done here. Raises ConfigError where a lexicon is wrong, HilferufError where a
    process dies."""
    pieces = iter(recorded)
    first = list(islice(pieces, 2))
    workers = 0 if len(first) < 2 else len(os.sched_getaffinity(0)) if processes is None else processes
    with TemporaryDirectory(prefix="hilferuf-plan-") as folder, _crew(load, workers) as crew:
        gathered = Gathered(Path(folder) / "plan.db")
        try:
            gathered.know(told(facts))
            yield _planned(gathered, crew, chain(first, pieces), tell_bad, tell_progress)
        finally:
            gathered.close()


def _planned(
    gathered: Gathered,
    crew: "_Crew",
    pieces: Iterable[Recorded],
    tell_bad: Callable[[str], None],
    tell_progress: Callable[[str], None],
) -> Plan:
    mentions = 0
    hits: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    for part in crew.map(_judge, pieces):
        mentions += part.mentions
        gathered.hear(part.heard)
        for total, more in zip(hits, part.hits, strict=True):
            total.update(more)
        for line in part.bad:
            tell_bad(line)
        tell_progress(f"{mentions:,} mentions judged twice")
    authors = 0
    for tickets in crew.map(_derive, _batches(gathered.groups(), GROUPS)):
        authors += GROUPS
        gathered.stand(tickets.standing)
        gathered.change(tickets.changes)
        tell_progress(f"{mentions:,} mentions judged twice; tickets of {authors:,} authors derived")
    gathered.place()
    counts = dict.fromkeys(("gained", "lost", "moved"), 0)
    by_trigger: dict[str, Counter[str]] = {}
    for change in gathered.changes():
        counts[change.change] += 1
        for trigger in change.triggers:
            by_trigger.setdefault(trigger, Counter())[change.change] += 1
    for trigger in hits[0].keys() | hits[1].keys():
        if hits[0][trigger] != hits[1][trigger]:
            by_trigger.setdefault(trigger, Counter())
    lines = [
        TriggerLine(trigger, (hits[0][trigger], hits[1][trigger]), c["gained"], c["lost"], c["moved"])
        for trigger, c in by_trigger.items()
    ]
    lines.sort(key=lambda line: (-(line.gained + line.lost + line.moved), line.trigger))
    return Plan(mentions, gathered.open_tickets(), counts, lines, gathered.changes)


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch


# processes

_rules: Rules | None = None


def _prepare(load: Load) -> None:
    """In a worker process: compile once."""
    global _rules  # noqa: PLW0603 - a process has no other place for what it works by
    _rules = load()


def _judge(recorded: Recorded, rules: Rules | None = None) -> Judged:
    return judged(rules or _mine(), recorded)


def _derive(groups: list[Group], rules: Rules | None = None) -> Any:
    return derived(rules or _mine(), groups)


def _mine() -> Rules:
    assert _rules is not None
    return _rules


class _Crew(Protocol):
    """Who does the work: in the order of the items, never holding more than a few of them."""

    def map(self, work: Callable[..., R], items: Iterable[Any]) -> Iterator[R]:
        """`work` of every item."""


class _Alone:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def map(self, work: Callable[..., R], items: Iterable[Any]) -> Iterator[R]:
        for item in items:
            yield work(item, self._rules)


class _Many:
    def __init__(self, pool: ProcessPoolExecutor, workers: int) -> None:
        self._pool, self._ahead = pool, workers * AHEAD

    def map(self, work: Callable[..., R], items: Iterable[Any]) -> Iterator[R]:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(work, item))
                if len(waiting) >= self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise HilferufError(
                "a process that judges has ended; was memory short? `hilferuf lexicon lint` checks the lexicon alone"
            ) from error
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def _crew(load: Load, workers: int) -> Iterator[_Crew]:
    rules = load()  # here too: a lexicon that is wrong is told once, with its place
    if not workers:
        yield _Alone(rules)
        return
    del rules
    context = multiprocessing.get_context("spawn")  # a fork would copy threads and connections of whoever calls
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(load,)) as pool:
        yield _Many(pool, workers)
