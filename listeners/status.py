"""A listener's health as it changes: one mutable place behind the frozen `Health`, shared by the base loops."""

import traceback
from collections.abc import Sequence
from pathlib import Path

from listeners.contract import Bad, Clock, Health, State
from records.facts import CustomerFact
from records.mention import Mention
from records.times import from_ms


def origin(error: BaseException) -> str:
    """File and line where an exception was raised, for a log line that must not hold the exception's own text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"


class Status:
    """What `Listener.health` answers from. Details are for people: no token, no text of a post."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state: State = "starting"
        self._detail = ""
        self._note = ""
        self._until: str | None = None
        self._last_event: str | None = None
        self._published = self._reconnects = self._rejected = 0

    def say(self, state: State, detail: str = "", until: int | None = None) -> None:
        """The state from now on. `until`: end of a throttle, milliseconds since 1970."""
        self._state, self._detail = state, detail
        self._until = None if until is None else from_ms(until)

    def note(self, note: str) -> None:
        """A lasting remark that stands beside whatever state follows."""
        self._note = note

    def published(self, records: Sequence[Mention | CustomerFact], bad: Sequence[Bad]) -> None:
        """These became durable."""
        self._published += len(records)
        self._rejected += len(bad)
        if records:
            self._last_event = from_ms(self._clock.now())

    def reconnected(self) -> None:
        """A connection was opened that is not the first, or a sweep failed and will be tried again."""
        self._reconnects += 1

    @property
    def state(self) -> State:
        """The state last said."""
        return self._state

    def health(self) -> Health:
        """The picture of now."""
        return Health(
            state=self._state,
            detail="; ".join(part for part in (self._detail, self._note) if part),
            until=self._until,
            last_event=self._last_event,
            published=self._published,
            reconnects=self._reconnects,
            rejected=self._rejected,
        )
