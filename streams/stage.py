"""A stage: a pure, deterministic function over one record and the state of its key. Engines run it; it knows none."""

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from records import codec
from records.errors import Poison
from records.topics import state_of

S = TypeVar("S")


class Output(NamedTuple):
    """A record for a topic, under its key; record None = a tombstone: the topic forgets the key. beside: the key in whose
    partition it is to lie, where that is not its own."""

    topic: str
    key: str
    record: Any
    beside: str | None = None


class Stage(ABC, Generic[S]):
    """Reads `source`, keeps one state a key. `step` reads no clock and no network, and gives the same for the same input.

    A step that raises makes the record a dead letter; its state stays as it was. State None = none or deleted.
    """

    name: str
    source: str
    timed = False  # whether `due` ever gives a time
    switches_rules = False  # whether a change of the rules is a record of its input
    derives = True  # where it is: whether every key is derived anew then

    def __init__(self, state_type: type[S]) -> None:
        self._states: msgspec.json.Decoder[S] = msgspec.json.Decoder(state_type)

    @abstractmethod
    def decode(self, data: bytes) -> Any:
        """A record of `source`. Raises Poison."""

    def read(self, key: str, value: bytes | None) -> tuple[str, Any] | None:
        """A record of Kafka: the key whose state it concerns, and the event; None = nothing of ours. Raises Poison.

        That key is another than the record's own where compaction must not take the record for a newer version of another
        one (a Redrive for a ticket)."""
        if value is None:
            raise Poison("the record has no value")
        return key, self.decode(value)

    @abstractmethod
    def step(self, key: str, state: S | None, record: Any) -> tuple[S | None, list[Output]]:
        """The new state of this key and what is to be sent."""

    @property
    def changelog(self) -> str:
        """The topic that holds the states, on Kafka."""
        return state_of(self.name)

    def changelog_key(self, key: str) -> str:
        """The key of a state in the changelog."""
        return key

    def key_of(self, changelog_key: str) -> str | None:
        """The other way round; None = the record belongs to another stage that shares the topic."""
        return changelog_key

    def load(self, data: bytes) -> S:
        """State from bytes."""
        return self._states.decode(data)

    def dump(self, state: S) -> bytes:
        """State as bytes."""
        return codec.encode(state)

    def due(self, state: S) -> int | None:
        """When this key wants a Tick next, milliseconds since 1970; None = never."""
        return None
