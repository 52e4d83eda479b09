"""Acts of speech by name: features that mean the same in every industry, each true or a number from 0 to about 1.

Beside what need.py's `signals` sees in the whole post, they say which cues stand together in one sentence ("I" with a fault, a
question with "you"), with which ones a post begins and ends, whom it speaks to while it does so, and how it is written.
"""

from collections.abc import Mapping
from math import log1p
from typing import Literal, NamedTuple

from lexicons.cues import CUE_BITS, CUES
from lexicons.model.pieces import BRAND, LINKED, MARKS, NAME, OTHER, Pieces

To = Literal["direct_message", "handle", "own_page", "name", "none"]
_MORE = ("?", "!", BRAND, OTHER, NAME)
_NAMES = (*CUES, *_MORE)
_FIRST_OF_MORE = 1 << len(CUES)
_MORE_BITS = {name: _FIRST_OF_MORE << place for place, name in enumerate(_MORE)}
_I = CUE_BITS["first_person"]


class Heard(NamedTuple):
    """What the lexicons' triggers say of a post: their intents, the most urgent and the angriest of them (0-3, 0 = none)."""

    intents: frozenset[str] = frozenset()
    urgency: float = 0.0
    anger: float = 0.0


class _Named(dict[int, tuple[str, ...]]):
    """Names of the cues of a sentence by its bits, and of each two of them: sentences with the same cues repeat."""

    def __missing__(self, bits: int) -> tuple[str, ...]:
        on = [name for place, name in enumerate(_NAMES) if bits >> place & 1]
        found = (*on, *(f"{one}+{other}" for place, one in enumerate(on) for other in on[place + 1 :]))
        if len(self) < 100_000:
            self[bits] = found
        return found


_NAMED = _Named()


def acts(seen: Pieces, signals: Mapping[str, float], heard: Heard, cues: Mapping[str, int], to: To) -> dict[str, float]:
    """Features by name. signals: of the whole post (need.py)."""
    found = dict(signals)
    found["to:" + to] = 1.0
    for intent in heard.intents:
        found["intent:" + intent] = 1.0
    if heard.intents:
        found["urgency of triggers"] = heard.urgency / 3
        found["anger of triggers"] = heard.anger / 3
    sentences, own = _sentences(seen, cues)
    together = 0
    for bits in sentences:
        together |= bits
        for name in _NAMED[bits]:
            found[name + " in a sentence"] = 1.0
    for name in _NAMED[together][: together.bit_count()]:
        found[f"to:{to} {name}"] = 1.0
    if sentences:
        for name in _NAMED[sentences[0]][: sentences[0].bit_count()]:
            found["begins with " + name] = 1.0
        for name in _NAMED[sentences[-1]][: sentences[-1].bit_count()]:
            found["ends with " + name] = 1.0
    _writing(seen, own, found)
    return found


def _sentences(seen: Pieces, cues: Mapping[str, int]) -> tuple[list[int], int]:
    """Bits of each sentence's cues, and how many words say I."""
    sentences: list[int] = []
    bits = own = 0
    for word in seen.words:
        if word in MARKS:
            bits |= _MORE_BITS.get(word, 0)
            sentences.append(bits)
            bits = 0
            continue
        cue = cues.get(word, 0)
        bits |= cue | _MORE_BITS.get(word, 0)
        own += bool(cue & _I)
    if bits:
        sentences.append(bits)
    return sentences, own


def _writing(seen: Pieces, own: int, found: dict[str, float]) -> None:
    """How it is written: length, capitals, where handles and links stand."""
    letters = [raw for raw in seen.raw if raw[0].isalpha()]
    count = len(letters)
    found["words"] = log1p(count) / 4
    for most in (4, 10):
        if count < most:
            found[f"under {most} words"] = 1.0
    for least in (30, 60):
        if count > least:
            found[f"over {least} words"] = 1.0
    if count:
        capitals = len([raw for raw in letters if raw[0].isupper()]) / count
        found["capitals"] = capitals
        if capitals < 0.05:
            found["small letters only"] = 1.0
        if capitals > 0.5:
            found["written like a headline"] = 1.0
        found["shouts"] = min(1.0, len([raw for raw in letters if len(raw) > 2 and raw.isupper()]) / 3)
        found["speaks of itself"] = min(1.0, own / count * 5)
    if seen.words:
        if seen.words[0] in _PLACES:
            found["starts with " + seen.words[0]] = 1.0
        if seen.words[-1] == LINKED:
            found["ends with a link"] = 1.0
        if seen.words[-1] in MARKS:
            found["ends with a mark"] = 1.0


_PLACES = frozenset((BRAND, OTHER, NAME, LINKED))
