"""Triggers that hit ordinary posts, and weights that cannot do what they say."""

from collections import Counter
from collections.abc import Iterator

from lexicons.findings import find
from lexicons.judgement import judge
from lexicons.lint.checked import Checked, Stood
from lexicons.lint.ordinary import Post
from lexicons.lint.remark import Remark
from lexicons.need import MOST_POINTS
from lexicons.text import Text, cut
from records.mention import Mention

MOST_ON_AVERAGE = 1.0  # points that a trigger may give an ordinary post on average: of weight 10 it may hit one in ten
FEWEST_POSTS = 100  # of fewer, a share says nothing


class Breadth:
    """How ordinary posts were hit: how many there were by language, hits by trigger, and the words that were hit by trigger."""

    def __init__(self, checked: Checked) -> None:
        self.posts: Counter[str | None] = Counter()
        self.hits: Counter[str] = Counter()
        self.words: dict[str, Counter[str]] = {}
        self._lexicon = checked.lexicon
        self._languages = {each.trigger.id: each.language for each in checked.lexicon.triggers}

    def add_post(self, post: Post) -> None:
        """A packaged post: whatever its text hits, all conditions taken to hold."""
        text = cut(post.text)
        found = find(self._lexicon, text, frozenset([post.language]))[0]
        self._add(post.language, {each.trigger.id: _words(text, *each.places[0]) for each in found})

    def add_mention(self, mention: Mention) -> None:
        """A recorded mention, as it is judged. In an unknown language it counts for all triggers."""
        verdict = judge(mention, self._lexicon)
        self._add(verdict.language, {hit.id: hit.text for hit in verdict.triggers})

    def _add(self, language: str | None, hits: dict[str, str]) -> None:
        self.posts[language] += 1
        for trigger, text in hits.items():
            if _reads(self._languages[trigger], language):
                self.hits[trigger] += 1
                self.words.setdefault(trigger, Counter())[text.lower()[:60]] += 1


def _words(text: Text, first: int, last: int) -> str:
    spans = text.spans(last)
    return text.original[spans[first][0] : spans[last][1]]


def _reads(language: str, told: str | None) -> bool:
    return language == "any" or told is None or told == language


def check_breadth(checked: Checked, breadth: Breadth) -> Iterator[Remark]:
    """`too-broad`: more than MOST_ON_AVERAGE points for the average ordinary post of the trigger's language. What opens a
    ticket by itself gives all points."""
    for stood in checked.triggers():
        language, trigger = stood.compiled.language, stood.trigger
        seen = sum(posts for told, posts in breadth.posts.items() if _reads(language, told))
        if seen < FEWEST_POSTS:
            continue
        hit = breadth.hits[trigger.id]
        points = MOST_POINTS if trigger.opens else trigger.weight
        if hit / seen * points > MOST_ON_AVERAGE:
            common = ", ".join(f"{text!r} ({n})" for text, n in breadth.words[trigger.id].most_common(3))
            yield stood.as_a_whole(
                "too-broad",
                f"hits {hit / seen:.1%} of {seen} ordinary posts, {hit / seen * points:.1f} points a post;"
                f" most by {common}",
                "add exceptions or words, or "
                + (
                    "drop `opens`"
                    if trigger.opens
                    else f"give it a weight of at most {MOST_ON_AVERAGE * seen / hit:.0f}"
                ),
            )


def check_weight(checked: Checked) -> Iterator[Remark]:
    """`weight-overflow`: points beyond those that are counted, and a weight that never moves anything."""
    for stood in checked.triggers():
        weight, by_itself = stood.trigger.weight, stood.trigger.opens or stood.trigger.league
        if weight > MOST_POINTS:
            yield stood.as_a_whole(
                "weight-overflow",
                f"weighs {weight:g}, and no more than {MOST_POINTS:g} points of all triggers together count",
                f"{MOST_POINTS:g} is the most that makes sense; 30 already says that there is no doubt",
            )
        elif weight and not by_itself and (sums := _points_beside(checked, stood)) and min(sums) >= MOST_POINTS:
            yield stood.as_a_whole(
                "weight-overflow",
                f"in each of its {len(sums)} examples other triggers have {min(sums):g} points already, and {MOST_POINTS:g}"
                " count: its weight moves nothing",
                "give the others less, or drop it",
            )


def _points_beside(checked: Checked, stood: Stood) -> list[float]:
    """Of each example that it hits, the points of the other triggers that count there."""
    sums = []
    for text in stood.trigger.examples.hits:
        found = find(checked.lexicon, cut(text), stood.languages)[0]
        if any(each.trigger.id == stood.trigger.id for each in found):
            sums.append(sum(each.trigger.weight for each in found if each.trigger.id != stood.trigger.id))
    return sums
