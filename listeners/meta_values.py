"""Reading the values that Meta's APIs and webhooks share: ids that may be integers, times in three forms, absent texts.

Ids must be usable, or the item is Poison. Everything else that can't be read is treated as absent: no call for help is
lost for a broken time.
"""

from typing import Any

import msgspec

from records.errors import Poison
from records.mention import Mention
from records.normalise import normalise_mention
from records.times import from_ms, to_ms

# Above this a number counts milliseconds: as seconds it would lie in the year 5138, as milliseconds 1973.
_MILLISECONDS_FROM = 100_000_000_000


class Ignored(msgspec.Struct, frozen=True):
    """Understood and left out on purpose, such as a reaction; `what` is a short word to count by."""

    what: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Which of our pages heard it, through which listener, and when (`observed_at`, UTC)."""

    page_id: str
    listener: str
    observed_at: str
    handle: str | None = None
    brand: str | None = None

    def account(self) -> dict[str, str]:
        """The mention's `account`."""
        return present({"id": self.page_id, "handle": self.handle, "brand": self.brand})


def compose(source: Source, **fields: Any) -> Mention:
    """A mention from its input form, repaired and checked by the one normaliser. Raises Poison."""
    given = present({"account": source.account(), **fields})
    given.setdefault("text", None)
    return normalise_mention(given, observed_at=source.observed_at, listener=source.listener)


def present(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields without those that are unknown."""
    return {name: value for name, value in fields.items() if value is not None and value not in ({}, [])}


def identifier(value: Any, field: str) -> str:
    """An id as text. Raises Poison when it is missing or no id (white space, a fraction, a list)."""
    found = optional_identifier(value)
    if found is None:
        raise Poison(f"{field} is missing or no id", field)
    return found


def optional_identifier(value: Any) -> str | None:
    """An id as text, None when it is missing or no id. Meta sends ids as text and as integers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 < value < 10**40 else None
    if isinstance(value, str) and value and len(value) <= 512 and not any(part.isspace() for part in value):
        return value
    return None


def moment(value: Any) -> str | None:
    """A time as Timestamp: seconds, milliseconds, or text such as `2026-01-05T10:00:00+0000`. None when unreadable."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return from_ms(int(value if value >= _MILLISECONDS_FROM else value * 1000)) if value > 0 else None
        if isinstance(value, str):
            return moment(int(value)) if value.isascii() and value.isdigit() else from_ms(to_ms(value))
    except (ValueError, OverflowError, OSError):
        return None
    return None


def words(value: Any) -> str | None:
    """A text, None when it is missing, empty or no text."""
    return value if isinstance(value, str) and value else None


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object, empty when it is missing or something else."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """A JSON array, empty when it is missing or something else."""
    return value if isinstance(value, list) else []


def web_address(value: Any) -> str | None:
    """An http or https address, None when it is anything else."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None


def count(value: Any) -> int | None:
    """A number of things, None when it is missing or no count. Unknown is never zero."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
