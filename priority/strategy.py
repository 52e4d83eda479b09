"""Strategy: who comes first, as a support lead writes it in YAML; read whole, checked whole, and versioned by its content."""

import difflib
import re
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo, available_timezones

import msgspec

import config
from config.yaml_file import ConfigError, read_yaml
from priority.business_hours import WEEKDAYS, BusinessHours, Span, open_minutes, parse_span
from priority.settings import Calendar, Factors, League, Section, Target, Targets, Thresholds
from records.ids import digest
from records.mention import Channel, Kind

PACKAGED = Path(config.__file__).parent / "strategies"
INFLUENCE_WARNING = 20.0  # points; above it, reach begins to outweigh need
MOST_YEARLY_HOLIDAYS = 60
MOST_HOLIDAYS = 1_000
LEAST_OPEN_MINUTES = 60  # a week

_LEAGUES = {
    "safety": League(rank=3, longest=20, shortest=10),
    "vulnerable": League(rank=2, longest=30, shortest=15),
    "legal": League(rank=1, longest=120, shortest=60, priority="high"),
}


class Strategy(Section, frozen=True, kw_only=True, dict=True):
    """One strategy; the defaults are `balanced`. `format` is the file format, written `version: 1`."""

    format: Literal[1] = msgspec.field(default=1, name="version")
    name: str = "balanced"
    about: str = ""
    factors: Factors = Factors()
    leagues: dict[str, League] = msgspec.field(default_factory=lambda: dict(_LEAGUES))
    targets: Targets = Targets()
    calendar: Calendar = Calendar()
    priority: Thresholds = Thresholds()

    @cached_property
    def version(self) -> str:
        """`name@digest`, the digest over what counts: comments, spelling and the order of keys change nothing."""
        counted = msgspec.structs.replace(self, about="")
        return f"{self.name}@{digest(msgspec.json.encode(counted, order='sorted').decode(), size=4)}"

    @cached_property
    def business_hours(self) -> BusinessHours:
        """The calendar, ready to count in. Raises ValueError where the strategy was not checked."""
        days, yearly = _holidays(self.calendar)
        return BusinessHours(ZoneInfo(self.calendar.zone), week(self.calendar), days, yearly)


class Problem(NamedTuple):
    """Something a strategy must not say: the path in its YAML, what is wrong, what to do."""

    path: tuple[str | int, ...]
    message: str
    hint: str | None = None


def load_strategy(ref: str, base: Path) -> Strategy:
    """A packaged strategy by name, or one from a file (`ref` ends in .yaml or .yml; relative to `base`).

    Raises ConfigError with file, line, field and, for a misspelt key or name, the nearest right one.
    """
    if ref.endswith((".yaml", ".yml")):
        path = base / ref
    elif ref in packaged_strategies():
        path = PACKAGED / f"{ref}.yaml"
    else:
        near = difflib.get_close_matches(ref, packaged_strategies(), n=1, cutoff=0.5)
        hint = (
            f"did you mean `{near[0]}`?"
            if near
            else f"packaged: {', '.join(packaged_strategies())}; or a path to a .yaml"
        )
        raise ConfigError(f"no strategy named `{ref}`", str(base), field="strategy", hint=hint)
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise document.error("must be a mapping such as `name: …`", hint=f"start from {PACKAGED / 'balanced.yaml'}")
    strategy = document.convert(Strategy)
    if "name" not in document.value:
        strategy = msgspec.structs.replace(strategy, name=path.stem)
    for problem in problems(strategy):
        raise document.error(problem.message, problem.path, problem.hint)
    return strategy


def packaged_strategies() -> tuple[str, ...]:
    """Names of the strategies that ship."""
    return tuple(sorted(path.stem for path in PACKAGED.glob("*.yaml")))


def warnings(strategy: Strategy) -> tuple[str, ...]:
    """What is allowed and still unwise, a sentence each."""
    found = []
    cap = strategy.factors.influence.cap
    if cap > INFLUENCE_WARNING:
        found.append(
            f"factors.influence.cap is {cap:g}: above {INFLUENCE_WARNING:g} points, reach begins to outweigh need"
        )
    if not strategy.leagues:
        found.append("leagues is empty: a post about danger waits in line with all others")
    elif "safety" not in strategy.leagues:
        found.append("leagues has no `safety`, the name that the packaged lexicons give to danger")
    return tuple(found)


