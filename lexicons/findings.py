"""Which triggers hit a text: the matcher's places, less exceptions, negations, asides, and hits that a longer one contains."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from lexicons.asides import Asides
from lexicons.compiler import CompiledTrigger, Lexicon
from lexicons.conditions import Conditions
from lexicons.cues import CUE_BITS
from lexicons.format import Aside, Trigger
from lexicons.matcher import MOST_PLACES, Place, Places
from lexicons.text import Text, cut, fold

_BY_REGEX = -1  # stands for the trigger's regular expressions among its phrases
MOST_HITS = 8  # places of one trigger that are looked at for nearness; its weight counts once
_NEGATION = CUE_BITS["negation"]
# "nicht mehr kaputt", "not really broken", "kein großes Problem": one of these may stand between.
_BETWEEN = frozenset(
    cut("mehr wirklich so ganz really any longer a an the yet even ein eine großes großen big single").words
)


class Finding(NamedTuple):
    """A trigger that hit, with the words of each place, first to last."""

    trigger: Trigger
    language: str
    places: tuple[tuple[int, int], ...]


def find(
    lexicon: Lexicon,
    text: Text,
    languages: frozenset[str] | None = None,
    *,
    contained: bool = False,
    conditions: Conditions | None = None,
) -> tuple[list[Finding], bool, Places | None]:
    """Findings in the order of the text, whether it reads like an advert, and the places for further questions.

    languages: those whose triggers count, None = all; triggers of language `any` always count. contained: also hits that
    lie inside a longer one, which otherwise say nothing new. conditions: what is known of the post, for `when:` of triggers;
    None = every condition holds.
    """
    places = lexicon.matcher.places(text)
    candidates = places.candidates()
    by_regex = lexicon.regexes.find(text)
    if not candidates and not by_regex:
        return [], False, None
    owned = {lexicon.owners[index] for index in candidates if index in lexicon.owners}
    asides = Asides(
        text,
        places,
        lexicon.supposed & candidates,
        lexicon.of_others & candidates,
        lambda w: bool(fold(w) in lexicon.shown),
    )
    found: list[Finding] = []
    for index in sorted(owned.union(by_regex)):
        compiled = lexicon.triggers[index]
        if languages is not None and compiled.language not in languages and compiled.language != "any":
            continue
        kept = _hits(lexicon, compiled, text, places, candidates, by_regex.get(index, ()), asides)
        if kept and conditions is not None and compiled.trigger.when is not None:
            kept = conditions.kept(compiled.trigger.when, kept, places)
        if kept:
            found.append(Finding(compiled.trigger, compiled.language, kept))
    advert = any(next(places.find(index), None) is not None for index in lexicon.adverts & candidates)
    return (sorted(found, key=_first) if contained else _without_contained(found)), advert, places


def _hits(
    lexicon: Lexicon,
    compiled: CompiledTrigger,
    text: Text,
    places: Places,
    candidates: set[int],
    by_regex: Sequence[Place],
    asides: Asides,
) -> tuple[Place, ...]:
    excepted: list[int] | None = None
    kept: list[Place] = []
    trigger = compiled.trigger
    for index in (*compiled.phrases, _BY_REGEX):
        if index not in candidates and index != _BY_REGEX:
            continue
        negatable = trigger.negatable and index not in compiled.negated_inside
        taken = 0
        for first, last in islice(by_regex if index == _BY_REGEX else places.find(index), MOST_PLACES):
            if excepted is None:
                excepted = _excepted_words(compiled, places, candidates, len(text.words))
            if excepted and excepted[last + 1] > excepted[first]:
                continue
            if negatable and _negated(lexicon, text.words, first, last):
                continue
            if any(_switches_off(kind, trigger) for kind in asides.kinds(first, last)):
                continue
            kept.append((first, last))
            taken += 1
            if taken >= MOST_HITS:
                break
    # Left to right; of two that begin together the longer one, which says more.
    return tuple(sorted(set(kept), key=lambda place: (place[0], -place[1]))[:MOST_HITS])


def _switches_off(kind: Aside, trigger: Trigger) -> bool:
    # Danger to somebody else is danger.
    return kind not in trigger.even_if and not (kind == "of_others" and trigger.league == "safety")


def _excepted_words(compiled: CompiledTrigger, places: Places, candidates: set[int], length: int) -> list[int]:
    """Running count of words that stand in an exception; empty where there is none. Makes every overlap test constant."""
    spans = [span for index in compiled.exceptions if index in candidates for span in places.find(index)]
    if not spans:
        return []
    change = [0] * (length + 1)
    for first, last in spans:
        change[first] += 1
        change[last + 1] -= 1
    counts, open_spans = [0], 0
    for step in change[:length]:
        open_spans += step
        counts.append(counts[-1] + (open_spans > 0))
    return counts


def _negated(lexicon: Lexicon, words: list[str], first: int, last: int) -> bool:
    """Whether a negation stands right before the hit or in a gap of it ("brauche keine Hilfe")."""
    cues = lexicon.cues
    start = first - 1 if first >= 1 else first
    if first >= 2 and words[first - 1] in _BETWEEN:
        start = first - 2
    return any(cues.get(word, 0) & _NEGATION for word in words[start : last + 1])


def _without_contained(found: list[Finding]) -> list[Finding]:
    """A hit inside a longer hit of at least its weight says nothing new ("Hilfe" in "brauche Hilfe"), nor does the same word
    in a second language ("refund"): of equals the first id stays. Leagues stay: they are not about weight.
    """
    if len(found) < 2:
        return sorted(found, key=_first)
    spans = [(*place, finding.trigger) for finding in found for place in finding.places]
    kept = []
    for finding in found:
        own = finding.trigger
        free = tuple(
            (first, last)
            for first, last in finding.places
            if own.league
            or not any(
                start <= first
                and last <= end
                and other is not own
                and _says_more(other, end - start, own, last - first)
                for start, end, other in spans
            )
        )
        if free:
            kept.append(Finding(own, finding.language, free))
    return sorted(kept, key=_first)


def _says_more(other: Trigger, other_length: int, own: Trigger, length: int) -> bool:
    if other_length > length:
        return other.weight >= own.weight
    return (other.weight, own.id) > (own.weight, other.id)


def _first(finding: Finding) -> tuple[int, int, str]:
    return (*finding.places[0], finding.trigger.id)
