"""`hilferuf lexicon test`: runs the examples in lexicons, and says of a failing one what matched instead."""

import sys
from pathlib import Path

import msgspec

from hilferuf.lexicon_choice import choose, counted, shown
from lexicons.examples import Outcome, check_examples
from lexicons.format import read_files
from lexicons.silenced import Silenced


def test_examples(files: list[str], config: Path | None, as_json: bool) -> int:
    """Exit code 0 where every example holds, 1 where one does not."""
    choice = choose(files, config)
    sources = read_files(choice.files)
    found = check_examples(choice.compile(sources), choice.checked(sources))
    outcomes = [msgspec.structs.replace(each, file=shown(each.file)) for each in found]
    failed = [each for each in outcomes if not each.ok]
    if as_json:
        for each in outcomes:
            sys.stdout.buffer.write(msgspec.json.encode(each) + b"\n")
    else:
        for each in failed:
            print("\n".join(_lines(each)))
        triggers = counted(len({each.trigger for each in outcomes}), "trigger")
        print(f"{counted(len(outcomes), 'example')} of {triggers}: {len(failed)} fail")
    return 1 if failed else 0


def _lines(outcome: Outcome) -> list[str]:
    place = f"{outcome.file}:{outcome.line or 1}"
    should = "must be hit and is not" if outcome.expected == "hit" else "must not be hit and is"
    lines = [f"{place}: {outcome.trigger} {should}: {outcome.text}"]
    for hit in outcome.matched:
        lines.append(f"    hit by {hit.id} ({hit.weight:g} points): {hit.text!r} at {hit.start}-{hit.end}")
    if not outcome.matched:
        lines.append("    hit by no trigger")
    return lines + [
        f"    does not count: {each.text!r} at {each.start}-{each.end}, {because(each)}" for each in outcome.silenced
    ]


def because(silenced: Silenced) -> str:
    """Why it does not count, in words."""
    return {
        "exception": f"it overlaps the exception `{silenced.by}`",
        "negation": f"negated by {silenced.by!r}",
        "longer_hit": f"it lies inside a hit of {silenced.by}",
        "supposed": "it is only supposed",
        "quoted": "it is quoted",
        "of_others": "it is told of others",
    }[silenced.why]
