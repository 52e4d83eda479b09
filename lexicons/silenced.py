"""Why a phrase that stands in a text does not count: an exception, a negation, a longer hit around it, or a condition.

The judgement only needs what counts (findings.py). A person who asks "why was this not heard?" needs the rest: this module
looks at every place of every phrase and says what became of it. Slower than a judgement, and only for people and checks.
"""

from typing import Literal, NamedTuple

import msgspec

from lexicons.compiler import CUE_BITS, CompiledTrigger, Lexicon
from lexicons.findings import Finding, find
from lexicons.matcher import Places
from lexicons.text import Text
from records.verdict import TriggerHit

Why = Literal["exception", "negation", "longer_hit", "condition"]
_NEGATION = CUE_BITS["negation"]
Span = tuple[int, int]


class Silenced(msgspec.Struct, frozen=True):
    """A place where a phrase stands and does not count. start, end: code points of the text; by: the exception's phrase, the
    negating word, the trigger with the longer hit, or nothing where it is a condition of the trigger."""

    id: str
    text: str
    start: int
    end: int
    why: Why
    by: str


class Hearing(NamedTuple):
    """What stands in a text: hits that count, in the order of the text, and places that do not."""

    hits: tuple[TriggerHit, ...]
    silenced: tuple[Silenced, ...]


def hear(lexicon: Lexicon, text: Text, languages: frozenset[str] | None = None, *, contained: bool = False) -> Hearing:
    """All hits and all silenced places of a text; languages and contained as in `find`."""
    counting = find(lexicon, text, languages, contained=contained)[0]
    inside = find(lexicon, text, languages, contained=True)[0]
    return Hearing(
        tuple(
            _hit(text, finding.trigger.id, finding.trigger.weight, place)
            for finding in counting
            for place in finding.places
        ),
        tuple(_silenced(lexicon, text, languages, counting, inside)),
    )


def _silenced(
    lexicon: Lexicon, text: Text, languages: frozenset[str] | None, counting: list[Finding], inside: list[Finding]
) -> list[Silenced]:
    candidates = lexicon.matcher.candidates(text)
    if not candidates:
        return []
    places = lexicon.matcher.places(text)
    counts = {finding.trigger.id: finding.places for finding in counting}
    stand = {finding.trigger.id: finding.places for finding in inside}
    found: dict[tuple[str, Span], Silenced] = {}
    for compiled in lexicon.triggers:
        if languages is not None and compiled.language not in languages and compiled.language != "any":
            continue
        own = compiled.trigger.id
        for span in _spans(places, compiled, candidates):
            if _lies_in(span, counts.get(own, ())):
                continue  # the trigger counts here anyway
            why: Why
            if span in stand.get(own, ()):
                why, by = "longer_hit", _around(span, counting, own)
            else:
                why, by = _off(lexicon, text, compiled, places, span)
            start, end = _offsets(text, span)
            found[own, span] = Silenced(own, text.original[start:end], start, end, why, by)
    return sorted(found.values(), key=lambda each: (each.start, each.end, each.id))


def _spans(places: Places, compiled: CompiledTrigger, candidates: set[int]) -> list[Span]:
    return sorted({span for index in compiled.phrases if index in candidates for span in places.find(index)})


def _lies_in(span: Span, others: tuple[Span, ...]) -> bool:
    return any(first <= span[0] and span[1] <= last for first, last in others)


def _around(span: Span, counting: list[Finding], own: str) -> str:
    return next((f.trigger.id for f in counting if f.trigger.id != own and _lies_in(span, f.places)), "")


def _off(lexicon: Lexicon, text: Text, compiled: CompiledTrigger, places: Places, span: Span) -> tuple[Why, str]:
    """Why `find` does not count this place, in its own order: exception, negation, then what else the trigger asks for."""
    for place, index in enumerate(compiled.exceptions):
        for first, last in places.find(index):
            if first <= span[1] and span[0] <= last:
                return "exception", _exception(compiled, place)
    if compiled.trigger.negatable:
        # As far back as a negation may stand; a phrase that says "nicht" itself is never here because of it.
        for word in range(max(0, span[0] - 2), span[1] + 1):
            if lexicon.cues.get(text.words[word], 0) & _NEGATION:
                return "negation", text.raw[word]
    return "condition", ""


def _exception(compiled: CompiledTrigger, place: int) -> str:
    written = compiled.trigger.exceptions
    return written[place] if len(written) == len(compiled.exceptions) else ""


def _offsets(text: Text, span: Span) -> tuple[int, int]:
    spans = text.spans(span[1])
    return spans[span[0]][0], spans[span[1]][1]


def _hit(text: Text, trigger: str, weight: float, span: Span) -> TriggerHit:
    start, end = _offsets(text, span)
    return TriggerHit(trigger, text.original[start:end], start, end, weight)
