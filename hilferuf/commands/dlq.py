"""`hilferuf dlq`: dead letters, from the command line."""

import sys
from pathlib import Path

import msgspec

from hilferuf.engines import letters_of
from hilferuf.rules import settings_of
from listeners.clock import SystemClock
from streams import letters as rules


def list_letters(config: Path | None, as_json: bool) -> int:
    """All dead letters, oldest first."""
    with letters_of(settings_of(config)) as letters:
        for letter in letters.all():
            if as_json:
                line = {name: getattr(letter, name) for name in ("id", "at", "origin", "field", "reason", "redriven")}
                sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
            else:
                mark = " (redriven)" if letter.redriven else ""
                print(f"{letter.id}  {letter.at[:16]}  {letter.origin}{mark}\n    {letter.reason}")
    return 0


def show(config: Path | None, letter_id: str) -> int:
    """One dead letter, its original bytes last."""
    with letters_of(settings_of(config)) as letters:
        (letter,) = rules.chosen(letters, [letter_id])
    print(
        f"{letter.id}\norigin: {letter.origin}\nat: {letter.at}\nfield: {letter.field or '-'}\nreason: {letter.reason}\n"
    )
    sys.stdout.flush()
    sys.stdout.buffer.write(letter.original + b"\n")
    return 0


def redrive(config: Path | None, letter_ids: list[str]) -> int:
    """Normalise the originals again; those that pass go into the log, the others stay, with today's reason told."""
    with letters_of(settings_of(config), write=True) as letters:
        these = rules.chosen(letters, letter_ids) if letter_ids else [one for one in letters.all() if not one.redriven]
        done = rules.redrive(letters, these, SystemClock().now())
    for letter, error in done.failed:
        print(f"{letter.id}: still cannot be used: {error}", file=sys.stderr)
    print(f"{done.passed} redriven, {len(done.failed)} still dead")
    return 1 if done.failed else 0


def drop(config: Path | None, letter_ids: list[str]) -> int:
    """Delete dead letters."""
    with letters_of(settings_of(config), write=True) as letters:
        these = letters.all() if letter_ids == ["all"] else rules.chosen(letters, letter_ids)
        for letter in these:
            letters.drop(letter)
        letters.flush()
    print(f"{len(these)} dropped")
    return 0
