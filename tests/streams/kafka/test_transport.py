"""The chain of custody: whatever is dropped between poll and shard, nothing is skipped, and nothing is taken twice."""

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kafka.transport import Batch, Consumer, ConsumerThread

TP, OTHER = TopicPartition("mentions", 0), TopicPartition("mentions", 1)


class State:
    """A partition's position, as aiokafka holds it."""

    def __init__(self, position: int | None) -> None:
        self.at = position

    @property
    def has_valid_position(self) -> bool:
        return self.at is not None

    @property
    def position(self) -> int:
        assert self.at is not None
        return self.at


class Log:
    """A consumer over logs whose offsets have gaps: between records lie transaction markers."""

    def __init__(self, logs: dict[TopicPartition, list[int]], ends: dict[TopicPartition, int]) -> None:
        self.logs, self.ends = logs, ends
        self.states: dict[TopicPartition, State] | None = {}
        self.error: Exception | None = None
        self.most = 1_000
        self._closed = False
        self._fetcher = self
        self._subscriptions = self
        self.fetch_context = contextlib.nullcontext

    @property
    def _subscription(self) -> Any:
        assignment = None
        if self.states:
            assignment = SimpleNamespace(tps=list(self.states), state_value=self.states.__getitem__)
        return SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))

    def assignment(self) -> set[TopicPartition]:
        return set(self.states or {})

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert self.states is not None
        self.states[partition].at = offset

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.logs[tp][0] for tp in partitions}

    async def fetched_records(self, partitions: Any, timeout: Any, max_records: Any) -> dict[TopicPartition, list[Any]]:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        drained = {}
        for tp, state in (self.states or {}).items():
            if state.at is None:
                continue
            waiting = [offset for offset in self.logs[tp] if offset >= state.at]
            taken = waiting[: self.most]
            # aiokafka stands behind the markers when it has given all that it fetched
            state.at = taken[-1] + 1 if len(taken) < len(waiting) else max(self.ends[tp], state.at)
            if taken:
                drained[tp] = [SimpleNamespace(offset=offset) for offset in taken]
        return drained


class Thread(ConsumerThread):
    """Without its thread."""

    def __init__(self) -> None:  # type: ignore[misc]
        self._starts, self._ends, self._before = {}, {}, {}
        self.told: list[set[TopicPartition]] = []
        self.app = SimpleNamespace(out_of_range=self.told.append)  # type: ignore[assignment]
        self.consumer = SimpleNamespace(flow_active=True)  # type: ignore[assignment]

    def poll(self, log: Log) -> dict[TopicPartition, Batch]:
        self._consumer = log  # type: ignore[assignment]
        return asyncio.run(self._fetch_records(log, set()))  # type: ignore[arg-type]


def offsets(batch: Batch) -> list[int]:
    return [record.offset for record in batch.records]


def test_a_batch_says_where_it_starts_and_ends_markers_included():
    thread, log = Thread(), Log({TP: [0, 1, 4, 5]}, {TP: 7})
    log.states = {TP: State(0)}
    log.most = 2
    first, second = thread.poll(log)[TP], thread.poll(log)[TP]
    assert (first.start, offsets(first), first.end) == (0, [0, 1], 2)
    assert (second.start, offsets(second), second.end) == (2, [4, 5], 7)


def test_markers_that_come_without_records_belong_to_the_next_batch():
    thread, log = Thread(), Log({TP: []}, {TP: 3})
    log.states = {TP: State(0)}
    assert thread.poll(log) == {}
    log.logs[TP], log.ends[TP] = [3, 4], 5
    assert thread.poll(log)[TP].start == 0


def test_after_a_seek_a_batch_starts_where_was_sought():
    thread, log = Thread(), Log({TP: [0, 1, 2, 3]}, {TP: 4})
    log.states = {TP: State(0)}
    thread.poll(log)
    log.states[TP].at = 2
    assert thread.poll(log)[TP].start == 2


