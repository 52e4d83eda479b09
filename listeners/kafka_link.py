"""kafka-python, as the publisher uses it: a producer with callbacks, and the reading of one cursor. Everything here blocks.

kafka-python's own log lines repeat every fault at every attempt; the publisher's `trouble` says it once, so they are muted.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from config.kafka import KafkaSettings
from listeners.kafka_client import connected, partition_of, where, words
from listeners.spool import Record
from records.errors import HilferufError, Transient
from records.topics import CURSORS, CUSTOMER_FACTS, DEAD_LETTERS, MENTIONS

CONNECT_SECONDS = 5.0
BLOCK_SECONDS = 10.0  # a topic that is not known yet
READ_SECONDS = 15.0
_TOPICS = (MENTIONS, CUSTOMER_FACTS, DEAD_LETTERS, CURSORS)

Errors = list[tuple[int, BaseException]]  # which records of a sending failed, and why
Done = Callable[[Errors], None]


class Link:
    """A producer that has reached the brokers and found our topics there."""

    def __init__(self, kafka: KafkaSettings, options: dict[str, Any]) -> None:
        """Raises Transient: no broker answers; HilferufError: a topic is missing."""
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        self._kafka = kafka
        self._producer = _reached(
            kafka,
            KafkaProducer,
            **options,
            client_id="hilferuf-listen",
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=20,
            batch_size=65_536,
            delivery_timeout_ms=120_000,
            max_block_ms=int(BLOCK_SECONDS * 1000),
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
        )
        for name in _TOPICS:
            try:
                found = self._producer.partitions_for(kafka.topic(name))
            except KafkaError as error:
                self.close(0)
                raise HilferufError(
                    f"{where(kafka)}: topic {kafka.topic(name)} is missing or not ours to write ({words(error)}); "
                    "`hilferuf topics apply` makes it"
                ) from error
            if not found:
                self.close(0)
                raise Transient(f"{where(kafka)}: topic {kafka.topic(name)} has no partitions yet")

    def send(self, jobs: Sequence[tuple[Sequence[Record], Done]]) -> None:
        """Hand records to the producer. Each `done` is called once, from any thread, when all of its records are settled."""
        fault: Exception | None = None
        for records, done in jobs:
            settled = _Settled(len(records), done)
            for index, record in enumerate(records):
                if fault is None:
                    try:
                        topic = self._kafka.topic(record.topic)
                        future = self._producer.send(topic, record.value, key=record.key)
                    except Exception as error:  # noqa: BLE001 - told to the caller of each record; the first may have blocked long
                        fault = error
                if fault is not None:
                    settled.failed(index, fault)
                else:
                    future.add_callback(settled.acknowledged)
                    future.add_errback(partial(settled.failed, index))

    def close(self, seconds: float) -> None:
        """Wait so long for what is in flight, then give it up."""
        with suppress(KafkaError):  # its flush raises when the time is over, and leaves the rest undone
            self._producer.close(timeout=seconds)
        self._producer._sender.force_close()


class _Settled:
    """Counts down the records of one sending."""

    def __init__(self, count: int, done: Done) -> None:
        self._left, self._done = count, done
        self._errors: Errors = []
        self._lock = threading.Lock()

    def acknowledged(self, _: object = None) -> None:
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._done(self._errors)

    def failed(self, index: int, error: BaseException) -> None:
        with self._lock:
            self._errors.append((index, error))
        self.acknowledged()


def read_cursor(kafka: KafkaSettings, options: dict[str, Any], key: bytes) -> bytes | None:
    """The newest cursor under this key on the topic, None = there never was one. Raises Transient, HilferufError."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    consumer = _reached(
        kafka,
        KafkaConsumer,
        **options,
        client_id="hilferuf-listen",
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
        metrics_enabled=False,
    )
    try:
        return _newest(kafka, consumer, key)
    except KafkaError as error:
        raise Transient(f"{where(kafka)}: {words(error)}") from error
    finally:
        with suppress(KafkaError):
            consumer.close(autocommit=False, timeout_ms=1_000)


def _newest(kafka: KafkaSettings, consumer: Any, key: bytes) -> bytes | None:
    partitions = consumer.partitions_for_topic(kafka.topic(CURSORS))
    if not partitions:
        raise HilferufError(f"{where(kafka)} has no topic {kafka.topic(CURSORS)}: `hilferuf topics apply` makes it")
    place = TopicPartition(kafka.topic(CURSORS), partition_of(key, len(partitions)))
    consumer.assign([place])
    (end,) = consumer.end_offsets([place]).values()
    consumer.seek_to_beginning(place)
    found, before, idle = None, -1, 0.0
    while (position := consumer.position(place, timeout_ms=5_000)) is None or position < end:
        idle, before = (0.0 if position != before else idle + 0.5), position
        if idle > READ_SECONDS:
            raise Transient(f"{where(kafka)} gave nothing of {place.topic} for {READ_SECONDS:.0f} s")
        for record in consumer.poll(timeout_ms=500).get(place, ()):
            if record.key == key:
                found = record.value
    return found


def _reached(kafka: KafkaSettings, kind: Callable[..., Any], **options: Any) -> Any:
    """A client. Raises Transient."""
    try:
        return connected(kind, **options)
    except (KafkaError, OSError) as error:
        raise Transient(f"{where(kafka)} cannot be reached: {words(error)}; see `hilferuf doctor`") from error
