"""Posts as runs of words that may be proposed to a lexicon: nothing that points to a person is left in them.

Handles, links, mail addresses, and whatever has a digit in it (phone, order and account numbers, postcodes) end a run, as
punctuation does; so do the author's own name and handle. What is left may still name somebody: it is proposed only where it
stands in posts of several authors (`lexicons.suggest`).
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

# A whole token: of "anna@example.org" or "t.co/x7" no part may stay.
_TOKEN = re.compile(r"\S+")
_PRIVATE = re.compile(r"[@＠_]|://|www\.|\w\.\w\w")  # an underscore: nobody writes one but in names of accounts
_WORD = re.compile(r"[^\W\d_ʼ]+(?:['’ʼ][^\W\d_ʼ]+)*")
_JOINED = re.compile(r"[\s\-‐‑]+")  # what may stand between two words of one phrase
LONGEST_WORD = 40
LONGEST_TERM = 4  # words

Term = tuple[str, ...]  # words in small letters


class Word(NamedTuple):
    """A word as written; `start`, `end`: code points of the text."""

    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """What is compared: case and the kind of apostrophe say nothing."""
        return self.text.casefold().replace("’", "'").replace("ʼ", "'")


class Words:
    """The words of one text. `runs`: words that stand side by side. names: words of the author's name and handle."""

    def __init__(self, text: str, names: Iterable[str] = ()) -> None:
        hidden = {word.key for name in names for word in _words(name) if len(word.text) > 2}
        self.runs = tuple(tuple(run) for run in _runs(text, hidden))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Each word once."""
        return frozenset(word.key for run in self.runs for word in run)

    @cached_property
    def terms(self) -> dict[Term, tuple[Word, ...]]:
        """Every term of up to four words, and where it stands first."""
        found: dict[Term, tuple[Word, ...]] = {}
        for run in self.runs:
            for first in range(len(run)):
                for length in range(1, min(LONGEST_TERM, len(run) - first) + 1):
                    words = run[first : first + length]
                    found.setdefault(tuple(word.key for word in words), words)
        return found

    def round(self, start: int, end: int) -> Iterator[tuple[Word, ...]]:
        """Terms of two words and more that overlap these code points and reach beyond them."""
        for run in self.runs:
            for first in range(len(run)):
                for length in range(2, min(LONGEST_TERM, len(run) - first) + 1):
                    words = run[first : first + length]
                    inside = [word.start < end and word.end > start for word in words]
                    if any(inside) and not all(inside):
                        yield words


def _runs(text: str, hidden: set[str]) -> Iterator[list[Word]]:
    shown = _TOKEN.sub(lambda token: "." * len(token[0]) if _is_private(token[0]) else token[0], text)
    run: list[Word] = []
    for word in _words(shown):
        if run and not _JOINED.fullmatch(shown[run[-1].end : word.start]):
            yield run
            run = []
        if word.key in hidden or len(word.text) > LONGEST_WORD:
            if run:
                yield run
            run = []
        else:
            run.append(word)
    if run:
        yield run


def _is_private(token: str) -> bool:
    return _PRIVATE.search(token) is not None or any(letter.isnumeric() for letter in token)


def _words(text: str) -> list[Word]:
    return [Word(found[0], *found.span()) for found in _WORD.finditer(text)]


def spelling(uses: Iterable[tuple[Word, ...]], language: str) -> str:
    """A term as a phrase of a lexicon. In German a capital letter says noun, so each word is written as most people write it
    there; what is all in capitals, or is written large by fewer than half, is small."""
    written = [tuple(word.text for word in use) for use in uses]
    words = []
    for place in range(len(written[0])):
        forms = [use[place] for use in written]
        large = [form for form in forms if form[:1].isupper() and not (len(form) > 1 and form.isupper())]
        as_noun = language == "de" and 2 * len(large) >= len(forms)
        small = min(forms, key=lambda form: (form.casefold(), form)).casefold()
        words.append(small[:1].upper() + small[1:] if as_noun else small)
    return " ".join(words)
