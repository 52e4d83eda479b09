"""Who works which partitions: every topic shared out evenly, and what can stay stays.

aiokafka's sticky assignment counts the partitions of all topics together: of two workers one may get all of `mentions` and the
other one all of `author-events`, and the first has most of the work. Here it is asked for one topic at a time.
"""

from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata


class _Topic:
    """A cluster of one topic. Just after a broker came back its metadata may be missing still; then the topic would be given to
    nobody, and nobody would ask again. How many partitions it has was checked at the start."""

    def __init__(self, cluster: Any, topic: str, partitions: int) -> None:
        self._topic, self._partitions = topic, cluster.partitions_for_topic(topic) or set(range(partitions))

    def topics(self) -> set[str]:
        """Its name."""
        return {self._topic}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Its partitions."""
        return self._partitions if topic == self._topic else None


class EvenAssignor(StickyPartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
    """See the module. Named as its parent, so that workers of an older version stay in one group with us.

    partitions: of every topic, where the brokers do not say it."""

    partitions = 0

    @classmethod
    def assign(
        cls, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Partitions by member."""
        shared: dict[str, list[tuple[str, list[int]]]] = {member: [] for member in members}
        for topic in sorted({topic for found in members.values() for topic in found.subscription}):
            narrowed = {
                member: cls._of_topic(topic, found) for member, found in members.items() if topic in found.subscription
            }
            for member, part in super().assign(_Topic(cluster, topic, cls.partitions), narrowed).items():
                shared[member] += part.assignment
        return {member: ConsumerProtocolMemberAssignment(cls.version, parts, b"") for member, parts in shared.items()}

    @classmethod
    def _of_topic(cls, topic: str, found: ConsumerProtocolMemberMetadata) -> ConsumerProtocolMemberMetadata:
        """What a member says, of one topic."""
        told = cls.parse_member_metadata(found)
        held = [TopicPartition(tp.topic, tp.partition) for tp in told.partitions if tp.topic == topic]
        return cls._metadata([topic], held, told.generation)


def assigning(partitions: int) -> type[EvenAssignor]:
    """The assignor for topics of so many partitions each."""
    return type("EvenAssignor", (EvenAssignor,), {"partitions": partitions})
