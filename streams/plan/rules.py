"""The two sets of rules that a plan compares. Made in every worker process."""

from collections.abc import Callable
from typing import NamedTuple

from records.mention import Mention
from records.verdict import Verdict
from streams import derive

Judge = Callable[[Mention], Verdict]


class Both(NamedTuple):
    """A verdict by each lexicon; the same object twice where they are one."""

    old: Verdict
    new: Verdict


class Rules(NamedTuple):
    """old, new: judge by either lexicon. tickets: what both derive by; days as in the settings."""

    old: Judge
    new: Judge
    tickets: derive.Rules
    route_days: float = 30.0
    author_days: float = 90.0

    def judge(self, mention: Mention) -> Both:
        """What either says of it."""
        old = self.old(mention)
        return Both(old, old if self.new is self.old else self.new(mention))


Load = Callable[[], Rules]  # picklable: called once in every process
