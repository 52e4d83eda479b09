"""Dead letters as a person works them: redriven through the door by which the record came in, or dropped.

The rules stand here once; `Letters` is what they need of an engine: the file's log, or the brokers' topics.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from records import codec
from records.errors import HilferufError, Poison
from records.events import DeadLetter
from records.normalise import normalise_mention
from records.normalise_facts import normalise_fact
from records.times import from_ms
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, DEAD_LETTERS, MENTIONS, TICKETS, WHOLE
from streams import deliver
from streams.dead_letters import DELIVERY_ORIGIN
from streams.store import Store

PAGE = 1_000


class Found(NamedTuple):
    """A record of the log. key "": it came without one."""

    key: str
    value: bytes


class Letters(ABC):
    """The dead letters of a deployment. What is sent and written counts once `flush` has returned."""

    @abstractmethod
    def all(self) -> list[DeadLetter]:
        """All of them, oldest first; of one that came twice, the last."""

    @abstractmethod
    def record_at(self, topic: str, place: str) -> Found | None:
        """The record at this place of a topic, as the letter's origin names it; None: it has left the log."""

    @abstractmethod
    def deliver_again(self, sink: str, ticket_id: str) -> bool:
        """A ticket that was refused for good is tried again. Returns whether the ledger knows it."""

    @abstractmethod
    def send(self, topic: str, key: str, value: bytes) -> None:
        """Append a record to a topic."""

    @abstractmethod
    def write(self, letter: DeadLetter) -> None:
        """The letter takes the place of the one with its id."""

    @abstractmethod
    def drop(self, letter: DeadLetter) -> None:
        """Delete it for good."""

    @abstractmethod
    def flush(self) -> None:
        """Returns when everything is where it belongs. Raises Transient; Poison for a record that is not taken."""


class Redriven(NamedTuple):
    """What became of letters: how many passed, and of the others the reason of today."""

    passed: int
    failed: list[tuple[DeadLetter, Poison]]


def chosen(letters: Letters, ids: Sequence[str]) -> list[DeadLetter]:
    """The letters with these ids. Raises HilferufError for an id that no letter has."""
    found = {letter.id: letter for letter in letters.all()}
    for missing in ids:
        if missing not in found:
            raise HilferufError(f"there is no dead letter {missing}; `hilferuf dlq list` shows them")
    return [found[letter_id] for letter_id in dict.fromkeys(ids)]


def redrive(letters: Letters, these: Sequence[DeadLetter], now: int) -> Redriven:
    """Put letters through the door again (`now`: milliseconds since 1970). A letter is marked only once its record is written:
    a kill in between redrives it twice, which makes no second ticket."""
    passed: list[DeadLetter] = []
    failed: list[tuple[DeadLetter, Poison]] = []
    for letter in these:
        try:
            _again(letters, letter, now)
            letters.flush()  # one by one: so it is known whose record was not taken
        except Poison as error:
            failed.append((letter, error))
        else:
            passed.append(letter)
    for letter in passed:
        letters.write(msgspec.structs.replace(letter, redriven=True))
    letters.flush()
    return Redriven(len(passed), failed)


def _again(letters: Letters, letter: DeadLetter, now: int) -> None:
    """Raises Poison where the fault is still there."""
    if letter.origin.startswith(DELIVERY_ORIGIN):
        sink, _, ticket = letter.origin.removeprefix(DELIVERY_ORIGIN).partition("|")
        if not letters.deliver_again(sink, ticket):
            raise Poison(f"the ledger has no ticket {ticket} for {sink}")
        return
    topic, _, place = letter.origin.partition("/")
    if topic in (MENTIONS, AUTHOR_EVENTS):
        _to_its_stage(letters, letter, topic, place, now)
    elif topic == TICKETS:
        raise Poison("a ticket is not delivered from a dead letter: the next change of the ticket replaces it")
    elif topic == CUSTOMER_FACTS or b'"customer"' in letter.original:
        fact = normalise_fact(letter.original, observed_at=from_ms(now))
        letters.send(CUSTOMER_FACTS, fact.customer, codec.encode(fact))
    else:
        _heard(letters, letter, now)


def _to_its_stage(letters: Letters, letter: DeadLetter, topic: str, place: str, now: int) -> None:
    """The record itself, under its key: a letter may hold only the beginning of a large one."""
    if not letter.original:
        raise Poison("it holds no record: it tells of some that are gone")
    found = letters.record_at(topic, place)
    if found is None or not found.value.startswith(letter.original):
        raise Poison("its record has left the log; the next change of the rules judges its author anew")
    if found.key == WHOLE:
        raise Poison("a Tick or a change of the rules failed on an author; the next one comes by itself")
    if found.key:
        letters.send(topic, found.key, found.value)
    elif topic == MENTIONS:
        _heard(letters, letter, now)
    else:
        raise Poison("its record has no key, so nobody knows whose it is")


def _heard(letters: Letters, letter: DeadLetter, now: int) -> None:
    mention = normalise_mention(letter.original, observed_at=from_ms(now), listener="redrive")
    letters.send(MENTIONS, mention.id, codec.encode(mention))


class StoredLetters(Letters):
    """Those of the embedded engine, inside the caller's transaction; `now`: milliseconds since 1970."""

    def __init__(self, store: Store, now: int) -> None:
        self._store, self._now = store, now
        self._offsets: dict[str, list[int]] = {}  # one that came twice stands in the log twice

    def all(self) -> list[DeadLetter]:
        """By the log."""
        found: dict[str, DeadLetter] = {}
        self._offsets.clear()
        offset = 0
        while entries := self._store.read(DEAD_LETTERS, offset, PAGE):
            for entry in entries:
                letter = codec.dead_letters.decode(entry.value)
                found[letter.id] = letter
                self._offsets.setdefault(letter.id, []).append(entry.offset)
            offset = entries[-1].offset + 1
        return list(found.values())

    def record_at(self, topic: str, place: str) -> Found | None:
        """A place is an offset."""
        found = self._store.read(topic, int(place), 1) if place.isdecimal() else []
        return Found(found[0].key, found[0].value) if found and found[0].offset == int(place) else None

    def deliver_again(self, sink: str, ticket_id: str) -> bool:
        """In the ledger, which the deliverer reads."""
        entry = self._store.delivery(sink, ticket_id)
        if entry is None:
            return False
        changed = deliver.again(entry)
        if changed is not entry:
            self._store.put_delivery(changed, deliver.ready_at(changed))
        return True

    def send(self, topic: str, key: str, value: bytes) -> None:
        """Into the log."""
        self._store.append(topic, [(key, value)], self._now)

    def write(self, letter: DeadLetter) -> None:
        """In its place."""
        for offset in self._offsets[letter.id]:
            self._store.replace(DEAD_LETTERS, offset, codec.encode(letter))

    def drop(self, letter: DeadLetter) -> None:
        """Out of the log."""
        for offset in self._offsets[letter.id]:
            self._store.delete(DEAD_LETTERS, offset)

    def flush(self) -> None:
        """The transaction is the caller's."""
