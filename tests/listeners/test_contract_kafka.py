"""A whole listener (X) with its door to Kafka: what the listeners' contract says about restarts, crashes and cursors holds."""

import time

import pytest

from listeners.imitations.memory import MemoryPublisher
from listeners.kafka_publisher import KafkaPublisher
from tests.listeners.contract_cases import (  # noqa: F401 - run with the fixtures below
    test_a_backlog_of_pages_survives_a_crash_after_every_page,
    test_posts_of_a_pause_are_caught_up_after_a_restart,
    test_stop_ends_within_two_seconds,
    test_while_the_engine_is_full_the_cursor_stands,
)
from tests.listeners.kafka_rig import numbers, with_topics
from tests.listeners.test_contract_x import rig  # noqa: F401 - a fixture


class Watched(MemoryPublisher):
    """Knows what Kafka has made durable; cursors are Kafka's own."""

    def __init__(self, door):
        super().__init__()
        self.door = door

    async def publish(self, mentions, *, facts=(), bad=(), cursor=None):
        if not self.full:
            await self.door.publish(mentions, facts=facts, bad=bad, cursor=cursor)
        await super().publish(mentions, facts=facts, bad=bad, cursor=cursor)

    async def cursor(self, key):
        return await self.door.cursor(key)


@pytest.fixture
async def out(kafka, prefix, tmp_path):
    settings = with_topics(kafka, prefix, after=20)
    door = KafkaPublisher(settings, tmp_path, lambda: int(time.time() * 1000), log_days=7)
    await door.start()
    watched = Watched(door)
    yield watched
    await door.aclose()
    assert {int(identity.removeprefix("x:")) for identity in watched.ids} <= numbers(settings)[0]
