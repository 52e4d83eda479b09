"""Lag by group and topic, from what stands on the brokers."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from config.kafka import KafkaSettings, client_options
from config.settings import Retention
from records.errors import HilferufError
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, MENTIONS, TICKETS
from streams.kafka.admin import apply
from streams.kafka.lag import lags


@pytest.fixture
def settings(kafka, prefix):
    return KafkaSettings(bootstrap=tuple(kafka), prefix=prefix, partitions=3, replication=1, min_insync=1)


async def measured(settings, *sinks):
    found = await asyncio.to_thread(lags, settings, sinks)
    return {
        (item.group.removeprefix(settings.prefix), item.topic.removeprefix(settings.prefix)): item for item in found
    }


async def test_lag_is_told_by_group_and_topic_with_sum_worst_and_members(settings):
    await asyncio.to_thread(apply, settings, Retention())
    topic = settings.topic(MENTIONS)
    async with AIOKafkaProducer(**client_options(settings)) as producer:
        for partition in (0, 0, 0, 0, 1, 1):
            await producer.send_and_wait(topic, b"{}", partition=partition)
    group = settings.group("work")
    async with AIOKafkaConsumer(topic, **client_options(settings), group_id=group) as consumer:
        await consumer.commit({TopicPartition(topic, 0): 1})
        found = await measured(settings, "queue", "zendesk")
    assert list(found) == [
        ("work", MENTIONS),
        ("work", CUSTOMER_FACTS),
        ("work", AUTHOR_EVENTS),
        ("deliver-queue", TICKETS),
        ("deliver-zendesk", TICKETS),
    ]
    lag = found["work", MENTIONS]
    assert (lag.partitions, lag.records, lag.worst, lag.members) == (3, 5, 3, 1)
    assert found["work", CUSTOMER_FACTS].members == 0
    assert found["deliver-queue", TICKETS].records == 0


async def test_what_retention_took_is_no_lag(settings):
    await asyncio.to_thread(apply, settings, Retention())
    topic = TopicPartition(settings.topic(MENTIONS), 0)
    async with AIOKafkaProducer(**client_options(settings)) as producer:
        for _ in range(5):
            await producer.send_and_wait(topic.topic, b"{}", partition=0)
    await asyncio.to_thread(delete_before, settings, topic, 4)
    assert (await measured(settings))["work", MENTIONS].records == 1


async def test_a_transaction_that_is_still_open_is_no_lag(settings):
    await asyncio.to_thread(apply, settings, Retention())
    async with AIOKafkaProducer(**client_options(settings), transactional_id=settings.group("t")) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.topic(TICKETS), b"{}", b"hf-1", partition=0)
        assert (await measured(settings, "queue"))["deliver-queue", TICKETS].records == 0
        await producer.commit_transaction()
    assert (await measured(settings, "queue"))["deliver-queue", TICKETS].records == 2  # and the marker


async def test_a_missing_topic_is_one_line(settings):
    with pytest.raises(HilferufError, match="is missing or may not be seen; see `hilferuf topics check`"):
        await measured(settings)


def delete_before(settings, partition, offset):
    from streams.kafka.brokers import administration

    with administration(settings) as admin:
        admin.delete_records({partition: offset})
