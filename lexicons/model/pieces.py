"""A text as the model sees it: folded words with handles, names, links and numbers masked, and the skeleton of it.

Nobody's handle, address or number is ever learnt. The skeleton keeps the words that all industries share (function words, words
of asking, waiting, thanking) and replaces the others by their shape: a noun, a number, a word that ends in -en. "Mein Router
ist seit 3 Tagen tot" and "Mein Koffer ist seit 2 Tagen weg" have one skeleton; what a model learns of it carries over.
"""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from lexicons.text import LINK, SENTENCE_END, Text

BRAND, OTHER, NAME, LINKED = "@brand", "@other", "<name>", "<link>"
MARKS = frozenset("?!….")
MOST_PIECES = 1_000  # pieces that are looked at: a longer text has said it by then
_DIGITS = re.compile(r"\d+")
_FRIENDLY = frozenset("😀😃😄😁😆😅😂🤣😊😍🥰😘😜😎👍👏🙏🎉🥳😉🙂😋💚💙💛🤗✨🔥💪❤😇")
_UNFRIENDLY = frozenset("😡🤬😠😤🙄😒😞😔😢😭😩😫😖🤮🤦🤷👎💩😱😳🤯😥😕🙁☹😣")


class Pieces(NamedTuple):
    """words: masked and folded, with `?`, `!`, `…` and `.` as pieces; raw: as written; the same index is the same piece."""

    words: list[str]
    raw: list[str]


def pieces(text: Text, is_ours: Collection[str] | None, names: Iterable[tuple[int, int]] = ()) -> Pieces:
    """The masked pieces of a text. is_ours: the brand's handles, None = not known, then every handle may be.

    names: first and last index of each place where the brand is named.
    """
    named: set[int] = set()
    for start, end in names:
        named.update(range(start, end + 1))
    words: list[str] = []
    raws: list[str] = []
    masks = _MASKS
    for index, (raw, folded) in enumerate(zip(text.raw[:MOST_PIECES], text.words[:MOST_PIECES], strict=True)):
        if folded[:1] == "@":
            word = BRAND if is_ours is None or folded in is_ours else OTHER
        elif named and index in named:
            word = NAME if not words or words[-1] != NAME else ""
        else:
            word = masks[folded] if folded != SENTENCE_END else _mark(raw)
        if word:
            words.append(word)
            raws.append(raw)
    return Pieces(words, raws)


class _Masks(dict[str, str]):
    """Masked form by folded word; "" = says nothing. A cache, bounded."""

    def __missing__(self, word: str) -> str:
        found = _masked(word)
        if len(self) >= 50_000:
            self.clear()
        self[word] = found
        return found


def _masked(word: str) -> str:
    if not word or word == ",":
        return ""
    if word == LINK:
        return LINKED
    if word.isalpha():
        return word
    if word[0] in _FRIENDLY:
        return "<friendly>"
    if word[0] in _UNFRIENDLY:
        return "<unfriendly>"
    if not word[0].isalnum():
        return "<emoji>"
    return _DIGITS.sub("0", word)


def _mark(raw: str) -> str:
    if "?" in raw:
        return "?"
    if "!" in raw:
        return "!"
    return "…" if "…" in raw or raw.startswith("..") else "."


_MASKS = _Masks()


def skeleton(seen: Pieces, kept: Collection[str]) -> list[str]:
    """The shapes of the pieces, kept words as they are; begins with `^`."""
    shapes = ["^"]
    starts = True
    for word, raw in zip(seen.words, seen.raw, strict=True):
        if word in kept or word[0] in "@<" or word in MARKS:
            shapes.append(word)
        elif "0" in word:
            shapes.append("#0")
        elif len(raw) > 2 and raw.isupper():
            shapes.append("#A")
        elif not starts and raw[0].isupper():
            shapes.append("#N")
        else:
            shapes.append("#w" + word[-2:] if len(word) > 3 else "#w")
        starts = word in MARKS
    return shapes
