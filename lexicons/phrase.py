"""The small language of phrases in a lexicon, and what one compiles to.

brauche Hilfe            two words, one after the other, in any inflected form
geht … nicht             a gap of up to six words inside one sentence (`...` is the same)
kein Netz|Internet       alternatives for one word
geht gar? nicht          a word that may be left out
{Router … kaputt}        in any order; without a gap in it, side by side
nicht an/kommen          a separable verb: kommt … nicht an, nicht angekommen, nicht ankommt
*ausfall                 any word that ends so: Netzausfall, Stromausfälle
rückerstatt*             any word that begins so
=Rauch                   exactly this word, no other form
"""

import re
from collections.abc import Iterator, Sequence
from itertools import permutations, product
from math import prod
from typing import NamedTuple

from lexicons.inflection import forms, separable_forms, spellings
from lexicons.text import SENTENCE_END, cut

GAP_WORDS = 6
SHORT_GAP = 2
MOST_GAPS = 2
MOST_FILLINGS = 200  # ways to fill the gaps of one order of words
MOST_WORDS = 12
MOST_IN_ANY_ORDER = 4
MOST_WAYS = 24

_PARTS = re.compile(r"\{[^{}]*\}|[^\s{}]+|[{}]")
_SEPARABLE = re.compile(r"([^\W\d_]{2,8})/([^\W\d_]{3,})")


class PhraseError(ValueError):
    """A phrase that cannot match anything; the text says why."""


class Slot(NamedTuple):
    """One place in a phrase: any of these folded words, or a word with one of these beginnings or endings.

    written: the words of the phrase itself, without the forms made of them; a typing error is forgiven in these.
    """

    words: frozenset[str]
    beginnings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    optional: bool = False
    written: frozenset[str] = frozenset()

    def matches(self, word: str) -> bool:
        """Whether a folded word may stand here."""
        return word in self.words or word.startswith(self.beginnings) or word.endswith(self.endings)

    @property
    def is_open(self) -> bool:
        """Whether it also takes words that no lexicon lists."""
        return bool(self.beginnings or self.endings)


class Way(NamedTuple):
    """One order of words: slots, and `gaps[i]`, how many words may stand before slot i (0 = it follows at once)."""

    slots: tuple[Slot, ...]
    gaps: tuple[int, ...]


