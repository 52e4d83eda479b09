"""Dead letters on Kafka: the topic `dead-letters`, compacted by letter id, and the doors that redriven records go through."""

from collections.abc import Callable

from records import codec
from records.events import DeadLetter, Redrive
from records.topics import DEAD_LETTERS, TICKETS
from streams.kafka.reading import Place, Reader
from streams.kafka.sending import Sender
from streams.letters import Found, Letters
from streams.store import Store


class KafkaLetters(Letters):
    """See `streams.letters`. `ledger`: the deliveries as `streams.kafka.view` shows them. Sender and ledger are asked for when
    they are needed first."""

    def __init__(self, reader: Reader, sender: Callable[[], Sender], ledger: Callable[[], Store]) -> None:
        self._reader, self._sender, self._ledger = reader, sender, ledger

    def all(self) -> list[DeadLetter]:
        """The newest record of every id; by time, since each partition has its own order."""
        places = self._reader.places(DEAD_LETTERS)
        newest: dict[str, bytes] = {}
        for records in self._reader.read(self._reader.starts(places), self._reader.ends(places)):
            for record in records:
                if record.key is not None:
                    newest.pop(record.key, None)
                    if record.value is not None:
                        newest[record.key] = record.value
        letters = [codec.dead_letters.decode(value) for value in newest.values()]
        return sorted(letters, key=lambda letter: (letter.at, letter.id))

    def record_at(self, topic: str, place: str) -> Found | None:
        """A place is a partition and an offset."""
        partition, _, offset = place.partition("/")
        if not (partition.isdecimal() and offset.isdecimal()):
            return None
        where, wanted = Place(topic, int(partition)), int(offset)
        if where not in self._reader.places(topic):
            return None
        if not self._reader.starts([where])[where] <= wanted < self._reader.ends([where])[where]:
            return None
        for records in self._reader.read({where: wanted}, {where: wanted + 1}):
            for record in records:
                if record.offset == wanted:
                    return Found(record.key or "", record.value or b"")
        return None

    def deliver_again(self, sink: str, ticket_id: str) -> bool:
        """The deliverer alone writes the ledger: it is told, beside the ticket's own records and under another key, which
        compaction must not take for a newer version of the ticket."""
        entry = self._ledger().delivery(sink, ticket_id)
        if entry is not None and entry.state == "dead":
            record = Redrive(sink=sink, ticket_id=ticket_id)
            self._sender().send(TICKETS, f"{ticket_id}|redrive|{sink}", codec.encode(record), beside=ticket_id)
        return entry is not None

    def send(self, topic: str, key: str, value: bytes) -> None:
        """To the brokers."""
        self._sender().send(topic, key, value)

    def write(self, letter: DeadLetter) -> None:
        """Compaction lets the last one stand."""
        self._sender().send(DEAD_LETTERS, letter.id, codec.encode(letter))

    def drop(self, letter: DeadLetter) -> None:
        """A tombstone."""
        self._sender().send(DEAD_LETTERS, letter.id, None)

    def flush(self) -> None:
        """To the brokers' last replica in sync."""
        self._sender().flush()
