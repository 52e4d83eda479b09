"""Who works which partitions: every topic shared out evenly, and what can stay stays.

aiokafka's sticky assignment counts the partitions of all topics together: of two workers one may get all of `mentions` and the
other one all of `author-events`, and the first has most of the work. Here it is asked for one topic at a time.
"""

from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata


class EvenAssignor(StickyPartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
    """See the module. Named as its parent, so that workers of an older version stay in one group with us."""

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
            for member, part in super().assign(cluster, narrowed).items():
                shared[member] += part.assignment
        return {member: ConsumerProtocolMemberAssignment(cls.version, parts, b"") for member, parts in shared.items()}

    @classmethod
    def _of_topic(cls, topic: str, found: ConsumerProtocolMemberMetadata) -> ConsumerProtocolMemberMetadata:
        """What a member says, of one topic."""
        told = cls.parse_member_metadata(found)
        held = [TopicPartition(tp.topic, tp.partition) for tp in told.partitions if tp.topic == topic]
        return cls._metadata([topic], held, told.generation)
