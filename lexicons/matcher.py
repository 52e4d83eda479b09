"""Finds phrases in a cut text, in three sieves of which each is dearer and sees less.

1. Every word is read (reading.py): a word of the lexicons, a stretched, disguised or mistyped one, or none; one look-up.
2. An Aho-Corasick automaton over what was read names the phrases that may stand there, by one rare word of each.
3. Where every word of such a phrase is there, spaCy's `Matcher` decides on a `Doc` of the words around the rarest of them: a
   blank vocabulary, no model. docs/decisions/0012 has the figures that this division rests on.

Cost: a phrase is looked for at MOST_PLACES places at most, so no text makes it more than linear.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, product
from typing import Any, NamedTuple

import ahocorasick
import spacy
from spacy.matcher import Matcher as TokenMatcher
from spacy.tokens import Doc

from lexicons.phrase import Phrase, Slot, Way
from lexicons.reading import NO_WORD, Reading
from lexicons.text import SENTENCE_END, Text

SHORT = 60  # a text of up to so many words is one Doc; of a longer one only what lies around the rarest word is
MOST_PLACES = 64  # of a phrase, or of its rarest word, in one text

Place = tuple[int, int]
Pattern = Callable[[Any], list[tuple[int, int, int]]]


class _CompiledWay(NamedTuple):
    """A way with the numbers of its slots: all, and those that must be filled."""

    way: Way
    slots: tuple[int, ...]
    required: frozenset[int]


class Matcher:
    """Many phrases, compiled. A phrase is named by its index.

    real_words: words that are no mistyped other ones. typos: whether long words are found with a wrong letter in them.
    """

    def __init__(
        self, phrases: Sequence[Phrase], *, real_words: frozenset[str] = frozenset(), typos: bool = True
    ) -> None:
        self.phrases = tuple(phrases)
        slots = list(dict.fromkeys(slot for phrase in self.phrases for way in phrase.ways for slot in way.slots))
        numbers = {slot: number for number, slot in enumerate(slots)}
        self.slots_of = _SlotsOf(slots)
        self.reading = Reading(
            frozenset(self.slots_of),
            written=frozenset(word for slot in slots for word in slot.written) if typos else frozenset(),
            beginnings=frozenset(each for slot in slots for each in slot.beginnings),
            endings=frozenset(each for slot in slots for each in slot.endings),
            real_words=real_words,
        )
        self.ways = [[_compiled(way, numbers) for way in phrase.ways] for phrase in self.phrases]
        common = _commonness(self.phrases)
        anchors: dict[str, set[int]] = {}
        for index, phrase in enumerate(self.phrases):
            for literal in {literal for way in phrase.ways for literal in _anchor(way, common)}:
                anchors.setdefault(literal, set()).add(index)
        self.groups = [frozenset(indexes) for indexes in anchors.values()]
        self.automaton = ahocorasick.Automaton()
        for group, literal in enumerate(anchors):
            self.automaton.add_word(literal, group)
        if anchors:
            self.automaton.make_automaton()
        self._patterns: dict[Way, Pattern] = {}
        self._vocab, self._inside = _vocabulary()

    def candidates(self, text: Text) -> set[int]:
        """Phrases all of whose words stand in the text; every one that does stand in it is among them."""
        return self.places(text).candidates()

    def places(self, text: Text) -> "Places":
        """The exact matcher over one text."""
        return Places(self, text)

    def doc(self, words: list[str]) -> Any:
        """Words as spaCy sees them."""
        return Doc(self._vocab, words=words)

    def pattern(self, way: Way) -> Pattern:
        """spaCy's matcher for one order of words, made when it is first needed."""
        found = self._patterns.get(way)
        if found is None:
            matcher = TokenMatcher(self._vocab, validate=False)
            matcher.add("way", token_patterns(way, self._inside))
            found = self._patterns[way] = matcher
        return found


def _compiled(way: Way, numbers: dict[Slot, int]) -> _CompiledWay:
    return _CompiledWay(
        way,
        tuple(numbers[slot] for slot in way.slots),
        frozenset(numbers[slot] for slot in way.slots if not slot.optional),
    )


