"""`reprocess`: what the log still holds goes through the running pipeline once more, under the rules of today.

Nothing is told apart from a redelivery, and the wanted queue is a function of the *set* of events (tests/streams/
test_any_order.py), so that records fed again in any order, beside new ones, make no second ticket: what is new is only what
an earlier rule dropped. This holds as long as the stages still remember what was taken back. So

- nothing is fed again that the stages may have forgotten (`reach_days`): neither older records nor older posts;
- `until` bounds posts and their edits only; deletes, hides, restores and facts always go up to the end, or a post would come
  back whose delete lies behind `until`;
- a copy is never copied again. In the embedded log it is as old as its original and leaves with it; the brokers stamp it anew,
  so there it stays for another `log_days`, and no longer.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from config.settings import Retention
from records import codec
from records.errors import Poison
from records.mention import Mention
from records.times import DAY, to_ms
from records.topics import CUSTOMER_FACTS, MENTIONS
from streams.store import Entry, Store

TOPICS = (CUSTOMER_FACTS, MENTIONS)  # facts first: fewer tickets are ranked twice
STEP = 500  # records in one transaction or between two flushes

What = Literal["fed", "outside", "too old", "unreadable", "look-up"]


class Span(NamedTuple):
    """Which records: written at `since` or later, posts before `until`. `oldest`: posts from before it are too old. All in
    milliseconds since 1970."""

    since: int
    until: int
    oldest: int


class Step(NamedTuple):
    """What became of some records of one topic."""

    topic: str
    counts: dict[What, int]


def reach_days(retention: Retention) -> float:
    """How far back the stages surely remember: the shortest of log, routes and authors."""
    return min(retention.log_days, retention.route_days, retention.author_days)


def what_to_do(topic: str, value: bytes, at: int, span: Span) -> What:
    """Whether a record is fed again. Look-ups are not: the answer that asked is, and asks again."""
    if at < span.since:
        return "outside"
    try:
        record = codec.mentions.decode(value) if topic == MENTIONS else codec.customer_facts.decode(value)
    except Poison:
        return "unreadable"  # a dead letter already
    if not isinstance(record, Mention):
        return "fed" if topic == CUSTOMER_FACTS else "look-up"
    if record.op not in ("delete", "hide", "restore"):
        if at >= span.until:
            return "outside"
        if to_ms(record.edited_at or record.occurred_at) < span.oldest:
            return "too old"
    return "fed"


class Log(ABC):
    """The log of a deployment."""

    @abstractmethod
    def feed(self, span: Span, step: int = STEP) -> Iterator[Step]:
        """Publish again what the log holds now, in steps of at most so many records: each is written when it is told. Raises
        Transient."""


class StoredLog(Log):
    """The embedded engine's log. One connection, a transaction a step, so that the running service writes in between."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def feed(self, span: Span, step: int = STEP) -> Iterator[Step]:
        """Everything that is in the log now and not a copy."""
        for topic in TOPICS:
            end, offset = self._store.size(topic), 0
            while offset < end:
                entries = [e for e in self._store.read(topic, offset, step) if e.offset < end]
                if not entries:
                    break
                offset = entries[-1].offset + 1
                yield Step(topic, self._copy(topic, entries, span))

    def _copy(self, topic: str, entries: list[Entry], span: Span) -> dict[What, int]:
        counts: dict[What, int] = {}
        again: list[Entry] = []
        for entry in entries:
            if self._is_copy(topic, entry):
                continue
            what = what_to_do(topic, entry.value, entry.at, span)
            counts[what] = counts.get(what, 0) + 1
            if what == "fed":
                again.append(entry)
        with self._store.sql:
            self._store.sql.execute("BEGIN IMMEDIATE")
            for at, group in groupby(again, lambda entry: entry.at):
                self._store.append(topic, [(entry.key, entry.value) for entry in group], at)
        return counts

    def _is_copy(self, topic: str, entry: Entry) -> bool:
        """Whether the same record stands in the log before it."""
        row = self._store.sql.execute(
            "SELECT 1 FROM log WHERE topic = ? AND key = ? AND offset < ? AND at = ? AND value = ? LIMIT 1",
            (topic, entry.key, entry.offset, entry.at, entry.value),
        ).fetchone()
        return row is not None


def oldest_allowed(retention: Retention, now: int) -> int:
    """Before this nothing is fed again, milliseconds since 1970."""
    return now - int(reach_days(retention) * DAY)
