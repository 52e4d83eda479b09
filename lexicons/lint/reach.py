"""Phrases that never count: an exception covers every hit, a heavier trigger says the same words, another phrase finds them.

Asked of the matcher itself: a phrase is written out in all its words, gaps closed and filled, and what `find` makes of each is
looked at. What counts once is reachable, so nearly every phrase costs one look.
"""

from collections.abc import Iterator

from lexicons.findings import find
from lexicons.format import Trigger
from lexicons.lint.checked import Checked, Stood
from lexicons.lint.remark import Remark
from lexicons.matcher import Matcher
from lexicons.merging import Written
from lexicons.phrase import Phrase, Slot
from lexicons.silenced import Silenced, hear
from lexicons.text import Text, cut

FILLER = "quux"  # a word that no lexicon knows
MOST_INSTANCES = 2_000


def instances(phrase: Phrase) -> Iterator[str]:
    """Texts in which the phrase stands from the first to the last word, in each of its ways: each word of each slot once,
    optional words there and left out, gaps closed and filled."""
    for way in phrase.ways:
        full = [(_words(slot), gap) for slot, gap in zip(way.slots, way.gaps, strict=True)]
        base = [(words[0], gap) for words, gap in full]
        yield _written([each for each, slot in zip(base, way.slots, strict=True) if not slot.optional])
        if any(way.gaps):
            yield _written(base, filled=1)
        for place, (words, gap) in enumerate(full):
            for word in words:
                yield _written([*base[:place], (word, gap), *base[place + 1 :]])


def _words(slot: Slot) -> list[str]:
    begun = [text for beginning in slot.beginnings for text in (beginning, beginning + FILLER)]
    ended = [text for ending in slot.endings for text in (ending, FILLER + ending)]
    return sorted(slot.words) + begun + ended


def _written(words: list[tuple[str, int]], filled: int = 0) -> str:
    return " ".join(word for text, gap in words for word in (*[FILLER] * min(gap, filled), text))


def check_reach(checked: Checked) -> Iterator[Remark]:
    """`unreachable`, `shadowed`, `contradictory` (the same words in a trigger of praise) and `duplicate` phrases."""
    by_id = {each.trigger.id: each.trigger for each in checked.lexicon.triggers}
    for stood in checked.triggers():
        off: list[Remark] = []
        own = frozenset(stood.compiled.phrases)
        for index, written in stood.phrases():
            found = _fate(checked, stood, index, written, by_id) or _duplicate(checked, stood, index, written, own)
            if found:
                off.append(found)
        silent = [each for each in off if each.rule in ("unreachable", "shadowed")]
        if len(silent) == len(stood.compiled.phrases) > 1:
            yield stood.as_a_whole(
                "unreachable",
                f"none of its {len(silent)} phrases ever counts; the first: {silent[0].message}",
                "drop the trigger, or its exceptions, or give it more weight",
            )
        else:
            yield from off


def _fate(checked: Checked, stood: Stood, index: int, written: Written, by_id: dict[str, Trigger]) -> Remark | None:
    why: Silenced | None = None
    for number, instance in enumerate(instances(checked.lexicon.matcher.phrases[index])):
        words = cut(instance)
        if number > MOST_INSTANCES or _counts(checked, stood, words):
            return None
        why = why or _why(checked, stood, words)
    if why is None:
        return None
    if why.why == "longer_hit" and (other := by_id.get(why.by)):
        if (other.intent == "praise") != (stood.trigger.intent == "praise"):
            return stood.at_phrase(
                "contradictory",
                f"`{written.text}` is also a phrase of `{other.id}` ({other.intent}), which is heavier: only that one counts",
                "leave it in the one that is meant",
                written,
            )
        return stood.at_phrase(
            "shadowed",
            f"`{written.text}` never counts: wherever it stands, `{other.id}` (weight {other.weight:g}) hits the same words",
            f"drop it here, or in `{other.id}`, or make this trigger the heavier one",
            written,
        )
    by = {
        "exception": f"the exception `{why.by}` covers",
        "negation": f"the negation `{why.by}` in it switches off",
    }.get(why.why, f"what it says is {why.why.replace('_', ' ')}, which switches off")
    return stood.at_phrase(
        "unreachable", f"`{written.text}` never counts: {by} every hit", "drop the one or the other", written
    )


def _counts(checked: Checked, stood: Stood, words: Text) -> bool:
    whole = (0, len(words.words) - 1)
    findings = find(checked.lexicon, words, stood.languages)[0]
    return any(each.trigger.id == stood.trigger.id and whole in each.places for each in findings)


def _why(checked: Checked, stood: Stood, words: Text) -> Silenced | None:
    whole = (0, len(words.original))
    silenced = hear(checked.lexicon, words, stood.languages).silenced
    return next(
        (each for each in silenced if each.id == stood.trigger.id and (each.start, each.end) == whole),
        None,
    )


def _duplicate(checked: Checked, stood: Stood, index: int, written: Written, own: frozenset[int]) -> Remark | None:
    matcher = checked.lexicon.matcher
    others: set[int] | None = None
    for number, instance in enumerate(instances(matcher.phrases[index])):
        words = cut(instance)
        whole = (0, len(words.words) - 1)
        places = matcher.places(words)
        # Few of the trigger's phrases may stand there at all; of two that are the same, the later one is told.
        others = {
            other
            for other in (own if others is None else others) & places.candidates()
            if whole in places.find(other) and (other < index or (other > index and not _same(matcher, other, index)))
        }
        if not others or number > MOST_INSTANCES:
            return None
    if not others:
        return None
    finds = stood.trigger.phrases[stood.compiled.phrases.index(min(others))]
    return stood.at_phrase("duplicate", f"`{finds}` finds every `{written.text}` already", "drop it", written)


def _same(matcher: Matcher, one: int, other: int) -> bool:
    return matcher.phrases[one] == matcher.phrases[other]
