"""A shard on a real broker: taken over, taken away, with gaps below and before it."""

import asyncio

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError
from kafka.admin import ConfigResource, ConfigResourceType

from config.settings import Retention
from records import codec
from records.topics import AUTHOR_EVENTS, DEAD_LETTERS, MENTIONS, TICKETS, WHOLE, state_of
from streams.kafka import admin as topics
from streams.kafka import shard as shard_module
from streams.kafka.shard import Blocked, Shard, ShardClosed
from streams.kafka.transport import Batch
from tests.streams.conftest import mention
from tests.streams.kafka.desk_rig import admin, unmake
from tests.streams.kafka.shard_rig import Broker, stages
from tests.streams.kafka.small_stage import Small, Sum

STATE = state_of("assess")
FENCED = (KafkaError, IllegalOperation)  # which one, depends on how far it came


@pytest.fixture
async def broker(kafka, prefix):
    async with Broker(kafka, prefix) as broker:
        yield broker


def values(records) -> list[object]:
    return [record.value and msgspec.json.decode(record.value) for record in records]


async def wrote(broker: Broker, *pairs: tuple[str, str]) -> None:
    await broker.write(AUTHOR_EVENTS, 0, *[(key.encode(), value.encode()) for key, value in pairs])


# taken over


async def test_the_former_owner_can_write_nothing_any_more(broker):
    old = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    new = await broker.open(Small())
    with pytest.raises(FENCED):
        await old.apply(await broker.batch(old))
    assert old.states.get("a") is None and old.position == 0
    assert await broker.all(TICKETS) == [] and await broker.all(STATE) == []
    await broker.work(new)
    assert values(await broker.all(TICKETS)) == [1]


async def test_a_transaction_that_was_left_open_is_settled_by_the_next_owner(broker):
    old = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    producer = old._producer
    assert producer is not None
    await producer.begin_transaction()
    await (await producer.send(broker.kafka.topic(TICKETS), b"99", key=b"a", partition=0))
    new = await broker.open(Small())
    await broker.work(new)
    assert values(await broker.all(TICKETS)) == [1]  # a reader gets there: nothing stays open
    with pytest.raises(FENCED):
        await producer.commit_transaction()


async def test_the_next_owner_goes_on_where_the_last_one_was(broker):
    first = await broker.open(Small())
    await wrote(broker, ("a", "+1"), ("b", "+2"))
    await broker.work(first)
    await first.close()
    await wrote(broker, ("a", "+10"))
    second = await broker.open(Small())
    assert second.position == first.position
    await broker.work(second)
    assert values(await broker.all(TICKETS)) == [1, 2, 11]


# taken away


async def test_closing_waits_for_the_batch_in_flight_and_its_work_stands(broker, monkeypatch):
    shard, gate, reached = await broker.open(Small()), asyncio.Event(), asyncio.Event()
    await wrote(broker, ("a", "+1"))
    batch, producer = await broker.batch(shard), shard._producer
    assert producer is not None
    original = producer.send_offsets_to_transaction

    async def slow(*args):
        reached.set()
        await gate.wait()
        await original(*args)

    monkeypatch.setattr(producer, "send_offsets_to_transaction", slow)
    applying = asyncio.create_task(shard.apply(batch))
    await reached.wait()
    closing = asyncio.create_task(shard.close())
    await asyncio.sleep(0.1)
    assert not closing.done()
    gate.set()
    assert await asyncio.wait_for(applying, 20)
    await asyncio.wait_for(closing, 20)
    assert values(await broker.all(TICKETS)) == [1]


