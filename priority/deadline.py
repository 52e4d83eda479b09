"""Due time and rank key: pure, on milliseconds since 1970.

Due time = time of posting of the oldest unanswered post + a target that shrinks as the score grows. Sorting by league, then due
time, is an accumulating-priority queue: it ages by itself, so no ticket is rewritten because the clock runs.
"""

from typing import NamedTuple

from priority.case import Case
from priority.settings import League, Target
from priority.strategy import Strategy
from records.times import MINUTE, to_ms

EPOCH = to_ms("2020-01-01T00:00:00.000Z")
SPAN = 10**8  # minutes: 190 years
HIGHEST_LEAGUE = 20  # 20 × 10⁸ + 10⁸ − 1 is the largest that fits a signed 32-bit integer
LATEST = EPOCH + (SPAN - 1) * MINUTE


class FirstResponse(NamedTuple):
    """A target in minutes; `always`: counted around the clock."""

    minutes: int
    always: bool


def target(case: Case, points: float, league: League | None, strategy: Strategy) -> FirstResponse:
    """Of a league: its own, around the clock; else by kind of the oldest unanswered post, by channel, or the default."""
    targets = strategy.targets
    shrink = min(1.0, points / targets.full_at)
    if league is not None:
        return FirstResponse(_between(league, shrink), True)
    chosen = targets.channels.get(case.channel, targets.default)
    if targets.kinds:
        post = next((p for p in case.posts if p.candidate and not p.answered), case.posts[-1] if case.posts else None)
        if post is not None:
            chosen = targets.kinds.get(post.kind, chosen)
    return FirstResponse(_between(chosen, shrink), chosen.hours == "always")


def _between(target_: Target | League, shrink: float) -> int:
    return round(target_.longest - (target_.longest - target_.shortest) * shrink)


def due(opened: int, response: FirstResponse, strategy: Strategy) -> int:
    """When the first answer is due, ms since 1970, from `opened` on; both bounded to 2020-2210."""
    start = min(max(opened, EPOCH), LATEST)
    length = response.minutes * MINUTE
    moment = start + length if response.always else strategy.business_hours.after(start, length)
    return min(max(moment, EPOCH), LATEST)


def rank_key(league: int, due_ms: int) -> int:
    """The one number that helpdesks sort by, highest first: by league, then by due time to the minute. Fits 32 bits signed."""
    minutes = min(max((due_ms - EPOCH) // MINUTE, 0), SPAN - 1)
    return min(max(league, 0), HIGHEST_LEAGUE) * SPAN + (SPAN - 1 - minutes)
