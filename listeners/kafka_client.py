"""What every client of kafka-python here needs, in the listeners and above them."""

from collections.abc import Callable
from typing import Any

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.partitioner.default import murmur2

from config.kafka import KafkaSettings


def connected(kind: Callable[..., Any], **options: Any) -> Any:
    """A client; one that does not come up would leave its thread running. Raises what it raised."""
    made: list[Any] = []

    def network(**config: Any) -> Any:
        made.append(KafkaNetClient(**config))
        return made[0]

    try:
        return kind(**options, kafka_client=network)
    except (KafkaError, OSError):
        for client in made:
            client.close()
            client._manager._net.stop()
        raise


def where(kafka: KafkaSettings) -> str:
    """The brokers, for people."""
    return "Kafka at " + ", ".join(kafka.bootstrap)


def words(error: BaseException) -> str:
    """An error of a client library in one line: they put the name of the class before every text, and most have no other."""
    text = str(error).strip().splitlines()
    return text[0][:300] if text else type(error).__name__


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that a key goes to: murmur2, as all producers here do it."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
