"""What every factor gives back, and the two curves they share."""

from typing import NamedTuple

from records.tickets import Factor

TENTHS = 10


class Weighed(NamedTuple):
    """A factor's points with their reason, and what it did not know, so that it counted for nothing."""

    factor: Factor
    unknown: tuple[str, ...] = ()


def points(share: float, cap: float) -> float:
    """A share of a cap in points with one decimal, never above the cap. Monotone in both."""
    return min(round(share * cap * TENTHS), int(cap * TENTHS + 1e-9)) / TENTHS


def saturating(value: float, half: float) -> float:
    """value / (value + half): 0 at 0, one half at `half`, towards 1 above (Michaelis and Menten's curve). Monotone."""
    return value / (value + half) if value > 0 else 0.0
