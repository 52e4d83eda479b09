"""Who is in a consumer group: two deployments with one prefix by mistake would share its partitions, and each would judge half
of the mentions by its own rules.

So every client of ours says in its client id which deployment it belongs to; the brokers show it to whoever asks.
"""

from typing import Any

import msgspec
from kafka import errors

from config.kafka import KafkaSettings
from listeners.kafka_client import where
from records.errors import Refused
from streams.kafka.brokers import administration, user

_OURS = "hilferuf-"


class Member(msgspec.Struct, frozen=True):
    """A member of a group. topics: those it was given partitions of."""

    client_id: str
    host: str
    topics: tuple[str, ...] = ()


def client_id(role: str, fingerprint: str) -> str:
    """What a client of a role (`work`, `deliver-queue` …) calls itself; fingerprint: of its deployment, without a dash."""
    return f"{_OURS}{role}-{fingerprint}"


def other_deployments(kafka: KafkaSettings, group: str, fingerprint: str) -> list[str]:
    """One line for each host with members of this group that belong to another deployment. Raises as `administration`."""
    with administration(kafka) as admin:
        return strangers(group, members(kafka, admin.describe_groups([group]))[group], fingerprint)


def strangers(group: str, found: list[Member], fingerprint: str) -> list[str]:
    """The same for members that are known already. Pure."""
    hosts = sorted({(member.host, _whose(member)) for member in found if _whose(member) != fingerprint})
    return [
        f"group {group} has members of another deployment at {host} ({whose}): a rolling upgrade, or two deployments with "
        f"one kafka.prefix"
        for host, whose in hosts
    ]


def _whose(member: Member) -> str:
    if member.client_id.startswith(_OURS):
        return member.client_id.rpartition("-")[2]
    return f"client id {member.client_id}"


def members(kafka: KafkaSettings, described: dict[str, Any]) -> dict[str, list[Member]]:
    """Members by group, from what the admin client's `describe_groups` says; a group that nobody ever joined has none. Raises
    Refused where we may not look."""
    found: dict[str, list[Member]] = {}
    for group, item in described.items():
        if item["error"] and errors.GroupAuthorizationFailedError.__name__ in item["error"]:
            raise Refused(f"{where(kafka)}: {user(kafka)} has no right DESCRIBE on group {group}")
        found[group] = [
            Member(member["client_id"], member["client_host"].lstrip("/"), _assigned(member))
            for member in item["members"]
        ]
    return found


def _assigned(member: dict[str, Any]) -> tuple[str, ...]:
    assignment = member.get("member_assignment")
    if not isinstance(assignment, dict):  # it joins just now
        return ()
    return tuple(topic["topic"] for topic in assignment.get("assigned_partitions", ()))
