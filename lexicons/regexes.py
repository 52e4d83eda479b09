"""Regular expressions of triggers, in an engine that is linear in the text whatever is written (RE2)."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import re2

from lexicons.text import Text

MOST_MATCHES = 8  # of one expression in one text


class RegexError(ValueError):
    """An expression that cannot be used; the text says why."""


class _Owned(NamedTuple):
    owner: int
    compiled: re2._Regexp


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return options


def check_regex(pattern: str) -> None:
    """Raises RegexError for one that RE2 does not take, or that matches nothing at all."""
    try:
        compiled = re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise RegexError(f"{text}; look-ahead, look-behind and back-references are not in RE2's language") from error
    if compiled.search("") is not None:
        raise RegexError("matches the empty text, so it would hit everything")


class Regexes:
    """Checked expressions, each with the number of the trigger that owns it."""

    def __init__(self, owned: Sequence[tuple[int, str]]) -> None:
        self._owned = [_Owned(owner, re2.compile(pattern, _options())) for owner, pattern in owned]

    def find(self, text: Text) -> dict[int, list[tuple[int, int]]]:
        """By trigger, the (first, last) pieces that its matches touch, from left to right."""
        found: dict[int, list[tuple[int, int]]] = {}
        if not self._owned or not text.raw:
            return found
        # A lone surrogate is no text to RE2; it never stands in an expression either.
        data = text.original.encode("utf-8", "replace")
        starts: list[int] = []
        ends: list[int] = []
        for owner, compiled in self._owned:
            for match in islice(compiled.finditer(data), MOST_MATCHES):
                if not starts:
                    spans = text.spans(len(text.raw) - 1)
                    starts, ends = [start for start, _ in spans], [end for _, end in spans]
                start, end = (len(data[:place].decode()) for place in match.span())
                first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
                if first <= last:
                    found.setdefault(owner, []).append((first, last))
        return {owner: sorted(set(places)) for owner, places in found.items()}
