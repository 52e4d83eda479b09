"""Two deployments with one prefix by mistake are seen in their shared groups."""

import asyncio

from aiokafka import AIOKafkaConsumer

from config.kafka import KafkaSettings, client_options
from config.settings import Retention
from records.topics import MENTIONS
from streams.kafka.admin import apply
from streams.kafka.members import Member, client_id, other_deployments, strangers


def test_members_of_one_deployment_are_no_strangers():
    found = [
        Member(client_id("work", "abc"), "10.0.0.1"),
        Member(client_id("deliver-request_tracker", "abc"), "10.0.0.2"),
    ]
    assert strangers("g", found, "abc") == []


def test_a_member_of_another_deployment_is_told_once_a_host():
    found = [
        Member(client_id("work", "abc"), "10.0.0.1"),
        Member(client_id("work", "def"), "10.0.0.2"),
        Member(client_id("work", "def"), "10.0.0.2"),
    ]
    (line,) = strangers("p.work", found, "abc")
    assert line.startswith(
        "group p.work has members of another deployment at 10.0.0.2 (def): a rolling upgrade, or two"
    )


def test_a_client_that_is_none_of_ours_is_told():
    (line,) = strangers("g", [Member("aiokafka-0.14.0", "10.0.0.3")], "abc")
    assert "10.0.0.3 (client id aiokafka-0.14.0)" in line


async def test_another_deployment_in_the_group_is_read_from_the_brokers(kafka, prefix):
    settings = KafkaSettings(bootstrap=tuple(kafka), prefix=prefix, partitions=2, replication=1, min_insync=1)
    await asyncio.to_thread(apply, settings, Retention())
    group = settings.group("work")
    assert await asyncio.to_thread(other_deployments, settings, group, "abc") == []
    async with joined(settings, group, client_id("work", "abc")):
        assert await asyncio.to_thread(other_deployments, settings, group, "abc") == []
        (line,) = await asyncio.to_thread(other_deployments, settings, group, "def")
    assert group in line and "127.0.0.1 (abc)" in line


def joined(settings, group, name):
    """A member that has its partitions."""
    topic = settings.topic(MENTIONS)
    return AIOKafkaConsumer(topic, **client_options(settings), group_id=group, client_id=name)
