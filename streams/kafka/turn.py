"""What one transaction of a shard will change, and how a stage's records are run to get it. Pure: no Kafka, no clock.

A record that cannot be read, a rule that fails on it, and what would be too large to write become dead letters in the same
transaction; such a record changes nothing else, and the others go on.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec
import structlog

from records import codec
from records.dead_letters import fitting_letter
from records.errors import HilferufError, Poison
from records.events import DeadLetter, Rules, Tick
from records.times import from_ms, to_ms
from records.topics import DEAD_LETTERS, MAX_RECORD, WHOLE
from streams.kafka.state import States
from streams.stage import Output, Stage

S = TypeVar("S")
log = structlog.get_logger("shard")

TIMERS = 5_000  # timers fired by one Tick; the others wait for the next
REDERIVED = 200  # keys derived anew in one step after a change of the rules


class Read(Protocol):
    """A record as it was read from Kafka. timestamp: milliseconds since 1970."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


class Send(NamedTuple):
    """A record to be written. topic: as in `records.topics`; partition None = by `beside`, or else by the key."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None = None
    beside: bytes | None = None


class Note(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a shard knows beside the states of its keys; in the changelog under WHOLE, from its first transaction on:
    a changelog without it, below a committed offset, was deleted.

    rules: what all keys were derived with; deriving: what they are being derived with anew. cursor: where observing reads on.
    """

    rules: str = ""
    deriving: str = ""
    cursor: dict[str, Any] | None = None


class GuardTripped(HilferufError):
    """Most records become dead letters: the fault is ours."""


class TooLarge(HilferufError):
    """A record that no broker would take."""


class Turn(Generic[S]):
    """Reads through to the shard's states and gathers changes. `careful`: check the size of a state at every step, so that the
    record which makes it too large is the one that is refused."""

    def __init__(
        self,
        stage: Stage[S],
        states: States[S],
        note: Note | None,
        partition: int,
        *,
        rules: Rules | None = None,
        careful: bool = False,
    ) -> None:
        self.stage, self.rules, self.partition, self.note = stage, rules, partition, note or Note()
        self.changed: dict[str, S | None] = {}
        self.dead = 0
        self.outcomes: list[bool] = []  # of every record, and of every key of one that concerns many: whether it failed
        self.too_large = 0
        self._states, self._before, self._careful = states, note, careful
        self._outputs: list[Send] = []
        self._sealed: tuple[list[Send], dict[str, bytes | None]] | None = None

    def get(self, key: str) -> S | None:
        """The state as it will be. Raises HilferufError for one that cannot be read."""
        return self.changed[key] if key in self.changed else self._states.get(key)

    def put(self, key: str, state: S | None) -> None:
        """The key's new state; None deletes."""
        self.changed[key] = state

    def due(self, now: int, limit: int) -> list[str]:
        """Keys whose timer has come."""
        return [key for key in self._states.due(now, limit) if self.changed.get(key, key) is not None]

    def keys_after(self, after: str, limit: int) -> list[str]:
        """Keys with a state, in order, after one; those of this turn too, as they may be by the rules before."""
        fresh = {key for key, state in self.changed.items() if key > after and state is not None}
        return sorted(fresh.union(self._states.keys_after(after, limit)))[:limit]

    def send(self, output: Output) -> None:
        """Write a record. Raises TooLarge."""
        self._outputs.append(_encoded(output))

    def to_partition(self, control: Tick | Rules) -> None:
        """Write a control record into the partition that the shard reads."""
        self._outputs.append(Send(self.stage.source, WHOLE.encode(), codec.encode(control), self.partition))

    def bury(self, letter: DeadLetter) -> None:
        """Write a dead letter."""
        self.dead += 1
        self._outputs.append(_encoded(Output(DEAD_LETTERS, letter.id, letter)))

    def step(self, key: str, event: Any) -> None:
        """Run the stage on one event of a key, all of it or nothing. Raises what the step raises."""
        before = self.get(key)
        after, outputs = self.stage.step(key, before, event)
        encoded = [_encoded(output) for output in outputs]
        if after is not before:
            if self._careful and after is not None:
                self._check(key, self.stage.dump(after))
            self.changed[key] = after
        self._outputs += encoded

    def _check(self, key: str, data: bytes) -> None:
        if len(data) > MAX_RECORD:
            self.too_large += 1
            raise TooLarge(f"the state would have {len(data)} bytes, more than {MAX_RECORD}")

    def sealed(self) -> tuple[list[Send], dict[str, bytes | None]]:
        """What is to be written, changelog last, and the bytes of every changed state; nothing may be changed any more. Raises
        TooLarge (not when careful)."""
        if self._sealed is None:
            self._sealed = self._seal()
        return self._sealed

    def _seal(self) -> tuple[list[Send], dict[str, bytes | None]]:
        data = {key: None if state is None else self.stage.dump(state) for key, state in self.changed.items()}
        if not self._careful:
            for key, value in data.items():
                self._check(key, value or b"")
        changelog, partition = self.stage.changelog, self.partition
        sends = [*self._outputs]
        for key, value in data.items():
            sends.append(Send(changelog, self.stage.changelog_key(key).encode(), value, partition))
        if self.note != self._before:
            name = self.stage.changelog_key(WHOLE).encode()
            sends.append(Send(changelog, name, codec.encode(self.note), partition))
        return sends, data


