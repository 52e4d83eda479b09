"""What the log on Kafka still holds of one mention: its key says in which partition, that partition is read whole."""

from collections.abc import Callable

from config.kafka import KafkaSettings
from records.topics import MENTIONS
from streams.kafka.reading import Reader


def history(kafka: KafkaSettings, mention_id: str, progress: Callable[[int], None]) -> list[bytes]:
    """All versions under this key, oldest first. `progress` is told how many records were looked at. Raises Transient."""
    found: list[bytes] = []
    looked = 0
    with Reader(kafka) as reader:
        place = reader.place_of(MENTIONS, mention_id)
        for records in reader.read(reader.starts([place]), reader.ends([place])):
            found += [r.value for r in records if r.key == mention_id and r.value is not None]
            looked += len(records)
            progress(looked)
    return found
