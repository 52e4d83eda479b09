"""Topics as they are against topics as they must be: `hilferuf topics`, and the check that every process makes at its start.

Nothing is ever deleted here and no partition count is changed: a key's records would go to another partition than its state.
Two that apply at once do no harm: a topic that the other one has just made is as good as one of our own, and settings are set
to values, not moved by amounts.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from kafka import errors
from kafka.admin import ConfigResource, ConfigResourceType

from config.kafka import KafkaSettings
from config.settings import Retention
from listeners.kafka_client import where
from records.errors import HilferufError, Refused, Transient
from streams.kafka.brokers import TIMEOUT_SECONDS, administration, user
from streams.kafka.catalogue import Topic, catalogue

APPLY = "`hilferuf topics apply`"
_AT_LEAST = ("max.message.bytes",)  # more than planned is no fault
_DELETES = ("retention.ms",)  # less than it was, and older records go


class Actual(msgspec.Struct, frozen=True):
    """A topic as it is. id: its UUID on the brokers; a topic that was deleted and made anew has another."""

    id: str
    partitions: int
    replication: int
    config: dict[str, str]


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as it must be. kind: `create` and `change` are done by apply; `cannot` says what a person must do.
    fatal: no process may start with it."""

    kind: Literal["create", "change", "cannot"]
    topic: Topic
    text: str
    fatal: bool = False
    setting: tuple[str, str] | None = None

    @property
    def fault(self) -> str:
        """What is wrong with the topic, and what to do."""
        if self.kind == "create":
            return f"missing; {APPLY} makes it"
        return f"{self.text}; {APPLY} sets it" if self.kind == "change" else self.text


def plan(kafka: KafkaSettings, retention: Retention) -> list[Difference]:
    """What apply would do, and what it cannot do; in the order of the catalogue. Raises as `administration`."""
    with administration(kafka) as admin:
        return _plan(kafka, admin, catalogue(kafka, retention))


def apply(kafka: KafkaSettings, retention: Retention) -> list[Difference]:
    """Create and change what is missing; returns what was done, and what cannot be. Raises as `administration`, Refused for a
    right that is missing, HilferufError for what the brokers do not accept."""
    topics = catalogue(kafka, retention)
    with administration(kafka) as admin:
        planned = _plan(kafka, admin, topics)
        _create(kafka, admin, [item.topic for item in planned if item.kind == "create"])
        _change(kafka, admin, [item for item in planned if item.kind == "change"])
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while any(
            item.kind != "cannot" for item in _plan(kafka, admin, topics)
        ):  # brokers learn of it one after the other
            if time.monotonic() > deadline:
                raise Transient(f"{where(kafka)} took the changes and does not show them; see `hilferuf topics check`")
            time.sleep(0.05)
        return planned


def require_topics(kafka: KafkaSettings, retention: Retention, names: Iterable[str] | None = None) -> dict[str, str]:
    """For the start of a process: ids of these topics (None: all) by their name in records.topics.

    Raises HilferufError when one is missing, has the wrong partition count, or is compacted where it must not be or the other
    way round; Transient when no broker answers; Refused when we may not look. Blocks up to about twenty seconds.
    """
    topics = _named(catalogue(kafka, retention), names)
    with administration(kafka) as admin:
        found = actual(kafka, admin, topics)
    fatal = [item for topic in topics for item in differences(topic, found.get(topic.name)) if item.fatal]
    if fatal:
        raise HilferufError(f"{where(kafka)}: " + "; ".join(faults(fatal)))
    return {name: item.id for name, item in found.items()}


def topic_ids(kafka: KafkaSettings, names: Iterable[str]) -> dict[str, str]:
    """Ids by name of the topics that are there. Raises as `administration`."""
    full = {kafka.topic(name): name for name in names}
    with administration(kafka) as admin:
        described = admin.describe_topics(list(full))
    return {full[item["name"]]: str(item["topic_id"]) for item in described if item["error_code"] == 0}


def faults(found: Sequence[Difference]) -> list[str]:
    """One line a fault, for all topics that have the same."""
    topics: dict[str, list[str]] = {}
    for item in found:
        topics.setdefault(item.fault, []).append(item.topic.full_name)
    return [f"topic{'s' if len(names) > 1 else ''} {', '.join(names)}: {fault}" for fault, names in topics.items()]


def actual(kafka: KafkaSettings, admin: Any, topics: Sequence[Topic]) -> dict[str, Actual]:
    """Those of the topics that are there, by name. Raises Refused where we may not look."""
    by_name = {topic.full_name: topic for topic in topics}
    described = []
    for item in admin.describe_topics(list(by_name)):
        error = errors.for_code(item["error_code"])
        if error is errors.TopicAuthorizationFailedError:
            raise Refused(f"{where(kafka)}: {user(kafka)} has no right DESCRIBE on topic {item['name']}")
        if error not in (errors.NoError, errors.UnknownTopicOrPartitionError):
            raise Transient(f"{where(kafka)}: topic {item['name']}: {error.__name__}")
        if error is errors.NoError:
            described.append(item)
    if not described:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, item["name"]) for item in described]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    found = {}
    for item in described:
        config = configs[item["name"]]
        if not config and "DESCRIBE_CONFIGS" in item["authorized_operations"]:
            raise Transient(f"{where(kafka)}: topic {item['name']} has just been made; try again")
        if not config:
            raise Refused(f"{where(kafka)}: {user(kafka)} has no right DESCRIBE_CONFIGS on topic {item['name']}")
        found[by_name[item["name"]].name] = Actual(
            id=str(item["topic_id"]),
            partitions=len(item["partitions"]),
            replication=min(len(partition["replica_nodes"]) for partition in item["partitions"]),
            config={name: value["value"] for name, value in config.items()},
        )
    return found


