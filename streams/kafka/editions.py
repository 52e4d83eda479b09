"""The editions of the lexicons on Kafka: the compacted topic `rules`, read on from where the last look ended.

Two kinds of keys: `in-force`, and `edition|ID`. An edition is written before the record that puts it into force; they may lie
in different partitions, so that a look just then may see the second without the first: that is Transient.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from config.kafka import KafkaSettings
from lexicons.edition import Edition
from records import codec
from records.errors import Transient
from records.topics import RULES
from streams.editions import Editions, InForce, edition_of, in_force_of
from streams.kafka.reading import Place, Reader
from streams.kafka.sending import Sender, sending

_IN_FORCE, _EDITION = "in-force", "edition|"


class Seen:
    """What was read so far, for the next look."""

    def __init__(self) -> None:
        self.positions: dict[Place, int] | None = None
        self.newest: dict[str, bytes] = {}


class KafkaEditions(Editions):
    """See the module. sender: asked for when something is to be written first."""

    def __init__(self, reader: Reader, sender: Callable[[], Sender], seen: Seen) -> None:
        self._reader, self._sender, self._seen = reader, sender, seen

    def in_force(self) -> InForce | None:
        """As the topic stands now."""
        self._read_on()
        value = self._seen.newest.get(_IN_FORCE)
        return None if value is None else in_force_of.decode(value)

    def edition(self, edition: str) -> Edition:
        """Raises Transient for one that is not there yet."""
        if _EDITION + edition not in self._seen.newest:
            self._read_on()
        value = self._seen.newest.get(_EDITION + edition)
        if value is None:
            raise Transient(f"edition {edition} of the lexicons is not on the topic yet")
        return edition_of.decode(value)

    def decide(self, held: InForce, edition: Edition | None) -> None:
        """First the text, then that it is in force; what cannot be gone back to is deleted last."""
        if edition is not None:
            self._write(_EDITION + edition.id, codec.encode(edition))
        self._write(_IN_FORCE, codec.encode(held))
        for key in [key for key in self._seen.newest if key.startswith(_EDITION)]:
            if key.removeprefix(_EDITION) not in held.known:
                self._write(key, None)

    def _write(self, key: str, value: bytes | None) -> None:
        sender = self._sender()
        sender.send(RULES, key, value)
        sender.flush()

    def _read_on(self) -> None:
        seen, reader = self._seen, self._reader
        places = reader.places(RULES)
        starts, ends = reader.starts(places), reader.ends(places)
        if seen.positions is None or any(not starts[p] <= seen.positions.get(p, -1) <= ends[p] for p in places):
            seen.newest.clear()  # the first look, or the topic was made anew
            seen.positions = starts
        for records in reader.read(seen.positions, ends):
            for record in records:
                if record.key is not None and record.value is not None:
                    seen.newest[record.key] = record.value
                elif record.key is not None:
                    seen.newest.pop(record.key, None)
        seen.positions = ends


@contextmanager
def looking(kafka: KafkaSettings, seen: Seen | None = None) -> Iterator[KafkaEditions]:
    """One look, over connections of its own: between two looks of a worker there is none that a broker's restart could break.
    Raises Transient, Refused where the brokers do not let us in."""
    with Reader(kafka) as reader, ExitStack() as opened_later:
        yield KafkaEditions(reader, cache(lambda: opened_later.enter_context(sending(kafka))), seen or Seen())
