"""`reprocess` on Kafka: records of the log are published again under the same keys, beside everything that comes anew.

What the log held at the start is read, and no more: else the copies would be copied for ever.
"""

from collections.abc import Iterator

from records.topics import WHOLE
from streams.kafka.reading import Reader, Record
from streams.kafka.sending import Sender
from streams.refeed import STEP, TOPICS, Log, Span, Step, What, what_to_do


class KafkaLog(Log):
    """See `streams.refeed`."""

    def __init__(self, reader: Reader, sender: Sender) -> None:
        self._reader, self._sender = reader, sender

    def feed(self, span: Span, step: int = STEP) -> Iterator[Step]:
        """Everything that the brokers hold now and that is no copy; a step is written when it is told."""
        ends = {topic: self._reader.ends(self._reader.places(topic)) for topic in TOPICS}
        for topic in TOPICS:
            for records in self._reader.read(self._reader.since(ends[topic], span.since), ends[topic]):
                for first in range(0, len(records), step):
                    yield Step(topic, self._copy(topic, records[first : first + step], span))

    def _copy(self, topic: str, records: list[Record], span: Span) -> dict[What, int]:
        counts: dict[What, int] = {}
        for record in records:
            if record.key is None or record.key == WHOLE or record.value is None or record.copied:
                continue
            what = what_to_do(topic, record.value, record.at, span)
            counts[what] = counts.get(what, 0) + 1
            if what == "fed":
                self._sender.send(topic, record.key, record.value, copy_of=record.at)
        self._sender.flush()
        return counts
