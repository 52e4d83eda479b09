"""The clock of the demo."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from hilferuf.demo.pace import StoryClock, pace
from hilferuf.demo.story import load_story

STORY = load_story()
KNOTS = pace(STORY, 25.0)


class Steady:
    def __init__(self) -> None:
        self.value = 100.0

    def __call__(self) -> float:
        return self.value


def test_the_whole_day_fits_into_the_time_given():
    assert KNOTS[0] == (0.0, STORY.start)
    assert abs(KNOTS[-1].wall - 25.0) < 1e-9
    assert KNOTS[-1].story == STORY.end


def test_the_wave_of_the_outage_is_played_slower_than_the_quiet_evening():
    def seconds_an_hour(start, end):
        inside = [knot.wall for knot in KNOTS if f"2026-03-17T{start}" <= at(knot) < f"2026-03-17T{end}"]
        return inside[-1] - inside[0]

    by_ms = {knot.story: entry.at for knot, entry in zip(KNOTS, STORY.entries, strict=True)}

    def at(knot):
        return by_ms[knot.story]

    assert seconds_an_hour("10:00", "11:00") > 2 * seconds_an_hour("19:00", "20:00")


def test_the_clock_stands_until_it_begins_and_when_the_day_is_over():
    steady = Steady()
    clock = StoryClock(KNOTS, steady)
    steady.value += 10
    assert clock.now() == STORY.start
    clock.begin()
    steady.value += 1_000
    assert clock.now() == STORY.end


@given(st.lists(st.floats(min_value=0, max_value=3), min_size=2))
def test_the_clock_never_runs_backwards(steps):
    steady = Steady()
    clock = StoryClock(KNOTS, steady)
    clock.begin()
    seen = [clock.now()]
    for step in steps:
        steady.value += step
        seen.append(clock.now())
    assert seen == sorted(seen)


async def test_until_returns_when_the_story_has_come_to_the_moment():
    clock = StoryClock(pace(STORY, 0.05))
    clock.begin()
    middle = (STORY.start + STORY.end) // 2
    await clock.until(middle)
    assert clock.now() >= middle - 1


async def test_until_a_past_moment_returns_at_once():
    await StoryClock(KNOTS).until(STORY.start)


def test_a_held_clock_stands_and_runs_on_from_there():
    steady = Steady()
    clock = StoryClock(KNOTS, steady)
    clock.begin()
    steady.value += 5
    clock.hold()
    held = clock.now()
    steady.value += 100
    assert clock.held
    assert held > STORY.start
    assert clock.now() == held
    clock.begin()
    steady.value += 1
    assert held < clock.now() < STORY.end


async def test_until_waits_while_the_clock_is_held():
    clock = StoryClock(pace(STORY, 0.05))
    waiting = asyncio.create_task(clock.until(STORY.end))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    clock.begin()
    await asyncio.wait_for(waiting, 5)
