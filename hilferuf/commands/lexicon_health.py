"""`hilferuf lexicon health`: which triggers have stopped hitting, and which hit far more than they used to."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.settings import Loaded
from hilferuf.lexicon_choice import counted
from hilferuf.progress import progress
from hilferuf.recorded import recorded
from hilferuf.rules import settings_of
from hilferuf.running import running_lexicon
from lexicons.health import FINDINGS, Health, examine
from lexicons.hits import DayCount, Tally, merge_days
from lexicons.judgement import judge
from listeners.clock import SystemClock
from records.errors import HilferufError
from records.times import from_ms, to_ms

_lines = msgspec.json.Decoder(DayCount)


def health(
    config: Path | None, over: list[str], counts: Path | None, until: str | None, dead_days: int, as_json: bool
) -> int:
    """Exit code 1 where something was found."""
    loaded, now = settings_of(config), _moment(until)
    held = _read(counts) if counts is not None else []
    days = merge_days(held, _count(loaded, over, now))
    if counts is not None:
        _write(counts, days)
    # Recorded mentions are judged as on their last day, whenever that was.
    today = max((day.day for day in days), default=from_ms(now)[:10]) if over and until is None else from_ms(now)[:10]
    found = examine(days, today, dead_days=dead_days)
    if as_json:
        for one in found:
            sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _print(found, days, today, dead_days)
    return 1 if any(one.state in FINDINGS for one in found) else 0


def _count(loaded: Loaded, over: list[str], now: int) -> list[DayCount]:
    lexicon, sources = running_lexicon(loaded)
    tally = Tally(
        {Path(source.document.file).name: [trigger.id for trigger in source.content.triggers] for source in sources},
        {each.trigger.id: each.language for each in lexicon.triggers},
        lexicon.brands.ids,
    )
    with progress() as line:
        for number, mention in enumerate(recorded(loaded, over, now), 1):
            tally.add(mention, judge(mention, lexicon))
            line.say(f"{number:,} mentions judged")
    return tally.days()


def _moment(until: str | None) -> int:
    try:
        return to_ms(until) if until else SystemClock().now()
    except ValueError as error:
        raise HilferufError(f"--until {until!r} is no UTC time such as 2026-03-17T12:00:00Z") from error


def _read(file: Path) -> list[DayCount]:
    if not file.exists():
        return []
    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            found.append(_lines.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise HilferufError(
                f"{file}:{number}: is no day as `lexicon health --counts` writes it: {error}; name another file, or delete "
                "this line"
            ) from error
    return found


def _write(file: Path, days: Sequence[DayCount]) -> None:
    """Whole or not at all: a run that is killed leaves the days of the runs before."""
    beside = file.with_name(file.name + ".new")
    beside.write_bytes(b"".join(msgspec.json.encode(day) + b"\n" for day in days))
    beside.replace(file)


def _print(found: Sequence[Health], days: Sequence[DayCount], today: str, dead_days: int) -> None:
    for one in found:
        if one.state in FINDINGS:
            print(f"{one.state:<10} {one.kind} {one.name}: {_why(one)}")
    triggers = [one for one in found if one.kind == "trigger"]
    known = [day for day in days if day.day <= today]
    print(
        f"{counted(len(triggers), 'trigger')}, {counted(sum(day.mentions for day in known), 'mention')} of "
        f"{counted(len(known), 'day')} up to {today}: " + (", ".join(_counted(triggers)) or "nothing to judge")
    )
    if triggers and all(one.state in ("young", "never") or one.days <= dead_days for one in triggers):
        print(
            f"note: too few days to tell what is dead ({counted(dead_days, 'day')} without a hit, and a past before them); "
            "--counts FILE keeps the days of each run"
        )


def _counted(triggers: Sequence[Health]) -> list[str]:
    states = [one.state for one in triggers]
    words = {
        "well": "well",
        "dead": "dead",
        "exploding": "exploding",
        "never": "never hit",
        "young": "too new to judge",
    }
    return [f"{states.count(state)} {word}" for state, word in words.items() if state in states]


def _why(one: Health) -> str:
    if one.state == "exploding":
        return f"{one.on_day} hits on {one.day}, usually {one.usual:g}, up to {one.bound:g} would be in order"
    if one.last is None:
        return f"no hit in {one.days} days, although mentions came in"
    return f"no hit since {one.last}; at its past rate there would have been {one.expected:g}"
