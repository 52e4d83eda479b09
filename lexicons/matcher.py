"""Finds phrases in a cut text. An Aho-Corasick automaton lets only candidates through; exact matching on words decides.

Cost: one pass of the automaton, one of the words, and for each candidate phrase a walk along the places of its first word.
A phrase has at most two gaps of six words, so no text makes it more than linear.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import ahocorasick

from lexicons.phrase import Phrase, Slot
from lexicons.text import SENTENCE_END, Text


class Matcher:
    """Many phrases, compiled. A phrase is named by its index."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self.phrases = tuple(phrases)
        common = _commonness(self.phrases)
        self.known = frozenset(word for phrase in self.phrases for slot in phrase.slots for word in slot.words)
        anchors: dict[str, set[int]] = {}
        for index, phrase in enumerate(self.phrases):
            for literal in _anchor(phrase, common):
                anchors.setdefault(literal, set()).add(index)
        self._groups = [frozenset(indexes) for indexes in anchors.values()]
        self._automaton = ahocorasick.Automaton()
        for group, literal in enumerate(anchors):
            self._automaton.add_word(literal, group)
        self._empty = not anchors
        if anchors:
            self._automaton.make_automaton()

    def candidates(self, text: Text) -> set[int]:
        """Phrases that may stand in the text; every one that does stand in it is among them."""
        if self._empty:
            return set()
        # A space before each word keeps "hilfe" from being looked up in "beihilfe"; the ends need one too.
        line = f" {' '.join(text.words)} "
        found = {group for _, group in self._automaton.iter(line)}
        return set().union(*(self._groups[group] for group in found)) if found else set()

    def places(self, text: Text) -> "Places":
        """The exact matcher over one text."""
        return Places(self, text)


class Places:
    """Where the words of a text stand, and from that, where phrases stand."""

    def __init__(self, matcher: Matcher, text: Text) -> None:
        self._phrases, self._words = matcher.phrases, text.words
        where: dict[str, list[int]] = {}
        ends: list[int] = []
        known = matcher.known
        for index, word in enumerate(text.words):
            if word in known:
                where.setdefault(word, []).append(index)
            elif word == SENTENCE_END:
                ends.append(index)
        self._where, self.ends = where, ends
        self._slots: dict[Slot, list[int]] = {}

    def sentence(self, index: int) -> int:
        """Number of the sentence a word stands in, from 0."""
        return bisect_left(self.ends, index)

    def find(self, phrase_index: int) -> Iterator[tuple[int, int]]:
        """(first, last) word of every place where the phrase stands, from left to right; gaps end with the sentence."""
        phrase = self._phrases[phrase_index]
        places: list[list[int]] = []
        for slot in phrase.slots:
            at = self._at(slot)
            if not at:
                return
            places.append(at)
        gaps, ends = phrase.gaps, self.ends
        for first in places[0]:
            end = bisect_left(ends, first)
            limit = ends[end] if end < len(ends) else len(self._words)
            last = _follow(places, gaps, 1, first, limit)
            if last is not None:
                yield first, last

    def _at(self, slot: Slot) -> list[int]:
        found = self._slots.get(slot)
        if found is None:
            where = self._where
            lists = (
                [where[word] for word in slot.words if word in where]
                if len(slot.words) < len(where)
                else [indexes for word, indexes in where.items() if word in slot.words]
            )
            if slot.beginnings or slot.endings:
                begins, ends = slot.beginnings, slot.endings
                lists.append([i for i, w in enumerate(self._words) if w.startswith(begins) or w.endswith(ends)])
            found = lists[0] if len(lists) == 1 else sorted({index for indexes in lists for index in indexes})
            self._slots[slot] = found
        return found


def _follow(places: list[list[int]], gaps: tuple[int, ...], slot: int, previous: int, limit: int) -> int | None:
    """Last word of the phrase's rest after word `previous`, or None; the nearest continuation wins."""
    if slot == len(places):
        return previous
    at = places[slot]
    reach = min(previous + 2 + gaps[slot], limit)
    for place in at[bisect_right(at, previous) : bisect_left(at, reach)]:
        last = _follow(places, gaps, slot + 1, place, limit)
        if last is not None:
            return last
    return None


def _commonness(phrases: Sequence[Phrase]) -> dict[Slot, int]:
    counts: dict[Slot, int] = {}
    for phrase in phrases:
        for slot in phrase.slots:
            counts[slot] = counts.get(slot, 0) + 1
    return counts


def _anchor(phrase: Phrase, common: dict[Slot, int]) -> list[str]:
    """Literals of the phrase's rarest slot, one of which stands in every text that the phrase matches.

    Long words that few phrases share are rare in texts too.
    """
    rarest = max(phrase.slots, key=lambda slot: (min(_lengths(slot)) - 2 * common[slot] ** 0.5, -len(slot.words)))
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
