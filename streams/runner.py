"""Runs stages over the embedded store, inside the caller's transaction: what is new in the log, timers, changed rules, age.

A record that cannot be read, or on which a rule fails, becomes a dead letter in the same transaction; the others go on.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog

from records import codec
from records.errors import HilferufError, Poison
from records.events import DeadLetter, Rules, Tick
from records.ids import digest
from records.tickets import TicketOperation
from records.times import DAY, MINUTE, from_ms
from records.topics import ALL, AUTHOR_EVENTS, CUSTOMER_FACTS, MENTIONS, TICKETS
from streams import dead_letters, deliver
from streams.stage import Stage
from streams.store import Entry, Store

log = structlog.get_logger("engine")

BATCH = 1_000  # records a stage takes in one turn
TIMERS = 200  # timers fired in one turn
REDERIVED = 100  # authors derived anew in one turn after a change of the rules
PRUNED = 5_000  # records of one topic that age out in one turn
PRUNE_MINUTES = 10


class Route(NamedTuple):
    """A sink as the engine knows it: which tickets it gets, and how small a move of the due time is not worth a write."""

    sink: str
    brands: tuple[str, ...] = ()
    rerank_minutes: float = 5.0


class Runner:
    """The stages, in the order of the flow, and what became of their records. `clock`: milliseconds since 1970, UTC."""

    def __init__(
        self,
        stages: Sequence[Stage[Any]],
        routes: Sequence[Route],
        clock: Callable[[], int],
        *,
        log_days: float,
        ticket_days: float,
        rules: Rules | None,
    ) -> None:
        self.stages, self._routes, self._clock, self._rules = tuple(stages), tuple(routes), clock, rules
        self._log_ms, self._ticket_ms = int(log_days * DAY), int(ticket_days * DAY)
        self._new = self._known_routes()  # sinks that may not know all open tickets yet
        self._ticked = 0
        self.pruned = 0  # when the log was last pruned
        self.processed: dict[str, int] = {stage.name: 0 for stage in stages}
        self.dead_letters = 0

    def switch(self, stages: Sequence[Stage[Any]], rules: Rules) -> None:
        """From the next turn on: the same stages under other rules."""
        self.stages, self._rules = tuple(stages), rules

    def work(self, store: Store) -> bool:
        """One turn's share of everything. Returns whether there is more to do at once."""
        busy = self._ticks(store) | self._rederive(store) | self._introduce(store)
        for stage in self.stages:
            busy |= self._advance(store, stage)
        return busy | self._prune(store)

    def taken_back(self) -> None:
        """The turn was rolled back: what it began is begun again."""
        self._new = self._known_routes()

    def _known_routes(self) -> list[tuple[Route, str]]:
        """Every sink, with the ticket after which it may not know the open ones."""
        return [(route, "") for route in self._routes] if self.stages else []

    def sources(self) -> dict[str, str]:
        """Stage -> the topic that it reads."""
        return {stage.name: stage.source for stage in self.stages}

    def is_due(self) -> bool:
        """Whether a minute has passed since the last Tick."""
        return self._clock() >= self._ticked + MINUTE

    def backlog(self, store: Store) -> int:
        """Records that no stage has taken in yet."""
        return sum(store.size(stage.source) - store.position(stage.name) for stage in self.stages)

    def bury(self, store: Store, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters."""
        dead_letters.write(store, letters, self._clock())
        self.dead_letters += len(letters)

    def _ticks(self, store: Store) -> bool:
        """One Tick a minute to each stage that keeps timers."""
        if self.is_due():
            self._ticked = self._clock()
        more = False
        for stage in self.stages:
            keys = store.due(stage.name, self._ticked, TIMERS)
            if keys:
                tick = Tick(at=from_ms(self._ticked))
                self._apply(store, stage, [(key, tick, None) for key in keys])
                store.drop_timers(stage.name, keys, self._ticked)
                more |= len(keys) == TIMERS
        return more

    def _rederive(self, store: Store) -> bool:
        """After a change of the rules: judge and derive every author anew, in bounded steps that survive a kill. What was begun
        under rules that did not come to their end leaves authors of both kinds: it is never done with less than all of them."""
        if self._rules is None:
            return False
        wanted = self._rules.name
        if store.note("rules") == wanted:
            self._rules = None
            return False
        stage = next((stage for stage in self.stages if stage.source == AUTHOR_EVENTS), None)
        if stage is None:
            return False
        if store.note("rules_next") != wanted:
            store.set_note("rules", "")
            store.set_note("rules_next", wanted)
            store.set_note("rules_after", "")
        keys = store.all_keys(stage.name, store.note("rules_after") or "", REDERIVED)
        self._apply(store, stage, [(key, self._rules, None) for key in keys])
        if len(keys) < REDERIVED:
            store.set_note("rules", wanted)
            store.set_note("rules_next", "")
        else:
            store.set_note("rules_after", keys[-1])
        return True

    def _introduce(self, store: Store) -> bool:
        """Tickets that were open before a sink was added go to it too, in bounded steps after the start."""
        if not self._new:
            return False
        route, after = self._new.pop()
        operations = store.undelivered_to(route.sink, after, BATCH)
        for operation in operations:
            if not route.brands or operation.ticket.brand in route.brands:
                entry = deliver.take_in(None, operation, route.sink, route.rerank_minutes)
                store.put_delivery(entry, deliver.ready_at(entry))
        if operations:
            self._new.append((route, operations[-1].ticket_id))
        return True

    def _advance(self, store: Store, stage: Stage[Any]) -> bool:
        """Run one stage over what is new in its topic. Returns whether it left anything."""
        position = store.position(stage.name)
        entries = store.read(stage.source, position, BATCH)
        if not entries:
            return False
        records: list[tuple[str, Any, Entry | None]] = []
        for entry in entries:
            try:
                records.append((entry.key, stage.decode(entry.value), entry))
            except Poison as error:
                self._bury(store, stage, entry, error, error.field)
        self._apply(store, stage, records)
        store.set_position(stage.name, entries[-1].offset + 1)
        return len(entries) == BATCH or stage.source == MENTIONS

    def _apply(self, store: Store, stage: Stage[Any], records: Sequence[tuple[str, Any, Entry | None]]) -> None:
        states: dict[str, Any] = {}
        before = store.states(stage.name, dict.fromkeys(key for key, _, _ in records))
        touched: set[str] = set()
        outputs: dict[str, list[tuple[str, bytes]]] = {}
        operations: list[TicketOperation] = []
        for key, record, entry in records:
            if key not in states:
                states[key] = self._load(stage, key, before.get(key))
            try:
                after, sent = stage.step(key, states[key], record)
                sent = [o for o in sent if o.record is not None]  # what has ended is pruned by its age here
                encoded = [(o.topic, o.key, codec.encode(o.record)) for o in sent]
            except Exception as error:  # noqa: BLE001 - a rule that fails on one record must not stop the others
                origin = entry or Entry(-1, key, codec.encode(record), self._clock())  # a Tick or a change of rules
                self._bury(store, stage, origin, error, None)
                continue
            if after is not states[key]:
                states[key] = after
                touched.add(key)
            for topic, out_key, value in encoded:
                outputs.setdefault(topic, []).append((out_key, value))
            operations.extend(o.record for o in sent if o.topic == TICKETS)
        store.put_states(stage.name, {key: _dumped(stage, states[key]) for key in touched})
        now = self._clock()
        for topic, values in outputs.items():
            store.append(topic, values, now)
        for operation in operations:
            self._take_in(store, operation)
        self.processed[stage.name] += len(records)

    def _load(self, stage: Stage[Any], key: str, data: bytes | None) -> Any:
        """A stored state. One that cannot be read stops the engine: to go on without it would make its tickets anew."""
        try:
            return None if data is None else stage.load(data)
        except Exception as error:
            raise HilferufError(
                f"the state of {stage.name} {digest(key)} cannot be read ({type(error).__name__}: {error}); "
                "restore the engine's file from a backup, or use the program that wrote it"
            ) from error

    def _take_in(self, store: Store, operation: TicketOperation) -> None:
        """A ticket operation goes into the view and into the ledger of every sink that gets it."""
        store.put_ticket(operation, self._clock())
        for route in self._routes:
            held = store.delivery(route.sink, operation.ticket_id)
            if held is None and route.brands and operation.ticket.brand not in route.brands:
                continue
            entry = deliver.take_in(held, operation, route.sink, route.rerank_minutes)
            if entry is not held:
                store.put_delivery(entry, deliver.ready_at(entry))

    def _bury(self, store: Store, stage: Stage[Any], entry: Entry, error: Exception, field: str | None) -> None:
        origin = f"{stage.source}/{entry.offset}"
        reason = f"{stage.name}: {type(error).__name__}: {error}"
        letter = dead_letters.dead_letter(entry.value, reason, field, origin, self._clock())
        self.bury(store, [letter])
        log.warning("dead letter", id=letter.id, stage=stage.name, origin=origin, error=type(error).__name__)

    def _prune(self, store: Store) -> bool:
        """Personal data leaves the log after `log_days`, tickets that ended leave view and ledger after `ticket_days`; what
        a stage has not read yet, and what has to be delivered still, stays."""
        now = self._clock()
        if now < self.pruned + PRUNE_MINUTES * MINUTE:
            return False
        deleted = 0
        for topic in ALL:
            readers = [store.position(stage.name) for stage in self.stages if stage.source == topic]
            below = min(readers) if readers else store.size(topic)
            if topic in (MENTIONS, AUTHOR_EVENTS, CUSTOMER_FACTS) and not readers:
                continue  # the engine that reads this topic runs in another process, and prunes
            deleted = max(deleted, store.prune(topic, now - self._log_ms, below, PRUNED))
        if self.stages:
            deleted = max(deleted, store.forget_tickets(now - self._ticket_ms, PRUNED))
        if deleted < PRUNED:
            self.pruned = now
        return deleted >= PRUNED


def _dumped(stage: Stage[Any], state: Any) -> tuple[bytes | None, int | None]:
    return (None, None) if state is None else (stage.dump(state), stage.due(state))
