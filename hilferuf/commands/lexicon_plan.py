"""`hilferuf lexicon plan`: what another lexicon would do to the queue, before it goes live."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from config.settings import Loaded
from config.yaml_file import ConfigError
from hilferuf.editions import compiled, from_files, running
from hilferuf.progress import progress
from hilferuf.recorded import logged
from hilferuf.rules import settings_of
from lexicons.edition import Edition
from lexicons.judgement import judge
from listeners.clock import SystemClock
from listeners.contract import Bad
from listeners.ndjson import read_lines
from listeners.replay import read_facts
from priority.strategy import load_strategy
from records.errors import HilferufError
from records.facts import CustomerFact
from records.times import from_ms, to_ms
from streams.plan.comparison import Plan, planned
from streams.plan.difference import Change, Shown
from streams.plan.judging import Recorded
from streams.plan.rules import Rules
from streams.topology import derive_rules

CHANGES = 2  # the exit code where something changes
CHUNK = 1_000  # mentions judged in one go
CHUNK_BYTES = 4_000_000

_encode = msgspec.json.Encoder().encode


class Over(NamedTuple):
    """What a plan is made over. mentions: files, none = the running log; until: the time of a mention that names none."""

    mentions: list[str]
    facts: list[str]
    until: str | None


def plan(config: Path | None, new: Path | None, over: Over, samples: int, as_json: bool) -> int:
    """Exit code 0 = the queue stays as it is, 2 = something changes; a wrong setting or lexicon is 1, unlike elsewhere."""
    try:
        return _plan(settings_of(config), new, over, samples, as_json)
    except ConfigError as error:  # its own exit code, 2, means here that something changes
        print(f"hilferuf: {error}", file=sys.stderr)
        return 1


def _plan(loaded: Loaded, new: Path | None, over: Over, samples: int, as_json: bool) -> int:
    old_edition, old = running(loaded)
    new_edition, lexicon = from_files(loaded, new)
    load = partial(rules_for, loaded, old_edition, new_edition)
    recorded, facts = _recorded(loaded, over), _facts(over.facts)
    with progress() as line, planned(load, recorded, facts, tell_bad=_tell, tell_progress=line.say) as found:
        versions = old.version, lexicon.version
        if as_json:
            _print_json(found, versions)
        else:
            _print(found, versions, samples)
        return 0 if found.is_empty else CHANGES


def rules_for(loaded: Loaded, old: Edition, new: Edition) -> Rules:
    """In every process of a plan."""
    settings = loaded.settings
    before = partial(judge, lexicon=compiled(loaded, old))
    after = before if new.id == old.id else partial(judge, lexicon=compiled(loaded, new))
    tickets = derive_rules(load_strategy(settings.strategy, loaded.base), settings)
    return Rules(before, after, tickets, settings.retention.route_days, settings.retention.author_days)


# what was recorded


def _recorded(loaded: Loaded, over: Over) -> Iterator[Recorded]:
    if not over.mentions:
        yield from _chunks("records", "log", from_ms(0), enumerate(logged(loaded)))
        return
    with ExitStack() as stack:
        for name in over.mentions:
            stream, at = _open(stack, name)
            lines = ((line.number, line.data) for line in read_lines(stream))
            yield from _chunks("lines", _named(name), _time(over.until) or at, lines)


def _facts(names: list[str]) -> Iterator[CustomerFact]:
    with ExitStack() as stack:
        for name in names:
            stream, at = _open(stack, name)
            for item in read_facts(stream, observed_at=at, name=_named(name)):
                if isinstance(item, Bad):
                    _tell(f"{item.origin}: {item.reason}")
                else:
                    yield item


def _named(name: str) -> str:
    return "stdin" if name == "-" else name


def _time(until: str | None) -> str | None:
    try:
        return None if until is None else from_ms(to_ms(until))
    except ValueError as error:
        raise HilferufError(f"--until {until!r} is no UTC time such as 2026-03-17T12:00:00Z") from error


def _open(stack: ExitStack, name: str) -> tuple[BinaryIO, str]:
    """The file, and the time of mentions that name none: when it was written, so that the same file gives the same plan."""
    if name == "-":
        return sys.stdin.buffer, from_ms(SystemClock().now())
    try:
        stream = stack.enter_context(Path(name).open("rb"))  # noqa: SIM115 - the stack closes it
        return stream, from_ms(int(Path(name).stat().st_mtime) * 1000)
    except OSError as error:
        raise HilferufError(f"{name}: cannot be read: {error.strerror}") from error


def _chunks(form: Any, name: str, until: str, values: Iterator[tuple[int, bytes]]) -> Iterator[Recorded]:
    chunk: list[tuple[int, bytes]] = []
    size = 0
    for value in values:
        chunk.append(value)
        size += len(value[1])
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield Recorded(form, name, until, chunk)
            chunk, size = [], 0
    if chunk:
        yield Recorded(form, name, until, chunk)


def _tell(text: str) -> None:
    print(f"hilferuf: {text}", file=sys.stderr)


# what is printed


def _print_json(found: Plan, versions: tuple[str, str]) -> None:
    """One object a line: the whole, each trigger, each ticket that changes."""
    out = sys.stdout.buffer
    whole = {
        "plan": {"running": versions[0], "new": versions[1]},
        "mentions": found.mentions,
        "open": {"before": found.open_tickets[0], "after": found.open_tickets[1]},
        **found.counts,
    }
    out.write(_encode(whole) + b"\n")
    for trigger in found.triggers:
        line = trigger._asdict() | {"hits": {"before": trigger.hits[0], "after": trigger.hits[1]}}
        out.write(_encode(line) + b"\n")
    for change in found.changes():
        out.write(_encode(change) + b"\n")
    out.flush()


def _print(found: Plan, versions: tuple[str, str], samples: int) -> None:
    print(f"lexicons {versions[0]} -> {versions[1]}, over {found.mentions:,} mentions")
    before, after = found.open_tickets
    counts = ", ".join(f"{kind} {count:,}" for kind, count in found.counts.items())
    print(f"open tickets {before:,} -> {after:,}: {counts}")
    if found.triggers:
        print(f"\n{'trigger':<34}{'posts hit':>20}{'gained':>9}{'lost':>9}{'moved':>9}")
    for line in found.triggers:
        hits = f"{line.hits[0]:,} -> {line.hits[1]:,}"
        print(f"{_fit(line.trigger, 33):<34}{hits:>20}{line.gained:>9,}{line.lost:>9,}{line.moved:>9,}")
    shown: dict[str, int] = {}
    for change in found.changes():
        shown[change.change] = shown.get(change.change, 0) + 1
        if shown[change.change] == 1:
            print(f"\n{change.change}")
        if shown[change.change] <= samples:
            print("  " + _line(change))
        elif shown[change.change] == samples + 1:
            print(f"  … and {found.counts[change.change] - samples:,} more (--samples, or all of them with --json)")
    if found.is_empty:
        print("nothing changes in the queue")


def _line(change: Change) -> str:
    who = _fit(change.handle or change.author, 18)
    if change.old and change.new:
        place = f"{_place(change.old)} -> {_place(change.new)}"
    else:
        place = _place(change.shown)
    return f"{place}  {who}: {_fit(change.subject, 70)}  [{', '.join(change.triggers)}]"


def _place(shown: Shown) -> str:
    rank = f"#{shown.rank}" if shown.rank else shown.status
    league = f" league {shown.league}" if shown.league else ""
    return f"{rank}{league} {shown.score:.1f} due {shown.due_at[5:16].replace('T', ' ')}"


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
