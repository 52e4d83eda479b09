"""Records written as whole batches: all of them, in order, also where one is larger than a batch."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from listeners.clock import SystemClock
from streams.kafka.batches import Keyed, Writing, by_partition
from streams.kafka.cluster import Cluster
from streams.kafka.turn import Send
from tests.streams.kafka.desk_rig import make, settings_for


@pytest.fixture
async def cluster(kafka, prefix):
    settings = settings_for(kafka, prefix)
    make(settings, "tickets")
    found = Cluster(settings, f"{prefix}work", "test", {}, SystemClock().now)
    await found.start()
    yield found
    await found.stop()


async def test_everything_lies_in_its_partition_in_order_and_the_ends_are_known(cluster):
    names = [f"{number}".encode() for number in range(2_000)]
    values = {name: name * 100 for name in names} | {b"700": b"x" * 890_000, b"900": None}
    records = [
        (cluster.tp("tickets", cluster.partition(Send("tickets", name, value))), Keyed(name, value))
        for name, value in values.items()
    ]
    producer = cluster.transactional("tickets-0")
    await producer.start()
    async with producer.transaction():
        writing = Writing(producer)
        await writing.begin(by_partition(records))
        ends = await writing.end()
    await producer.stop()

    found = await read(cluster)
    assert {key: value for rows in found.values() for _, key, value in rows} == values
    for partition, rows in found.items():
        mine = [name for name in names if cluster.partition(Send("tickets", name, None)) == partition]
        assert [key for _, key, _ in rows] == mine
        assert ends[cluster.tp("tickets", partition)] == rows[-1][0] + 1


async def read(cluster) -> "dict[int, list[tuple[int, bytes, bytes | None]]]":
    reader: AIOKafkaConsumer = cluster.reader()
    await reader.start()
    tps = [cluster.tp("tickets", partition) for partition in range(2)]
    reader.assign(tps)
    ends = await cluster.ends(tps)
    found: dict[int, list[tuple[int, bytes, bytes | None]]] = {0: [], 1: []}
    while any([await reader.position(tp) < ends[tp] for tp in tps]):
        for tp, records in (await reader.getmany(timeout_ms=200)).items():
            found[tp.partition] += [(record.offset, record.key, record.value) for record in records]
    await reader.stop()
    return found


def test_a_key_lies_where_every_producer_puts_it(cluster_of_nobody):
    for number in range(200):
        key = f"x:{number}".encode()
        wanted = DefaultPartitioner()(key, [0, 1], [0, 1])
        assert cluster_of_nobody.partition(Send("tickets", key, b"")) == wanted
        assert cluster_of_nobody.partition(Send("tickets", b"other", b"", beside=key)) == wanted
    assert cluster_of_nobody.partition(Send("tickets", b"x", b"", partition=1)) == 1


@pytest.fixture
def cluster_of_nobody():
    settings = settings_for(["127.0.0.1:1"], "t.")
    return Cluster(settings, "t.work", "test", {}, SystemClock().now)


def test_order_is_kept():
    one, two = TopicPartition("t", 0), TopicPartition("t", 1)
    a, b, c = Keyed(b"a", None), Keyed(b"b", b""), Keyed(b"a", b"1")
    assert by_partition([(one, a), (two, b), (one, c)]) == {one: [a, c], two: [b]}
