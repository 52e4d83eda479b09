"""The listeners' door to Kafka: durable = acknowledged by Kafka, or fsynced in the spool.

While Kafka acknowledges in time, records go straight to it. As soon as one acknowledgement is overdue, everything that is not
acknowledged goes to the spool, and so does all that comes after it, until the spool is drained: nothing overtakes it. What
Kafka acknowledges besides is there twice, which is harmless (assess knows id, op and revision).

Who does what: `_pump` gives calls to Kafka or to the spool, `_keep` holds the producer and drains the spool; both run in the
event loop, which owns all state here. Whatever blocks runs in one of two threads, one for the producer, one for the spool.
"""

import asyncio
import sqlite3
from asyncio import Event, Future
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog
from kafka.errors import MessageSizeTooLargeError

from config.kafka import KafkaSettings, client_options
from listeners.contract import Bad, Cursor
from listeners.kafka_calls import Call, Lines, Open
from listeners.kafka_client import where, words
from listeners.kafka_link import Errors, Link, read_cursor
from listeners.kafka_records import cursor_record, records_of, refused
from listeners.spool import Entry, Record, Row, Spool
from listeners.threads import Lane, in_thread
from records.errors import Backpressure, HilferufError, Transient
from records.facts import CustomerFact
from records.mention import Mention
from records.times import DAY
from records.topics import CURSORS, DEAD_LETTERS

log = structlog.get_logger("publisher")

SPOOL_FILE = "spool.db"
BATCH_ROWS, BATCH_BYTES = 1_000, 4_000_000  # drained at once
RETRY_SECONDS = 1.0  # between two attempts to reach Kafka
PATIENCE_SECONDS = 30.0  # a batch of the spool without an acknowledgement: a new producer tries
TELL_SECONDS = 10.0  # how often a wait is said
EXPIRE_SECONDS = 60.0  # how often an undrained spool is looked through for what is too old
CLOSE_SECONDS = 10.0


