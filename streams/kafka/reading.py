"""Reading topics from a position to their end, for commands: without a group, and only what was committed.

A command must end, whatever the brokers do: every wait is bounded, and what is read ends where the topic ended at the start.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError

from config.kafka import KafkaSettings, client_options
from listeners.kafka_client import partition_of, where
from records.errors import HilferufError, Poison, Transient
from streams.kafka import brokers
from streams.kafka.brokers import quiet

PATIENCE_SECONDS = 30.0
CONNECT_SECONDS = 10.0
COPIED = "hilferuf-copy-of"  # header of a record that `reprocess` wrote: when its original was written
_POLL_MS = 500


class Place(NamedTuple):
    """A partition of a topic; the topic by our own name, without the prefix."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Record(NamedTuple):
    """One record; `at`: when it was written, milliseconds since 1970. value None: a tombstone."""

    place: Place
    offset: int
    key: str | None
    value: bytes | None
    at: int
    copied: bool


def key_bytes(key: str) -> bytes:
    """A key as it stands on the topic; bytes that are no UTF-8 survive the way through `Record` and back."""
    return key.encode("utf-8", "surrogateescape")


@contextmanager
def told(kafka: KafkaSettings) -> Iterator[None]:
    """Errors of the client as ours, with what to do (Poison: one record is too large); the client's own log lines would say the
    same less well."""
    with quiet("kafka"):
        try:
            yield
        except MessageSizeTooLargeError as error:
            raise Poison("the record is larger than its topic takes (`max.message.bytes`)") from error
        except KafkaError as error:
            raise brokers.told(kafka, error) from error


class Reader:
    """A consumer without a group; use it in a `with`. Every method raises Transient or Refused where the brokers do not
    answer."""

    def __init__(self, kafka: KafkaSettings, patience: float = PATIENCE_SECONDS) -> None:
        self._kafka, self._patience = kafka, patience
        self._consumer: Any = None

    def __enter__(self) -> Self:
        options = client_options(self._kafka)
        brokers.knock(self._kafka, options)
        with told(self._kafka):
            self._consumer = KafkaConsumer(
                **options,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",  # where retention ran over a position while we read
                allow_auto_create_topics=False,
                max_poll_records=2_000,
                bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
                metrics_enabled=False,
            )
        return self

    def __exit__(self, *_: object) -> None:
        with told(self._kafka):
            self._consumer.close(autocommit=False, timeout_ms=2_000)

    def places(self, topic: str) -> list[Place]:
        """The partitions of a topic. Raises HilferufError where there is no such topic."""
        with told(self._kafka):
            partitions = self._consumer.partitions_for_topic(self._kafka.topic(topic))
        if not partitions:
            name = self._kafka.topic(topic)
            raise HilferufError(
                f"{where(self._kafka)} has no topic {name}, or {brokers.user(self._kafka)} may not see it: `hilferuf topics "
                "apply` makes it, `hilferuf doctor` tells rights that are missing"
            )
        return [Place(topic, partition) for partition in sorted(partitions)]

    def place_of(self, topic: str, key: str) -> Place:
        """Where the records of a key stand."""
        return Place(topic, partition_of(key_bytes(key), len(self.places(topic))))

    def identity(self, topic: str) -> str:
        """What tells a topic from one of the same name that was made after it was deleted."""
        name = self._kafka.topic(topic)
        return f"{name} {self._consumer._cluster.topic_id(name)} {len(self.places(topic))}"

    def starts(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first position of each."""
        with told(self._kafka):
            return self._ours(self._consumer.beginning_offsets([self._theirs(place) for place in places]))

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The position after the last committed record of each."""
        with told(self._kafka):
            return self._ours(self._consumer.end_offsets([self._theirs(place) for place in places]))

    def since(self, places: Iterable[Place], at: int) -> dict[Place, int]:
        """The first position at which a record was written at this time (milliseconds since 1970) or later. Places without one
        are left out."""
        with told(self._kafka):
            found = self._consumer.offsets_for_times({self._theirs(place): at for place in places})
        return self._ours({tp: place.offset for tp, place in found.items() if place is not None})

    def read(self, positions: Mapping[Place, int], ends: Mapping[Place, int]) -> Iterator[list[Record]]:
        """Batches of records from `positions` on, up to `ends`. Raises Transient when nothing comes for too long."""
        wanted = {self._theirs(place): ends[place] for place in positions if positions[place] < ends.get(place, 0)}
        with told(self._kafka):
            self._consumer.assign(list(wanted))
            self._consumer.resume(*wanted)  # what an earlier reading had read up
            for place, position in positions.items():
                if self._theirs(place) in wanted:
                    self._consumer.seek(self._theirs(place), position)
        before: list[int] = []
        deadline = time.monotonic() + self._patience
        while wanted:
            with told(self._kafka):
                polled = self._consumer.poll(timeout_ms=_POLL_MS)
                # Positions, not offsets of records: the last one may be a transaction's marker, which nobody is handed.
                now = {tp: self._consumer.position(tp, timeout_ms=_POLL_MS) or 0 for tp in wanted}
            records = [
                self._record(record)
                for tp, found in polled.items()
                for record in found
                if record.offset < wanted.get(tp, 0)
            ]
            if records:
                yield records
            if records or list(now.values()) != before:
                before, deadline = list(now.values()), time.monotonic() + self._patience
            elif time.monotonic() > deadline:
                raise Transient(f"{where(self._kafka)} gave nothing for {self._patience:.0f} s")
            done = [tp for tp, position in now.items() if position >= wanted[tp]]
            for tp in done:
                del wanted[tp]
            if done:
                with told(self._kafka):
                    self._consumer.pause(*done)
                before = []

    def _theirs(self, place: Place) -> TopicPartition:
        return TopicPartition(self._kafka.topic(place.topic), place.partition)

    def _ours(self, offsets: Mapping[Any, int]) -> dict[Place, int]:
        return {self._place(tp.topic, tp.partition): offset for tp, offset in offsets.items()}

    def _place(self, topic: str, partition: int) -> Place:
        return Place(topic.removeprefix(self._kafka.prefix), partition)

    def _record(self, record: Any) -> Record:
        key = None if record.key is None else record.key.decode("utf-8", "surrogateescape")
        copied = any(name == COPIED for name, _ in record.headers or ())
        place = self._place(record.topic, record.partition)
        return Record(place, record.offset, key, record.value, record.timestamp, copied)
