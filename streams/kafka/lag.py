"""How far each consumer group is behind: `hilferuf lag`, from what stands on the brokers alone."""

from collections.abc import Sequence
from typing import Any

import msgspec
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.protocol.consumer.offsets import IsolationLevel

from config.kafka import KafkaSettings
from listeners.kafka_client import where
from records.errors import HilferufError
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, MENTIONS, TICKETS
from streams.kafka.brokers import administration
from streams.kafka.members import Member, members

WORK = "work"
WORK_SOURCES = (MENTIONS, CUSTOMER_FACTS, AUTHOR_EVENTS)


class Lag(msgspec.Struct, frozen=True):
    """One group on one topic. records: between what the group has committed and the end of what is committed in the log, of all
    partitions; worst: of the worst partition. Markers of transactions count as records. members: that have partitions of it."""

    group: str
    topic: str
    partitions: int
    records: int
    worst: int
    members: int


def groups_of(kafka: KafkaSettings, sinks: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The consumer groups of a deployment, by their full name, with the topics they read (as in records.topics)."""
    return {
        kafka.group(WORK): WORK_SOURCES,
        **{kafka.group(f"deliver-{sink}"): (TICKETS,) for sink in sinks},
    }


def lags(kafka: KafkaSettings, sinks: Sequence[str]) -> list[Lag]:
    """Of every group and topic. Raises as `administration`, HilferufError for a topic that is missing."""
    groups = groups_of(kafka, sinks)
    with administration(kafka) as admin:
        partitions = _partitions(kafka, admin, sorted({topic for topics in groups.values() for topic in topics}))
        everything = [partition for found in partitions.values() for partition in found]
        starts = admin.list_partition_offsets(dict.fromkeys(everything, OffsetSpec.EARLIEST))
        ends = admin.list_partition_offsets(
            dict.fromkeys(everything, OffsetSpec.LATEST), isolation_level=IsolationLevel.READ_COMMITTED
        )
        present = members(kafka, admin.describe_groups(list(groups)))
        found = []
        for group, topics in groups.items():
            wanted = [partition for topic in topics for partition in partitions[topic]]
            answer = admin.list_group_offsets({group: wanted})
            committed = {partition: item.offset for partition, item in answer[group].items()}
            for topic in topics:
                behind = [
                    _behind(committed.get(partition, -1), starts[partition].offset, ends[partition].offset)
                    for partition in partitions[topic]
                ]
                found.append(_lag(group, kafka.topic(topic), behind, present[group]))
    return found


def _lag(group: str, topic: str, behind: list[int], present: list[Member]) -> Lag:
    return Lag(
        group=group,
        topic=topic,
        partitions=len(behind),
        records=sum(behind),
        worst=max(behind, default=0),
        members=sum(topic in member.topics for member in present),
    )


def _behind(committed: int, start: int, end: int) -> int:
    """Records from where the group reads on: without a committed offset, or behind what retention left, that is the start."""
    return max(0, end - max(committed, start))


def _partitions(kafka: KafkaSettings, admin: Any, topics: Sequence[str]) -> dict[str, list[TopicPartition]]:
    names = {kafka.topic(topic): topic for topic in topics}
    found = {}
    for item in admin.describe_topics(list(names)):
        if item["error_code"]:
            raise HilferufError(
                f"{where(kafka)}: topic {item['name']} is missing or may not be seen; see `hilferuf topics check`"
            )
        found[names[item["name"]]] = [
            TopicPartition(item["name"], partition["partition_index"]) for partition in item["partitions"]
        ]
    return found
