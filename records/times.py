"""Times as they stand in every record: UTC, RFC 3339 with milliseconds and `Z`; they sort as text.

Rules count in integer milliseconds since 1970 (`int`), records carry text (`Timestamp`); these two functions are the bridge.
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

Timestamp = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_ms(timestamp: str) -> int:
    """Milliseconds since 1970 of a timestamp of this form. Raises ValueError on anything that is no RFC 3339 time."""
    moment = datetime.fromisoformat(timestamp)
    if moment.tzinfo is None:
        raise ValueError(f"{timestamp!r} has no time zone; write UTC with a trailing Z")
    # Integer arithmetic: `timestamp() * 1000` loses a millisecond now and then.
    delta = moment - _EPOCH
    return delta.days * DAY + delta.seconds * SECOND + delta.microseconds // 1000


def from_ms(ms: int) -> str:
    """The timestamp of a time in milliseconds since 1970. Raises OverflowError or ValueError outside the years 1 to 9999."""
    seconds, millis = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{millis:03d}Z"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
