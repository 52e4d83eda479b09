"""Dead letters in the embedded log, and where a letter says it came from. How one is made: `records.dead_letters`."""

from collections.abc import Sequence

from records import codec
from records.dead_letters import dead_letter
from records.events import DeadLetter
from records.topics import DEAD_LETTERS
from streams.store import Store

__all__ = ["DELIVERY_ORIGIN", "dead_letter", "write"]

DELIVERY_ORIGIN = "deliver/"  # a ticket that a helpdesk refused for good: then `sink|ticket id`


def write(store: Store, letters: Sequence[DeadLetter], at: int) -> None:
    """Append dead letters to their topic, at this time (milliseconds since 1970)."""
    store.append(DEAD_LETTERS, [(letter.id, codec.encode(letter)) for letter in letters], at)
