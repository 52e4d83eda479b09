"""How a dead letter is made: the same input gives the same letter on every engine, in every process."""

from records.events import DeadLetter
from records.ids import digest
from records.times import from_ms


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
