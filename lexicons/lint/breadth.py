"""Triggers that hit ordinary posts, and weights that cannot do what they say."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lexicons.findings import find
from lexicons.judgement import judge
from lexicons.lint.checked import Checked, Stood
from lexicons.lint.remark import Remark
from lexicons.need import MOST_POINTS
from lexicons.text import cut
from records.mention import Mention

MOST_ON_AVERAGE = 1.0  # points that a trigger may give an ordinary post on average: of weight 10 it may hit one in ten
FEWEST_POSTS = 100  # of fewer, a share says nothing


class Breadth(NamedTuple):
    """How ordinary posts were hit: how many there were by language, hits by trigger, and the words that were hit by trigger."""

    posts: Counter[str | None]
    hits: Counter[str]
    words: dict[str, Counter[str]]


def measure(mentions: Iterable[Mention], checked: Checked) -> Breadth:
    """Judges the posts, none of which is held in memory. A post counts for triggers of its language; of unknown, for all."""
    languages = {each.trigger.id: each.language for each in checked.lexicon.triggers}
    posts: Counter[str | None] = Counter()
    hits: Counter[str] = Counter()
    words: dict[str, Counter[str]] = {}
    for mention in mentions:
        verdict = judge(mention, checked.lexicon)
        posts[verdict.language] += 1
        for hit in verdict.triggers:
            if _reads(languages[hit.id], verdict.language):
                hits[hit.id] += 1
                words.setdefault(hit.id, Counter())[hit.text.lower()[:60]] += 1
    return Breadth(posts, hits, words)


def _reads(language: str, told: str | None) -> bool:
    return language == "any" or told is None or told == language


def check_breadth(checked: Checked, breadth: Breadth) -> Iterator[Remark]:
    """`too-broad`: more than MOST_ON_AVERAGE points for the average ordinary post of the trigger's language."""
    for stood in checked.triggers():
        language, trigger = stood.compiled.language, stood.trigger
        seen = sum(posts for told, posts in breadth.posts.items() if _reads(language, told))
        if seen < FEWEST_POSTS:
            continue
        hit = breadth.hits[trigger.id]
        if hit / seen * trigger.weight > MOST_ON_AVERAGE:
            common = ", ".join(f"{text!r} ({n})" for text, n in breadth.words[trigger.id].most_common(3))
            yield stood.remark(
                "too-broad",
                f"hits {hit / seen:.1%} of {seen} ordinary posts, {hit / seen * trigger.weight:.1f} points a post;"
                f" most by {common}",
                f"add exceptions or words, or give it a weight of at most {MOST_ON_AVERAGE * seen / hit:.0f}",
            )


def check_weight(checked: Checked) -> Iterator[Remark]:
    """`weight-overflow`: points beyond those that are counted, and a weight that never moves anything."""
    for stood in checked.triggers():
        weight = stood.trigger.weight
        if weight > MOST_POINTS:
            yield stood.remark(
                "weight-overflow",
                f"weighs {weight:g}, and no more than {MOST_POINTS:g} points of all triggers together count",
                f"{MOST_POINTS:g} is the most that makes sense; 30 already says that there is no doubt",
                ("weight",),
            )
        elif weight and (sums := _points_beside(checked, stood)) and min(sums) >= MOST_POINTS:
            yield stood.remark(
                "weight-overflow",
                f"in each of its {len(sums)} examples other triggers have {min(sums):g} points already, and {MOST_POINTS:g}"
                " count: its weight moves nothing",
                "give the others less, or drop it",
                ("weight",),
            )


def _points_beside(checked: Checked, stood: Stood) -> list[float]:
    """Of each example that it hits, the points of the other triggers that count there."""
    sums = []
    for text in stood.trigger.examples.hits:
        found = find(checked.lexicon, cut(text), stood.languages)[0]
        if any(each.trigger.id == stood.trigger.id for each in found):
            sums.append(sum(each.trigger.weight for each in found if each.trigger.id != stood.trigger.id))
    return sums
