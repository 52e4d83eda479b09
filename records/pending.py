"""A pending trigger as it travels in `Verdict.pending`: `own.vip:customer+first_contact>legal`.

The trigger's id, its conditions on author and thread (`not_` before one that must not hold), and the league that it gives if
all of them hold.
"""

from typing import NamedTuple


class Pending(NamedTuple):
    """One entry of `Verdict.pending`. league None: it gives none."""

    trigger: str
    conditions: tuple[str, ...]
    league: str | None = None

    def __str__(self) -> str:
        return f"{self.trigger}:{'+'.join(self.conditions)}" + (f">{self.league}" if self.league else "")


def parse_pending(text: str) -> Pending:
    """The entry; one that a newer version wrote otherwise has conditions that nobody knows, and so never holds."""
    trigger, _, rest = text.partition(":")
    conditions, _, league = rest.partition(">")
    return Pending(trigger, tuple(conditions.split("+")), league or None)
