"""For the tests of what people look at on Kafka: topics as a deployment has them, and writers as its parts have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from config.kafka import KafkaSettings, client_options
from records import codec
from records.tickets import Delivery, Held, Ticket, TicketOperation
from records.topics import DELIVERIES, TICKETS


def settings_for(addresses: list[str], prefix: str, **more: Any) -> KafkaSettings:
    return KafkaSettings(bootstrap=tuple(addresses), prefix=prefix, partitions=2, replication=1, min_insync=1, **more)


def make(settings: KafkaSettings, *names: str, most_bytes: int = 1_048_576) -> None:
    """Make topics, stamped by the brokers' clock as a deployment's are."""
    configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(most_bytes)}
    with admin(settings) as client:
        client.create_topics(
            [NewTopic(settings.topic(name), settings.partitions, 1, topic_configs=configs) for name in names]
        )


def unmake(settings: KafkaSettings, *names: str) -> None:
    with admin(settings) as client:
        client.delete_topics([settings.topic(name) for name in names])


@contextmanager
def admin(settings: KafkaSettings) -> Iterator[Any]:
    client = KafkaAdminClient(**client_options(settings))
    yield client
    client.close()


class Writer:
    """Writes as the parts of a deployment do. Where `transactional_id` is given: in transactions."""

    def __init__(self, settings: KafkaSettings, transactional_id: str | None = None) -> None:
        self.settings = settings
        self.producer = KafkaProducer(**client_options(settings), transactional_id=transactional_id)
        if transactional_id is not None:
            self.producer.init_transactions()

    def put(self, topic: str, key: str | None, value: bytes | None) -> tuple[int, int]:
        """One record, written now. Returns partition and offset."""
        sent = self.producer.send(self.settings.topic(topic), value, key=None if key is None else key.encode())
        found = sent.get(30)
        return found.partition, found.offset

    def ticket(self, ticket: Ticket, version: int = 1) -> None:
        operation = TicketOperation(ticket_id=ticket.id, version=version, op="update", ticket=ticket)
        self.put(TICKETS, ticket.id, codec.encode(operation))

    def delivery(self, ticket: Ticket, sink: str = "queue", **more: Any) -> Delivery:
        wanted = TicketOperation(ticket_id=ticket.id, version=1, op="open", ticket=ticket)
        entry = Delivery(
            sink=sink,
            ticket_id=ticket.id,
            author_key=ticket.author_key,
            wanted=wanted,
            **{"state": "settled", "held": Held(remote_id="7"), **more},
        )
        self.put(DELIVERIES, f"{sink}|{ticket.id}", codec.encode(entry))
        return entry
