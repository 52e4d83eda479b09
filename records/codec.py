"""JSON codec of every record on a topic. Decoding is strict; what fails is `Poison` with the field's path."""

import re
from typing import Any, Generic, TypeVar

import msgspec

from records.errors import Poison
from records.events import AuthorEvent, DeadLetter, Lookup, Observed, Redrive, Rules, Tick
from records.facts import CustomerFact
from records.mention import Mention
from records.tickets import Delivery, TicketOperation

T = TypeVar("T")
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_encoder = msgspec.json.Encoder()


def encode(record: Any) -> bytes:
    """The record as JSON bytes. Field order is fixed, so equal records give equal bytes."""
    return _encoder.encode(record)


class Codec(Generic[T]):
    """Decoder of one topic's records."""

    def __init__(self, name: str, type_: Any) -> None:
        self.name = name
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(type_)

    def decode(self, data: bytes | str) -> T:
        """The record. Raises Poison, with `field` where the fault has a place."""
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise poison(error, self.name) from error


def poison(error: Exception, what: str) -> Poison:
    """A msgspec error as Poison: the path becomes `field`, the text stays."""
    text = str(error)
    match = _PATH.search(text)
    field = match[1] if match else None
    return Poison(f"{what}: {_PATH.sub('', text)}" + (f" at {field}" if field else ""), field or None)


mentions: Codec[Mention | Lookup] = Codec("mention", Mention | Lookup)
customer_facts: Codec[CustomerFact] = Codec("customer fact", CustomerFact)
author_events: Codec[AuthorEvent | Rules] = Codec("author event", AuthorEvent | Rules)
controls: Codec[Tick | Rules] = Codec("control record", Tick | Rules)  # under the key WHOLE
tickets: Codec[TicketOperation | Observed | Redrive] = Codec("ticket operation", TicketOperation | Observed | Redrive)
deliveries: Codec[Delivery] = Codec("delivery", Delivery)
dead_letters: Codec[DeadLetter] = Codec("dead letter", DeadLetter)
