"""Which topics there must be on the brokers, and how they are kept: from the settings alone.

Every topic has the same partition count, since a stage's inputs, its changelog and the ledger meet by partition number.

Times are the brokers' (LogAppendTime): a client's wrong clock would have a record of now deleted as years old, or kept as one
of next year; and `reprocess --from TIME` means what was heard since then. When a post was written stands in the record itself.

Retention works by whole segments, so a segment holds a day at most: a record is gone at the latest a day after its time. What
is compacted holds personal data too: the newest record of a key stays, what it replaced and what was deleted is gone within two
days (a day until it is compacted, a day in which tombstones stay for those who read just then). Kafka closes a segment when the
next record comes: a partition that hears nothing more keeps its last segment.
"""

import msgspec

from config.kafka import KafkaSettings
from config.settings import Retention
from records.times import DAY, HOUR
from records.topics import (
    AUTHOR_EVENTS,
    CURSORS,
    CUSTOMER_FACTS,
    DEAD_LETTERS,
    DELIVERIES,
    MENTIONS,
    RULES,
    TICKETS,
    state_of,
)

STAGES = ("screen", "profile", "assess")
MAX_RECORD_BYTES = 1_048_576  # a batch as it is sent, compressed; a producer's limit must not lie above
MAX_LETTER_BYTES = 4 * MAX_RECORD_BYTES  # a dead letter holds the original in base64 beside its reason
_SEGMENT_BYTES = 64 * 1024 * 1024  # the open segment is never compacted: a start reads it whole


class Topic(msgspec.Struct, frozen=True):
    """A topic as it must be. name: as in records.topics; full_name: on the brokers. config: in Kafka's words."""

    name: str
    full_name: str
    partitions: int
    replication: int
    config: dict[str, str]

    @property
    def compacted(self) -> bool:
        """Whether it keeps the newest record of every key for good."""
        return self.config["cleanup.policy"] == "compact"


def catalogue(kafka: KafkaSettings, retention: Retention) -> tuple[Topic, ...]:
    """All topics of a deployment."""
    kept = int(retention.log_days * DAY)
    policies = {name: _logged(kept) for name in (MENTIONS, CUSTOMER_FACTS, AUTHOR_EVENTS)}
    policies |= dict.fromkeys((TICKETS, DELIVERIES, CURSORS, *map(state_of, STAGES)), _COMPACTED)
    policies[RULES] = {**_COMPACTED, "max.message.bytes": str(MAX_LETTER_BYTES)}  # lexicons whole, in one record
    policies[DEAD_LETTERS] = {
        **_COMPACTED,
        **_logged(kept),
        "cleanup.policy": "compact,delete",
        "max.message.bytes": str(MAX_LETTER_BYTES),
    }
    shared = {
        "min.insync.replicas": str(min(kafka.min_insync, kafka.replication)),
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(MAX_RECORD_BYTES),
        "unclean.leader.election.enable": "false",
    }
    return tuple(
        Topic(name, kafka.topic(name), kafka.partitions, kafka.replication, {**shared, **policy})
        for name, policy in policies.items()
    )


def _logged(kept: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(kept),
        "retention.bytes": "-1",  # a limit of the cluster's would delete what nobody has read yet
        "segment.ms": str(max(HOUR, min(DAY, kept // 7))),
    }


_COMPACTED = {
    "cleanup.policy": "compact",
    "max.compaction.lag.ms": str(DAY),
    "delete.retention.ms": str(DAY),
    "segment.ms": str(6 * HOUR),
    "segment.bytes": str(_SEGMENT_BYTES),
    "min.cleanable.dirty.ratio": "0.2",
}
