"""The same stages in memory, with event time as the clock: `hilferuf replay`, back-tests, and the yardstick of the engines."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from records import codec
from records.events import Tick
from records.facts import CustomerFact
from records.mention import Mention
from records.tickets import Ticket, TicketOperation
from records.times import DAY, from_ms, to_ms
from records.topics import CUSTOMER_FACTS, MENTIONS, TICKETS
from streams.stage import Stage


class MemoryEngine:
    """Runs stages record by record. `tickets`: the newest operation of every ticket."""

    def __init__(self, stages: Sequence[Stage[Any]]) -> None:
        self._by_topic: dict[str, list[Stage[Any]]] = {}
        for stage in stages:
            self._by_topic.setdefault(stage.source, []).append(stage)
        self._states: dict[str, dict[str, Any]] = {stage.name: {} for stage in stages}
        self._stages = tuple(stages)
        self.tickets: dict[str, TicketOperation] = {}

    def feed(self, topic: str, key: str, record: Any) -> None:
        """One record and all that follows from it."""
        todo: deque[tuple[str, str, Any]] = deque([(topic, key, record)])
        while todo:
            topic, key, record = todo.popleft()
            if topic == TICKETS and record is not None:
                self.tickets[key] = record
            for stage in self._by_topic.get(topic, ()):
                todo.extend((o.topic, o.key, o.record) for o in self._step(stage, key, record))

    def _step(self, stage: Stage[Any], key: str, record: Any) -> list[Any]:
        states = self._states[stage.name]
        state, outputs = stage.step(key, states.get(key), record)
        if state is None:
            states.pop(key, None)
        else:
            states[key] = state
        return outputs

    def tick(self, now: int) -> None:
        """Fire every timer that is due at `now`, milliseconds since 1970."""
        tick = Tick(at=from_ms(now))
        for stage in self._stages:
            due = [
                key
                for key, state in self._states[stage.name].items()
                if (at := stage.due(state)) is not None and at <= now
            ]
            for key in due:
                for output in self._step(stage, key, tick):
                    self.feed(output.topic, output.key, output.record)

    def play(self, mentions: Iterable[Mention], facts: Iterable[CustomerFact] = ()) -> None:
        """Feed everything in order of event time, with a Tick a day; the order given does not matter."""
        events: list[tuple[int, int, str, bytes, str, Any]] = []
        for mention in mentions:
            at = to_ms(mention.edited_at or mention.occurred_at)
            name = mention.id + mention.op + mention.revision
            events.append((at, 1, name, codec.encode(mention), MENTIONS, mention))
        for fact in facts:
            events.append((to_ms(fact.at), 0, f"{fact.id} {fact.revision}", codec.encode(fact), CUSTOMER_FACTS, fact))
        # The bytes decide between two payloads that claim to be the same revision, such as one post by two authors.
        events.sort(key=lambda event: event[:4])
        day = None
        for at, _, _, _, topic, record in events:
            if day is not None and at // DAY > day:
                self.tick(at // DAY * DAY)
            day = at // DAY
            self.feed(topic, record.id if topic == MENTIONS else record.customer, record)


def ranked(tickets: Iterable[Ticket]) -> list[Ticket]:
    """The queue: open tickets by rank, then answered and solved ones; merged and withdrawn ones are in no queue."""
    order = {"open": 0, "answered": 1, "solved": 2}
    standing = [ticket for ticket in tickets if ticket.status in order]
    return sorted(standing, key=lambda t: (order[t.status], -t.rank_key, -t.score, t.canonical_id))
