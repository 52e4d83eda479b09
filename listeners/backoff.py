"""How long to wait after a failure: pure, with the random number passed in.

Full jitter (uniform between zero and a growing ceiling) spreads the retries of many clients; what the other side asked
for (Retry-After, a rate limit's reset) is a floor that jitter never goes below.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

Random = Callable[[], float]


class Backoff(msgspec.Struct, frozen=True):
    """Growth of the ceiling, in seconds: `base`, then doubled or (linear) increased by `base` with each failure, to `cap`."""

    base: float
    cap: float
    growth: Literal["doubling", "linear"] = "doubling"

    def ceiling(self, attempt: int) -> float:
        """The longest wait after the failure number `attempt`, counted from 1."""
        if attempt < 1:
            return 0.0
        if self.growth == "linear":
            return min(self.cap, self.base * attempt)
        # The exponent is bounded so that a listener failing for weeks does not overflow a float.
        return min(self.cap, self.base * 2.0 ** min(attempt - 1, 60))

    def wait(self, attempt: int, random: Random, floor: float | None = None) -> float:
        """Seconds to wait after the failure number `attempt`; never less than `floor`. `random` gives 0 ≤ r < 1."""
        return max(random() * self.ceiling(attempt), floor or 0.0)


class Circuit:
    """Stops calling an other side that fails for everybody: `threshold` failures in a row open it for `seconds`; then one
    call is let through, and its failure opens it again. Reason: thirty sources of one host must not each try in turn."""

    def __init__(self, threshold: int = 5, seconds: float = 60.0) -> None:
        self._threshold, self._seconds = threshold, seconds
        self._failures = 0
        self._open_until = 0

    def closed_in(self, now: int) -> float:
        """Seconds until calls are let through; 0 = now. `now` in milliseconds since 1970."""
        return max(0, self._open_until - now) / 1000

    def failed(self, now: int) -> None:
        """A call failed."""
        self._failures += 1
        if self._failures >= self._threshold:
            self._open_until = now + int(self._seconds * 1000)

    def succeeded(self) -> None:
        """A call succeeded."""
        self._failures = 0
        self._open_until = 0
