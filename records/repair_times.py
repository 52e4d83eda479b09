"""Times of an input document: read in any RFC 3339 form, repaired where they cannot be true.

True is what lies between 2006 (the oldest channel that we hear) and five minutes after the observation (clocks differ).
A time of posting that is not true becomes the time of observation: a ticket must neither stand first for ever nor be due
in 1970.
"""

from typing import Any

from records.repair import Repairs
from records.times import MINUTE, from_ms, read_time, to_ms

TOLERANCE = 5 * MINUTE
EARLIEST = "2006-01-01T00:00:00.000Z"

_EARLIEST_MS = to_ms(EARLIEST)
_NESTED = (("author", "created_at"), ("author", "as_of"), ("metrics", "as_of"), ("reply", "until"))


def settle_times(document: dict[str, Any], now: str, default: str | None, repairs: Repairs) -> None:
    """Fills and repairs observed_at, occurred_at, edited_at, sent_at and time_quality.

    now: timestamp of the observation, where the document names none. default: timestamp for a missing occurred_at (the
    `--until` of a replay); times up to it are not in the future.
    """
    default_ms = None if default is None else to_ms(default)
    observed, given = _settle_observed(document, max(to_ms(now), default_ms or 0), to_ms(now), repairs)
    stand_in = observed if given or default_ms is None else default_ms
    latest = max(observed, default_ms or 0) + TOLERANCE

    if "occurred_at" not in document:
        document["occurred_at"] = from_ms(observed if default_ms is None else default_ms)
        document["time_quality"] = "observed"
    else:
        _settle_occurred(document, stand_in, latest, repairs)

    for key in ("edited_at", "sent_at"):
        if key not in document:
            continue
        read = _read(document, key, key, repairs)
        if read is None or read < _EARLIEST_MS:
            repairs.nulled((key,), "is no time" if read is None else "lies before 2006")
            del document[key]
        elif read > latest:
            repairs.replaced((key,), "lies in the future, replaced by the time of observation")
            document[key] = from_ms(stand_in)
        else:
            document[key] = from_ms(read)


def nested_times(document: dict[str, Any], repairs: Repairs) -> None:
    """Times inside the parts: any RFC 3339 form is read, what is no time is emptied."""
    for part, key in _NESTED:
        _settle_nested(document.get(part), key, f"{part}.{key}", repairs)
    media = document.get("media")
    for index, item in enumerate(media if isinstance(media, list) else ()):
        _settle_nested(item, "expires_at", f"media[{index}].expires_at", repairs)


def _settle_nested(part: Any, key: str, field: str, repairs: Repairs) -> None:
    if not isinstance(part, dict) or part.get(key) is None:
        return
    read = _read(part, key, field, repairs)
    if read is None:
        repairs.nulled((field,), "is no time")
        del part[key]
    else:
        part[key] = from_ms(read)


def _settle_observed(document: dict[str, Any], latest: int, now: int, repairs: Repairs) -> tuple[int, bool]:
    """(milliseconds, whether the document named a time that can be true)."""
    observed, given = now, False
    if "observed_at" in document:
        read = _read(document, "observed_at", "observed_at", repairs)
        if read is not None and _EARLIEST_MS <= read <= latest + TOLERANCE:
            observed, given = read, True
        else:
            reason = "is no time" if read is None else "lies before 2006 or in the future"
            repairs.replaced(("observed_at",), f"{reason}, replaced by the time of arrival")
    document["observed_at"] = from_ms(observed)
    return observed, given


def _settle_occurred(document: dict[str, Any], stand_in: int, latest: int, repairs: Repairs) -> None:
    read = _read(document, "occurred_at", "occurred_at", repairs)
    if read is not None and _EARLIEST_MS <= read <= latest:
        document["occurred_at"] = from_ms(read)
        return
    if read is None:
        reason = "is no time"
    else:
        reason = "lies before 2006" if read < _EARLIEST_MS else "lies in the future"
    repairs.replaced(("occurred_at",), f"{reason}, replaced by the time of observation")
    document["occurred_at"] = from_ms(stand_in)
    document["time_quality"] = "observed"


def _read(part: dict[str, Any], key: str, field: str, repairs: Repairs) -> int | None:
    """Milliseconds since 1970; None for what is no time."""
    try:
        moment = read_time(part[key])
    except ValueError:
        return None
    if not moment.zoned:
        repairs.replaced((field,), "names no time zone, read as UTC")
    if moment.date_only and field == "occurred_at":
        part["time_quality"] = "date_only"
    return moment.ms
