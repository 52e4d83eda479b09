"""Writing a few records from a command: kafka-python's idempotent producer, flushed, with every error told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaProducer

from config.kafka import KafkaSettings, client_options
from listeners.kafka_client import partition_of
from records.errors import HilferufError
from streams.kafka import brokers
from streams.kafka.catalogue import MAX_LETTER_BYTES
from streams.kafka.reading import CONNECT_SECONDS, COPIED, key_bytes, told

FLUSH_SECONDS = 30.0
UNFLUSHED = 2_000  # records in flight; the producer itself knows no bound


class Sender:
    """See the module. What `send` took is written when `flush` has returned."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer = _producer(kafka)
        self._sent: list[Any] = []

    def send(
        self, topic: str, key: str, value: bytes | None, *, beside: str | None = None, copy_of: int | None = None
    ) -> None:
        """One record; value None deletes. `beside`: the key in whose partition it belongs, where that is another one.
        `copy_of`: when the record was written that this one repeats, milliseconds since 1970. Raises as `flush` does, also
        for records that went before."""
        name = self._kafka.topic(topic)
        partition = None
        with told(self._kafka):
            if beside is not None:
                partition = partition_of(key_bytes(beside), len(self._partitions(name)))
            headers = [] if copy_of is None else [(COPIED, str(copy_of).encode())]
            future = self._producer.send(name, value, key=key_bytes(key), partition=partition, headers=headers)
        self._sent.append(future)
        if len(self._sent) >= UNFLUSHED:
            self.flush()

    def flush(self) -> None:
        """Wait until the brokers have everything. Raises Transient, Refused, or Poison (too large) where one record was not
        taken."""
        sent, self._sent = self._sent, []
        try:
            with told(self._kafka):
                self._producer.flush(FLUSH_SECONDS)
                for future in sent:
                    future.get(FLUSH_SECONDS)  # raises what became of it; a callback may come later than the flush
        except HilferufError:
            self.close()  # one record refused for good, and an idempotent producer refuses all that come after it
            self._producer = _producer(self._kafka)
            raise

    def close(self) -> None:
        """Without waiting for anything."""
        self._producer.close(timeout=1)

    def _partitions(self, name: str) -> Any:
        found = self._producer.partitions_for(name)
        if not found:
            raise HilferufError(f"there is no topic {name}: `hilferuf topics apply` makes it")
        return found


@contextmanager
def sending(kafka: KafkaSettings) -> Iterator[Sender]:
    """A sender; what it was given is flushed at the end. Raises as `flush` does."""
    sender = Sender(kafka)
    try:
        yield sender
        sender.flush()
    finally:
        sender.close()


def _producer(kafka: KafkaSettings) -> Any:
    options = client_options(kafka)
    brokers.knock(kafka, options)
    with told(kafka):
        return KafkaProducer(
            **options,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=5,
            batch_size=65_536,
            max_request_size=MAX_LETTER_BYTES,
            delivery_timeout_ms=int(FLUSH_SECONDS * 1000),
            request_timeout_ms=10_000,
            max_block_ms=10_000,
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
