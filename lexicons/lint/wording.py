"""Words that find less than they seem to: a missing umlaut, a wrong capital letter, the other forms of a strong verb.

Judged by how people write: the words of the packaged posts, with and without a capital letter. A word nobody wrote there is
left alone, so that this stays quiet about names and dialect.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from lexicons.inflection import forms
from lexicons.lint.checked import Checked
from lexicons.lint.ordinary import Post, packaged_posts
from lexicons.lint.remark import Remark, remark
from lexicons.text import fold
from records import paths

_WORD = re.compile(
    r"(?<![\w*=@#/$'’])([^\W\d_]{4,})(?![\w*/'’])"
)  # not `=exact`, `*ending`, `beginning*`, `an/kommen`, @handle
_IN_SENTENCE = re.compile(r"(?<=[a-zäöüß,] )[^\W\d_]{4,}")  # the first word of a sentence has a capital letter anyway
_UMLAUT = {"a": "ä", "o": "ö", "u": "ü"}
Said = tuple[str, str, str]  # rule, what is the case, what to do
OFTEN = 3  # how often a word must stand in the posts to be known
# Strong verbs of complaints whose present changes its vowel, in the infinitive and as in "er …". Endings are the inflection's.
_STRONG = (
    "fahren fährt|fallen fällt|laden lädt|lassen lässt|laufen läuft|halten hält|schlafen schläft|tragen trägt|brechen bricht|"
    "geben gibt|helfen hilft|sehen sieht|lesen liest|sprechen spricht|treffen trifft|nehmen nimmt|sterben stirbt|werfen wirft|"
    "stehlen stiehlt|befehlen befiehlt|gelten gilt|essen isst|messen misst|abbrechen abbricht|ausfallen ausfällt|"
    "wissen weiß|raten rät|anfangen anfängt|versprechen verspricht|vergeben vergibt"
)


class Vocabulary(NamedTuple):
    """Of each lower-case word, how often it stands inside a sentence with a small letter, and with a capital one."""

    small: dict[str, int]
    capital: dict[str, int]

    def knows(self, word: str) -> bool:
        """Whether people write it, with either letter."""
        return self.small.get(word, 0) + self.capital.get(word, 0) >= OFTEN


def vocabulary(posts: Iterable[Post]) -> Vocabulary:
    """The words of these posts. Texts all in capital letters tell nothing."""
    small: dict[str, int] = {}
    capital: dict[str, int] = {}
    for post in posts:
        # Who writes nothing with a capital letter does not say which words are nouns.
        if post.text.islower() or post.text.isupper():
            continue
        for word in _IN_SENTENCE.findall(post.text):
            kind = small if word.islower() else capital
            kind[word.lower()] = kind.get(word.lower(), 0) + 1
    return Vocabulary(small, capital)


@lru_cache(maxsize=1)
def _german() -> Vocabulary:
    return vocabulary(post for post in packaged_posts() if post.language == "de")


@lru_cache(maxsize=1)
def _strong() -> dict[str, str]:
    """The other form of each."""
    pairs = [verb.split() for verb in _STRONG.split("|")]
    return {form: other for one, two in pairs for form, other in ((one, two), (two, one))}


def check_wording(checked: Checked, words: Vocabulary | None = None) -> Iterator[Remark]:
    """`umlaut`, `capital` and `missing-form`, once a word and trigger or list, in what is German. A word that a lexicon calls
    real lacks no umlaut."""
    words = words or _german()
    real = {word.lower() for source in checked.sources for word in source.content.real_words}
    for stood in checked.triggers():
        if stood.compiled.language == "de":
            for written in (stood.placed.phrases, stood.placed.exceptions):
                for place, said in _of_texts([each.text for each in written], words, real):
                    yield stood.at_phrase(*said, written[place])
    for source in checked.sources:
        for name, listed in source.content.lists.items() if source.content.language == "de" else ():
            for place, said in _of_texts(listed, words, real):
                path = ("lists", name, place)
                document = source.document
                yield remark(*said, file=document.file, line=document.line(path), field=paths.dotted(path))


def _of_texts(texts: Sequence[str], words: Vocabulary, real: set[str]) -> Iterator[tuple[int, Said]]:
    heard = _heard(texts)
    told: set[str] = set()
    for place, text in enumerate(texts):
        for word in _WORD.findall(text):
            if word not in told:
                told.add(word)
                said = (
                    (None if word.lower() in real else _umlaut(word, words))
                    or _capital(word, words)
                    or _missing_form(word, heard)
                )
                if said:
                    yield place, said


def _heard(texts: Iterable[str]) -> set[str]:
    """Every folded word that some phrase among them finds."""
    written = " ".join(texts)
    found = {form for word in _WORD.findall(written) for form in forms(word, "de")}
    return found | {fold(word) for word in re.findall(r"=([^\W\d_]+)", written)}


def _umlaut(word: str, words: Vocabulary) -> Said | None:
    lower = word.lower()
    if words.knows(lower) or any(letter in lower for letter in "äöüß"):
        return None
    for candidate in _with_umlauts(lower):
        meant = candidate[0].upper() + candidate[1:] if word[0].isupper() else candidate
        if words.knows(candidate) and not forms(meant, "de") <= forms(word, "de"):
            return (
                "umlaut",
                f"`{word}` does not find every spelling of `{meant}`",
                f"write `{meant}`: it also finds the spellings without umlaut; or `={word}` where nothing else is meant",
            )
    return None


def _with_umlauts(lower: str) -> Iterator[str]:
    spelt = lower.replace("ae", "ä").replace("oe", "ö").replace("ue", "ü")
    if spelt != lower:
        yield spelt
    places = [at for at, letter in enumerate(lower) if letter in _UMLAUT][:4]
    for chosen in product((False, True), repeat=len(places)):
        if any(chosen):
            letters = list(lower)
            for at, take in zip(places, chosen, strict=True):
                if take:
                    letters[at] = _UMLAUT[letters[at]]
            yield "".join(letters)


def _capital(word: str, words: Vocabulary) -> Said | None:
    """Only where it matters: where the other letter finds a form that people write."""
    lower = word.lower()
    small, capital = words.small.get(lower, 0), words.capital.get(lower, 0)
    if word[0].isupper() and word[1:].islower() and not capital and small >= OFTEN:
        meant, now, then = lower, "noun", "verb or adjective"
    elif word.islower() and capital >= OFTEN and small * 10 <= capital:
        meant, now, then = word.capitalize(), "verb", "noun"
    else:
        return None
    missed = sorted(
        form for form in forms(meant, "de") - forms(word, "de") if form in words.small or form in words.capital
    )
    if not missed:
        return None
    return (
        "capital",
        f"`{word}` gets the forms of a {now}, so it does not find `{missed[0]}`; people write `{meant}`",
        f"write `{meant}`: then it gets those of a {then}",
    )


def _missing_form(word: str, heard: set[str]) -> Said | None:
    other = _strong().get(word)
    if other is None or fold(other) in heard:
        return None
    return (
        "missing-form",
        f"`{word}` does not find `{other}`",
        f"write `{word}|{other}`, or `={word}` where only this form is meant",
    )