class KafkaPublisher:
    """A `listeners.contract.Publisher`. `clock`: milliseconds since 1970, UTC; log_days: how long the spool may hold a record.

    trouble: one line why Kafka is not reached, None = it is. spooled: records that wait in the spool. drained, dropped: records
    that left it for Kafka, or because they were too old, since the start. failure: it has stopped for good.
    """

    def __init__(self, kafka: KafkaSettings, folder: Path, clock: Callable[[], int], *, log_days: float) -> None:
        self._kafka, self._path, self._clock = kafka, folder / SPOOL_FILE, clock
        self._kept = int(log_days * DAY)
        self.trouble: str | None = None
        self.failure: BaseException | None = None
        self.spooled = self.drained = self.dropped = 0
        self._open = Open()
        self._queue: list[Call] = []  # those of them that were given neither to Kafka nor to the spool
        self._lines = Lines()
        self._round = 0  # what is settled late belongs to an earlier one
        self._link: Link | None = None
        self._direct = self._suspect = self._told = False
        self._drained_before = self._delivered_to = 0  # the second: a number of a row
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = True

    @property
    def in_flight(self) -> int:
        """Records that were handed in and are not yet durable."""
        return self._open.records

    @property
    def spooled_bytes(self) -> int:
        """What the spool holds, as `kafka.spool.max_mb` counts it."""
        return self._spool.size

    # life

    async def start(self) -> None:
        """Open the spool, and wait a moment for Kafka: without it, this goes on with the spool. Raises HilferufError when the
        spool cannot be used, ConfigError for a secret that cannot be read."""
        self._loop = asyncio.get_running_loop()
        self._options = client_options(self._kafka)
        self._wake, self._work, self._reached = Event(), Event(), Event()
        self._producing, self._spooling = Lane("hilferuf-kafka"), Lane("hilferuf-spool")
        max_bytes = self._kafka.spool.max_mb * 1_000_000
        try:
            self._spool = await self._spooling.run(Spool.open, self._path, max_bytes)
        except BaseException:
            self._end_lanes()
            raise
        self.spooled = self._spool.rows
        if self.spooled:
            log.info("the spool is drained first", records=self.spooled)
        self._closing = False
        self._tasks = [self._loop.create_task(self._alive(work())) for work in (self._pump, self._keep)]
        try:
            async with asyncio.timeout(self._kafka.spool.after_seconds):
                await self._reached.wait()
        except TimeoutError:
            self._away(f"{where(self._kafka)} has not answered yet")

    async def aclose(self) -> None:
        """Take nothing more, wait until what was taken is durable (in the spool, if Kafka does not answer in time), close."""
        if not self._tasks:
            return
        self._closing = True
        if waiting := [call.done for call in self._open.all()]:
            await asyncio.wait(waiting, timeout=self._kafka.spool.after_seconds + CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for call in self._open.all():
            self._open.finish(call, Transient("the publisher was closed before this was durable"))
        seconds = 0.0 if self.trouble else CLOSE_SECONDS
        if self._link is not None:
            with suppress(TimeoutError):  # a producer that hangs must not keep the process
                await asyncio.wait_for(self._producing.run(self._link.close, seconds), CLOSE_SECONDS + 2)
        await self._spooling.run(self._spool.close)
        self._end_lanes()

    # calls

    async def publish(
        self,
        mentions: Sequence[Mention],
        *,
        facts: Sequence[CustomerFact] = (),
        bad: Sequence[Bad] = (),
        cursor: Cursor | None = None,
    ) -> None:
        """Make these durable, and after them and all earlier ones of its key, the cursor. A call that is cancelled goes on
        behind the scenes. Raises Backpressure: nothing was accepted; HilferufError: `failure`."""
        if self.failure is not None:
            raise HilferufError(f"the publisher has stopped: {type(self.failure).__name__}")
        if self._closing:
            raise Backpressure("the publisher is closed")
        records = records_of(mentions, facts, bad, self._clock())
        mark = None if cursor is None else cursor_record(cursor)
        call = Call(records, mark, None if cursor is None else cursor.key, self._loop.time())
        if not call.all:
            return
        self._open.add(call)
        self._queue.append(call)
        self._wake.set()
        await asyncio.shield(call.done)

    async def cursor(self, key: str) -> dict[str, Any] | None:
        """The cursor last made durable under this key: of the spool, else of the topic; None = there never was one. Waits, and
        says so, while Kafka cannot be asked. Raises Transient when it is closed meanwhile."""
        told = -TELL_SECONDS
        while not self._closing:
            value = await self._spooling.run(self._spool.cursor, key.encode())
            try:
                if value is None:
                    value = await in_thread(read_cursor, self._kafka, self._options, key.encode(), name="cursor")
                return None if value is None else msgspec.json.decode(value, type=dict[str, Any])
            except HilferufError as error:
                if self._loop.time() - told >= TELL_SECONDS:
                    told = self._loop.time()
                    log.warning("waiting for Kafka to tell where a listener reads on", cursor=key, reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
        raise Transient("the publisher is closed")

    # calls on their way

    async def _pump(self) -> None:
        """Give what is handed in to Kafka, or to the spool."""
        while True:
            self._wake.clear()
            overdue = self._overdue_in()
            if self._direct and overdue == 0:
                self._away(f"{where(self._kafka)} did not acknowledge within {self._kafka.spool.after_seconds:g} s")
            if not self._direct and self._can_go_direct():
                self._back()
            if self._direct:
                self._send()
            elif self._queue and (overdue == 0 or not self._nearly_drained()):
                await self._to_spool()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._overdue_in()):
                    await self._wake.wait()

    def _overdue_in(self) -> float | None:
        return self._open.due_in(self._loop.time() - self._kafka.spool.after_seconds)

    def _can_go_direct(self) -> bool:
        return not self.spooled and self._reached.is_set() and self._link is not None and not self._suspect

    def _nearly_drained(self) -> bool:
        """Under a steady stream the spool would never be empty: its last batch is waited for."""
        return self._reached.is_set() and not self._suspect and self.spooled <= BATCH_ROWS

    def _send(self) -> None:
        queued, self._queue, jobs = self._open.of(self._queue), [], []
        for call in queued:
            call.acked = not call.records
            self._lines.add(call)
            if call.records:
                jobs.append((call.records, self._told_later(self._acknowledged, call, self._round)))
        if jobs and self._link is not None:
            self._producing.run(self._link.send, jobs)
        for call in queued:
            if call.acked and call.line is not None:
                self._move(call.line)

    def _acknowledged(self, call: Call, round_: int, errors: Errors) -> None:
        if errors:
            self._broken(errors)
            return
        self._heard()
        if call.line is None:
            self._open.finish(call)
        elif round_ == self._round:
            call.acked = True
            self._move(call.line)

    def _move(self, line: str) -> None:
        """Send the newest cursor of a line before which everything is acknowledged."""
        ready = self._lines.ready(line)
        if ready and ready[-1].mark is not None and self._link is not None:
            done = self._told_later(self._marked, line, ready, self._round)
            self._producing.run(self._link.send, [([ready[-1].mark], done)])

    def _marked(self, line: str, ready: list[Call], round_: int, errors: Errors) -> None:
        if errors:
            self._broken(errors)
            return
        self._heard()
        for call in ready:
            self._open.finish(call)
        if round_ == self._round:
            self._lines.sent(line, ready)
            self._move(line)

    async def _to_spool(self) -> None:
        queued, self._queue = self._open.of(self._queue), []
        entries = [Entry(call.all, call.line) for call in queued]
        answers = await self._spooling.run(self._spool.append, entries, self._clock())
        self.spooled = self._spool.rows
        self._work.set()
        shut = {call.line for call, refusal in zip(queued, answers, strict=True) if refusal is not None}
        for call, refusal in zip(queued, answers, strict=True):
            self._open.finish(call, None if refusal is None else Backpressure(refusal, retry_after=5.0))
        for call in [later for later in self._queue if later.line is not None and later.line in shut]:
            self._queue.remove(call)  # its cursor would pass over what was refused
            self._open.finish(call, Backpressure("an earlier call with the same cursor was refused", retry_after=5.0))

    # how Kafka is

    def _away(self, reason: str) -> None:
        """From now on to the spool, beginning with all that is not yet durable."""
        self.trouble = reason
        if not self._told:
            log.warning("Kafka is away: what is heard goes to the spool", reason=reason, spool=str(self._path))
            self._told, self._drained_before = True, self.drained
        self._reached.clear()
        if self._direct:
            self._direct = False
            self._round += 1
            self._queue = self._open.all()
            self._lines = Lines()
        self._wake.set()

    def _broken(self, errors: Errors) -> None:
        """A producer that failed one record may refuse all that come after it: a new one takes over."""
        self._suspect = True
        self._away(f"{where(self._kafka)} did not take a record: {words(errors[0][1])}")
        self._work.set()

    def _heard(self) -> None:
        """Kafka acknowledged something."""
        self.trouble = None
        if not self._reached.is_set():
            self._reached.set()
            self._wake.set()

    def _back(self) -> None:
        self._direct = True
        if self._told:
            log.info("Kafka is back, the spool is drained", drained=self.drained - self._drained_before)
            self._told = False

    def _told_later(self, call: Callable[..., None], *known: Any) -> Callable[[Errors], None]:
        """`call(*known, errors)` in the loop, from whichever thread, unless another producer has taken over."""
        link = self._link

        def tell(errors: Errors) -> None:
            if link is self._link or not errors:
                call(*known, errors)

        def later(errors: Errors) -> None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(tell, errors)

        return later

    # the producer, and the draining of the spool

    async def _keep(self) -> None:
        """Reach Kafka, and again when it was lost; drain the spool."""
        expired = self._loop.time()
        while True:
            if not self._reached.is_set() and self._loop.time() - expired >= EXPIRE_SECONDS:
                expired = self._loop.time()
                await self._expire()
            if self._suspect and self._link is not None:
                link, self._link = self._link, None
                await self._producing.run(link.close, 0.0)
            if self._link is None and not await self._connect():
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._work.clear()
            if self.spooled:
                await self._drain()
                self._wake.set()
            elif not self._suspect:
                await self._work.wait()

    async def _connect(self) -> bool:
        try:
            self._link = await self._producing.run(Link, self._kafka, self._options)
        except HilferufError as error:
            self._away(str(error))
            return False
        self._suspect = False
        self._heard()
        self._wake.set()
        return True

    async def _drain(self) -> None:
        """One batch: 1. read it; 2. send all but the cursors; 3. when that is acknowledged, the cursors; 4. delete it."""
        try:
            rows = await self._spooling.run(self._spool.oldest, BATCH_ROWS, BATCH_BYTES)  # 1
            marks = {row.record.key: row for row in rows if row.record.topic == CURSORS}  # the newest of each
            others = [row for row in rows if row.record.topic != CURSORS]
            if rows and rows[-1].seq <= self._delivered_to:  # acknowledged before, and not deleted: the disk was full
                others, marks = [], {}
            for part in (others, list(marks.values())):  # 2, 3
                errors = await self._delivered([row.record for row in part])
                if errors:
                    await self._bury(
                        [part[index] for index, error in errors if isinstance(error, MessageSizeTooLargeError)]
                    )
                    self._broken(errors)
                    return
            if rows:
                self._delivered_to = rows[-1].seq
                await self._spooling.run(self._spool.remove, rows[-1].seq)  # 4
                self.drained += len(rows)
        except sqlite3.Error as error:
            log.warning("the spool cannot be drained", spool=str(self._path), error=str(error))
            await asyncio.sleep(RETRY_SECONDS)
        self.spooled = self._spool.rows

    async def _delivered(self, records: list[Record]) -> Errors:
        if not records or self._link is None:
            return []
        settled: Future[Errors] = self._loop.create_future()
        settle = self._told_later(lambda errors: None if settled.done() else settled.set_result(errors))
        self._producing.run(self._link.send, [(records, settle)])
        try:
            errors = await asyncio.wait_for(settled, PATIENCE_SECONDS)
        except TimeoutError:
            return [(0, Transient(f"no acknowledgement within {PATIENCE_SECONDS:.0f} s"))]
        if not errors:
            self._heard()
        return errors

    async def _bury(self, rows: list[Row]) -> None:
        """What no broker takes must not stand in the way of all that comes after it."""
        for row in rows:
            if row.record.topic != DEAD_LETTERS:
                log.error("a record is too large for its topic", topic=row.record.topic, bytes=len(row.record.value))
                await self._spooling.run(self._spool.replace, row.seq, refused(row.record, self._clock()))

    async def _expire(self) -> None:
        with suppress(sqlite3.Error):  # a full disk: later
            self.dropped += await self._spooling.run(self._spool.expire, self._clock() - self._kept)
            self.spooled = self._spool.rows

    async def _alive(self, work: Any) -> None:
        """A fault of ours is told to every caller: nobody may wait for an answer that cannot come."""
        try:
            await work
        except Exception as error:
            self.failure = error
            log.exception("the publisher stopped")
            for call in self._open.all():
                self._open.finish(call, HilferufError(f"the publisher has stopped: {type(error).__name__}"))

    def _end_lanes(self) -> None:
        self._producing.end()
        self._spooling.end()
