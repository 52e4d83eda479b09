"""Repairs of an input document, each kept as a `Change`: a bad optional part goes, the call for help stays.

`fit` lets msgspec find what is wrong and empties just that place. Not repaired, because it would lose data without a
word: an unknown key, which is a typo.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import msgspec

from records.closed import closed
from records.errors import Poison
from records.mention import Change, Mention
from records.paths import Path, dotted, fields_at, nearest, shown, split_error, unknown_key
from records.text import MAX_TEXT, clean

MAX_REPAIRS = 30  # then whole parts are emptied: a hostile document must not cost a conversion for each of its faults

_CLOSED = closed(Mention)
_UNKNOWN = re.compile(r"unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"missing required field `(.*)`")
_LINKS = frozenset({"url", "permalink"})
_REQUIRED: dict[str, Callable[[], Any]] = {
    "media": list,
    "author": lambda: {"id": None},
    "account": lambda: {"id": "unknown"},
}
_MISSING_VALUES: dict[tuple[str, str], Any] = {
    ("account", "id"): "unknown",
    ("author", "id"): None,
    ("media", "type"): "other",
    ("language", "source"): "platform",
}


class Repairs:
    """The repairs of one mention, in order."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def replaced(self, path: Path, reason: str) -> None:
        """The value was replaced by one that can be used."""
        self.changes.append(Change(field=dotted(path), reason=reason))

    def nulled(self, path: Path, reason: str) -> None:
        """The value was taken away."""
        self.changes.append(Change(field=dotted(path), change="nulled", reason=reason))

    def truncated(self, path: Path, reason: str) -> None:
        """The value was cut."""
        self.changes.append(Change(field=dotted(path), change="truncated", reason=reason))


def choose(document: dict[str, Any], key: str, allowed: Any, repairs: Repairs) -> None:
    """Takes away a value that is none of the allowed words, so that the default is filled in."""
    value = document.get(key)
    if value is not None and not (isinstance(value, str) and value in get_args(allowed)):
        del document[key]
        near = nearest(value, get_args(allowed)) if isinstance(value, str) else None
        repairs.nulled((key,), "unknown value" + (f", nearest is `{near}`" if near else ""))


def clean_values(document: dict[str, Any], repairs: Repairs) -> None:
    """Cleans every string of the document in place, cuts what is absurdly long (`text` is cut elsewhere), and empties
    numbers that are none (NaN, infinity)."""
    for parent, key, path in _leaves(document, ()):
        value = parent[key]
        if isinstance(value, float):
            if not math.isfinite(value):
                repairs.nulled(path, "is not a finite number")
                parent[key] = None
            continue
        text, reason = clean(value)
        if reason is not None:
            repairs.replaced(path, reason)
        if len(text) > MAX_TEXT and path != ("text",):
            if key in _LINKS:
                repairs.nulled(path, f"longer than {MAX_TEXT} characters")
                parent[key] = None
                continue
            text = text[:MAX_TEXT]
            repairs.truncated(path, f"longer than {MAX_TEXT} characters")
        parent[key] = text


def _leaves(value: Any, path: Path) -> Iterator[tuple[Any, Any, Path]]:
    if isinstance(value, dict):
        # A key that cannot be written is none of ours: readable, it is refused with its place.
        for key in [key for key in value if clean(key)[1]]:
            value[clean(key)[0]] = value.pop(key)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        if isinstance(item, str | float):
            yield value, key, (*path, key)
        elif isinstance(item, dict | list):
            yield from _leaves(item, (*path, key))


def fit(document: dict[str, Any], repairs: Repairs) -> Mention:
    """The document as a Mention; what does not fit is emptied. Raises Poison for an unknown key."""
    gone: dict[Path, int] = {}
    for attempt in range(MAX_REPAIRS + 2 * len(document) + 1):
        try:
            msgspec.convert(document, _CLOSED)
            return msgspec.convert(document, Mention)
        except msgspec.ValidationError as error:
            message, path = split_error(str(error))
            missing = _MISSING.search(message)
            if not path and missing and missing[1] in _REQUIRED:
                document[missing[1]] = _REQUIRED[missing[1]]()
                continue
            if not path:
                raise Poison(f"mention: {message}") from error
            unknown = _UNKNOWN.search(message)
            if unknown:
                place = (*path, shown(unknown[1]))
                raise Poison(
                    f"mention: {unknown_key(unknown[1], fields_at(Mention, path))} at {dotted(path)}",
                    dotted(place),
                ) from error
            if attempt >= MAX_REPAIRS:
                path, message = path[:1], "too many faults, the first left: " + message
            _empty(document, path, message, repairs, gone)
    raise Poison("mention: cannot be repaired")  # each turn empties a place, so a document runs out of faults first


def _empty(document: dict[str, Any], path: Path, message: str, repairs: Repairs, gone: dict[Path, int]) -> None:
    missing = _MISSING.search(message)
    if missing:
        name = (str(path[0]), missing[1])
        target = _at(document, path)
        if name in _MISSING_VALUES and isinstance(target, dict):
            target[missing[1]] = _MISSING_VALUES[name]
            return
    parent, key = _at(document, path[:-1]), path[-1]
    value = parent[key]
    if "`int" in message and isinstance(value, float) and value.is_integer():
        parent[key] = int(value)
        return
    if "`str" in message and isinstance(value, int) and not isinstance(value, bool):
        parent[key] = str(value)
        return
    repairs.nulled(_as_given(path, gone), message)
    if isinstance(key, int):
        gone[path[:-1]] = gone.get(path[:-1], 0) + 1
    del parent[key]


def _as_given(path: Path, gone: dict[Path, int]) -> Path:
    """The path in the document as it came: items before this one may have been taken out."""
    return tuple(part + gone.get(path[:index], 0) if isinstance(part, int) else part for index, part in enumerate(path))


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
