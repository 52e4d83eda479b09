"""Every kind of client through TLS and a login; and each way to get it wrong is one line, soon."""

import asyncio
import logging
import time

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from kafka import KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)

from config.kafka import client_options
from config.settings import Retention
from records.errors import HilferufError, Refused
from records.topics import MENTIONS
from streams.kafka.admin import apply, plan, require_topics
from streams.kafka.brokers import administration
from streams.kafka.examination import examine
from streams.kafka.lag import lags
from streams.kafka.members import client_id

WEEK = Retention()
WRONG = {
    "wrong password": (lambda at: {"sasl": at.wrong_password}, "refuses the password of user hilferuf; see kafka.sasl"),
    "unknown authority": (lambda at: {"tls": at.wrong_tls}, "certificate is not trusted .* kafka.tls.ca_file"),
    "plaintext to a TLS port": (lambda at: {"tls": None, "sasl": None}, "speaks TLS on this port; set kafka.tls"),
    "login without TLS": (lambda at: {"tls": None}, "speaks TLS on this port; set kafka.tls"),
    "no login": (lambda at: {"sasl": None}, "it may want a login .kafka.sasl."),
    "unknown mechanism": (
        lambda at: {"sasl": msgspec.structs.replace(at.sasl, mechanism="PLAIN")},
        "does not take PLAIN; set kafka.sasl.mechanism",
    ),
}


@pytest.fixture
def settings(secure_kafka, prefix):
    return secure_kafka.settings(prefix)


async def test_admin_producer_consumer_and_lag_pass_through_tls_and_login(settings):
    await asyncio.to_thread(apply, settings, WEEK)
    assert len(await asyncio.to_thread(require_topics, settings, WEEK)) == 11
    topic = settings.topic(MENTIONS)

    def publish():
        producer = KafkaProducer(**client_options(settings), acks="all", enable_idempotence=True)
        producer.send(topic, b"heard", key=b"x:1").get(15)
        producer.close(5)

    await asyncio.to_thread(publish)
    consumer = AIOKafkaConsumer(
        topic,
        **client_options(settings),
        group_id=settings.group("work"),
        client_id=client_id("work", "abc"),
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    async with consumer:
        record = await asyncio.wait_for(consumer.getone(), 30)
        assert (record.key, record.value) == (b"x:1", b"heard")
        await consumer.commit()
        (work, *_) = await asyncio.to_thread(lags, settings, ["queue"])
        assert (work.records, work.members) == (0, 1)


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_way_in_is_one_line_that_says_what_to_change_within_15_seconds(secure_kafka, settings, how, caplog):
    change, words = WRONG[how]
    start = time.monotonic()
    with pytest.raises(HilferufError, match=words) as caught:
        require_topics(msgspec.structs.replace(settings, **change(secure_kafka)), WEEK)
    assert time.monotonic() - start < 15
    assert "\n" not in str(caught.value) and secure_kafka.bootstrap[0] in str(caught.value)
    assert loud(caplog) == []


def test_tls_to_a_port_without_is_one_line(secure_kafka, settings, kafka):
    with pytest.raises(HilferufError, match=r"spea(k|ks) no TLS on this port"):
        require_topics(msgspec.structs.replace(settings, bootstrap=tuple(kafka), sasl=None), WEEK)


def test_a_password_never_stands_in_an_error(secure_kafka, settings):
    with pytest.raises(HilferufError) as caught:
        plan(msgspec.structs.replace(settings, sasl=secure_kafka.wrong_password), WEEK)
    assert secure_kafka.wrong_password.password.reveal() not in str(caught.value).replace("wrong password", "")


def test_doctor_finds_nothing_wrong_where_everything_is_allowed(settings):
    apply(settings, WEEK)
    found = list(examine(settings, WEEK, ["queue"], "abc"))
    assert [(item.name, item.well) for item in found] == [
        (name, True) for name in ("kafka", "topics", "rights", "clock", "groups")
    ], found


def test_doctor_has_one_line_for_a_wrong_password(secure_kafka, settings):
    (found,) = examine(msgspec.structs.replace(settings, sasl=secure_kafka.wrong_password), WEEK, ["queue"], "abc")
    assert (found.name, found.well) == ("kafka", False) and "refuses the password" in found.text


def test_a_user_without_rights_may_neither_look_nor_make_topics(secure_kafka, settings):
    guest = msgspec.structs.replace(settings, sasl=secure_kafka.guest)
    apply(settings, WEEK)
    with pytest.raises(Refused, match="user guest has no right DESCRIBE on topic"):
        require_topics(guest, WEEK)


def test_doctor_names_each_right_that_is_missing_and_nothing_more_when_all_are_given(secure_kafka, settings, caplog):
    guest = msgspec.structs.replace(settings, sasl=secure_kafka.guest)
    apply(settings, WEEK)
    allow(settings, ResourceType.TOPIC, "DESCRIBE", "DESCRIBE_CONFIGS", "READ")
    allow(settings, ResourceType.GROUP, "DESCRIBE")
    wrong = [item.text for item in examine(guest, WEEK, ["queue"], "abc") if not item.well]
    assert f"user guest lacks WRITE on topic {settings.topic(MENTIONS)}; kafka-acls.sh gives it" in wrong
    assert any(f"user guest lacks WRITE on transactional id {settings.prefix}work-*" in text for text in wrong), wrong
    allow(settings, ResourceType.TOPIC, "WRITE")
    allow(settings, ResourceType.TRANSACTIONAL_ID, "DESCRIBE", "WRITE")
    wrong = [item.text for item in examine(guest, WEEK, ["queue"], "abc") if not item.well]
    assert len(wrong) == 1 and f"user guest lacks READ on group {settings.prefix}*" in wrong[0], wrong
    assert loud(caplog) == []
    allow(settings, ResourceType.GROUP, "READ")
    assert [item for item in examine(guest, WEEK, ["queue"], "abc") if not item.well] == []


def loud(caplog):
    """What the client libraries say beside our one line."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def allow(settings, kind, *operations):
    """Give the guest these rights on everything under the prefix."""
    pattern = ResourcePattern(kind, settings.prefix, ACLResourcePatternType.PREFIXED)
    with administration(settings) as admin:
        admin.create_acls(
            [
                ACL("User:guest", "*", ACLOperation[operation], ACLPermissionType.ALLOW, pattern)
                for operation in operations
            ]
        )
