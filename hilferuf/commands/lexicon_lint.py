"""`hilferuf lexicon lint`: what in a lexicon has no effect, contradicts itself, is never tested, or is too broad."""

import sys
from collections import Counter
from pathlib import Path

import msgspec

from config.yaml_file import ConfigError
from hilferuf.lexicon_choice import Choice, choose, counted, shown
from hilferuf.recorded import recorded
from lexicons.format import Source
from lexicons.lint import Checked, Remark, lint, measure
from lexicons.lint.reading import read_for_lint
from lexicons.lint.remark import refused
from listeners.clock import SystemClock

Result = tuple[list[Remark], int]


def lint_files(files: list[str], config: Path | None, over: list[str], strict: bool, as_json: bool) -> int:
    """Exit code 0 where nothing is wrong, 1 with an error (strict: any remark), 2 where a file is no usable lexicon."""
    choice = choose(files, config)
    remarks = _remarks(choice, over)
    for each in remarks:
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(each) + b"\n")
        else:
            whose = f" {each.trigger}" if each.trigger else f" {each.field}" if each.field else ""
            print(f"{shown(each.file)}:{each.line or 1}: {each.severity} {each.rule}{whose}: {each.message}")
            print(f"    {each.todo}")
    count = Counter(each.severity for each in remarks)
    if not as_json:
        counts = counted(count["error"], "error"), counted(count["warning"], "warning")
        print(f"{counted(len(choice.files), 'lexicon')}: {', '.join(counts)}")
    if any(each.rule == "invalid" for each in remarks):
        return 2
    return 1 if count["error"] or (strict and remarks) else 0


def _remarks(choice: Choice, over: list[str]) -> list[Remark]:
    """The other rules look at all files together, so they wait until each can be read."""
    read = [read_for_lint(path) for path in choice.files]
    sources = [each for each in read if isinstance(each, Source)]
    unread = [each for found in read if isinstance(found, list) for each in found]
    if unread:
        return unread
    try:
        checked = Checked(choice.compile(sources), tuple(sources))
    except ConfigError as error:
        return [refused(error)]
    breadth = measure(recorded(choice.loaded, over, SystemClock().now()), checked) if over else None
    return lint(checked, breadth)
