"""`hilferuf lexicon lint`: what in a lexicon has no effect, contradicts itself, is never tested, or is too broad."""

import sys
from collections import Counter
from pathlib import Path

import msgspec

from config.yaml_file import ConfigError
from hilferuf.lexicon_choice import Choice, choose, counted, shown
from hilferuf.recorded import recorded
from lexicons.format import Source
from lexicons.lint import Checked, Remark, lint
from lexicons.lint.reading import read_for_lint
from lexicons.lint.remark import refused
from listeners.clock import SystemClock


def lint_files(files: list[str], config: Path | None, over: list[str], strict: bool, as_json: bool) -> int:
    """Exit code 0 where nothing is wrong, 1 with an error (strict: any remark), 2 where a file is no usable lexicon."""
    choice = choose(files, config)
    remarks = [msgspec.structs.replace(each, file=shown(each.file)) for each in _remarks(choice, over)]
    for each in remarks:
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(each) + b"\n")
        else:
            whose = f" {each.trigger}" if each.trigger else f" {each.field}" if each.field else ""
            print(f"{each.file}:{each.line or 1}: {each.severity} {each.rule}{whose}: {each.message}")
            print(f"    {each.todo}")
    count = Counter(each.severity for each in remarks)
    if not as_json:
        counts = counted(count["error"], "error"), counted(count["warning"], "warning")
        print(", ".join(counts))
    if any(each.rule == "invalid" for each in remarks):
        return 2
    return 1 if count["error"] or (strict and remarks) else 0


def _remarks(choice: Choice, over: list[str]) -> list[Remark]:
    """The other rules look at all files together, so they wait until each can be read."""
    read = read_for_lint(choice.files)
    sources = [each for each in read if isinstance(each, Source)]
    if len(sources) < len(read):
        return [each for each in read if isinstance(each, Remark)]
    try:
        checked = Checked(choice.compile(sources), sources)
    except ConfigError as error:
        return [refused(error)]
    mentions = recorded(choice.loaded, over, SystemClock().now()) if over else None
    files = {each.document.file for each in choice.checked(sources)}
    return [each for each in lint(checked, mentions) if each.file in files]
