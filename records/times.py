"""Times as they stand in every record: UTC, RFC 3339 with milliseconds and `Z`; they sort as text.

Rules count in integer milliseconds since 1970 (`int`), records carry text (`Timestamp`); `to_ms` and `from_ms` are the
bridge. `read_time` is for what comes from outside: any RFC 3339 form, or a number of seconds or milliseconds.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec

Timestamp = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = -62_135_596_800_000  # 0001-01-01
_LATEST_MS = 253_402_300_799_999  # 9999-12-31
_NUMBER = re.compile(r"-?\d{9,20}(\.\d+)?", re.ASCII)
_LEAP_SECOND = re.compile(r"(\d\d:\d\d):60")


def to_ms(timestamp: str) -> int:
    """Milliseconds since 1970 of a timestamp of this form. Raises ValueError on anything that is no RFC 3339 time."""
    moment = datetime.fromisoformat(timestamp)
    if moment.tzinfo is None:
        raise ValueError(f"{timestamp!r} has no time zone; write UTC with a trailing Z")
    return _count(moment)


def from_ms(ms: int) -> str:
    """The timestamp of a time in milliseconds since 1970. Raises OverflowError outside the years 1 to 9999."""
    # Not strftime: its %Y writes the year 999 with three digits, and such a time sorts wrongly.
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")[:23] + "Z"


class Moment(NamedTuple):
    """A time from outside. `zoned` False: it named no time zone and was read as UTC; `date_only`: it named no hour."""

    ms: int
    zoned: bool = True
    date_only: bool = False


def read_time(value: object) -> Moment:
    """A time in any RFC 3339 form, or since 1970 in seconds, milliseconds, micro- or nanoseconds (told by size).

    A leap second is read as the second before it. Raises ValueError, also outside the years 1 to 9999.
    """
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return _read_text(text)
        value = float(text) if "." in text else int(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a time is RFC 3339 text or a number")  # noqa: TRY004 - one error for all that is no time
    ms = _scale(value)
    if not _EARLIEST_MS <= ms <= _LATEST_MS:
        raise ValueError("the time lies outside the years 1 to 9999")
    return Moment(ms)


def _read_text(text: str) -> Moment:
    moment = datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text.upper()))
    zoned = moment.tzinfo is not None
    ms = _count(moment if zoned else moment.replace(tzinfo=UTC))
    if not _EARLIEST_MS <= ms <= _LATEST_MS:
        raise ValueError("the time lies outside the years 1 to 9999")
    date_only = ":" not in text and "T" not in text.upper()
    return Moment(ms, zoned or date_only, date_only)


def _scale(value: float) -> int:
    if not math.isfinite(value):
        raise ValueError("not a number")
    size = abs(value)
    if size < 1e11:  # seconds up to the year 5138; as milliseconds that is 1973
        return round(value * 1000)
    if size < 1e14:
        return int(value)
    return int(value // 1000) if size < 1e17 else int(value // 1_000_000)


def _count(moment: datetime) -> int:
    # Integer arithmetic: `timestamp() * 1000` loses a millisecond now and then.
    delta = moment - _EPOCH
    return delta.days * DAY + delta.seconds * SECOND + delta.microseconds // 1000
