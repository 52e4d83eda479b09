"""Text as words: cut and folded, so that spelling varies and offsets do not.

One linear pass cuts a text into words, handles, hashtags, emoji and sentence ends; links are one word each. A hashtag in
CamelCase is cut where its words begin (#keinNetz), and an emoji keeps its skin tone and what is joined to it. Every piece is
folded on its own: NFKC, lower case, no accents but the umlauts' (schön is not schon; a lexicon's `ä` also stands for `ae` and
`a`), ß = ss, no apostrophes, no underscores and no invisible
characters. Because nothing is folded across pieces, a hit is a range of pieces
and its offsets into the original text are exact, whatever folding does to lengths.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

SENTENCE_END = "."
_HASH = ("#", "\uff03")
LINK = "://"
LONGEST_WORD = 80  # code points that are looked at; no lexicon word is longer, and Unicode ordering is not linear

# Combining marks, joiners, soft hyphens and direction marks may stand inside a word; folding drops them.
_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
_LETTER = rf"[\w\u0300-\u036f\u20d0-\u20ff{_INVISIBLE}]"
_APOSTROPHE = "['\u2019\u2018\u02bc\u00b4`]"
_EMOJI = "[\u203c\u2049\u231a-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
_TONED = rf"{_EMOJI}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*"
# No alternative can begin where another one's repetition ends, and nothing follows a repetition: it never backtracks.
_PIECE = re.compile(
    r"(?i:https?://|www\.)\S+"
    r"|[@\uff20]\w[\w.@-]*"
    rf"|[#\uff03]?{_LETTER}+(?:{_APOSTROPHE}{_LETTER}+)*"
    r"|[.!?\u2026\r\n]+\s?"
    rf"|{_TONED}(?:\u200d{_TONED})*"
)
_TAG_WORD = re.compile(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])|(?<=[^\W_]_)(?=[^\W_])")
_DROPPED = re.compile(rf"(?<![aou])\u0308|[\u0300-\u0307\u0309-\u036f\u20d0-\u20ff{_INVISIBLE}\s#_']")
_IS_EMOJI = re.compile(_EMOJI)
_ASCII_DROPPED = dict.fromkeys(map(ord, "'`#_"))


class _Folds(dict[str, str]):
    """Folded form by raw piece: ordinary words repeat, so most look-ups are one hash. Bounded, and only ever a cache."""

    def __missing__(self, raw: str) -> str:
        folded = _fold(raw)
        if len(raw) <= 40:
            if len(self) >= 50_000:
                self.clear()
            self[raw] = folded
        return folded


def _fold(raw: str) -> str:
    first = raw[0]
    if first in ".!?\u2026\r\n":
        # One dot with no space after it stands in "3.5" or "nordfunk.example": it ends no sentence.
        return "," if raw == "." else SENTENCE_END
    if raw[:8].lower().startswith(("http://", "https://", "www.")):
        return LINK
    if _IS_EMOJI.match(first):
        return first
    raw = raw[:LONGEST_WORD]
    if first in "@\uff20":
        return "@" + unicodedata.normalize("NFKC", raw).casefold()[1:].rstrip(".-")
    if raw.isascii():
        return raw.lower().translate(_ASCII_DROPPED)
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", raw).casefold())
    for apostrophe in "\u2019\u2018\u02bc\u00b4`\u2032":
        folded = folded.replace(apostrophe, "")
    return unicodedata.normalize("NFC", _DROPPED.sub("", folded))


_FOLDS = _Folds()


class Text(NamedTuple):
    """A text cut into pieces: `raw` as written, `words` folded; the same index is the same piece."""

    original: str
    raw: list[str]
    words: list[str]

    def spans(self, last: int) -> list[tuple[int, int]]:
        """Code-point offsets (start, end) of the pieces 0 to `last`: worked out only where something was found."""
        found: list[tuple[int, int]] = []
        for match in islice(_PIECE.finditer(self.original), last + 1):
            start = match.start()
            for part in _parts(match[0]):
                found.append((start, start + len(part)))
                start += len(part)
        return found[: last + 1]

    def hashtags(self) -> list[tuple[str, int, int]]:
        """Each hashtag as one folded word, with its first and last piece."""
        found, index = [], 0
        for piece in _PIECE.findall(self.original):
            length = len(_parts(piece))
            if piece[0] in _HASH:
                found.append((_FOLDS[piece], index, index + length - 1))
            index += length
        return found


def _parts(piece: str) -> list[str]:
    """A hashtag's words, which together are the hashtag; any other piece as it is."""
    return _tag_words(piece) if piece[0] in _HASH else [piece]


@lru_cache(maxsize=10_000)
def _tag_words(tag: str) -> list[str]:
    return _TAG_WORD.split(tag)


def cut(text: str) -> Text:
    """The pieces of a text, in time linear in its length."""
    raw = _PIECE.findall(text)
    if "#" in text or "\uff03" in text:
        raw = [part for piece in raw for part in (_tag_words(piece) if piece[0] in _HASH else (piece,))]
    folds = _FOLDS
    return Text(text, raw, [folds[piece] for piece in raw])


def fold(text: str) -> str:
    """A text's folded words with one space between: what a match compares."""
    return " ".join(cut(text).words)
