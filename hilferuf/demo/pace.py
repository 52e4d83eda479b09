"""The story's clock: fifteen hours in half a minute, slower where much happens, so that a person can follow.

The listeners and the engine run on this clock: times of posts, due times and what the table shows are the story's.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hilferuf.demo.story import Story
from records.times import to_ms

EVEN = 0.6  # share of the playing time that is dealt out evenly by entry; the rest follows the story's clock


class Knot(NamedTuple):
    """At `wall` seconds after the beginning it is `story` (milliseconds since 1970); in between the clock runs evenly."""

    wall: float
    story: int


def pace(story: Story, seconds: float) -> tuple[Knot, ...]:
    """When each moment of the story is played, for a performance of so many seconds."""
    moments = [to_ms(entry.at) for entry in story.entries]
    length = max(1, moments[-1] - moments[0])
    steps = max(1, len(moments) - 1)
    knots = [
        Knot(seconds * (EVEN * index / steps + (1 - EVEN) * (moment - moments[0]) / length), moment)
        for index, moment in enumerate(moments)
    ]
    return tuple(knots)


class StoryClock:
    """The listeners' and the engine's clock. It stands at the story's start until `begin`, while it is held, and at the
    story's end when that is over."""

    def __init__(self, knots: Sequence[Knot], steady: Callable[[], float] = time.monotonic) -> None:
        self._knots, self._walls, self._steady = knots, [knot.wall for knot in knots], steady
        self._run_before = 0.0  # seconds it ran until it was held last
        self._since: float | None = None  # when it began to run, None while it stands
        self._runs = asyncio.Event()

    def begin(self) -> None:
        """Run, or run on."""
        if self._since is None:
            self._since = self._steady()
            self._runs.set()

    def hold(self) -> None:
        """Stand still: a slow machine catches up, and what is shown stays in step with what happens."""
        self._run_before, self._since = self._wall(), None
        self._runs.clear()

    @property
    def held(self) -> bool:
        """Whether it stands."""
        return self._since is None

    def now(self) -> int:
        """Story time, milliseconds since 1970."""
        wall = self._wall()
        index = bisect_right(self._walls, wall)
        if index == 0:
            return self._knots[0].story
        if index == len(self._knots):
            return self._knots[-1].story
        before, after = self._knots[index - 1], self._knots[index]
        share = (wall - before.wall) / (after.wall - before.wall)
        return before.story + int((after.story - before.story) * share)

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of the wall clock: what sleeps here waits for a network, which knows no story."""
        await asyncio.sleep(seconds)

    async def until(self, moment: int) -> None:
        """Returns when it is `moment` in the story (milliseconds since 1970), at once if that is past."""
        while (left := self._at(moment) - self._wall()) > 0:
            await self._runs.wait()
            await asyncio.sleep(
                left + 0.001
            )  # a loop's timer may fire a hair early, and posts never come from the future

    def _wall(self) -> float:
        return self._run_before + (0.0 if self._since is None else self._steady() - self._since)

    def _at(self, moment: int) -> float:
        """Seconds of running at which the clock reaches a moment."""
        index = bisect_right(self._knots, moment, key=lambda knot: knot.story)
        if index == 0:
            return 0.0
        if index == len(self._knots):
            return self._knots[-1].wall
        before, after = self._knots[index - 1], self._knots[index]
        return before.wall + (after.wall - before.wall) * (moment - before.story) / (after.story - before.story)
