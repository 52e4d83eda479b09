"""The embedded engine: the stages over one SQLite file, in one thread.

One turn = one transaction: (1) take what listeners and deliverers handed in, (2) run every stage over what is new, in the
order of the flow, (3) commit, (4) tell the callers. Log, states, positions, timers, cursors and the delivery ledger commit
together, so a kill at any moment leaves either all of a turn or nothing of it. While a turn commits, the next one's input
gathers: group commit without a timer.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import structlog

from listeners.contract import Bad, Cursor
from records import codec
from records.errors import Backpressure, HilferufError, Poison
from records.events import DeadLetter, Rules, Tick
from records.facts import CustomerFact
from records.ids import digest
from records.mention import Mention
from records.tickets import TicketOperation
from records.times import DAY, MINUTE, from_ms
from streams import deliver
from streams.stage import Stage
from streams.store import Entry, Store, connect
from streams.topics import ALL, AUTHOR_EVENTS, CUSTOMER_FACTS, DEAD_LETTERS, MENTIONS, TICKETS

T = TypeVar("T")
log = structlog.get_logger("engine")

BATCH = 1_000  # records a stage takes in one turn
TIMERS = 200  # timers fired in one turn
REDERIVED = 100  # authors derived anew in one turn after a change of the rules
MAX_WAITING = 20_000  # records handed in and not yet durable; more is Backpressure
IDLE_SECONDS = 0.25  # how often an idle engine looks for what another process wrote


class Route(NamedTuple):
    """A sink as the engine knows it: which tickets it gets, and how small a move of the due time is not worth a write."""

    sink: str
    brands: tuple[str, ...] = ()
    rerank_minutes: float = 5.0


class _Job(NamedTuple):
    work: Callable[[Store], Any]
    done: "Future[Any]"
    weight: int


class EmbeddedEngine:
    """Owns the file's writing connection and a thread. `clock`: milliseconds since 1970, UTC.

    stages empty = only log and ledger (the commands `listen` and `deliver` beside a running engine). Methods may be called
    from any thread; the coroutines from any loop.
    """

    def __init__(
        self,
        path: Path,
        stages: Sequence[Stage[Any]],
        *,
        clock: Callable[[], int],
        routes: Sequence[Route] = (),
        log_days: float = 7.0,
        rules: Rules | None = None,
    ) -> None:
        self.path, self._clock, self._rules = path, clock, rules
        self._stages, self._routes = tuple(stages), tuple(routes)
        self._log_ms = int(log_days * DAY)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._ticked = 0
        self._pruned = 0
        self.failure: BaseException | None = None
        self.processed: dict[str, int] = {stage.name: 0 for stage in stages}
        self.dead_letters = 0
        self.on_turn: list[Callable[[], None]] = []

    # life

    def start(self) -> None:
        """Open the file and start the thread. Raises HilferufError if the file cannot be used."""
        connection = connect(self.path)
        self._thread = threading.Thread(target=self._run, args=(connection,), name="hilferuf-engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what was handed in, then close the file. Blocks until done."""
        self._stopping = True
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()

    # calls

    def submit(self, work: Callable[[Store], T], weight: int = 0) -> "Future[T]":
        """Run `work` inside the next turn's transaction; the future resolves after the commit. Raises Backpressure."""
        if self.failure is not None:
            raise HilferufError(f"the engine has stopped: {self.failure}")
        with self._lock:
            if weight and self._waiting + weight > MAX_WAITING and self._waiting:
                raise Backpressure(f"{self._waiting} records wait to be written", retry_after=1.0)
            self._waiting += weight
        future: Future[T] = Future()
        self._jobs.put(_Job(work, future, weight))
        return future

    async def call(self, work: Callable[[Store], T]) -> T:
        """`submit`, awaited."""
        return await asyncio.wrap_future(self.submit(work))

    async def publish(
        self,
        mentions: Sequence[Mention],
        *,
        facts: Sequence[CustomerFact] = (),
        bad: Sequence[Bad] = (),
        cursor: Cursor | None = None,
    ) -> None:
        """The listeners' Publisher."""
        now = self._clock()
        heard = [(mention.id, codec.encode(mention)) for mention in mentions]
        known = [(fact.customer, codec.encode(fact)) for fact in facts]
        dead = [_entry(dead_letter(b.original, b.reason, b.field, b.origin, now)) for b in bad]

        def work(store: Store) -> None:
            store.append(MENTIONS, heard, now)
            store.append(CUSTOMER_FACTS, known, now)
            store.append(DEAD_LETTERS, dead, now)
            self.dead_letters += len(dead)
            if cursor is not None:
                store.set_cursor(cursor.key, cursor.value)

        await asyncio.wrap_future(self.submit(work, len(heard) + len(known) + len(dead)))

    async def cursor(self, key: str) -> dict[str, Any] | None:
        """The cursor last made durable under this key."""
        return await self.call(lambda store: store.cursor(key))

    async def settled(self) -> None:
        """Returns when every stage has taken in everything that is in the log (for tests, the demo and `run --drain`)."""
        while await self.call(self._backlog):
            pass

    def _backlog(self, store: Store) -> int:
        return sum(store.size(stage.source) - store.position(stage.name) for stage in self._stages)

    def sources(self) -> dict[str, str]:
        """Stage -> the topic that it reads."""
        return {stage.name: stage.source for stage in self._stages}

    # the thread

    def _run(self, connection: sqlite3.Connection) -> None:
        store, version = Store(connection), None
        busy = True
        try:
            while True:
                jobs = self._gather(busy)
                seen = connection.execute("PRAGMA data_version").fetchone()
                if not jobs and not busy and seen == version and self._clock() < self._ticked + MINUTE:
                    if self._stopping:
                        return
                    continue
                version = seen
                busy = self._turn(connection, store, jobs)
                if self._stopping and not busy and self._jobs.empty():
                    return
        except BaseException as error:  # told to every caller, and the process ends
            self.failure = error
            log.exception("engine stopped")
            self._refuse(error)
        finally:
            connection.close()

    def _gather(self, busy: bool) -> list[_Job]:
        jobs: list[_Job] = []
        try:
            first = self._jobs.get(block=not busy, timeout=None if busy else IDLE_SECONDS)
            while True:
                if first is not None:
                    jobs.append(first)
                if sum(job.weight for job in jobs) >= BATCH:
                    return jobs
                first = self._jobs.get_nowait()
        except queue.Empty:
            return jobs

    def _refuse(self, error: BaseException) -> None:
        self._tell(
            [(job, None, HilferufError(f"the engine has stopped: {error!r}")) for job in self._gather(busy=True)]
        )

    def _turn(self, connection: sqlite3.Connection, store: Store, jobs: list[_Job]) -> bool:
        """One transaction. Returns whether there is more to do at once."""
        results: list[tuple[_Job, Any, Exception | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                results.append(_attempt(connection, store, job))
            busy = self._ticks(store) | self._rederive(store)
            for stage in self._stages:
                busy |= self._advance(store, stage)
            busy |= self._prune(store)
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:  # disk full, locked: nothing of this turn happened; callers may retry
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            log.warning("turn rolled back", error=str(error))
            failure = Backpressure(f"the engine's file cannot be written now: {error}", retry_after=5.0)
            results, busy = [(job, None, failure) for job in jobs], False
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._tell([(job, None, HilferufError(f"the engine has stopped: {error!r}")) for job in jobs])
            raise
        self._tell(results)
        for listener in self.on_turn:
            listener()
        return busy

    def _tell(self, results: Sequence[tuple[_Job, Any, Exception | None]]) -> None:
        """Resolve the callers' futures."""
        for job, value, problem in results:
            with self._lock:
                self._waiting -= job.weight
            if not job.done.set_running_or_notify_cancel():
                continue
            if problem is None:
                job.done.set_result(value)
            else:
                job.done.set_exception(problem)

    def _ticks(self, store: Store) -> bool:
        """One Tick a minute to each stage that keeps timers."""
        now = self._clock()
        if now >= self._ticked + MINUTE:
            self._ticked = now
        more = False
        for stage in self._stages:
            keys = store.due(stage.name, self._ticked, TIMERS)
            if keys:
                tick = Tick(at=from_ms(self._ticked))
                self._apply(store, stage, [(key, tick, None) for key in keys])
                more |= len(keys) == TIMERS
        return more

    def _rederive(self, store: Store) -> bool:
        """After a start with other rules: judge and derive every author anew, in bounded steps that survive a kill."""
        if self._rules is None:
            return False
        wanted = f"{self._rules.lexicon_version}|{self._rules.strategy}"
        if store.note("rules") == wanted:
            self._rules = None
            return False
        stage = next((stage for stage in self._stages if stage.source == AUTHOR_EVENTS), None)
        if stage is None:
            return False
        if store.note("rules_next") != wanted:
            store.set_note("rules_next", wanted)
            store.set_note("rules_after", "")
        keys = store.all_keys(stage.name, store.note("rules_after") or "", REDERIVED)
        self._apply(store, stage, [(key, self._rules, None) for key in keys])
        if len(keys) < REDERIVED:
            store.set_note("rules", wanted)
        else:
            store.set_note("rules_after", keys[-1])
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
                states[key] = stage.load(before[key]) if key in before else None
            try:
                after, sent = stage.step(key, states[key], record)
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

    def _take_in(self, store: Store, operation: TicketOperation) -> None:
        """A ticket operation goes into the view and into the ledger of every sink that gets it."""
        store.put_ticket(operation)
        for route in self._routes:
            if route.brands and operation.ticket.brand not in route.brands:
                continue
            held = store.delivery(route.sink, operation.ticket_id)
            entry = deliver.take_in(held, operation, route.sink, route.rerank_minutes)
            if entry is not held:
                store.put_delivery(entry, deliver.ready_at(entry))

    def _bury(self, store: Store, stage: Stage[Any], entry: Entry, error: Exception, field: str | None) -> None:
        origin = f"{stage.source}/{entry.offset}"
        reason = f"{stage.name}: {type(error).__name__}: {error}"
        letter = dead_letter(entry.value, reason, field, origin, self._clock())
        store.append(DEAD_LETTERS, [_entry(letter)], self._clock())
        self.dead_letters += 1
        log.warning("dead letter", id=letter.id, stage=stage.name, origin=origin, error=type(error).__name__)

    def _prune(self, store: Store) -> bool:
        """Personal data leaves the log after `log_days`; what a stage has not read yet stays."""
        now = self._clock()
        if now < self._pruned + 10 * MINUTE:
            return False
        deleted = 0
        for topic in ALL:
            readers = [store.position(stage.name) for stage in self._stages if stage.source == topic]
            below = min(readers) if readers else store.size(topic)
            if topic in (MENTIONS, AUTHOR_EVENTS, CUSTOMER_FACTS) and not readers:
                continue  # the engine that reads this topic runs in another process, and prunes
            deleted = max(deleted, store.prune(topic, now - self._log_ms, below))
        if deleted < 5_000:
            self._pruned = now
        return deleted >= 5_000


def _attempt(connection: sqlite3.Connection, store: Store, job: _Job) -> tuple[_Job, Any, Exception | None]:
    """One job under a savepoint: its failure takes back its own writes and nobody else's."""
    connection.execute("SAVEPOINT job")
    try:
        value = job.work(store)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the caller
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return job, None, error
    connection.execute("RELEASE job")
    return job, value, None


def _dumped(stage: Stage[Any], state: Any) -> tuple[bytes | None, int | None]:
    return (None, None) if state is None else (stage.dump(state), stage.due(state))


def dead_letter(original: bytes, reason: str, field: str | None, origin: str, now: int) -> DeadLetter:
    """A dead letter with a deterministic id; `now` in milliseconds since 1970."""
    return DeadLetter(
        id="dl-" + digest(origin, original.decode("utf-8", "surrogateescape"), reason),
        reason=reason,
        field=field,
        origin=origin,
        at=from_ms(now),
        original=original,
    )


def _entry(letter: DeadLetter) -> tuple[str, bytes]:
    return letter.id, codec.encode(letter)