def test_a_seek_while_a_poll_waits_gives_a_batch_that_starts_there():
    """Else it would be refused, and on a quiet topic nothing would come that shows the gap a second time."""
    thread, log = Thread(), Log({TP: [0, 1, 2, 3]}, {TP: 4})
    log.states = {TP: State(0)}
    thread.poll(log)  # dropped: its shard was still opening
    log.assignment = lambda: log.states  # type: ignore[attr-defined]
    log.seek = lambda tp, offset: setattr(log.states[tp], "at", offset)  # type: ignore[attr-defined, index]
    thread._ensure_consumer = lambda: log  # type: ignore[method-assign, assignment, return-value]
    original = log.fetched_records

    async def sought_while_waiting(*args: Any, **more: Any) -> Any:
        assert await original(*args, **more) == {}
        await thread.seek_in_thread(TP, 2)
        return await original(*args, **more)

    log.fetched_records = sought_while_waiting  # type: ignore[method-assign]
    batch = thread.poll(log)[TP]
    assert (batch.start, offsets(batch), batch.end) == (2, [2, 3], 4)


def test_two_polls_at_once_hide_nothing_that_one_of_them_took():
    """Faust may give up on a poll and begin another one; the first goes on in its thread, and what it takes is lost."""
    thread, log = Thread(), Log({TP: [0, 1, 2, 3]}, {TP: 4})
    log.states, log.most = {TP: State(0)}, 2
    original = log.fetched_records

    async def slow(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return await original(*args, **more)

    async def both() -> Any:
        log.fetched_records = slow  # type: ignore[method-assign]
        polls = (thread._fetch_records(log, set()) for _ in range(2))  # type: ignore[arg-type]
        return await asyncio.gather(*polls)

    first, second = asyncio.run(both())
    assert (first[TP].start, offsets(first[TP])) == (0, [0, 1])
    assert (second[TP].start, offsets(second[TP])) == (2, [2, 3])


def test_a_position_that_was_not_known_before_the_poll_gives_no_start():
    thread, log = Thread(), Log({TP: [0, 1]}, {TP: 2})
    log.states = {}

    async def assigned_while_waiting() -> dict[TopicPartition, Batch]:
        original = log.fetched_records

        async def fetched(*args: Any, **more: Any) -> Any:
            log.states = {TP: State(0)}
            return await original(*args, **more)

        log.fetched_records = fetched  # type: ignore[method-assign]
        return await thread._fetch_records(log, set())  # type: ignore[arg-type]

    assert asyncio.run(assigned_while_waiting())[TP].start is None


def test_a_position_that_the_log_does_not_have_is_told_and_not_reset():
    thread, log = Thread(), Log({TP: [0], OTHER: [0]}, {TP: 1, OTHER: 1})
    log.states = {TP: State(None), OTHER: State(0)}
    log.error = OffsetOutOfRangeError({TP: 5})
    assert thread.poll(log) == {} and thread.told == [{TP}]
    assert thread.poll(log)[OTHER] == Batch(0, log_records(0), 1)


def test_a_partition_that_was_never_worked_begins_at_the_first_record_and_fails_no_poll_of_the_others():
    thread, log = Thread(), Log({TP: [3], OTHER: [0]}, {TP: 4, OTHER: 1})
    log.states = {TP: State(None), OTHER: State(0)}
    log.error = NoOffsetForPartitionError(TP)
    assert thread.poll(log) == {} and thread.told == []
    assert thread.poll(log) == {TP: Batch(3, log_records(3), 4), OTHER: Batch(0, log_records(0), 1)}


def log_records(*numbers: int) -> list[Any]:
    return [SimpleNamespace(offset=number) for number in numbers]


moves = st.lists(
    st.one_of(
        st.tuples(st.just("poll"), st.integers(1, 4)),
        st.tuples(st.just("drop"), st.integers(1, 4)),  # polled, and thrown away by a rebalance
        st.tuples(st.just("revoke")),
        st.tuples(st.just("unknown")),
        st.tuples(st.just("assign"), st.integers(0, 3)),
        st.tuples(st.just("late"), st.integers(1, 4)),  # polled before a seek, handed over after it
        st.tuples(st.just("seek")),
    ),
    max_size=30,
)


@settings(max_examples=600)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=25), st.integers(0, 2), moves)
def test_a_shard_gets_every_record_once_whatever_is_dropped(gaps, behind, steps):
    records, offset = [], 0
    for gap in gaps:
        offset += gap
        records.append(offset)
    end = records[-1] + 1 + behind
    thread, log = Thread(), Log({TP: records}, {TP: end})
    log.states = {TP: State(0)}
    shard = SimpleNamespace(position=0, taken=[], refused=0)

    def apply(batch: Batch) -> None:
        if batch.start is None or batch.start > shard.position:
            shard.refused += 1
            return
        shard.taken += [number for number in offsets(batch) if number >= shard.position]
        shard.position = max(shard.position, batch.end)

    late: list[Batch] = []
    for what, *rest in steps:
        if what in ("poll", "drop", "late"):
            log.most = rest[0]
            batch = thread.poll(log).get(TP)
            if batch is not None and what == "poll":
                apply(batch)
            elif batch is not None and what == "late":
                late.append(batch)
        elif what == "revoke":
            log.states = {}
        elif what == "unknown":
            log.states = {TP: State(None)}
        elif what == "assign":  # to what is committed: the shard's position or before
            log.states = {TP: State(max(0, shard.position - rest[0]))}
        elif what == "seek" and log.states:
            log.states[TP].at = shard.position
            while late:
                apply(late.pop(0))
        assert shard.taken == [number for number in records if number < shard.position]
    log.most = 1_000
    log.states = log.states or {TP: State(0)}
    for _ in range(2):  # what was refused is sought once, and then all of it comes
        refused = shard.refused
        batch = thread.poll(log).get(TP)
        if batch is not None:
            apply(batch)
        if batch is None or shard.refused > refused:
            log.states[TP].at = shard.position
    assert shard.taken == records


