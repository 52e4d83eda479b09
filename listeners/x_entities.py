"""Handles, tags and links of an X post, with places that hold. Pure.

X counts entities sometimes in code points, sometimes in UTF-16, and of the escaped text: so each is looked for near the
place that X names, and one that is not there keeps no place.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_WORD = re.compile(r"\w")
_WIDE = {"#": "＃", "@": "＠"}


def entities(found: object, text: str) -> list[dict[str, Any]]:
    """Handles, tags and links with their places in `text`, in code points."""
    source = as_dict(found)
    wanted: list[tuple[int, str, dict[str, Any]]] = []
    for key, type_, sign, name in (
        ("mentions", "mention", "@", "username"),
        ("hashtags", "hashtag", "#", "tag"),
        ("cashtags", "cashtag", "$", "tag"),
        ("urls", "url", "", "url"),
    ):
        for item in map(as_dict, as_list(source.get(key))):
            value = item.get(name)
            if isinstance(value, str) and value:
                start = item.get("start")
                link = (item.get("unwound_url") or item.get("expanded_url")) if type_ == "url" else None
                entity = {"type": type_, "text": sign + value, "id": as_id(item.get("id")), "url": link}
                wanted.append((start if isinstance(start, int) else 0, sign + value, entity))
    wanted.sort(key=lambda one: one[0])
    return _place(wanted, text)


def _place(wanted: Sequence[tuple[int, str, dict[str, Any]]], text: str) -> list[dict[str, Any]]:
    """Gives each entity the unused occurrence nearest to where X says it is; one that does not occur keeps no place."""
    lowered = _foldable(text)
    used: set[int] = set()
    placed = []
    for start, literal, entity in wanted:
        # The text may write the sign in full width; it counts as one code point all the same.
        spellings = [literal, *(wide + literal[1:] for sign, wide in _WIDE.items() if literal[0] == sign)]
        free = [at for one in spellings for at in _occurrences(lowered, _foldable(one)) if at not in used]
        if not free:
            placed.append(entity)
            continue
        _, at = min((abs(place - start), place) for place in free)
        used.add(at)
        placed.append({**entity, "start": at, "end": at + len(literal)})
    return placed


def _foldable(text: str) -> str:
    """Lower case, character by character, so that places stay what they are."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _occurrences(text: str, literal: str) -> Iterable[int]:
    at = text.find(literal)
    while at >= 0:
        end = at + len(literal)
        if end == len(text) or not _WORD.match(text[end]):
            yield at
        at = text.find(literal, at + 1)


def as_id(value: object) -> str | None:
    """An id as text, None if it is none; numbers are taken, because some clients write ids so."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def as_dict(value: object) -> dict[str, Any]:
    """The object, empty if it is none."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The array, empty if it is none."""
    return value if isinstance(value, list) else []