def _encoded(output: Output) -> Send:
    value = None if output.record is None else codec.encode(output.record)
    if value is not None and len(value) > MAX_RECORD:
        raise TooLarge(f"a record for {output.topic} would have {len(value)} bytes, more than {MAX_RECORD}")
    beside = None if output.beside is None else output.beside.encode()
    return Send(output.topic, output.key.encode(), value, beside=beside)


class Guard:
    """Trips when more than `share` of the newest `records` failed, and at once when they will be, however the next ones go."""

    def __init__(self, records: int, share: float) -> None:
        self._newest: deque[bool] = deque(maxlen=records)
        self._most, self._failed = share * records, 0

    def allows(self, outcomes: Iterable[bool]) -> bool:
        """Take these in; True = failed. Returns whether it did not trip on the way."""
        allowed = True
        for failed in outcomes:
            if len(self._newest) == self._newest.maxlen:
                self._failed -= self._newest[0]
            self._newest.append(failed)
            self._failed += failed
            allowed = allowed and self._failed <= self._most
        return allowed


class Taking(Generic[S]):
    """Runs polled records of one partition through a stage. `rules`: those that it works by here."""

    def __init__(self, stage: Stage[S], partition: int, rules: Rules | None, guard: Guard) -> None:
        self.stage, self.partition, self.rules, self._guard = stage, partition, rules, guard
        self._offered: tuple[Stage[S], Rules] | None = None

    def offer(self, stage: Stage[S], rules: Rules) -> None:
        """Other rules, to be worked by from the record on that tells them; or at once, where the partition has had that record
        already, from another process."""
        self._offered = stage, rules

    def take(self, states: States[S], note: Note | None, records: Sequence[Read]) -> Turn[S]:
        """The turn that these records make. Raises GuardTripped, and HilferufError for a state that cannot be read."""
        turn = self._turn(states, note, records, careful=False)
        try:
            turn.sealed()
        except Exception:  # noqa: BLE001 - a state too large or not to be encoded: which record made it is found one by one
            states.rewind()
            turn = self._turn(states, note, records, careful=True)
        if not self._guard.allows(turn.outcomes):
            raise GuardTripped(
                f"{self.stage.name} {self.partition}: most records would become dead letters, {turn.dead} of "
                f"{len(turn.outcomes)} from offset {records[0].offset} on; nothing of these was written. Look for "
                "`dead letter` in the log: a wrong version of the program or of its rules? "
                "kafka.guard.share: 1.0 lets them through"
            )
        self.stage, self.rules = turn.stage, turn.rules
        return turn

    def _turn(self, states: States[S], note: Note | None, records: Sequence[Read], *, careful: bool) -> Turn[S]:
        turn = Turn(self.stage, states, note, self.partition, rules=self.rules, careful=careful)
        for name in (turn.note.deriving, turn.note.rules):
            self._switch(turn, name)
        for record in records:
            try:
                self._one(turn, record)
                turn.outcomes.append(False)
            except Unreadable:
                raise
            except Exception as error:  # noqa: BLE001 - a rule that fails on one record must not stop the others
                self._bury(turn, record, record.value or b"", error)
        return turn

    def _one(self, turn: Turn[S], record: Read) -> None:
        if record.key is None:
            raise Poison("the record has no key")
        key = record.key.decode("utf-8")
        if key == WHOLE:
            self._control(turn, record)
            return
        found = turn.stage.read(key, record.value)
        if found is not None:
            _readable(turn, found[0])
            turn.step(*found)

    def _control(self, turn: Turn[S], record: Read) -> None:
        control = codec.controls.decode(record.value or b"")
        if isinstance(control, Tick):
            # At the latest when the brokers took it: a clock that is ahead would have everybody forgotten before their time.
            if record.timestamp < to_ms(control.at):
                control = Tick(at=from_ms(record.timestamp))
            for key in turn.due(to_ms(control.at), TIMERS):
                self._each(turn, record, key, control)
            return
        self._switch(turn, control.name)
        if turn.rules is not None and control.name == turn.rules.name:
            self._rederive(turn, record, control)
        elif turn.rules is not None and control.name == turn.note.deriving:
            # A process of other rules began, and we do not go on with it. Some keys are by those rules, some by ours: whoever
            # works here from now on has to begin.
            turn.note = msgspec.structs.replace(turn.note, rules="", deriving="")

    def _switch(self, turn: Turn[S], name: str) -> None:
        """To the rules on offer, if it is they that are told."""
        if self._offered is not None and name == self._offered[1].name:
            turn.stage, turn.rules = self._offered

    def _rederive(self, turn: Turn[S], record: Read, rules: Rules) -> None:
        """One bounded step; the next one is a record of its own, so that it comes back at its place after any kill."""
        underway = turn.note.deriving == rules.name
        if underway != bool(rules.after):
            return  # begun twice, or a step of what was begun anew since
        keys = turn.keys_after(rules.after, REDERIVED) if turn.stage.derives else []
        for key in keys:
            self._each(turn, record, key, rules)
        if len(keys) == REDERIVED:
            turn.to_partition(msgspec.structs.replace(rules, after=keys[-1]))
            turn.note = msgspec.structs.replace(
                turn.note, deriving=rules.name, rules=""
            )  # some keys are by them no more
        else:
            turn.note = msgspec.structs.replace(turn.note, deriving="", rules=rules.name)

    def _each(self, turn: Turn[S], record: Read, key: str, control: Tick | Rules) -> None:
        _readable(turn, key)
        if turn.get(key) is None:
            return  # it went in this very turn
        try:
            turn.step(key, control)
            turn.outcomes.append(False)
        except Exception as error:  # noqa: BLE001 - as above
            self._bury(turn, record, codec.encode(control), error)

    def _bury(self, turn: Turn[S], record: Read, original: bytes, error: Exception) -> None:
        stage, place = self.stage, f"{self.stage.source}/{self.partition}/{record.offset}"
        reason = f"{stage.name}: {type(error).__name__}: {error}"
        field = error.field if isinstance(error, Poison) else None
        letter = fitting_letter(original, reason, field, place, record.timestamp)
        log.warning("dead letter", id=letter.id, stage=stage.name, origin=place, error=type(error).__name__)
        turn.bury(letter)
        turn.outcomes.append(True)


class Unreadable(HilferufError):
    """A state that this program cannot read."""


def _readable(turn: Turn[Any], key: str) -> None:
    """Raises Unreadable. That is no fault of the record: it must not become a dead letter."""
    try:
        turn.get(key)
    except HilferufError as error:
        raise Unreadable(str(error)) from error