class _SlotsOf(dict[str, tuple[int, ...]]):
    """Numbers of the slots that a read word may fill. Open readings (see Reading) come in when they are first met."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        found: dict[str, list[int]] = {}
        for number, slot in enumerate(slots):
            for word in slot.words:
                found.setdefault(word, []).append(number)
        self._open = [(number, slot) for number, slot in enumerate(slots) if slot.is_open]
        super().__init__()
        for word, numbers in found.items():
            more = [n for n, slot in self._open if word not in slot.words and slot.matches(word)] if self._open else []
            self[word] = (*numbers, *more)

    def __missing__(self, word: str) -> tuple[int, ...]:
        numbers = self[word] = tuple(number for number, slot in self._open if slot.matches(word))
        return numbers


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[Any, int]:
    """The vocabulary of all matchers, and its flag of words that a gap may reach over.

    Only words of lexicons come into it (see Reading), so it stays as small however long the service runs.
    """
    vocab = spacy.blank("xx").vocab
    return vocab, vocab.add_flag(_is_inside)


def _is_inside(word: str) -> bool:
    """Whether a gap may reach over this word."""
    return word != SENTENCE_END


def token_patterns(way: Way, inside: int) -> list[list[dict[Any, Any]]]:
    """A way in spaCy's notation: one pattern for each width of its gaps. inside: the flag of words that a gap may reach over.

    A quantifier ({0,6}) would say the same, but spaCy then follows every way to fill a gap, 64 for each gap.
    """
    tokens = []
    for slot in way.slots:
        token = _token(slot)
        tokens.append({**token, "OP": "?"} if slot.optional else token)
    return [
        [part for token, width in zip(tokens, widths, strict=True) for part in [{inside: True}] * width + [token]]
        for widths in product(*(range(gap + 1) for gap in way.gaps))
    ]


def _token(slot: Slot) -> dict[str, Any]:
    if slot.is_open:
        exact = f"^(?:{'|'.join(map(re.escape, sorted(slot.words)))})$" if slot.words else ""
        parts = [
            exact,
            *("^" + re.escape(each) for each in slot.beginnings),
            *(re.escape(e) + "$" for e in slot.endings),
        ]
        return {"ORTH": {"REGEX": "|".join(part for part in parts if part)}}
    return {"ORTH": next(iter(slot.words))} if len(slot.words) == 1 else {"ORTH": {"IN": sorted(slot.words)}}


class Places:
    """Where the words of a text stand, and from that, where phrases stand."""

    def __init__(self, matcher: Matcher, text: Text) -> None:
        self._matcher = matcher
        reading = matcher.reading
        self._read = [reading[word] for word in text.words]
        self._where: dict[str, list[int]] | None = None
        self._ends: list[int] | None = None
        self._filled: set[int] | None = None
        self._slots: dict[int, list[int]] = {}
        self._docs: dict[Place, Any] = {}

    @property
    def ends(self) -> list[int]:
        """Where sentences end."""
        if self._ends is None:
            self._ends = [index for index, word in enumerate(self._read) if word == SENTENCE_END]
        return self._ends

    def sentence(self, index: int) -> int:
        """Number of the sentence a word stands in, from 0."""
        return bisect_left(self.ends, index)

    def candidates(self) -> set[int]:
        """Phrases all of whose words stand in the text."""
        matcher = self._matcher
        if not matcher.groups:
            return set()
        # A space before each word keeps "hilfe" from being looked up in "beihilfe"; the ends need one too.
        found = {group for _, group in matcher.automaton.iter(f" {' '.join(self._read)} ")}
        if not found:
            return set()
        present = self._present()
        may = set().union(*(matcher.groups[group] for group in found))
        ways = matcher.ways
        return {index for index in may if any(way.required <= present for way in ways[index])}

    def _present(self) -> set[int]:
        """Slots that some word of the text may fill."""
        if self._filled is None:
            slots_of = self._matcher.slots_of
            self._filled = set(chain.from_iterable([slots_of[word] for word in set(self._read)]))
        return self._filled

    def find(self, phrase_index: int) -> Iterator[Place]:
        """(first, last) word of every place where the phrase stands, from left to right; gaps end with the sentence."""
        ways = self._matcher.ways[phrase_index]
        if len(ways) == 1:
            yield from self._stands(ways[0])
        else:
            yield from sorted({place for way in ways for place in self._stands(way)})

    def _stands(self, compiled: _CompiledWay) -> Sequence[Place]:
        if len(compiled.slots) == 1:
            return [(index, index) for index in self._at(compiled.slots[0])]
        if not compiled.required <= self._present():
            return ()
        pattern = self._matcher.pattern(compiled.way)
        nearest: dict[int, int] = {}
        for begin, end in self._windows(compiled):
            for _, first, after in pattern(self._doc(begin, end)):
                start, last = begin + first, begin + after - 1
                if last < nearest.get(start, last + 1):
                    nearest[start] = last  # of several continuations the nearest
        return sorted(nearest.items())

    def _windows(self, compiled: _CompiledWay) -> Iterator[Place]:
        """Stretches of words, each of which holds all that the way needs; together they hold every place where it stands."""
        length = len(self._read)
        if length <= SHORT:
            yield 0, length
            return
        places = [self._at(number) for number in compiled.required]
        reach = len(compiled.slots) + sum(compiled.way.gaps)
        rarest = min(places, key=len)
        begin = end = -1
        for at in rarest[:MOST_PLACES]:
            start, stop = max(0, at - reach), min(length, at + reach + 1)
            if start < end and stop - begin <= SHORT:
                end = stop
                continue
            if begin >= 0 and _all_within(places, begin, end):
                yield begin, end
            begin, end = start, stop
        if _all_within(places, begin, end):
            yield begin, end

    def _doc(self, begin: int, end: int) -> Any:
        found = self._docs.get((begin, end))
        if found is None:
            found = self._docs[begin, end] = self._matcher.doc(self._read[begin:end])
        return found

    def _at(self, slot: int) -> list[int]:
        found = self._slots.get(slot)
        if found is None:
            if self._where is None:
                self._where = {}
                for index, word in enumerate(self._read):
                    if word != NO_WORD:
                        self._where.setdefault(word, []).append(index)
            slots_of = self._matcher.slots_of
            lists = [indexes for word, indexes in self._where.items() if slot in slots_of[word]]
            found = lists[0] if len(lists) == 1 else sorted({index for indexes in lists for index in indexes})
            self._slots[slot] = found
        return found


def _all_within(places: list[list[int]], begin: int, end: int) -> bool:
    for at in places:
        index = bisect_left(at, begin)
        if index == len(at) or at[index] >= end:
            return False
    return True


def _commonness(phrases: Sequence[Phrase]) -> dict[Slot, int]:
    counts: dict[Slot, int] = {}
    for phrase in phrases:
        for slot in phrase.slots:
            counts[slot] = counts.get(slot, 0) + 1
    return counts


def _anchor(way: Way, common: dict[Slot, int]) -> list[str]:
    """Literals of the way's rarest slot, one of which stands in every text where the way does.

    Long words that few phrases share are rare in texts too.
    """
    required = [slot for slot in way.slots if not slot.optional]
    rarest = max(required, key=lambda slot: (min(_lengths(slot)) - 2 * common[slot] ** 0.5, -len(slot.words)))
    literals = [" " + word for word in _without_longer(rarest.words)]
    literals += [" " + beginning for beginning in _without_longer(rarest.beginnings)]
    literals += [ending + " " for ending in rarest.endings]
    return literals


def _lengths(slot: Slot) -> list[int]:
    return [len(word) for word in (*slot.words, *slot.beginnings, *slot.endings)]


def _without_longer(words: Sequence[str] | frozenset[str]) -> list[str]:
    """The words that do not begin with another of them: the automaton needs only those."""
    kept: list[str] = []
    for word in sorted(words):
        if not kept or not word.startswith(kept[-1]):
            kept.append(word)
    return kept
