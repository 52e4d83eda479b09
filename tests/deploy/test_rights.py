"""The rights that docs/deployment.md tells an operator to give are enough, on a broker that checks them."""

import re
from pathlib import Path

import msgspec
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

from config.kafka import SaslSettings
from streams.kafka.brokers import administration
from tests.deploy.processes import Deployment
from tests.deploy.test_without_containers import MENTION, delivered, push
from tests.deploy.tools import ROOT

_WORDS = {"Read": "READ", "Write": "WRITE", "Describe": "DESCRIBE", "DescribeConfigs": "DESCRIBE_CONFIGS"}
_WORDS |= {"Create": "CREATE", "AlterConfigs": "ALTER_CONFIGS"}
_KINDS = {"topic": "TOPIC", "group": "GROUP", "transactional-id": "TRANSACTIONAL_ID"}


def granted(prefix: str) -> list[ACL]:
    """What the lines of kafka-acls.sh in the docs give, for the guest and another prefix."""
    lines = re.findall(r"^ +kafka-acls\.sh (.*)$", (ROOT / "docs" / "deployment.md").read_text("utf-8"), re.M)
    found = []
    for line in lines:
        assert "--resource-pattern-type prefixed" in line
        [(kind, name)] = re.findall(r"--(topic|group|transactional-id) (\S+)", line)
        assert name == "hilferuf."
        pattern = ResourcePattern(ResourceType[_KINDS[kind]], prefix, ACLResourcePatternType.PREFIXED)
        for word in re.findall(r"--operation (\w+)", line):
            found.append(ACL("User:guest", "*", ACLOperation[_WORDS[word]], ACLPermissionType.ALLOW, pattern))
    return found


def test_through_tls_and_a_login_the_rights_in_the_docs_are_enough_from_the_topics_to_the_ticket(
    secure_kafka, prefix: str, tmp_path: Path
):
    rights = granted(prefix)
    assert len(rights) == 10
    with administration(secure_kafka.settings(prefix)) as admin:
        admin.create_acls(rights)
    guest: SaslSettings = secure_kafka.guest
    section = msgspec.to_builtins(msgspec.structs.replace(secure_kafka.settings(prefix), sasl=guest))
    deployment = Deployment(tmp_path, section)
    made = deployment.run("topics")
    assert made.returncode == 0, made.stdout + made.stderr
    with deployment.started("listen", "work-1", "deliver") as processes:
        push(deployment.webhook_port, MENTION)
        assert delivered(processes["deliver"])["mentions"] == [MENTION["id"]]
        for process in processes.values():
            process.measures("hilferuf_kafka_up 1.0")
            assert process.stop() == 0
