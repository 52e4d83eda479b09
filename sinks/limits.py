"""How fast a helpdesk may be called: one limiter a sink, fed by what its answers say, and the reading of Retry-After.

A wait that is short (below `patience` seconds) is waited for; a longer one is handed back at once as Transient, so that
whoever delivers can do other work and come back: nothing stands in line behind a helpdesk that asked for an hour.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from records.errors import Transient

SHORTEST = 1.0
LONGEST = 3600.0


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `Retry-After` asks for, between 1 and 3600; None where it is missing or unreadable.

    Read are whole and fractional seconds and HTTP dates (RFC 9110, 10.2.3). 0 counts as 1: some servers send it while
    they still refuse, and a caller that believes it spins. `now`: seconds since 1970.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp() - now
    if math.isnan(seconds):
        return None
    return min(max(seconds, SHORTEST), LONGEST)


class Limiter:
    """Token bucket, shared by all calls to one helpdesk of one process.

    per_minute: calls a minute, None = no limit of our own. burst: calls that may go at once. patience: the longest wait
    in seconds that `acquire` waits for itself. `clock` is monotonic seconds.
    """

    def __init__(
        self,
        per_minute: float | None = None,
        *,
        burst: int = 10,
        patience: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = per_minute / 60.0 if per_minute else None
        self._burst = float(burst)
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._tokens = self._burst
        self._at = clock()
        self._closed_until = 0.0

    async def acquire(self) -> None:
        """Wait for a turn. Raises Transient with the seconds still to wait where that is longer than `patience`."""
        while (wait := self._wait()) > 0:
            if wait > self._patience:
                raise Transient(f"the helpdesk asked for a pause of {wait:.0f} s", retry_after=wait)
            await self._sleep(wait)
        if self._rate is not None:
            self._tokens -= 1.0

    def pause(self, seconds: float) -> None:
        """No call before so many seconds have passed; a shorter pause never ends a longer one."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def feed(self, headers: Mapping[str, str]) -> None:
        """What a good answer says: an allowance that is used up closes the gate until it is filled again."""
        remaining = allowance(headers)
        reset = _number(
            headers, "x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset", "x-ratelimit-reset-after"
        )
        # A reset beyond an hour is a point in time (seconds since 1970) or nonsense: then the server's 429 has to say it.
        if remaining is not None and remaining <= 0 and reset is not None and 0 < reset <= LONGEST:
            self.pause(reset)

    def _wait(self) -> float:
        now = self._clock()
        closed = self._closed_until - now
        if closed > 0 or self._rate is None:
            return max(closed, 0.0)
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._rate


def allowance(headers: Mapping[str, str]) -> float | None:
    """Calls that are left before the account's own limit, by an answer's headers; None where they do not tell."""
    return _number(headers, "x-rate-limit-remaining", "x-ratelimit-remaining", "ratelimit-remaining")


def _number(headers: Mapping[str, str], *names: str) -> float | None:
    for name in names:
        try:
            value = float(headers.get(name, "nan"))
        except ValueError:
            continue
        if math.isfinite(value):
            return value
    return None
