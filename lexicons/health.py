"""Whether a lexicon still hears: each trigger's hits a day, held against its own past. Pure; the day it is comes in.

- dead: it used to hit and does not any more. Judged by how likely such a silence is at an even rate, so that a rare trigger
  is not called dead after a quiet week, nor any of them when nobody posts.
- exploding: far above the median of its past days, by their MAD (median absolute deviation, which one wild day does not
  move), and more than the traffic as a whole has grown. A new song, a new slogan, or an outage.
- silent: a whole lexicon, language or brand without a hit while mentions come in.

A day without mentions is a day on which nobody listened: it counts for nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from statistics import median
from typing import Literal, NamedTuple

import msgspec

from lexicons.hits import DayCount

State = Literal["well", "dead", "exploding", "silent", "never", "young"]
FINDINGS: frozenset[State] = frozenset(("dead", "exploding", "silent"))

WINDOW_DAYS = 28
YOUNG_DAYS = 7  # a past shorter than this says nothing of what is usual: a week has its own shape
LEAST_HITS = 10  # fewer hits a day are never an explosion
FACTOR = 3.0  # nor is less than three times the usual
SPREADS = 6.0
SIGMA = 1.4826  # MAD of a normal distribution, as a standard deviation
CHANCE = 1e-4  # that a silence is none: hits at an even rate would all have come before it so seldom
SILENT_DAYS = 2
LEAST_MENTIONS = 200  # so many could have been hit by a lexicon, a language or a brand that never hit anything


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How one trigger (or lexicon, language, brand) is. hits: in `days` days with mentions. last: day of the newest hit.

    state `never`: no hit at all in these days; `young`: known for too few days to judge. day, usual, bound: of an explosion,
    hits that are usual and that would still be. expected: hits that should have come since `last`. All hits are mentions.
    """

    kind: Literal["trigger", "lexicon", "language", "brand"]
    name: str
    state: State
    hits: int
    days: int
    last: str | None
    day: str | None = None
    on_day: int | None = None
    usual: float | None = None
    bound: float | None = None
    expected: float | None = None


class _Series(NamedTuple):
    """Of one subject, its days in order: hits, and mentions that could have been hit."""

    days: list[str]
    hits: list[int]
    mentions: list[int]


def examine(history: Iterable[DayCount], today: str, *, dead_days: int = 7) -> list[Health]:
    """Every trigger, lexicon, language and brand, findings first. today: `2026-03-01`; what lies after it, or more than
    28 days before, is left out. dead_days: days without a hit from which a trigger may be dead."""
    first = (date.fromisoformat(today) - timedelta(days=WINDOW_DAYS)).isoformat()
    window = sorted((d for d in history if first <= d.day <= today and d.mentions), key=lambda d: d.day)
    found = [_trigger(name, _hits(window, name), today, dead_days) for name in {n for d in window for n in d.hits}]
    found += [_group(name, _heard(window, name)) for name in {name for day in window for name in day.groups}]
    return sorted(found, key=lambda one: (one.state not in FINDINGS, one.kind == "trigger", one.kind, one.name))


def _hits(window: Sequence[DayCount], trigger: str) -> _Series:
    known = [day for day in window if trigger in day.hits]
    return _Series([d.day for d in known], [d.hits[trigger] for d in known], [d.mentions for d in known])


def _heard(window: Sequence[DayCount], group: str) -> _Series:
    known = [(day.day, day.groups[group]) for day in window if group in day.groups]
    return _Series([day for day, _ in known], [one.hits for _, one in known], [one.mentions for _, one in known])


def _trigger(name: str, series: _Series, today: str, dead_days: int) -> Health:
    days, hits, _ = series
    last = _last(series)
    told = Health(kind="trigger", name=name, state="well", hits=sum(hits), days=len(days), last=last)
    yesterday = (date.fromisoformat(today) - timedelta(days=1)).isoformat()
    # Today is not over, so a run in the morning must look at yesterday too.
    for place in (place for place, day in enumerate(days) if day in (today, yesterday)):
        usual, bound = _usual(series, place)
        if place >= YOUNG_DAYS and hits[place] > bound:
            return msgspec.structs.replace(
                told,
                state="exploding",
                day=days[place],
                on_day=hits[place],
                usual=round(usual, 1),
                bound=round(bound, 1),
            )
    if last is None:
        return msgspec.structs.replace(told, state="never" if len(days) >= YOUNG_DAYS else "young")
    quiet, expected, chance = _since(series, last)
    if quiet >= dead_days and chance <= CHANCE:
        return msgspec.structs.replace(told, state="dead", expected=round(expected, 1))
    return told if len(days) > YOUNG_DAYS else msgspec.structs.replace(told, state="young")


def _group(name: str, series: _Series) -> Health:
    kind, _, bare = name.partition(" ")
    last = _last(series)
    told = Health(kind=kind, name=bare, state="well", hits=sum(series.hits), days=len(series.days), last=last)  # type: ignore[arg-type]
    if last is None:
        return msgspec.structs.replace(told, state="silent" if sum(series.mentions) >= LEAST_MENTIONS else "never")
    quiet, expected, chance = _since(series, last)
    if quiet >= SILENT_DAYS and chance <= CHANCE:
        return msgspec.structs.replace(told, state="silent", expected=round(expected, 1))
    return told


def _last(series: _Series) -> str | None:
    return max((day for day, hits in zip(series.days, series.hits, strict=True) if hits), default=None)


def _since(series: _Series, last: str) -> tuple[int, float, float]:
    """Days after the last hit; the hits that the rate up to it would have given on them; and how likely it is that of hits
    spread evenly over all mentions none falls there: (mentions before / all mentions) ** hits."""
    end = series.days.index(last) + 1
    hits, before, after = sum(series.hits[:end]), max(sum(series.mentions[:end]), 1), sum(series.mentions[end:])
    return len(series.days) - end, hits / before * after, (before / (before + after)) ** hits


def _usual(series: _Series, place: int) -> tuple[float, float]:
    """What the days before this one let expect, and the most that is not out of the ordinary."""
    before = series.hits[:place]
    if not before:
        return 0.0, float(LEAST_HITS)
    middle = median(before)
    growth = max(1.0, series.mentions[place] / max(median(series.mentions[:place]), 1.0))
    usual = middle * growth
    # Counts scatter by their square root even where the past days happen to be equal.
    spread = max(SIGMA * median(abs(hits - middle) for hits in before) * growth, max(usual, 1.0) ** 0.5)
    return usual, max(FACTOR * usual, usual + SPREADS * spread, float(LEAST_HITS))
