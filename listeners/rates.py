"""What the other side allows: rate-limit headers as numbers, and a budget of calls in a sliding window. Pure."""

from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec


class RateLimit(msgspec.Struct, frozen=True):
    """`x-rate-limit-*` of one answer: `remaining` of `limit` calls until `reset`, in seconds since 1970."""

    limit: int | None
    remaining: int | None
    reset: int | None

    def wait(self, now: int) -> float | None:
        """Seconds until calls are allowed again, None when some are left or nothing is known. `now` in milliseconds."""
        if self.remaining is None or self.remaining > 0 or self.reset is None:
            return None
        return seconds_until(self.reset, now)


def rate_limit(headers: Mapping[str, str]) -> RateLimit:
    """From the headers of an answer (names in any case, if the mapping compares so); nonsense counts as unknown."""
    return RateLimit(
        limit=_number(headers.get("x-rate-limit-limit")),
        remaining=_number(headers.get("x-rate-limit-remaining")),
        reset=_number(headers.get("x-rate-limit-reset")),
    )


def asked_wait(headers: Mapping[str, str], now: int) -> float | None:
    """Seconds that an answer 429 or 503 asks to wait: Retry-After (seconds or HTTP date), else the rate limit's reset."""
    after = headers.get("retry-after")
    if after is not None:
        seconds = _number(after)
        if seconds is not None:
            return float(seconds)
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - now / 1000)
        except (TypeError, ValueError, OverflowError):
            pass  # neither form: as if it were not there
    reset = _number(headers.get("x-rate-limit-reset"))
    return None if reset is None else seconds_until(reset, now)


def seconds_until(reset: int, now: int) -> float:
    """Seconds from `now` (milliseconds) to `reset` (seconds), and one more, because a reset is cut to whole seconds.

    At most an hour: a nonsensical header must not silence a listener for ever.
    """
    return min(3600.0, max(0.0, reset - now / 1000) + 1.0)


class Window:
    """At most `calls` in any `seconds`. Reason: X counts connections, also those that end at once (50 in 15 minutes)."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._span = calls, int(seconds * 1000)
        self._taken: deque[int] = deque()

    def wait(self, now: int) -> float:
        """Seconds until one more is allowed."""
        if self.left(now) > 0:
            return 0.0
        return (self._taken[0] + self._span - now) / 1000

    def left(self, now: int) -> int:
        """How many are allowed now."""
        while self._taken and self._taken[0] <= now - self._span:
            self._taken.popleft()
        return self._calls - len(self._taken)

    def take(self, now: int) -> None:
        """One call was made."""
        self._taken.append(now)


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