# what Faust is handed


class Handing(Consumer):
    """Without Faust's machinery."""

    def __init__(self, polled: Any, active: Any) -> None:  # type: ignore[misc]
        self.polled, self.active = polled, active
        self.flow_active, self._buffered_partitions, self._read_offset = True, set(), {TP: 9}
        self.app = SimpleNamespace(consumer_generation_id=1)  # type: ignore[assignment]

    should_stop = False  # type: ignore[assignment]

    async def _wait_next_records(self, timeout: float) -> Any:
        return self.polled, self.active

    def _to_message(self, tp: Any, record: Any) -> Any:
        return SimpleNamespace(tp=tp, offset=record.offset, value=None)


POLLED = {TP: Batch(0, log_records(0, 1), 2), OTHER: Batch(5, log_records(5), 6)}


async def test_faust_gets_one_message_a_batch_and_believes_to_have_read_none_of_it():
    consumer = Handing(POLLED, {TP, OTHER})
    got = [(tp, message.offset, message.value) async for tp, message in consumer.getmany(1.0)]
    assert got == [(TP, 1, POLLED[TP]), (OTHER, 5, POLLED[OTHER])]
    assert consumer._read_offset == {TP: None, OTHER: None}


async def test_nothing_polled_is_nothing_handed_over():
    assert [item async for item in Handing(None, None).getmany(1.0)] == []


async def test_a_partition_that_is_not_active_is_left_out_and_a_full_one_is_not():
    consumer = Handing(POLLED, {OTHER})
    assert [tp async for tp, _ in consumer.getmany(1.0)] == [OTHER]
    consumer._buffered_partitions = {TP}
    assert [tp async for tp, _ in consumer.getmany(1.0)] == [TP, OTHER]


@pytest.mark.parametrize("what", ["generation", "flow"])
async def test_a_rebalance_in_between_drops_the_rest(what):
    consumer, got = Handing(POLLED, None), []
    async for tp, _ in consumer.getmany(1.0):
        got.append(tp)
        if what == "generation":
            consumer.app.consumer_generation_id += 1
        else:
            consumer.flow_active = False
    assert got == [TP]
