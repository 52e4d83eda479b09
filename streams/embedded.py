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
from records.errors import Backpressure, HilferufError
from records.events import Rules
from records.facts import CustomerFact
from records.mention import Mention
from records.topics import CUSTOMER_FACTS, MENTIONS
from streams.dead_letters import dead_letter
from streams.runner import BATCH, Route, Runner
from streams.stage import Stage
from streams.store import Store, connect, forget

T = TypeVar("T")
log = structlog.get_logger("engine")

MAX_WAITING = 20_000  # records handed in and not yet durable; more is Backpressure
IDLE_SECONDS = 0.25  # how often an idle engine looks for what another process wrote


class _Job(NamedTuple):
    work: Callable[[Store], Any]
    done: "Future[Any]"
    weight: int


class EmbeddedEngine:
    """Owns the file's writing connection and a thread. `clock`: milliseconds since 1970, UTC.

    stages empty = only log and ledger (the commands `listen` and `deliver` beside a running engine). Methods may be called
    from any thread; the coroutines from any loop. `failure`: it has stopped for good; `trouble`: why the last turn could not
    be written (a full disk), until one is. `on_turn` is called after every turn that was committed.
    """

    def __init__(
        self,
        path: Path,
        stages: Sequence[Stage[Any]],
        *,
        clock: Callable[[], int],
        routes: Sequence[Route] = (),
        log_days: float = 7.0,
        ticket_days: float = 90.0,
        rules: Rules | None = None,
    ) -> None:
        self.path, self._clock = path, clock
        self.runner = Runner(stages, routes, clock, log_days=log_days, ticket_days=ticket_days, rules=rules)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.failure: BaseException | None = None
        self.trouble: str | None = None
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

    def now(self) -> int:
        """The engine's time, milliseconds since 1970."""
        return self._clock()

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
        dead = [dead_letter(b.original, b.reason, b.field, b.origin, now) for b in bad]

        def work(store: Store) -> None:
            store.append(MENTIONS, heard, now)
            store.append(CUSTOMER_FACTS, known, now)
            self.runner.bury(store, dead)
            if cursor is not None:
                store.set_cursor(cursor.key, cursor.value)

        await asyncio.wrap_future(self.submit(work, len(heard) + len(known) + len(dead)))

    async def cursor(self, key: str) -> dict[str, Any] | None:
        """The cursor last made durable under this key."""
        return await self.call(lambda store: store.cursor(key))

    async def settled(self) -> None:
        """Returns when every stage has taken in everything that is in the log (for tests, the demo and `run --drain`)."""
        while await self.call(self.runner.backlog):
            pass

    async def switch(self, stages: Sequence[Stage[Any]], rules: Rules) -> None:
        """Work by other rules from the next turn on; open tickets follow in bounded steps, with what is heard in between.
        Raises Backpressure where the turn could not be written: then say it again."""
        await self.call(lambda _: self.runner.switch(stages, rules))

    # the thread

    def _run(self, connection: sqlite3.Connection) -> None:
        store, version = Store(connection), None
        busy, emptied = True, 0
        try:
            while True:
                jobs = self._gather(busy)
                seen = connection.execute("PRAGMA data_version").fetchone()
                if not jobs and not busy and seen == version and not self.runner.is_due():
                    if self._stopping:
                        return
                    continue
                done, busy = self._turn(connection, store, jobs)
                version = seen if done else None  # what was rolled back is tried again soon, but not at once
                if done and emptied != self.runner.pruned:
                    emptied = self.runner.pruned
                    forget(connection)
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
        weight = 0
        try:
            first = self._jobs.get(block=not busy, timeout=None if busy else IDLE_SECONDS)
            while True:
                if first is not None:
                    jobs.append(first)
                    weight += first.weight
                if weight >= BATCH:
                    return jobs
                first = self._jobs.get_nowait()
        except queue.Empty:
            return jobs

    def _refuse(self, error: BaseException) -> None:
        self._tell(
            [(job, None, HilferufError(f"the engine has stopped: {error!r}")) for job in self._gather(busy=True)]
        )

    def _turn(self, connection: sqlite3.Connection, store: Store, jobs: list[_Job]) -> tuple[bool, bool]:
        """One transaction. Returns whether it was committed, and whether there is more to do at once."""
        results: list[tuple[_Job, Any, Exception | None]] = []
        before = connection.total_changes
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                results.append(_attempt(connection, store, job))
            busy = self.runner.work(store)
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:  # disk full, locked: nothing of this turn happened; callers may retry
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self.runner.taken_back()
            self._troubled(str(error))
            failure = Backpressure(f"the engine's file cannot be written now: {error}", retry_after=5.0)
            self._tell([(job, None, failure) for job in jobs])
            return False, False  # nobody is woken: they would find the same work, and try at once again
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._tell([(job, None, HilferufError(f"the engine has stopped: {error!r}")) for job in jobs])
            raise
        if connection.total_changes > before:  # reading alone proves nothing
            self._troubled(None)
        self._tell(results)
        for listener in self.on_turn:
            listener()
        return True, busy

    def _troubled(self, error: str | None) -> None:
        """Said once, not at every try: the log may lie on the same full disk."""
        if error is not None and error != self.trouble:
            log.warning("turn rolled back", error=error)
        elif error is None and self.trouble is not None:
            log.info("turns are written again")
        self.trouble = error

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
