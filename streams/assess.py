"""assess: one record an author. Merges an event into the set, derives the wanted tickets, and emits the difference."""

from collections.abc import Callable
from typing import Any

import msgspec

from records import codec
from records.events import AuthorEvent, Rules, Spoke, Tick
from records.mention import Mention
from records.times import DAY, to_ms
from records.topics import AUTHOR_EVENTS, TICKETS
from records.verdict import Verdict
from streams import derive, identity
from streams.author import AuthorState, merge, rejudged
from streams.stage import Output, Stage


class Assess(Stage[AuthorState]):
    """See the module. `judge` is used when the rules change, and for what a screen under other rules judged: it had not
    switched yet, or its verdict waited in the log meanwhile. `version`: of the lexicon that `judge` judges by, None = verdicts
    are taken as they come. `author_days`: how long an author without an open ticket is remembered."""

    name = "assess"
    source = AUTHOR_EVENTS
    timed = True
    switches_rules = True

    def __init__(
        self,
        rules: derive.Rules,
        judge: Callable[[Mention], Verdict],
        *,
        version: str | None = None,
        author_days: float = 90.0,
    ) -> None:
        super().__init__(AuthorState)
        self._rules, self._judge, self._version = rules, judge, version
        self._keep_ms = int(author_days * DAY)

    def decode(self, data: bytes) -> AuthorEvent | Rules:
        """An author event, or a change of the rules. Raises Poison."""
        return codec.author_events.decode(data)

    def due(self, state: AuthorState) -> int | None:
        """When the author may be forgotten: never while a ticket of theirs is open, or a customer is linked to them."""
        if any(s.evidence is not None for s in state.snapshots.values()):
            return None
        if any(e.state == "live" and e.last.status in ("open", "answered") for e in state.tickets.values()):
            return None
        return state.newest + self._keep_ms

    def step(self, key: str, state: AuthorState | None, record: Any) -> tuple[AuthorState | None, list[Output]]:
        """One event of the author `key`."""
        before = state or AuthorState()
        if isinstance(record, Tick):
            due = self.due(before)
            if due is None or due > to_ms(record.at):
                return state, []
            return None, [Output(TICKETS, ticket, None) for ticket in before.tickets]
        after = rejudged(before, self._judge) if isinstance(record, Rules) else merge(before, self._own(record))
        if after is before:
            return state, []
        after, operations = identity.reconcile(after, derive.derive(after, key, self._rules))
        return after, [Output(TICKETS, op.ticket_id, op) for op in operations]

    def _own(self, event: AuthorEvent) -> AuthorEvent:
        """The event with a verdict by our own rules."""
        if (
            not isinstance(event, Spoke)
            or event.verdict is None
            or self._version in (None, event.verdict.lexicon_version)
        ):
            return event
        return msgspec.structs.replace(event, verdict=self._judge(event.mention))
