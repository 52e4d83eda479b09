"""The small language of phrases in a lexicon, and what one compiles to.

brauche Hilfe            two words, one after the other, in any inflected form
geht … nicht             a gap of up to six words inside one sentence (`...` is the same)
kein Netz|Internet       alternatives for one word
*ausfall                 any word that ends so: Netzausfall, Stromausfälle
rückerstatt*             any word that begins so
=Rauch                   exactly this word, no other form
"""

from typing import NamedTuple

from lexicons.inflection import forms, spellings
from lexicons.text import SENTENCE_END, cut

GAP_WORDS = 6
MOST_GAPS = 2
MOST_WORDS = 12


class PhraseError(ValueError):
    """A phrase that cannot match anything; the text says why."""


class Slot(NamedTuple):
    """One place in a phrase: any of these folded words, or a word with one of these beginnings or endings."""

    words: frozenset[str]
    beginnings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    def matches(self, word: str) -> bool:
        """Whether a folded word may stand here."""
        return word in self.words or word.startswith(self.beginnings) or word.endswith(self.endings)


class Phrase(NamedTuple):
    """Slots in order; `gaps[i]` is how many words may stand before slot i (0 = it follows at once)."""

    slots: tuple[Slot, ...]
    gaps: tuple[int, ...]


def parse_phrase(text: str, language: str) -> Phrase:
    """Compiles a phrase. Raises PhraseError for one that is empty, too long, or begins or ends with a gap."""
    slots: list[Slot] = []
    gaps: list[int] = []
    gap = 0
    for part in text.replace("...", "…").replace("…", " … ").split():
        if part == "…":
            if not slots:
                raise PhraseError("begins with a gap; write the words between which the gap stands")
            if gap:
                raise PhraseError("has two gaps in a row; one `…` already stands for up to six words")
            gap = GAP_WORDS
            continue
        for slot in _slots(part, language):
            slots.append(slot)
            gaps.append(gap)
            gap = 0
    if not slots:
        raise PhraseError("has no word in it")
    if gap:
        raise PhraseError("ends with a gap; write the words between which the gap stands")
    if sum(1 for width in gaps if width) > MOST_GAPS:
        raise PhraseError(f"has more than {MOST_GAPS} gaps")
    if len(slots) > MOST_WORDS:
        raise PhraseError(f"has more than {MOST_WORDS} words")
    return Phrase(tuple(slots), tuple(gaps))


def _slots(part: str, language: str) -> list[Slot]:
    if "|" in part:
        alternatives = [_slots(option, language) if option else [] for option in part.split("|")]
        if any(len(option) != 1 for option in alternatives):
            raise PhraseError(f"`{part}`: each alternative must be one word")
        chosen = [option[0] for option in alternatives]
        return [
            Slot(
                frozenset().union(*(slot.words for slot in chosen)),
                tuple(beginning for slot in chosen for beginning in slot.beginnings),
                tuple(ending for slot in chosen for ending in slot.endings),
            )
        ]
    bare = part.strip("*=")
    if part.startswith("*") or part.endswith("*"):
        if part.startswith("*") and part.endswith("*"):
            raise PhraseError(f"`{part}`: a star stands at one end of a word only")
        if len(bare) < 3:
            raise PhraseError(f"`{part}`: at least three letters must stand beside a star")
        if part.startswith("*"):
            return [Slot(frozenset(), (), _shortest_endings(forms(bare[0].upper() + bare[1:], language)))]
        return [Slot(frozenset(), tuple(cut(spelling).words[0] for spelling in spellings(bare)))]
    exact = part.startswith("=")
    words = [(raw, word) for raw, word in zip(*cut(bare)[1:], strict=True) if word and word not in (SENTENCE_END, ",")]
    return [
        Slot(
            frozenset(cut(spelling).words[0] for spelling in spellings(raw))
            if exact or raw[0] in "@#"
            else forms(raw, language)
        )
        for raw, _ in words
    ]


def _shortest_endings(words: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(words))