def differences(topic: Topic, found: Actual | None) -> list[Difference]:
    """How a topic differs from its plan. Pure."""
    if found is None:
        return [Difference("create", topic, _summary(topic), fatal=True)]
    items = []
    if found.partitions != topic.partitions:
        text = (
            f"{found.partitions} partitions instead of {topic.partitions}, which cannot be changed under the state; set "
            f"kafka.partitions to {found.partitions}, or begin anew under another kafka.prefix"
        )
        items.append(Difference("cannot", topic, text, fatal=True))
    if found.replication < topic.replication:
        text = (
            f"{found.replication} copies instead of {topic.replication}: Kafka's own kafka-reassign-partitions.sh adds "
            f"them; or set kafka.replication to {found.replication}"
        )
        items.append(Difference("cannot", topic, text))
    for name, wanted in topic.config.items():
        if name == "min.insync.replicas":  # more than there are copies, and nothing could be written
            wanted = str(min(int(wanted), found.replication))  # noqa: PLW2901
        was = found.config.get(name)
        if was is None or _same(name, was, wanted):
            continue  # a broker that does not know a setting cannot be told it
        note = "; what is older will be deleted" if name in _DELETES and 0 <= int(wanted) < int(was) else ""
        items.append(
            Difference(
                "change",
                topic,
                f"{name} {was} -> {wanted}{note}",
                fatal=name == "cleanup.policy",
                setting=(name, wanted),
            )
        )
    return items


def _same(name: str, was: str, wanted: str) -> bool:
    if name in _AT_LEAST:
        return int(was) >= int(wanted)
    if name == "cleanup.policy":
        return set(was.split(",")) == set(wanted.split(","))
    return was == wanted


def _summary(topic: Topic) -> str:
    days = int(topic.config.get("retention.ms", 0)) / 86_400_000
    kept = {
        "compact": "the newest of each key",
        "delete": f"{days:g} days",
        "compact,delete": f"the newest of each key, {days:g} days",
    }[topic.config["cleanup.policy"]]
    return f"{topic.partitions} partitions x {topic.replication} copies, {kept}"


def _plan(kafka: KafkaSettings, admin: Any, topics: Sequence[Topic]) -> list[Difference]:
    found = actual(kafka, admin, topics)
    return [item for topic in topics for item in differences(topic, found.get(topic.name))]


def _named(topics: Sequence[Topic], names: Iterable[str] | None) -> list[Topic]:
    wanted = None if names is None else set(names)
    return [topic for topic in topics if wanted is None or topic.name in wanted]


def _create(kafka: KafkaSettings, admin: Any, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    wanted = {
        topic.full_name: {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication,
            "configs": topic.config,
        }
        for topic in topics
    }
    answers = admin.create_topics(wanted, timeout_ms=int(TIMEOUT_SECONDS * 1000), raise_errors=False)["topics"]
    for answer in answers:
        error = errors.for_code(answer["error_code"])
        if error in (errors.NoError, errors.TopicAlreadyExistsError):
            continue
        raise _refused(kafka, answer["name"], error, answer.get("error_message"))
    admin.wait_for_topics(list(wanted), timeout_ms=int(TIMEOUT_SECONDS * 1000))


def _refused(kafka: KafkaSettings, name: str, error: Any, message: str | None) -> HilferufError:
    at = f"{where(kafka)}: topic {name}"
    if error is errors.TopicAuthorizationFailedError:
        return Refused(f"{at} cannot be made: {user(kafka)} has no right CREATE on it")
    if error is errors.InvalidReplicationFactorError:
        return HilferufError(
            f"{at} cannot have {kafka.replication} copies: {message}; start more brokers or lower kafka.replication"
        )
    kind = Transient if error.retriable else HilferufError
    return kind(f"{at} cannot be made: {message or error.__name__}")


def _change(kafka: KafkaSettings, admin: Any, changes: Sequence[Difference]) -> None:
    settings: dict[str, dict[str, str]] = {}
    for change in changes:
        if change.setting is not None:
            settings.setdefault(change.topic.full_name, {}).update([change.setting])
    if not settings:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, values) for name, values in settings.items()]
    answers = admin.alter_configs(resources, raise_on_unknown=False, incremental=True)["topic"]
    for name, answer in answers.items():
        if answer != "OK":
            raise HilferufError(f"{where(kafka)}: topic {name} cannot be changed: {answer}")
