"""How a word of a text is read: as the word of a lexicon that its writer meant, or as none.

A word that no lexicon knows is tried, in this order: without stretching ("Hiiilfe"), without disguise (digits for letters,
"H1lfe"; Cyrillic and Greek letters that look Latin), as one with an ending or beginning that a lexicon names, and, from seven
letters on, with one wrong, missing, doubled or swapped letter in a word as a lexicon writes it. The first letter is always
right, and a real word is never taken for a mistyped other one ("Leistung" is no "Leitung"). Words repeat, so all this is paid
once a word, not once a post.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import product

from lexicons.text import SENTENCE_END

NO_WORD = "\u25cc"  # a word that no lexicon knows; no punctuation, so a gap may reach over it
OPEN = "\u2026"  # stands in the reading of a word that is known by its beginning or ending only
SHORTEST_MISTYPED = 7
SHORTEST_DISGUISED = 4
LONGEST_MISTYPED = 40
MOST_STRETCHED = 3  # stretched letters of a word of which each may stand for one or two
MOST_FORGIVEN = 40_000  # words that are found mistyped; each costs about a kilobyte

_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_LOOKS_LIKE = str.maketrans("авеԁгһіјкӏмнорԛѕтуѵѡхзαβεηικνορτυχ", "abedrhijklmhopqstuvwxzabehiknoptux")
_DIGITS = (str.maketrans("013457", "oieast"), str.maketrans("013457", "oleast"))


class Reading(dict[str, str]):
    """Reading by folded word: `reading[word]` is a known word, SENTENCE_END, or NO_WORD; `beginning…ending` stands for an open
    one. Bounded, and only ever a cache: a word reads the same at any time."""

    def __init__(
        self,
        known: frozenset[str],
        *,
        beginnings: frozenset[str] = frozenset(),
        endings: frozenset[str] = frozenset(),
        real_words: frozenset[str] = frozenset(),
        written: frozenset[str] = frozenset(),
    ) -> None:
        """written: those of the known words that are found mistyped."""
        super().__init__()
        self._known = known
        self._beginnings, self._endings = _longest_first(beginnings), _longest_first(endings)
        self._real = real_words
        self._written = written

    @cached_property
    def _mistyped(self) -> dict[str, tuple[str, ...]]:
        return _neighbours(self._written)

    def __missing__(self, word: str) -> str:
        read = self._read(word)
        if len(word) <= LONGEST_MISTYPED:
            if len(self) >= 50_000:
                self.clear()
            self[word] = read
        return read

    def _read(self, word: str) -> str:
        if word in self._known or word == SENTENCE_END:
            return word
        if word[:1] == "@" or not word:
            return NO_WORD
        for form in _undisguised(word):
            if form in self._known:
                return form
            if read := self._open(form):
                return read
        return self._corrected(word) or NO_WORD

    def _open(self, word: str) -> str:
        """`beginning…ending`, the longest of each that is known, so that shorter ones are found in it as well."""
        begins = word.startswith(self._beginnings) and next(b for b in self._beginnings if word.startswith(b))
        ends = word.endswith(self._endings) and next(e for e in self._endings if word.endswith(e))
        return f"{begins or ''}{OPEN}{ends or ''}" if begins or ends else ""

    def _corrected(self, word: str) -> str:
        if not SHORTEST_MISTYPED <= len(word) <= LONGEST_MISTYPED or word in self._real or not word.isalpha():
            return ""
        found = set(self._mistyped.get(word, ()))
        for shorter in _without_a_letter(word):
            if shorter in self._written and len(shorter) >= SHORTEST_MISTYPED:
                found.add(shorter)
            found.update(self._mistyped.get(shorter, ()))
        return min((each for each in found if _one_slip(word, each)), default="")


def _longest_first(words: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def _undisguised(word: str) -> Iterator[str]:
    yield word
    if not word.isascii():
        latin = word.translate(_LOOKS_LIKE)
        if latin != word:
            yield latin
            word = latin
    if not word.isalpha():
        if len(word) < SHORTEST_DISGUISED or not word[0].isalpha() or sum(map(str.isdigit, word)) * 2 >= len(word):
            return  # a number, a size, a time ("10s")
        for digits in _DIGITS:
            letters = word.translate(digits)
            if letters != word and letters.isalpha():
                yield letters
        return
    parts = _STRETCHED.split(word)  # text, stretched letter, text, stretched letter, …
    for times in product((1, 2), repeat=min(len(parts) // 2, MOST_STRETCHED)):
        counts = (*times, *(1,) * (len(parts) // 2 - len(times)))
        yield parts[0] + "".join(parts[2 * i + 1] * n + parts[2 * i + 2] for i, n in enumerate(counts))


def _neighbours(known: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Known words by what is left of them without one letter: two words one slip apart meet there."""
    found: dict[str, tuple[str, ...]] = {}
    long = sorted(word for word in known if SHORTEST_MISTYPED <= len(word) <= LONGEST_MISTYPED and word.isalpha())
    for word in long[:MOST_FORGIVEN]:
        for shorter in _without_a_letter(word):
            found[shorter] = (*found.get(shorter, ()), word)
    return found


def _without_a_letter(word: str) -> set[str]:
    """The word without one of its letters, but never the first: people err in that least."""
    return {word[:index] + word[index + 1 :] for index in range(1, len(word))}


def _one_slip(word: str, meant: str) -> bool:
    """Whether one letter too many, too few or wrong, but not the last, or two swapped, lie between two different words."""
    start = 0
    while start < min(len(word), len(meant)) and word[start] == meant[start]:
        start += 1
    rest, wanted = word[start:], meant[start:]
    if len(rest) == len(wanted) and rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]:
        return True
    if word[-1] != meant[-1]:
        return False  # another ending is another form, or another word ("wechsel", "wechseln")
    if len(rest) == len(wanted):
        return rest[1:] == wanted[1:]
    return rest[1:] == wanted if len(rest) > len(wanted) else rest == wanted[1:]
