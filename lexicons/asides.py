"""Words that do not say how things are for the author of a post: supposed ("falls mein Netz ausfällt"), quoted, told of others.

What is supposed or told of others reaches from the phrase that says so to the end of its clause. Quoted are lines that begin
with `>`, and quotation marks round four words or more, at the start of a post or after a colon: headlines and other people's
speech. A short quotation is a name; after words such as "Fehlermeldung" it is what a device says, and that is the author's.
"""

import re
from collections.abc import Callable, Iterable
from functools import cached_property

from lexicons.format import Aside
from lexicons.matcher import Places
from lexicons.text import SENTENCE_END, Text

SPEECH = 4  # words from which a quotation is speech
_CLAUSE_END = re.compile(r"[,;:()\n\u2013\u2014]|\s-\s")
_ROUND = '\u201e\u201c\u201d"'
_SPEECH = re.compile(
    rf"[{_ROUND}][^{_ROUND}]{{8,2000}}[\u201c\u201d\"]"
    r"|\u00bb[^\u00bb\u00ab]{8,2000}\u00ab|\u00ab[^\u00bb\u00ab]{8,2000}\u00bb"
)
_QUOTED_LINE = re.compile(r"^[ \t]{0,3}>[^\n]*", re.MULTILINE)
_MARKS = frozenset('>"\u201e\u201c\u201d\u00bb\u00ab')


class Asides:
    """The asides of one text, looked for when they are first asked about."""

    def __init__(
        self,
        text: Text,
        places: Places,
        supposed: Iterable[int],
        of_others: Iterable[int],
        shown: Callable[[str], bool],
    ) -> None:
        """supposed, of_others: phrases that may stand in the text. shown: whether a word announces a device's message."""
        self._text, self._places, self._shown = text, places, shown
        self._phrases = {"supposed": tuple(supposed), "of_others": tuple(of_others)}

    def kinds(self, first: int, last: int) -> list[Aside]:
        """The kinds of aside that a hit from the first to the last word lies in."""
        kinds: list[Aside] = []
        if self._phrases["supposed"] and _within(self._supposed, first, last):
            kinds.append("supposed")
        if self._phrases["of_others"] and _within(self._of_others, first, last):
            kinds.append("of_others")
        if self._has_marks and _within(self._quoted, first, last):
            kinds.append("quoted")
        return kinds

    @cached_property
    def _has_marks(self) -> bool:
        return not _MARKS.isdisjoint(self._text.original)

    @cached_property
    def _supposed(self) -> list[bool]:
        return self._clauses("supposed")

    @cached_property
    def _of_others(self) -> list[bool]:
        return self._clauses("of_others")

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return self._text.spans(len(self._text.raw) - 1)

    @cached_property
    def _quoted(self) -> list[bool]:
        original, spans = self._text.original, self._spans
        chars = [match.span() for match in _QUOTED_LINE.finditer(original)] if ">" in original else []
        chars += [match.span() for match in _SPEECH.finditer(original) if self._is_speech(original, *match.span())]
        quoted = [False] * len(spans)
        index = 0
        for start, end in sorted(chars):
            while index < len(spans) and spans[index][0] < start:
                index += 1
            while index < len(spans) and spans[index][1] <= end:
                quoted[index] = True
                index += 1
        return quoted

    def _is_speech(self, original: str, start: int, end: int) -> bool:
        if len(original[start:end].split()) < SPEECH:
            return False
        before = original[max(0, start - 80) : start].rstrip()
        if before and not before.endswith(":"):
            return False
        if not before and len(original[end:].split()) < SPEECH:
            return False  # the whole post stands in quotation marks: its author's own words
        return not any(self._shown(word) for word in before.replace(":", " ").split()[-3:])

    def _clauses(self, kind: str) -> list[bool]:
        covered = [False] * len(self._text.words)
        reached = -1
        for first, last in sorted(place for phrase in self._phrases[kind] for place in self._places.find(phrase)):
            end = max(last, reached)
            # "Angenommen, mein Netz fällt aus": the comma right after the phrase belongs to it.
            if (
                end == last
                and self._ends_clause(last)
                and self._text.words[min(last + 1, len(covered) - 1)] != SENTENCE_END
            ):
                end += 1
            while end + 1 < len(covered) and not self._ends_clause(end):
                end += 1
            for index in range(max(first, reached + 1), min(end, len(covered) - 1) + 1):
                covered[index] = True
            reached = max(reached, end)
        return covered

    def _ends_clause(self, index: int) -> bool:
        """Whether the clause ends after this word."""
        spans = self._spans
        if index + 1 >= len(spans) or self._text.words[index + 1] == SENTENCE_END:
            return True
        return _CLAUSE_END.search(self._text.original, spans[index][1], spans[index + 1][0]) is not None


def _within(covered: list[bool], first: int, last: int) -> bool:
    return covered[first] and covered[last]
