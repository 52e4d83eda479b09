"""A stage that is small enough to reason about, and records as Kafka gives them."""

from typing import Any, NamedTuple

import msgspec

from records import codec
from records.errors import Poison
from records.events import Lookup, Rules, Tick
from records.topics import AUTHOR_EVENTS, TICKETS
from streams.stage import Output, Stage


class Sum(msgspec.Struct, frozen=True):
    """total 0 is a state like any other; due None = never."""

    total: int = 0
    due: int | None = None
    ballast: str = ""


class Small(Stage[Sum]):
    """Values are words: `+3` adds and tells, `due 5` sets a timer, `big 100` makes the state larger, `gone` deletes,
    `shout 100` makes a large output, `fail` fails; on a Tick and on Rules it tells. `faulty`: keys that fail at those."""

    name, source, timed, switches_rules = "assess", AUTHOR_EVENTS, True, True

    def __init__(self, faulty: tuple[str, ...] = ()) -> None:
        super().__init__(Sum)
        self.faulty = faulty

    def decode(self, data: bytes) -> Any:
        try:
            return data.decode().split()
        except UnicodeDecodeError as error:
            raise Poison(str(error), "text") from error

    def due(self, state: Sum) -> int | None:
        return state.due

    def step(self, key: str, state: Sum | None, record: Any) -> tuple[Sum | None, list[Output]]:
        before = state or Sum()
        if isinstance(record, Tick | Rules):
            if key in self.faulty:
                raise ValueError("faulty")
            told = "tick" if isinstance(record, Tick) else record.lexicon_version
            after = msgspec.structs.replace(before, due=None) if isinstance(record, Tick) else before
            return after, [Output(TICKETS, key, told)]
        word, number = record[0], record[1:]
        if word == "gone":
            return None, [Output(TICKETS, key, None)]
        if word == "due":
            return msgspec.structs.replace(before, due=int(number[0])), []
        if word == "big":
            return msgspec.structs.replace(before, ballast="x" * int(number[0])), [Output(TICKETS, key, "bigger")]
        if word == "shout":
            return before, [Output(TICKETS, key, "x" * int(number[0]))]
        if word == "fail":
            raise KeyError("a rule that fails")
        total = before.total + int(word)
        return msgspec.structs.replace(before, total=total), [Output(TICKETS, key, total)]


class Record(NamedTuple):
    """As a consumer gives it."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 1_790_000_000_000


def records(*pairs: tuple[str | None, str | bytes | None], start: int = 0) -> list[Record]:
    """(key, value) in a row."""
    return [
        Record(
            start + number,
            None if key is None else key.encode(),
            value.encode() if isinstance(value, str) else value,
        )
        for number, (key, value) in enumerate(pairs)
    ]


def control(record: Tick | Rules | Lookup) -> bytes:
    return codec.encode(record)
