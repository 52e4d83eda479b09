"""Places inside a record: the path that msgspec names in an error, the keys allowed there, and the nearest right one."""

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

Path = tuple[str | int, ...]

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_PART = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def split_error(text: str) -> tuple[str, Path]:
    """The text of a msgspec error as (what is wrong, where); `...` stands where msgspec does not say which key."""
    match = _PLACE.search(text)
    if match is None:
        return text, ()
    return text[: match.start()], parse_path(match[1])


def parse_path(text: str) -> Path:
    """`media[2].url` as ("media", 2, "url")."""
    parts: list[str | int] = []
    for name, index in _PART.findall(text):
        parts.append(name or (int(index) if index.isdigit() else index))
    return tuple(parts)


def dotted(path: Path) -> str:
    """("media", 2, "url") as `media[2].url`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely stands for, None where nothing is near."""
    found = difflib.get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.5)
    return found[0] if found else None


def shown(key: str) -> str:
    """A foreign key as it can stand in an error: bounded, and without what cannot be written."""
    return key[:80].encode("utf-8", "replace").decode("utf-8")


def unknown_key(key: str, known: Iterable[str]) -> str:
    """What to say of a key that does not exist, with the nearest right one or all of them."""
    known = sorted(known)
    near = nearest(key, known)
    return f"unknown key `{shown(key)}` ({f'did you mean `{near}`?' if near else 'known keys: ' + ', '.join(known)})"


def fields_at(type_: Any, path: Path) -> tuple[str, ...]:
    """Names of the fields that `type_` allows at a path; of all alternatives of a union."""
    return _fields_at(type_, tuple(0 if isinstance(part, int) else part for part in path))


@lru_cache(maxsize=256)
def _fields_at(type_: Any, path: Path) -> tuple[str, ...]:
    found: list[str] = []
    _walk(msgspec.inspect.type_info(type_), path, found)
    return tuple(dict.fromkeys(found))


def _walk(info: Any, path: Path, found: list[str]) -> None:
    if isinstance(info, msgspec.inspect.UnionType):
        for option in info.types:
            _walk(option, path, found)
    elif isinstance(info, msgspec.inspect.Metadata):
        _walk(info.type, path, found)
    elif isinstance(info, msgspec.inspect.StructType):
        if not path:
            found.extend(field.encode_name for field in info.fields)
        for field in info.fields:
            if path and field.encode_name == path[0]:
                _walk(field.type, path[1:], found)
    elif isinstance(info, msgspec.inspect.DictType) and path:
        _walk(info.value_type, path[1:], found)
    elif hasattr(info, "item_type") and path:
        _walk(info.item_type, path[1:], found)
