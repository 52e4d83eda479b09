"""Dead letters: how one is made, where it says it came from, and how it is written into the embedded log."""

from collections.abc import Sequence

from records import codec
from records.events import DeadLetter
from records.ids import digest
from records.times import from_ms
from records.topics import DEAD_LETTERS
from streams.store import Store

DELIVERY_ORIGIN = "deliver/"  # a ticket that a helpdesk refused for good: then `sink|ticket id`


def dead_letter(original: bytes, reason: str, field: str | None, origin: str, now: int) -> DeadLetter:
    """A dead letter with a deterministic id; `now` in milliseconds since 1970."""
    return DeadLetter(
        id="dl-" + digest(origin, original.decode("utf-8", "surrogateescape"), reason),
        reason=reason,
        field=field,
        origin=origin,
        at=from_ms(now),
        original=original,
    )


def write(store: Store, letters: Sequence[DeadLetter], at: int) -> None:
    """Append dead letters to their topic, at this time (milliseconds since 1970)."""
    store.append(DEAD_LETTERS, [(letter.id, codec.encode(letter)) for letter in letters], at)
