"""What `hilferuf doctor` asks the brokers: one finding a question, each with what to do. The only thing that is written is one
record in a transaction that is given up: nobody reads it, and it shows that we may write, and what time it is at the broker."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import aiokafka.errors as aio
import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from kafka import errors

from config.kafka import KafkaSettings, client_options
from config.settings import Retention
from listeners.kafka_client import where
from records.errors import HilferufError, Refused, Transient
from records.topics import CURSORS
from streams.kafka.admin import actual, differences, faults
from streams.kafka.brokers import TIMEOUT_SECONDS, administration, apart, quiet, told, user
from streams.kafka.catalogue import catalogue
from streams.kafka.lag import groups_of
from streams.kafka.members import members, strangers

CLOCK_SECONDS = 30.0
OLDEST = (3, 0)
_TOPIC_RIGHTS = ("READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS")
_GROUP_RIGHTS = ("READ", "DESCRIBE")

Answer = tuple[str, list[str]]  # what to say when all is well; else the faults


class Finding(msgspec.Struct, frozen=True):
    """One answer; `well` False: text says what is wrong and what to do."""

    name: str
    well: bool
    text: str


def examine(
    kafka: KafkaSettings, retention: Retention, sinks: Sequence[str], fingerprint: str | None
) -> Iterator[Finding]:
    """The findings, each as soon as it is there; when no broker lets us in, that one alone. fingerprint: of this deployment
    (see members), None = not known: its rules cannot be read. Blocks, each question for about ten seconds at most. Raises
    nothing of ours."""
    try:
        with administration(kafka) as admin:
            yield from _found("kafka", *_brokers(kafka, admin))  # raises where nothing else can be asked either
            groups = _Once(lambda: admin.describe_groups(list(groups_of(kafka, sinks))))
            questions: dict[str, Callable[[], Answer]] = {
                "topics": lambda: _topics(kafka, retention, admin),
                "rights": lambda: _rights(kafka, retention, admin, groups()),
                "clock": lambda: _clock(kafka, admin, groups()),
                "groups": lambda: _groups(kafka, fingerprint, groups()),
            }
            for name, question in questions.items():
                yield from _asked(kafka, name, question)
    except HilferufError as error:
        yield Finding("kafka", well=False, text=str(error))


class _Once:
    """An answer that several questions need; one that does not come is waited for once."""

    def __init__(self, ask: Callable[[], dict[str, Any]]) -> None:
        self._ask = ask
        self._error: errors.KafkaError | None = None
        self._answer: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        if self._error is not None:
            raise self._error
        if self._answer is None:
            try:
                self._answer = self._ask()
            except errors.KafkaError as error:
                self._error = error
                raise
        return self._answer


def _asked(kafka: KafkaSettings, name: str, question: Callable[[], Answer]) -> list[Finding]:
    try:
        return _found(name, *question())
    except HilferufError as error:
        return _found(name, "", [str(error)])
    except errors.KafkaError as error:
        return _found(name, "", [str(told(kafka, error))])


def _found(name: str, well: str, faults: list[str]) -> list[Finding]:
    return [Finding(name, well=False, text=fault) for fault in faults] or [Finding(name, well=True, text=well)]


def _brokers(kafka: KafkaSettings, admin: Any) -> Answer:
    cluster = admin.describe_cluster()
    nodes = [item["broker_id"] for item in cluster["brokers"] if not item.get("is_fenced")]
    version = admin.get_broker_version_data(nodes[0]).broker_version
    faults = []
    if len(nodes) < kafka.replication:
        faults.append(
            f"{where(kafka)}: {len(nodes)} of at least {kafka.replication} brokers are up: kafka.replication wants a copy on "
            f"each; start more, or lower it"
        )
    if version < OLDEST:
        faults.append(
            f"{where(kafka)}: version {_dotted(version)} is too old; Hilferuf needs {_dotted(OLDEST)}, best 4.1"
        )
    return f"{where(kafka)}: version {_dotted(version)}, {len(nodes)} broker{'' if len(nodes) == 1 else 's'}", faults


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def _topics(kafka: KafkaSettings, retention: Retention, admin: Any) -> Answer:
    topics = catalogue(kafka, retention)
    found = actual(kafka, admin, topics)
    wrong = [item for topic in topics for item in differences(topic, found.get(topic.name))]
    return f"all {len(topics)} are as planned, {kafka.partitions} partitions each", faults(wrong)


def _rights(kafka: KafkaSettings, retention: Retention, admin: Any, groups: dict[str, Any]) -> Answer:
    """From what the brokers say that we may do. Whether a transaction is allowed is seen by beginning one (`_clock`)."""
    faults = []
    topics = [topic.full_name for topic in catalogue(kafka, retention)]
    for item in admin.describe_topics(topics):
        if item["error_code"] == errors.UnknownTopicOrPartitionError.errno:
            continue
        faults += _lacking(kafka, _TOPIC_RIGHTS, item["authorized_operations"], f"topic {item['name']}")
    for name, group in groups.items():
        denied = errors.GroupAuthorizationFailedError.__name__ in (group["error"] or "")
        operations = [] if denied else group["authorized_operations"]
        faults += _lacking(kafka, _GROUP_RIGHTS, operations, f"group {name}")
    return f"{user(kafka)} may read and write every topic and use {len(groups)} groups", faults


def _lacking(kafka: KafkaSettings, wanted: Sequence[str], operations: Sequence[str] | None, what: str) -> list[str]:
    """operations None: the broker does not say, as of a group that nobody has joined yet."""
    lacking = [] if operations is None else [right for right in wanted if right not in operations]
    return [f"{user(kafka)} lacks {', '.join(lacking)} on {what}; kafka-acls.sh gives it"] if lacking else []


def _clock(kafka: KafkaSettings, admin: Any, groups: dict[str, Any]) -> Answer:
    """The time that the broker gave to a record, between two looks at our own clock."""
    (topic,) = admin.describe_topics([kafka.topic(CURSORS)])
    if topic["error_code"] == errors.UnknownTopicOrPartitionError.errno:
        return "the broker's cannot be told before the topics are made", []
    unused = [name for name, group in groups.items() if not group["members"]]
    try:
        with quiet("aiokafka"):
            before, at, after = apart(_given_up(kafka, unused))
    except aio.KafkaError as error:
        raise _denied(kafka, error) from error
    except TimeoutError as error:
        raise Transient(
            f"{where(kafka)}: a transaction is not begun within {TIMEOUT_SECONDS:.0f} s; are min.insync.replicas brokers up?"
        ) from error
    off = max(before - at, at - after, 0) / 1000
    fault = f"the broker's clock is {off:.0f} s off ours; set both by NTP: tickets are due by the clock"
    return f"the broker's is at most {off + (after - before) / 1000:.1f} s off ours", [
        fault
    ] if off > CLOCK_SECONDS else []


async def _given_up(kafka: KafkaSettings, groups: Sequence[str]) -> tuple[int, int, int]:
    """One record, and an offset a group, in transactions that are aborted: our clock before, the broker's, ours after; in
    milliseconds. groups: without members, for a pending offset would hold up whoever reads it."""
    producer = AIOKafkaProducer(
        **client_options(kafka),
        client_id="hilferuf-doctor",
        transactional_id=kafka.group("work") + "-doctor",
        transaction_timeout_ms=int(TIMEOUT_SECONDS * 1000),
        request_timeout_ms=int(TIMEOUT_SECONDS * 1000),
    )
    topic = kafka.topic(CURSORS)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await producer.start()
            await producer.begin_transaction()
            before = _now()
            sent = await producer.send_and_wait(topic, key=b"doctor", value=None, partition=0)
            after = _now()
            await producer.abort_transaction()
            for group in groups:  # a transaction has one group
                await producer.begin_transaction()
                await producer.send_offsets_to_transaction({TopicPartition(topic, 0): 0}, group)
                await producer.abort_transaction()
            return before, sent.timestamp, after
    finally:
        await asyncio.wait([asyncio.create_task(producer.stop())], timeout=TIMEOUT_SECONDS)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _denied(kafka: KafkaSettings, error: aio.KafkaError) -> HilferufError:
    rights = {
        aio.TransactionalIdAuthorizationFailed: f"WRITE on transactional id {kafka.group('work')}-* (and deliver-*)",
        aio.TopicAuthorizationFailedError: f"WRITE on topic {kafka.topic(CURSORS)}",
        aio.GroupAuthorizationFailedError: f"READ on group {kafka.group('*')}",
        aio.ClusterAuthorizationFailedError: "IDEMPOTENT_WRITE on the cluster",
    }
    for kind, right in rights.items():
        if isinstance(error, kind):
            return Refused(f"{user(kafka)} lacks {right}; kafka-acls.sh gives it")
    return HilferufError(f"{where(kafka)}: a transaction is not possible: {error}")


def _groups(kafka: KafkaSettings, fingerprint: str | None, groups: dict[str, Any]) -> Answer:
    present = members(kafka, groups)
    count = sum(map(len, present.values()))
    if fingerprint is None:
        return f"{count} members; which deployment is theirs cannot be told while the rules cannot be read", []
    faults = [line for group in groups for line in strangers(group, present[group], fingerprint)]
    return f"{count} members in {len(groups)} groups, all of this deployment", faults
