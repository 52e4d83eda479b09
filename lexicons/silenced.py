"""Why a phrase that stands in a text does not count: an exception, a negation, an aside, or a longer hit around it.

The judgement only needs what counts (findings.py). A person who asks "why was this not heard?" needs the rest: this module
looks at every place of every phrase and says what became of it. Slower than a judgement, and only for people and checks.
"""

from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from lexicons.asides import Asides
from lexicons.compiler import CompiledTrigger, Lexicon
from lexicons.cues import CUE_BITS
from lexicons.findings import Finding, find
from lexicons.format import Trigger
from lexicons.matcher import MOST_PLACES, Place, Places
from lexicons.text import Text, fold
from records.verdict import TriggerHit

Why = Literal["exception", "negation", "supposed", "quoted", "of_others", "longer_hit"]
_NEGATION = CUE_BITS["negation"]


class Silenced(msgspec.Struct, frozen=True):
    """A place where a phrase stands and does not count. start, end: code points of the text; by: the exception's phrase, the
    negating word, or the trigger with the longer hit; nothing where it is only supposed, quoted or told of others."""

    id: str
    text: str
    start: int
    end: int
    why: Why
    by: str


class Hearing(NamedTuple):
    """What stands in a text: hits that count, in the order of the text, and places that do not, the first 64 of a phrase."""

    hits: tuple[TriggerHit, ...]
    silenced: tuple[Silenced, ...]


def hear(lexicon: Lexicon, text: Text, languages: frozenset[str] | None = None, *, contained: bool = False) -> Hearing:
    """All hits and all silenced places of a text; languages and contained as in `find`; conditions are taken to hold."""
    counting = find(lexicon, text, languages, contained=contained)[0]
    inside = find(lexicon, text, languages, contained=True)[0]
    spans = text.spans(len(text.raw) - 1)
    return Hearing(
        tuple(
            TriggerHit(finding.trigger.id, *_shown(text, spans, place), finding.trigger.weight)
            for finding in counting
            for place in finding.places
        ),
        tuple(_silenced(lexicon, text, spans, languages, counting, inside)),
    )


def _silenced(
    lexicon: Lexicon,
    text: Text,
    offsets: list[Place],
    languages: frozenset[str] | None,
    counting: list[Finding],
    inside: list[Finding],
) -> list[Silenced]:
    places = lexicon.matcher.places(text)
    candidates = places.candidates()
    by_regex = lexicon.regexes.find(text)
    asides = Asides(
        text,
        places,
        lexicon.supposed & candidates,
        lexicon.of_others & candidates,
        lambda word: fold(word) in lexicon.shown,
    )
    counts = {finding.trigger.id: finding.places for finding in counting}
    stand = {finding.trigger.id: finding.places for finding in inside}
    found: dict[tuple[str, Place], Silenced] = {}
    for number, compiled in enumerate(lexicon.triggers):
        if languages is not None and compiled.language not in languages and compiled.language != "any":
            continue
        own = compiled.trigger.id
        negatable = compiled.trigger.negatable
        phrases = [index for index in compiled.phrases if index in candidates]
        spans = [
            (span, negatable and index not in compiled.negated_inside)
            for index in phrases
            for span in islice(places.find(index), MOST_PLACES)
        ]
        for span, may_be_negated in [*spans, *((span, negatable) for span in by_regex.get(number, ()))]:
            if _lies_in(span, counts.get(own, ())):
                continue  # the trigger counts here anyway
            if span in stand.get(own, ()):
                off: tuple[Why, str] | None = "longer_hit", _around(span, counting, own)
            else:
                off = (
                    _excepted(compiled, places, span)
                    or (_negated(lexicon, text, span) if may_be_negated else None)
                    or _aside(compiled.trigger, asides, span)
                )
            if off:
                found.setdefault((own, span), Silenced(own, *_shown(text, offsets, span), *off))
    return sorted(found.values(), key=lambda each: (each.start, each.end, each.id))


def _lies_in(span: Place, others: tuple[Place, ...]) -> bool:
    return any(first <= span[0] and span[1] <= last for first, last in others)


def _around(span: Place, counting: list[Finding], own: str) -> str:
    return next((f.trigger.id for f in counting if f.trigger.id != own and _lies_in(span, f.places)), "")


def _excepted(compiled: CompiledTrigger, places: Places, span: Place) -> tuple[Why, str] | None:
    for place, index in enumerate(compiled.exceptions):
        if any(first <= span[1] and span[0] <= last for first, last in islice(places.find(index), MOST_PLACES)):
            return "exception", compiled.trigger.exceptions[place]
    return None


def _negated(lexicon: Lexicon, text: Text, span: Place) -> tuple[Why, str] | None:
    """`find` does not count it and no exception is why: so a negation as far back as one may stand is."""
    for word in range(max(0, span[0] - 2), span[1] + 1):
        if lexicon.cues.get(text.words[word], 0) & _NEGATION:
            return "negation", text.raw[word]
    return None


def _aside(trigger: Trigger, asides: Asides, span: Place) -> tuple[Why, str] | None:
    kinds = [kind for kind in asides.kinds(*span) if kind not in trigger.even_if]
    return (kinds[0], "") if kinds else None


def _shown(text: Text, offsets: list[Place], span: Place) -> tuple[str, int, int]:
    start, end = offsets[span[0]][0], offsets[span[1]][1]
    return text.original[start:end], start, end
