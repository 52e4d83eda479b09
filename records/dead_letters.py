"""How a dead letter is made: the same input gives the same letter on every engine, in every process."""

from records.events import DeadLetter
from records.ids import digest
from records.times import from_ms

MAX_ORIGINAL = 500_000  # bytes of what a letter on Kafka holds of its original; base64 makes a third more of them
_MAX_WORDS = 2_000  # characters of its reason, field, origin: they may quote the input


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


def fitting_letter(original: bytes, reason: str, field: str | None, origin: str, now: int) -> DeadLetter:
    """The same, cut to what the brokers take; the reason says so."""
    reason = reason[:_MAX_WORDS]
    if len(original) > MAX_ORIGINAL:
        reason += f" (the original had {len(original)} bytes and was cut)"
        original = original[:MAX_ORIGINAL]
    return dead_letter(original, reason, field and field[:_MAX_WORDS], origin[:_MAX_WORDS], now)