async def test_a_closed_shard_takes_nothing_and_says_so_where_it_is_asked(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    batch = await broker.batch(shard)
    await shard.close()
    assert await shard.apply(batch)  # the new owner reads it
    with pytest.raises(ShardClosed):
        await shard.change(lambda turn: turn.put("a", Sum(1)))
    assert await broker.all(TICKETS) == []


async def test_a_transaction_has_a_time_limit(broker, monkeypatch):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    batch = await broker.batch(shard)

    async def never(*_):
        await asyncio.sleep(60)

    monkeypatch.setattr(shard._producer, "send_offsets_to_transaction", never)
    monkeypatch.setattr(shard_module, "TRANSACTION_SECONDS", 0.5)
    with pytest.raises(TimeoutError):
        await shard.apply(batch)
    assert shard.position == 0 and len(shard.states) == 0


# the chain


async def test_a_batch_that_starts_beyond_the_position_is_refused(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"), ("a", "+2"), ("a", "+4"))
    whole = await broker.batch(shard)
    assert not await shard.apply(Batch(1, whole.records[1:], whole.end))
    assert not await shard.apply(Batch(None, whole.records, whole.end))
    assert shard.position == 0 and await broker.all(STATE) == []
    assert await shard.apply(Batch(0, whole.records[:2], 2))
    assert await shard.apply(whole)  # its beginning is known already
    assert values(await broker.all(TICKETS)) == [1, 3, 7]


async def test_transaction_markers_are_no_gap(broker):
    """Input that was written in transactions has offsets without records."""
    screen, assess = await broker.open(stages()[0]), await broker.open(Small())
    for number in range(3):
        await broker.write(MENTIONS, 0, (b"x", codec.encode(mention(str(number), author="anna"))))
        await broker.work(screen)
    records = [await broker.read(AUTHOR_EVENTS, p) for p in range(2)]
    partition = 0 if records[0][0] else 1
    found, end = records[partition]
    assert end > len(found) == 3
    if partition == 0:
        assert await assess.apply(Batch(0, found, end)) and assess.position == end


# losses


async def test_a_changelog_that_was_deleted_stops_the_partition_and_says_what_to_do(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    await broker.work(shard)
    await shard.close()
    unmake(broker.kafka, STATE)
    topics.apply(broker.kafka, Retention())
    with pytest.raises(Blocked, match=r"assess-state knows nothing of partition 0.*a changelog was lost"):
        await broker.open(Small())
    fresh = await broker.open(Small(), 1)  # one that never worked anything begins
    assert fresh.is_open


async def test_records_that_retention_deleted_unread_are_told_and_the_work_goes_on(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    await broker.work(shard)
    await shard.close()
    await wrote(broker, ("a", "+10"), ("a", "+100"))
    with admin(broker.kafka) as client:
        client.delete_records({broker.cluster.tp(AUTHOR_EVENTS, 0): 2})
    shard = await broker.open(Small())
    (letter,) = await broker.letters()
    assert "records 1 to 1 were deleted by retention" in letter.reason and letter.origin == "author-events/0/1"
    await broker.work(shard)
    assert values(await broker.all(TICKETS)) == [1, 101]
    await shard.close()
    await broker.open(Small())
    assert len(await broker.letters()) == 1  # told once


async def test_a_topic_that_was_made_anew_is_read_from_its_beginning(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"), ("a", "+1"))
    await broker.work(shard)
    await shard.close()
    unmake(broker.kafka, AUTHOR_EVENTS)
    topics.apply(broker.kafka, Retention())
    await wrote(broker, ("a", "+10"))
    shard = await broker.open(Small())
    await broker.work(shard)
    assert values(await broker.all(TICKETS)) == [1, 2, 12]


async def test_a_committed_offset_beyond_the_end_is_told(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    await broker.work(shard)
    assert shard._producer is not None
    async with shard._producer.transaction():
        await shard._producer.send_offsets_to_transaction(
            {broker.cluster.tp(AUTHOR_EVENTS, 0): 77}, broker.cluster.group
        )
    await shard.close()
    shard = await broker.open(Small())
    (letter,) = await broker.letters()
    assert "offset 77 is beyond the end 1: the topic was made anew" in letter.reason
    assert shard.position == 0


# states


async def test_a_changelog_read_from_an_empty_disk_is_the_running_state(broker, tmp_path, monkeypatch):
    monkeypatch.setattr(shard_module, "CHANGED_ENOUGH", 1)
    shard = await broker.open(Small(), folder=tmp_path)
    await wrote(broker, *[(f"k{n % 7}", "+1") for n in range(40)], ("k1", "gone"), ("k2", "due 77"))
    await broker.work(shard)
    assert await shard.save() and not await shard.save()
    await wrote(broker, ("k3", "gone"), ("k4", "+100"), ("new", "+1"), ("k2", "due 99"))
    await broker.work(shard)
    running = sorted(shard.states.stored())
    await shard.close()
    empty = await broker.open(Small())
    assert sorted(empty.states.stored()) == running and empty.note == shard.note
    await empty.close()
    read: list[int] = []
    original = Shard._restore_one
    monkeypatch.setattr(
        Shard, "_restore_one", lambda self, record: (read.append(record.offset), original(self, record))
    )
    tail = await broker.open(Small(), folder=tmp_path)
    assert sorted(tail.states.stored()) == running and tail.note == shard.note
    assert len(read) == 4  # the snapshot held the rest
    assert tail.states.due(98, 9) == [] and tail.states.due(99, 9) == ["k2"]


async def test_a_shard_that_was_closed_reads_what_another_one_wrote_meanwhile(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"), ("b", "+1"))
    await broker.work(shard)
    await shard.close()
    other = await broker.open(Small())
    await wrote(broker, ("a", "+1"), ("b", "gone"))
    await broker.work(other)
    await other.close()
    await shard.open()
    assert dict(shard.states.items()) == {"a": Sum(2)}


async def test_a_state_in_the_changelog_that_cannot_be_read_stops_the_partition(broker):
    await broker.write(STATE, 0, (b"a", b"{"))
    with pytest.raises(Blocked, match=r"assess-state/0/0: .*cannot be read"):
        await broker.open(Small())


# what becomes a dead letter


async def test_what_cannot_be_used_becomes_dead_letters_and_the_position_goes_on(broker):
    with admin(broker.kafka) as client:
        name = broker.kafka.topic(MENTIONS)
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": "8000000"})])
    await asyncio.sleep(0.3)
    foreign = codec.encode(mention("1")).replace(b"mention/1", b"mention/2")
    assert foreign != codec.encode(mention("1"))
    large = await large_producer(broker)
    try:
        for key, value in [
            (b"x:1", b"\xff\xfe not json"),
            (b"x:2", foreign),
            (None, codec.encode(mention("3"))),
            (b"x:4", codec.encode(mention("4", "help " * 1_000_000))),
            (b"x:5", None),
            (WHOLE.encode(), b"{}"),
            (b"x:6", codec.encode(mention("6", "help"))),
        ]:
            await large.send_and_wait(broker.kafka.topic(MENTIONS), value, key=key, partition=0)
    finally:
        await large.stop()
    shard = await broker.open(stages()[0])
    await broker.work(shard)
    letters = {letter.origin.rpartition("/")[2]: letter for letter in await broker.letters()}
    assert sorted(letters) == ["0", "1", "2", "3", "4", "5"]
    assert "mention/2" in letters["1"].reason and "no key" in letters["2"].reason
    assert "900000" in letters["3"].reason and len(letters["3"].original) == 500_000
    assert [record.key for record in await broker.all(AUTHOR_EVENTS)] == [b"x:anna"]
    assert shard.position == 7
    await shard.close()
    assert (await broker.open(stages()[0])).position == 7


async def large_producer(broker: Broker):
    producer = AIOKafkaProducer(**broker.cluster.options, max_request_size=8_000_000)
    await producer.start()
    return producer


async def test_a_dead_letter_and_the_offset_go_in_one_transaction(broker):
    """Were they two, a kill in between would lose the one or double the other."""
    shard = await broker.open(Small())
    await wrote(broker, ("a", "fail"))
    new = await broker.open(Small())
    with pytest.raises(FENCED):
        await shard.apply(await broker.batch(shard))
    assert await broker.all(DEAD_LETTERS) == []
    await broker.work(new)
    assert len(await broker.letters()) == 1


async def test_states_kept_in_memory_longer_than_tombstones_are_kept_are_read_anew(broker):
    shard = await broker.open(Small())
    await wrote(broker, ("a", "+1"))
    await broker.work(shard)
    await shard.close()
    shard.states.put("ghost", Sum(1), b"{}")  # as if its tombstone had been written, and compacted away, meanwhile
    await shard.open()
    assert shard.states.get("ghost") is not None
    await shard.close()
    now = broker.clock()
    broker.clock = lambda: now + 21 * 3_600_000
    await shard.open()
    assert shard.states.get("ghost") is None and shard.states.get("a") is not None
