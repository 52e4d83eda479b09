"""`hilferuf lexicon apply` and `rollback`: which lexicons are in force. A running service follows within seconds."""

import sys
from pathlib import Path

import msgspec

from hilferuf.editions import compiled, from_files
from hilferuf.engines import editions_of
from hilferuf.rules import settings_of
from listeners.clock import SystemClock
from records.times import from_ms
from streams.editions import InForce, Step, decided, rolled_back


def apply(config: Path | None, new: Path | None, as_json: bool = False) -> int:
    """Put the files, or NEW among them, into force, after reading all of it."""
    loaded = settings_of(config)
    edition, lexicon = from_files(loaded, new)
    files = edition if new is None else from_files(loaded)[0]
    now = from_ms(SystemClock().now())
    with editions_of(loaded, write=True) as editions:
        held = editions.in_force()
        step = Step(edition=edition.id, lexicon_version=lexicon.version, at=now, how="apply")
        after = decided(held, step, files.id)
        if after != held:
            editions.decide(after, edition)
    if as_json:
        _print_json(held, after)
    elif held is not None and held.now.edition == edition.id:
        print(f"lexicons {lexicon.version} are in force already, since {held.now.at}")
    else:
        was = f", were {held.now.lexicon_version}" if held is not None else ""
        print(f"lexicons {lexicon.version} are in force{was}; a running service follows within seconds")
        if edition.id != files.id:
            print(
                "the files of the settings say something else: put this into them too, or their next change undoes it"
            )
    return 0


def rollback(config: Path | None, as_json: bool = False) -> int:
    """Put the lexicons before these into force again."""
    loaded = settings_of(config)
    with editions_of(loaded, write=True) as editions:
        held = editions.in_force()
        after = rolled_back(held, from_ms(SystemClock().now()))
        compiled(loaded, editions.edition(after.now.edition))  # it must be of use to this program, too
        editions.decide(after, None)
    assert held is not None
    if as_json:
        _print_json(held, after)
        return 0
    print(f"lexicons {after.now.lexicon_version} are in force again, were {held.now.lexicon_version}")
    if after.now.edition != after.files:
        print("the files of the settings say something else; it stays so until they change")
    return 0


def _print_json(held: InForce | None, after: InForce) -> None:
    line = {
        "in_force": after.now.lexicon_version,
        "since": after.now.at,
        "by": after.now.how,
        "was": held.now.lexicon_version if held else None,
        "as_files": after.now.edition == after.files,
        "steps_back": len(after.before),
    }
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()