class Phrase(NamedTuple):
    """Every order of words in which a phrase may stand; most have one."""

    ways: tuple[Way, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All slots of all ways, each once."""
        return tuple(dict.fromkeys(slot for way in self.ways for slot in way.slots))


class _Item(NamedTuple):
    """A part as written: ways to fill its place, and the gap before it. tail: the particle that closes the sentence."""

    gap: int
    ways: tuple[Way, ...]
    tail: Slot | None = None


def in_a_row(slots: Sequence[Slot]) -> Phrase:
    """A phrase of slots side by side."""
    return Phrase((Way(tuple(slots), (0,) * len(slots)),))


def parse_phrase(text: str, language: str) -> Phrase:
    """Compiles a phrase. Raises PhraseError for one that is empty, too long, or can match nothing."""
    items: list[_Item] = []
    for gap, part in _with_gaps(text):
        if part.startswith("{"):
            items.append(_Item(gap, _any_order(part, language)))
        elif found := _SEPARABLE.fullmatch(part):
            items.append(_separable(gap, found[1], found[2], language))
        else:
            slots = _slots(part, language)
            if slots:
                items.append(_Item(gap, (Way(tuple(slots), (0,) * len(slots)),)))
    ways = tuple(dict.fromkeys(_arranged(items)))
    if not any(slot for way in ways for slot in way.slots):
        raise PhraseError("has no word in it")
    if len(ways) > MOST_WAYS:
        raise PhraseError(
            f"stands for {len(ways)} orders of words, more than {MOST_WAYS}; split it into several phrases"
        )
    if sum(1 for item in items if item.gap) > MOST_GAPS:
        raise PhraseError(f"has more than {MOST_GAPS} gaps")
    for way in ways:
        _refuse_impossible(way)
    return Phrase(ways)


def _with_gaps(text: str) -> Iterator[tuple[int, str]]:
    """(gap before it, part) of every part but the gaps. Raises PhraseError for a gap that joins nothing."""
    gap = words = 0
    # A group's own gaps stay inside it.
    for part in _PARTS.findall(_spaced(text)):
        if part in "{}":
            raise PhraseError("has a brace without its other half, or braces inside braces")
        if part == "…":
            if not words:
                raise PhraseError("begins with a gap; write the words between which the gap stands")
            if gap:
                raise PhraseError("has two gaps in a row; one `…` already stands for up to six words")
            gap = GAP_WORDS
            continue
        words += 1
        yield gap, part
        gap = 0
    if gap:
        raise PhraseError("ends with a gap; write the words between which the gap stands")


def _spaced(text: str) -> str:
    return text.replace("...", "…").replace("…", " … ")


def _any_order(part: str, language: str) -> tuple[Way, ...]:
    inner = part[1:-1].split()
    gap = GAP_WORDS if "…" in inner else 0
    written = [word for word in inner if word != "…"]
    slots: list[Slot] = []
    for word in written:
        found = _slots(word, language)
        if len(found) != 1 or found[0].optional:
            raise PhraseError(f"`{part}`: in braces stand single words, none of them optional")
        slots += found
    if not 2 <= len(slots) <= MOST_IN_ANY_ORDER:
        raise PhraseError(f"`{part}`: braces hold two to {MOST_IN_ANY_ORDER} words")
    return tuple(Way(order, (0, *(gap,) * (len(order) - 1))) for order in permutations(slots))


def _separable(gap: int, particle: str, verb: str, language: str) -> _Item:
    if language != "de":
        raise PhraseError(f"`{particle}/{verb}`: separable verbs are written so in German only")
    joined, alone = separable_forms(particle, verb)
    return _Item(gap, (Way((Slot(joined),), (0,)), Way((Slot(alone),), (0,))), Slot(_exact(particle)))


def _arranged(items: list[_Item]) -> Iterator[Way]:
    """Every order of the whole phrase. A separable verb stands as one word at its place; or apart, and then its particle
    comes last, and the verb first or second, after what stands before the first gap ("stürzt … App … ab", "App stürzt … ab").
    """
    separable = [index for index, item in enumerate(items) if item.tail is not None]
    if len(separable) > 1:
        raise PhraseError("has two separable verbs; write one of them as a word")
    for choice in product(*(item.ways if item.tail is None else item.ways[:1] for item in items)):
        yield _joined(items, choice)
    for index in separable:
        tail, verb = items[index].tail, items[index].ways[1]
        assert tail is not None
        rest = [item for place, item in enumerate(items) if place != index]
        second = next((place for place, item in enumerate(rest) if place and item.gap), len(rest))
        for choice in product(*(item.ways for item in rest)):
            yield from _apart(
                verb,
                tail,
                _joined(rest[:second], choice[:second]),
                _joined(rest[second:], choice[second:]),
                items[index].gap,
            )


def _apart(verb: Way, tail: Slot, first: Way, then: Way, gap: int) -> Iterator[Way]:
    """A separable verb and its particle with what else the phrase says; `gap`: as written before the verb."""
    if not first.slots:
        yield Way((*verb.slots, tail), (0, GAP_WORDS))
        return
    if not then.slots:
        yield Way((*first.slots, *verb.slots, tail), (*first.gaps, gap, GAP_WORDS))
        yield Way((*verb.slots, *first.slots, tail), (0, GAP_WORDS, *first.gaps[1:], GAP_WORDS))
        return
    # Three gaps: the last ones are shorter, for each of their widths is a pattern of its own.
    inner = then.gaps[1:]
    yield Way((*first.slots, *verb.slots, *then.slots, tail), (*first.gaps, GAP_WORDS, GAP_WORDS, *inner, SHORT_GAP))
    yield Way(
        (*verb.slots, *first.slots, *then.slots, tail), (0, GAP_WORDS, *first.gaps[1:], SHORT_GAP, *inner, SHORT_GAP)
    )


def _joined(items: Sequence[_Item], choice: Sequence[Way]) -> Way:
    slots: list[Slot] = []
    gaps: list[int] = []
    for item, way in zip(items, choice, strict=True):
        slots += way.slots
        gaps += (item.gap if slots[: -len(way.slots)] else 0, *way.gaps[1:])
    return Way(tuple(slots), tuple(gaps))


def _refuse_impossible(way: Way) -> None:
    if prod(width + 1 for width in way.gaps) > MOST_FILLINGS:
        raise PhraseError(f"has more than {MOST_GAPS} gaps; a separable verb has one of its own")
    if len(way.slots) > MOST_WORDS:
        raise PhraseError(f"has more than {MOST_WORDS} words")
    if way.slots[0].optional or way.slots[-1].optional:
        raise PhraseError("begins or ends with an optional word; leave it out, the phrase finds the same")


def _slots(part: str, language: str) -> list[Slot]:
    if part.endswith("?") and len(part) > 1:
        slots = _slots(part[:-1], language)
        if len(slots) != 1:
            raise PhraseError(f"`{part}`: only a single word can be optional")
        return [slots[0]._replace(optional=True)]
    if "|" in part:
        alternatives = [_slots(option, language) if option else [] for option in part.split("|")]
        if any(len(option) != 1 or option[0].optional for option in alternatives):
            raise PhraseError(f"`{part}`: each alternative must be one word")
        chosen = [option[0] for option in alternatives]
        return [
            Slot(
                frozenset().union(*(slot.words for slot in chosen)),
                tuple(beginning for slot in chosen for beginning in slot.beginnings),
                tuple(ending for slot in chosen for ending in slot.endings),
                written=frozenset().union(*(slot.written for slot in chosen)),
            )
        ]
    bare = part.strip("*=")
    if part.startswith("*") or part.endswith("*"):
        return [_open(part, bare, language)]
    exact = part.startswith("=")
    words = [(raw, word) for raw, word in zip(*cut(bare)[1:], strict=True) if word and word not in (SENTENCE_END, ",")]
    return [
        Slot(
            _exact(raw) if exact or raw[0] in "@#" else forms(raw, language),
            written=frozenset() if exact else _exact(raw),
        )
        for raw, _ in words
    ]


def _open(part: str, bare: str, language: str) -> Slot:
    if part.startswith("*") and part.endswith("*"):
        raise PhraseError(f"`{part}`: a star stands at one end of a word only")
    if len(bare) < 3:
        raise PhraseError(f"`{part}`: at least three letters must stand beside a star")
    if part.startswith("*"):
        endings = tuple(sorted(forms(bare[0].upper() + bare[1:], language)))
        return Slot(frozenset(), (), endings, written=_exact(bare))
    return Slot(frozenset(), tuple(cut(spelling).words[0] for spelling in spellings(bare)))


def _exact(raw: str) -> frozenset[str]:
    return frozenset(cut(spelling).words[0] for spelling in spellings(raw))