def problems(strategy: Strategy) -> Iterator[Problem]:
    """What types cannot say, in the order of the file."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", strategy.name):
        yield Problem(("name",), f"`{strategy.name[:80]}` is no name", "small letters, digits, - and _")
    yield from _factor_problems(strategy.factors)
    for name, league in strategy.leagues.items():
        yield from _order(league, ("leagues", name))
    yield from _target_problems(strategy.targets)
    yield from _calendar_problems(strategy.calendar)
    words = strategy.priority
    if not words.urgent >= words.high >= words.normal:
        yield Problem(("priority",), "must fall: urgent, high, normal")


def _factor_problems(factors: Factors) -> Iterator[Problem]:
    caps = {name: getattr(factors, name).cap for name in factors.__struct_fields__}
    if sum(caps.values()) > 100 + 1e-9:
        listed = " + ".join(f"{name} {cap:g}" for name, cap in caps.items())
        yield Problem(("factors",), f"the caps sum to {sum(caps.values()):g}, above 100", listed)
    weights = factors.content.weights
    if sum(getattr(weights, name) for name in weights.__struct_fields__) <= 0:
        yield Problem(("factors", "content", "weights"), "are all 0", "give at least one a weight")
    bought = factors.purchases
    for code, rate in ((bought.currency, 1.0), *bought.rates.items()):
        where = (
            ("factors", "purchases", "currency") if code == bought.currency else ("factors", "purchases", "rates", code)
        )
        if not re.fullmatch(r"[A-Z]{3}", code):
            yield Problem(where, f"`{code[:20]}` is no currency", "three capital letters, such as EUR")
        if not 0 < rate <= 1e6:
            yield Problem(where, f"a rate of {rate:g} is not above 0 and at most 1,000,000")
    if bought.rates.get(bought.currency, 1.0) != 1.0:
        yield Problem(
            ("factors", "purchases", "rates", bought.currency), "must be 1: it is the currency of the strategy"
        )
    contacts = factors.contacts
    if contacts.resolved > contacts.unresolved * contacts.unresolved_start:
        yield Problem(
            ("factors", "contacts", "resolved"),
            "counts more than a fresh unresolved contact",
            f"at most unresolved × unresolved_start = {contacts.unresolved * contacts.unresolved_start:g}",
        )
    if contacts.resolved_hours > contacts.unresolved_days * 24:
        yield Problem(("factors", "contacts", "resolved_hours"), "is longer than unresolved_days")


def _target_problems(targets: Targets) -> Iterator[Problem]:
    yield from _order(targets.default, ("targets", "default"))
    for field, allowed in (("channels", get_args(Channel)), ("kinds", get_args(Kind))):
        for name, target in getattr(targets, field).items():
            if name not in allowed:
                near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
                hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(allowed)}"
                yield Problem(("targets", field, name), f"unknown key `{name}`", hint)
            yield from _order(target, ("targets", field, name))


def _order(target: Target | League, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if target.shortest > target.longest:
        yield Problem((*path, "shortest"), f"{target.shortest} minutes are more than longest, {target.longest}")


def _calendar_problems(calendar: Calendar) -> Iterator[Problem]:
    try:
        ZoneInfo(calendar.zone)
    except (KeyError, ValueError, OSError):
        near = difflib.get_close_matches(calendar.zone, available_timezones(), n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else "a name such as Europe/Berlin"
        yield Problem(("calendar", "zone"), f"no time zone named `{calendar.zone[:80]}`", hint)
    for day in WEEKDAYS:
        previous = 0
        for index, text in enumerate(getattr(calendar.open, day)):
            path = ("calendar", "open", day, index)
            try:
                start, end = parse_span(text)
            except ValueError as error:
                yield Problem(path, str(error))
                return
            if start < previous:
                yield Problem(path, f"`{text}` starts before the span ahead of it ends")
            previous = end
    if open_minutes(week(calendar)) < LEAST_OPEN_MINUTES:
        yield Problem(("calendar", "open"), "no open hour in the week: nothing would ever be due")
    for index, text in enumerate(calendar.holidays):
        try:
            _holiday(text)
        except ValueError:
            yield Problem(
                ("calendar", "holidays", index),
                f"`{text[:40]}` is no date",
                "write 2026-04-03, or 12-25 for every year",
            )
            return
    days, yearly = _holidays(calendar)
    if len(yearly) > MOST_YEARLY_HOLIDAYS or len(days) > MOST_HOLIDAYS:
        yield Problem(
            ("calendar", "holidays"), f"more than {MOST_YEARLY_HOLIDAYS} days of every year, or {MOST_HOLIDAYS} dates"
        )


def week(calendar: Calendar) -> tuple[tuple[Span, ...], ...]:
    """Opening hours in minutes of the day, Monday first. Raises ValueError."""
    return tuple(tuple(parse_span(text) for text in getattr(calendar.open, day)) for day in WEEKDAYS)


def _holiday(text: str) -> date | tuple[int, int]:
    if re.fullmatch(r"\d\d-\d\d", text):
        day = date.fromisoformat(f"2024-{text}")  # a leap year: 02-29 is a day
        return day.month, day.day
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _holidays(calendar: Calendar) -> tuple[frozenset[date], frozenset[tuple[int, int]]]:
    found = [_holiday(text) for text in calendar.holidays]
    return frozenset(d for d in found if isinstance(d, date)), frozenset(d for d in found if isinstance(d, tuple))
