"""One partition of a stage's input: its states, its transactional producer, its position.

`open`, in this order:
1. start the producer: that fences the partition's last owner and settles its transaction;
2. only now is the committed offset final: read it;
3. read the changelog to its end, from a local snapshot on where there is one.
`apply`: outputs, one changelog record a changed key, and the input's offset in one transaction; memory changes only after its
commit. `close` takes the same lock: a batch in flight on a stopped producer would hang for ever.

Whatever fails in a transaction leaves the process (see `app`): a batch that failed must never be followed by another.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import structlog
from aiokafka import AIOKafkaProducer

from records.errors import HilferufError
from records.events import Rules
from records.topics import WHOLE
from streams import dead_letters, metrics
from streams.kafka import snapshot
from streams.kafka.batches import Keyed, Writing, by_partition
from streams.kafka.cluster import TRANSACTION_SECONDS, WAIT_SECONDS, Cluster
from streams.kafka.state import States
from streams.kafka.transport import Batch
from streams.kafka.turn import Guard, Note, Read, Send, Taking, Turn, Unreadable
from streams.stage import Stage

S = TypeVar("S")
T = TypeVar("T")
log = structlog.get_logger("shard")
_notes: msgspec.json.Decoder[Note] = msgspec.json.Decoder(Note)

CHANGED_ENOUGH = 1_000  # changelog records since the last snapshot that make a new one worth writing
REPLAY_SECONDS = 60.0  # without one record of the changelog


class ShardClosed(HilferufError):
    """The partition was taken away."""


class Blocked(HilferufError):
    """The partition cannot be worked until a person did something; says what."""


class Shard(Generic[S]):
    """See the module. `watch` is told every changed key after each commit; `folder`: where snapshots lie, None = nowhere."""

    def __init__(
        self,
        stage: Stage[S],
        partition: int,
        cluster: Cluster,
        *,
        rules: Rules | None = None,
        folder: Path | None = None,
        watch: Callable[[str, S | None], None] | None = None,
    ) -> None:
        self.stage, self.partition = stage, partition
        self.states: States[S] = States(stage)
        self.note: Note | None = None
        self.position = 0
        self.is_open = False
        self.applied = 0
        self._cluster, self._watch, self._lock = cluster, watch, asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        for counter in (metrics.PARTITION_RECORDS, metrics.SEEKBACKS, metrics.DEAD_LETTERS_TOO_LARGE):
            counter.labels(stage.name)  # there from the start: what is not there cannot be seen to grow
        metrics.RECORDS_LOST.labels(stage.source)
        self._changelog_position = 0  # all our records before it are in `states`
        self._current_at = cluster.clock()  # when that was known to be the newest
        self._snapshot_position = 0
        self._file = folder and folder / f"{stage.name}-{partition}.snapshot"
        guard = cluster.kafka.guard
        self._taking = Taking(stage, partition, rules, Guard(guard.records, guard.share))

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.stage.name} {self.partition}"

    def offer(self, stage: Stage[S], rules: Rules) -> None:
        """Work by these rules from the record on that tells them."""
        self._taking.offer(stage, rules)

    # open and close

    async def open(self) -> None:
        """Take the partition over. Raises Blocked, and aiokafka's errors."""
        async with self._lock:
            cluster, tp = self._cluster, self._cluster.tp(self.stage.source, self.partition)
            self._producer = cluster.transactional(f"{self.stage.source}-{self.partition}")
            try:
                await asyncio.wait_for(self._producer.start(), TRANSACTION_SECONDS)
                committed, bounds = await cluster.committed(tp), await cluster.bounds(tp)
                await self._restore()
                if committed is not None and self.note is None:
                    raise Blocked(
                        f"the changelog {cluster.kafka.topic(self.stage.changelog)} knows nothing of partition "
                        f"{self.partition}, but {cluster.group} has worked {tp.topic} up to offset {committed}: it was deleted "
                        "or emptied. Restore it from a backup, or start with an empty state on purpose: see "
                        "docs/operations.md, `a changelog was lost`"
                    )
                self.position = bounds.first if committed is None else committed
                if not bounds.first <= self.position <= bounds.end:
                    await self._tell_loss(self.position, bounds.first, bounds.end)
                    self.position = bounds.first
            except BaseException:
                await self._stop_producer()
                raise
            self.is_open = True
        log.debug("shard opened", shard=self.name, position=self.position, keys=len(self.states))

    async def close(self) -> None:
        """Give the partition up; what is in flight ends first. The states stay, for a later opening."""
        async with self._lock:
            self.is_open = False
            await self._stop_producer()

    async def _stop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.wait_for(producer.stop(), WAIT_SECONDS)

    async def _tell_loss(self, position: int, first: int, end: int) -> None:
        """Records that were never read are gone: that is told, as a dead letter, and not passed over in silence."""
        topic = self._cluster.kafka.topic(self.stage.source)
        if position < first:
            reason = (
                f"records {position} to {first - 1} were deleted by retention before {self.stage.name} had read them"
            )
            metrics.RECORDS_LOST.labels(self.stage.source).inc(first - position)
        else:
            reason = (
                f"offset {position} is beyond the end {end}: the topic was made anew; it is read from its beginning"
            )
        log.error("records lost", topic=topic, partition=self.partition, reason=reason)
        place = f"{self.stage.source}/{self.partition}/{position}"
        letter = dead_letters.dead_letter(b"", f"{topic}: {reason}", None, place, self._cluster.clock())
        await self._commit(self._turn(lambda turn: turn.bury(letter))[0], offset=first)

    # state

    async def _restore(self) -> None:
        """Snapshot, then the changelog from its position to the end."""
        cluster, topic = self._cluster, self.stage.changelog
        tp = cluster.tp(topic, self.partition)
        bounds = await cluster.bounds(tp)
        if not self._changelog_position and self._file:
            await self._load(bounds.first, bounds.end)
        aged = (
            self._cluster.clock() - self._current_at > snapshot.MAX_AGE_SECONDS * 1000
        )  # as a snapshot: tombstones may be gone
        if self._changelog_position and (aged or not bounds.first <= self._changelog_position <= bounds.end):
            self.states, self.note, self._changelog_position = States(self.stage), None, 0
        position = max(self._changelog_position, bounds.first)
        if position < bounds.end:
            await self._replay(tp, position, bounds.end)
        self._changelog_position = bounds.end
        self._current_at = self._cluster.clock()

    async def _replay(self, tp: Any, position: int, end: int) -> None:
        """To the end as it was when we took over: all that is ours stands before it."""
        reader = self._cluster.reader()
        await asyncio.wait_for(reader.start(), WAIT_SECONDS)
        try:
            reader.assign([tp])
            reader.seek(tp, position)
            quiet = 0.0
            while await reader.position(tp) < end:
                records = (await reader.getmany(tp, timeout_ms=500, max_records=5_000)).get(tp, [])
                quiet = 0.0 if records else quiet + 0.5
                if quiet > REPLAY_SECONDS:
                    raise Blocked(f"{tp.topic} {tp.partition} cannot be read up to its end {end}: an open transaction?")
                for record in records:
                    self._restore_one(record)
                await asyncio.sleep(0)
        finally:
            await asyncio.wait_for(reader.stop(), WAIT_SECONDS)

    def _restore_one(self, record: Read) -> None:
        key = self.stage.key_of((record.key or b"").decode("utf-8", "replace"))
        if key is None:
            return
        try:
            if key != WHOLE:
                self.states.restore(key, record.value)
            elif record.value is not None:
                self.note = _notes.decode(record.value)
        except (HilferufError, msgspec.MsgspecError) as error:
            raise Blocked(f"{self.stage.changelog}/{self.partition}/{record.offset}: {error}") from error

    async def _load(self, first: int, end: int) -> None:
        if self._file is None:
            return
        found = await asyncio.to_thread(
            snapshot.read,
            self._file,
            stage=self.stage.name,
            partition=self.partition,
            topic=self._cluster.topic_ids.get(self.stage.changelog, ""),
            now=self._cluster.clock() / 1000,
        )
        if found is None or not first <= found.header.position <= end:
            return
        rows = {key: (due, data) for key, due, data in found.rows}
        note = rows.pop(WHOLE, None)
        self.note = _notes.decode(note[1]) if note else None
        self.states.load((key, due, data) for key, (due, data) in rows.items())
        self._changelog_position = self._snapshot_position = found.header.position

    async def save(self) -> bool:
        """Write a snapshot if enough has changed since the last one. Returns whether it did. Raises OSError."""
        if self._file is None or self._changelog_position - self._snapshot_position < CHANGED_ENOUGH:
            return False
        async with self._lock:
            rows = self.states.stored()
            position, note, at = self._changelog_position, self.note, self._cluster.clock() / 1000
        if note is not None:
            rows.append((WHOLE, None, msgspec.json.encode(note)))
        header = snapshot.Header(
            stage=self.stage.name,
            partition=self.partition,
            topic=self._cluster.topic_ids.get(self.stage.changelog, ""),
            position=position,
            rows=len(rows),
            at=at,
        )
        await asyncio.to_thread(snapshot.write, self._file, header, rows)
        self._snapshot_position = position
        return True

    # work

    async def apply(self, batch: Batch) -> bool:
        """Take a batch in. Returns False for one that does not follow on what was applied: seek back to `position`.

        Raises GuardTripped, Blocked, TimeoutError and aiokafka's errors; after any of them nothing may be applied any more.
        """
        async with self._lock:
            if not self.is_open:
                return True  # taken away meanwhile: the new owner reads it
            if batch.start is None or batch.start > self.position:
                return False
            fresh = [record for record in batch.records if record.offset >= self.position]
            if fresh:
                try:
                    turn = self._taking.take(self.states, self.note, fresh)
                except Unreadable as error:
                    self.states.rewind()
                    raise Blocked(str(error)) from error
                await self._commit(turn, offset=batch.end)
                self.applied += len(fresh)
                metrics.PARTITION_RECORDS.labels(self.stage.name).inc(len(fresh))
            self.position = max(self.position, batch.end)
            return True

    async def change(self, work: Callable[[Turn[S]], T]) -> T:
        """Run `work` in a transaction of its own; the input's offset stays. Raises ShardClosed, and what `work` raises."""
        async with self._lock:
            if not self.is_open:
                raise ShardClosed(f"{self.name} was taken over by another process")
            turn, result = self._turn(work)
            await self._commit(turn)
            return result

    def _turn(self, work: Callable[[Turn[S]], T]) -> tuple[Turn[S], T]:
        turn = Turn(self.stage, self.states, self.note, self.partition)
        return turn, work(turn)

    async def _commit(self, turn: Turn[S], offset: int | None = None) -> None:
        sends, data = turn.sealed()
        if not sends and offset is None:
            return
        with metrics.TRANSACTION_SECONDS.labels(self.stage.name).time():
            await asyncio.wait_for(self._transact(sends, offset), TRANSACTION_SECONDS)
        for key, state in turn.changed.items():
            self.states.put(key, state, data[key])
            if self._watch is not None and self.is_open:
                self._watch(key, state)
        self.states.settle()
        self.note = turn.note
        metrics.DEAD_LETTERS.inc(turn.dead)
        if turn.too_large:
            metrics.DEAD_LETTERS_TOO_LARGE.labels(self.stage.name).inc(turn.too_large)

    async def _transact(self, sends: list[Send], offset: int | None) -> None:
        producer, cluster = self._producer, self._cluster
        assert producer is not None
        records = by_partition(
            (cluster.tp(send.topic, cluster.partition(send)), Keyed(send.key, send.value)) for send in sends
        )
        async with producer.transaction():
            writing = Writing(producer)
            await writing.begin(records)
            if offset is not None:
                tp = cluster.tp(self.stage.source, self.partition)
                await producer.send_offsets_to_transaction({tp: offset}, cluster.group)
            ends = await writing.end()
        changelog = cluster.tp(self.stage.changelog, self.partition)
        self._changelog_position = ends.get(changelog, self._changelog_position)
        self._current_at = cluster.clock()
