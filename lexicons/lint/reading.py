"""Reads files for the linter: where the product stops at the first fault, all misspelt keys of a file are told at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from config.yaml_file import ConfigError, Document, read_yaml
from lexicons.format import LexiconFile, Source, read_files, read_lexicon
from lexicons.lint.remark import Remark, refused, remark
from records import paths


def read_for_lint(files: Sequence[Path]) -> list[Source] | list[Remark]:
    """The files with those they extend; or why that cannot be: for each file its unknown keys, or what else is wrong there."""
    found = [each for path in files for each in _faults(path)]
    if found:
        return found
    try:
        return read_files(files)
    except ConfigError as error:  # in a file that one of them extends, or in how they do
        return _unknown_keys(Path(error.file)) or [refused(error)]


def _faults(path: Path) -> list[Remark]:
    try:
        read_lexicon(path)
    except ConfigError as error:
        return _unknown_keys(path) or [refused(error)]
    return []


def _unknown_keys(path: Path) -> list[Remark]:
    try:
        document = read_yaml(path)
    except ConfigError:
        return []
    return [_misspelt(document, at) for at in _unknown(document.value, ())]


def _unknown(value: Any, path: paths.Path) -> Iterator[paths.Path]:
    if isinstance(value, dict):
        known = paths.fields_at(LexiconFile, path)
        for key, inner in value.items():
            if known and key not in known:
                yield (*path, key)
            else:
                yield from _unknown(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unknown(inner, (*path, index))


def _misspelt(document: Document, path: paths.Path) -> Remark:
    known = sorted(paths.fields_at(LexiconFile, path[:-1]))
    key = str(path[-1])
    near = paths.nearest(key, known)
    return remark(
        "unknown-key",
        f"there is no key `{paths.shown(key)}`",
        f"write `{near}`" if near else f"known keys: {', '.join(known)}",
        file=document.file,
        line=document.line(path),
        field=paths.dotted(path),
        trigger=_trigger(document.value, path),
    )


def _trigger(value: Any, path: paths.Path) -> str | None:
    match path:
        case ("triggers", int(place), *_):
            found = value["triggers"][place]
            name = found.get("id") if isinstance(found, dict) else None
            return name if isinstance(name, str) else None
    return None
