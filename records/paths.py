"""Places inside a record: the path that msgspec names in an error, the keys allowed there, and the nearest right one."""

import difflib
import re
from collections.abc import Iterable, Iterator
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


def values_at(type_: Any, path: Path) -> tuple[str, ...]:
    """The words that `type_` allows at a path, where only certain words are allowed."""
    info = msgspec.inspect.type_info(type_)
    found = [str(v) for at in _types_at(info, path) if isinstance(at, msgspec.inspect.LiteralType) for v in at.values]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=256)
def _fields_at(type_: Any, path: Path) -> tuple[str, ...]:
    structs = (
        at for at in _types_at(msgspec.inspect.type_info(type_), path) if isinstance(at, msgspec.inspect.StructType)
    )
    return tuple(dict.fromkeys(field.encode_name for struct in structs for field in struct.fields))


def _types_at(info: Any, path: Path) -> Iterator[Any]:
    """What stands at a path in a type, all alternatives of a union."""
    if isinstance(info, msgspec.inspect.UnionType):
        for option in info.types:
            yield from _types_at(option, path)
    elif isinstance(info, msgspec.inspect.Metadata):
        yield from _types_at(info.type, path)
    elif not path:
        yield info
    elif isinstance(info, msgspec.inspect.StructType):
        for field in info.fields:
            if field.encode_name == path[0]:
                yield from _types_at(field.type, path[1:])
    elif isinstance(info, msgspec.inspect.DictType):
        yield from _types_at(info.value_type, path[1:])
    elif hasattr(info, "item_type"):
        yield from _types_at(info.item_type, path[1:])
