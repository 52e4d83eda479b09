"""The listeners' contract: what a listener is given, what it must do, and how its health is said."""

from abc import ABC, abstractmethod
from asyncio import Event
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from records.facts import CustomerFact
from records.mention import Mention
from records.times import Timestamp

State = Literal["starting", "live", "catching_up", "throttled", "auth_failed", "reconnecting", "stopped"]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How a listener is. `until`: end of a throttle; `last_event`: when the newest mention was published; `detail`: one
    line for a person, without tokens or texts."""

    state: State
    detail: str = ""
    until: Timestamp | None = None
    last_event: Timestamp | None = None
    published: int = 0
    reconnects: int = 0
    rejected: int = 0


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """Input that could not be mapped: becomes a dead letter. `origin`: listener and place, such as `webhook:/mentions[3]`."""

    original: bytes
    reason: str
    origin: str
    field: str | None = None


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a listener reads on after a restart; written in the same transaction as the records it follows from."""

    key: str
    value: dict[str, Any]


class Publisher(Protocol):
    """The engine's door. Returns when everything given is durable (then a cursor may move, a webhook may answer 200).

    Raises Backpressure when the engine cannot take it now: nothing of the call was accepted; wait and give it again.
    Giving the same mention twice is harmless: assess knows (id, op, revision).
    """

    async def publish(
        self,
        mentions: Sequence[Mention],
        *,
        facts: Sequence[CustomerFact] = (),
        bad: Sequence[Bad] = (),
        cursor: Cursor | None = None,
    ) -> None:
        """Make these durable, together with the cursor, in one transaction."""
        ...

    async def cursor(self, key: str) -> dict[str, Any] | None:
        """The cursor last made durable under this key, None at the first start."""
        ...


class Clock(Protocol):
    """Time and waiting, passed in so that tests own both."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Listener(ABC):
    """Hears one channel. Duties: never blocks the event loop; publishes, waits until that is durable, and only then moves
    its cursor; never raises out of `run` for anything the other side does (it backs off and says so in `health`); never
    puts a token or a text into an error or a log line; `run` returns within two seconds after `stop` is set."""

    name: str
    channel: str

    @abstractmethod
    async def run(self, out: Publisher, stop: Event) -> None:
        """Hear until `stop` is set (a finite source, such as a file, returns when it is read)."""

    @abstractmethod
    def health(self) -> Health:
        """How it is now; cheap, never blocks."""
