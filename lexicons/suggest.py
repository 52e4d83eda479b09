"""Proposals for a lexicon, from what people did with posts. Pure; equal outcomes in any order give equal proposals.

- phrases: terms that set posts apart which a person opened by hand, or raised, from those that needed nobody;
- exceptions: what stands round a trigger's hit in tickets closed as no need, and not in others;
- weights: triggers that hit one side more than the other, and no term says why.

Every comparison is the log-odds ratio with an informative Dirichlet prior of Monroe, Colaresi and Quinn, "Fightin' Words"
(Political Analysis 16, 2008): over posts, not words, so that who repeats himself counts once. Its z-score is the order.

Nothing is proposed that does not stand in `posts` posts of `authors` authors: it is no person's own word.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from math import log, sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

import msgspec

from lexicons.terms import Term, Word, Words, spelling
from records.ids import digest

Side = Literal["missed", "raised", "solved", "no_need", "other"]
MISSED: frozenset[Side] = frozenset(("missed", "raised"))  # the lexicon did not say enough
NEEDED: frozenset[Side] = frozenset(("missed", "raised", "solved"))

LEAST_Z = 2.0
PRIOR_POSTS = 100.0  # at most so many posts the prior is worth: it damps what stands in few
PRIOR_SHARE = 0.2  # and no more than this share of the posts
MOST_PHRASES = 20
MOST_EXCEPTIONS = 3  # of one trigger
WEIGHT = 10.0  # points of a new trigger: "a plain sign of need"
POINTS = 5.0  # a step of one in log-odds, halved: 10 points are about one
MOST_POINTS = 10.0
SHORTEST = 4  # letters of a word that is proposed alone
AROUND = 5  # words of an example on either side
_PLAIN: dict[str, str | int | None] = {"ä": "ae", "ö": "oe", "ü": "ue", "'": None}


class Hit(NamedTuple):
    """A trigger's hit in a post: code points."""

    trigger: str
    start: int
    end: int


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A post, what became of it, and what the running lexicon hit in it. author: who wrote it; unknown: the post's id."""

    id: str
    author: str
    side: Side
    words: Words
    hits: tuple[Hit, ...] = ()


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of posts: `hits` of `of` on the side that speaks for the proposal, `against` of `against_of` on the other;
    authors of the hits; examples without the words that are not many people's."""

    hits: int
    of: int
    against: int
    against_of: int
    authors: int
    log_odds: float
    z: float
    examples: tuple[str, ...] = ()


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One change. phrase: of a phrase or an exception. weight: the new one, None where it stays; old_weight: None for a new
    trigger."""

    kind: Literal["phrase", "exception", "weight"]
    trigger: str
    phrase: str | None = None
    weight: float | None = None
    old_weight: float | None = None
    evidence: Evidence


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """In how many posts of how many authors a term must stand."""

    posts: int = 5
    authors: int = 3


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the running lexicon has. weights: of the triggers; leagues: those that stand above weights; phrases: trigger -> the
    small words of each of its phrases. stopwords and brands: small words that say nothing alone, and words of brands' names.
    found: which posts a phrase hits by the rules of the language, inflected, not negated and all; holds: whether it hits a
    text."""

    language: str
    weights: dict[str, float]
    leagues: frozenset[str]
    phrases: dict[str, tuple[frozenset[str], ...]]
    stopwords: frozenset[str]
    brands: frozenset[str]
    found: Callable[[str, Sequence[Judged]], list[Judged]]
    holds: Callable[[str, str], bool]


def suggest(posts: Iterable[Judged], known: Known, limits: Limits) -> list[Proposal]:
    """Proposals, phrases first, then by z-score."""
    everything = list(posts)
    common = _Common(everything, limits)
    exceptions, excused = _exceptions(everything, known, common)
    weights = _weights(everything, known, excused, common)
    return [*_phrases(everything, known, common), *exceptions, *weights]


def log_odds(hits: int, of: int, against: int, against_of: int, prior: float, prior_of: float) -> tuple[float, float]:
    """The log-odds ratio of a term between two sides, and its z-score. prior: posts of the prior that have the term, out of
    `prior_of`; above 0 and below it."""
    first = log((hits + prior) / (of + prior_of - hits - prior))
    second = log((against + prior) / (against_of + prior_of - against - prior))
    return first - second, (first - second) / sqrt(1 / (hits + prior) + 1 / (against + prior))


class _Common:
    """Words and terms that are many people's."""

    def __init__(self, posts: Sequence[Judged], limits: Limits) -> None:
        self.limits = limits
        users: dict[str, list[str]] = {}
        for post in posts:
            for key in post.words.keys:
                users.setdefault(key, []).append(post.author)
        self._keys = frozenset(key for key, authors in users.items() if self._many(authors))

    def _many(self, authors: Sequence[str]) -> bool:
        return len(authors) >= self.limits.posts and len(set(authors)) >= self.limits.authors

    def many(self, posts: Iterable[Judged]) -> bool:
        """Whether these posts are enough, and of enough people."""
        return self._many([post.author for post in posts])

    def example(self, post: Judged, term: Sequence[Word]) -> str:
        """The term in its post, with what stands round it as far as it is many people's words."""
        words = [word for run in post.words.runs for word in run]
        at = words.index(term[0])
        shown: list[str] = []
        for place in range(max(0, at - AROUND), min(len(words), at + len(term) + AROUND)):
            inside = at <= place < at + len(term)
            if inside or words[place].key in self._keys:
                shown.append(words[place].text)
            elif shown[-1:] != ["…"]:
                shown.append("…")
        return " ".join(shown)


def _enough(tried: int) -> float:
    """The z-score from which on chance alone gives about one of so many comparisons."""
    return max(LEAST_Z, NormalDist().inv_cdf(1 - 1 / max(tried, 2)))


def _compared(hits: Sequence[Judged], of: int, against: int, against_of: int) -> Evidence:
    prior_of = min(PRIOR_POSTS, max(PRIOR_SHARE * (of + against_of), 1.0))
    prior = prior_of * (len(hits) + against + 0.5) / (of + against_of + 1)
    odds, z = log_odds(len(hits), of, against, against_of, prior, prior_of)
    return Evidence(
        hits=len(hits),
        of=of,
        against=against,
        against_of=against_of,
        authors=len({post.author for post in hits}),
        log_odds=round(odds, 2),
        z=round(z, 2),
    )


def _shown(examples: Iterable[str]) -> tuple[str, ...]:
    """The two that tell most."""
    return tuple(sorted(set(examples), key=lambda text: (text.count("…"), -len(text), text))[:2])


# phrases


def _phrases(posts: Sequence[Judged], known: Known, common: _Common) -> list[Proposal]:
    wanted = [post for post in posts if post.side in MISSED]
    others = [post for post in posts if post.side in ("no_need", "other")]
    uses = _uses(wanted)
    terms = [term for term, where in uses.items() if common.many(where) and _says_something(term, known)]
    terms = [term for term in terms if not _is_known(term, uses[term])]
    counts, enough = _counts(others, frozenset(terms)), _enough(len(terms))

    def evidence_of(hits: Sequence[Judged], against: int) -> Evidence | None:
        found = _compared(hits, len(wanted), against, len(others))
        return found if common.many(hits) and found.z >= enough and 2 * against <= len(hits) else None

    scored = [
        (-found.z, -len(term), term) for term in terms if (found := evidence_of(uses[term], counts[term])) is not None
    ]
    proposals: list[Proposal] = []
    covered: set[str] = set()
    for _, _, term in sorted(scored):
        if len(proposals) == MOST_PHRASES:
            break
        if not common.many(post for post in uses[term] if post.id not in covered):
            continue  # one already proposed says the same
        phrase = spelling([post.words.terms[term] for post in uses[term]], known.language)
        hits = known.found(phrase, wanted)
        evidence = evidence_of(hits, len(known.found(phrase, others)))
        if evidence is not None:
            covered.update(post.id for post in hits)
            examples = {common.example(post, post.words.terms[term]) for post in hits if term in post.words.terms}
            shown = _shown(example for example in examples if known.holds(phrase, example))
            name = _name(term, known)
            home = name if name in known.weights else _home(term, known)  # accepted before, and taken up again
            if any(one.trigger == name for one in proposals):
                continue
            proposals.append(
                Proposal(
                    kind="phrase",
                    trigger=home or name,
                    phrase=phrase,
                    weight=None if home else WEIGHT,
                    old_weight=known.weights[home] if home else None,
                    evidence=msgspec.structs.replace(evidence, examples=shown),
                )
            )
    return sorted(proposals, key=lambda one: (-one.evidence.z, one.trigger, one.phrase or ""))


def _uses(posts: Sequence[Judged]) -> dict[Term, list[Judged]]:
    found: dict[Term, list[Judged]] = {}
    for post in posts:
        for term in post.words.terms:
            found.setdefault(term, []).append(post)
    return found


def _counts(posts: Sequence[Judged], terms: frozenset[Term]) -> dict[Term, int]:
    counts = dict.fromkeys(terms, 0)
    for post in posts:
        for term in post.words.terms.keys() & terms:
            counts[term] += 1
    return counts


def _says_something(term: Term, known: Known) -> bool:
    """A word alone must be a word of content; three small words together may be an idiom ("immer noch nichts")."""
    if known.brands.intersection(term):
        return False
    content = [key for key in term if key not in known.stopwords]
    return (len(term) > 1 or len(term[0]) >= SHORTEST) if content else len(term) > 2


def _is_known(term: Term, posts: Sequence[Judged]) -> bool:
    """Whether triggers hit it already, in most of its posts."""
    inside = 0
    for post in posts:
        words = post.words.terms[term]
        inside += any(hit.start <= words[0].start and words[-1].end <= hit.end for hit in post.hits)
    return 2 * inside > len(posts)


def _home(term: Term, known: Known) -> str | None:
    """The one trigger with a phrase that shares two words of content with the term: another way to say the same."""
    content = frozenset(term) - known.stopwords
    near = [
        trigger
        for trigger, phrases in known.phrases.items()
        if trigger not in known.leagues and any(len(content & words) > 1 for words in phrases)
    ]
    return near[0] if len(near) == 1 else None


def _name(term: Term, known: Known) -> str:
    """The id of a new trigger, from the letters of the term; where they are none of ours, from its digest."""
    plain = "-".join(term).translate(str.maketrans(_PLAIN))
    name = plain if re.fullmatch(r"[a-z-]+", plain) else digest(*term, size=4)
    return f"suggested.{known.language}.{name}"[:80]


# exceptions


def _exceptions(
    posts: Sequence[Judged], known: Known, common: _Common
) -> tuple[list[Proposal], dict[str, frozenset[str]]]:
    """The proposals, and by trigger the posts that they take away."""
    proposals: list[Proposal] = []
    excused: dict[str, frozenset[str]] = {}
    for trigger in sorted({hit.trigger for post in posts for hit in post.hits} & known.weights.keys()):
        hit = _hit_by(trigger, posts)
        wrong = [post for post in hit if post.side == "no_need"]
        right = [post for post in hit if post.side in NEEDED]
        if not common.many(wrong):
            continue
        found = _exceptions_of(trigger, wrong, right, known, common)
        proposals += [proposal for proposal, _ in found]
        excused[trigger] = frozenset(post for _, taken in found for post in taken)
    return sorted(proposals, key=lambda one: (-one.evidence.z, one.trigger, one.phrase or "")), excused


def _exceptions_of(
    trigger: str, wrong: Sequence[Judged], right: Sequence[Judged], known: Known, common: _Common
) -> list[tuple[Proposal, frozenset[str]]]:
    beside = _around(trigger, right)
    around = {
        term: where for term, where in _around(trigger, wrong).items() if common.many(p for p, _ in where.values())
    }
    enough = _enough(len(around))
    scored = []
    for term, where in around.items():
        against = len(beside.get(term, {}))
        evidence = _compared([post for post, _ in where.values()], len(wrong), against, len(right))
        if evidence.z >= enough and 10 * against <= len(where):
            scored.append((-evidence.z, len(term), term, evidence))
    found: list[tuple[Proposal, frozenset[str]]] = []
    covered: set[str] = set()
    for _, _, term, evidence in sorted(scored, key=lambda one: one[:3]):
        where = around[term]
        new = [post for post, _ in where.values() if post.id not in covered]
        if len(found) == MOST_EXCEPTIONS or not common.many(new):
            continue
        covered.update(where)
        shown = _shown(common.example(post, words) for post, words in where.values())
        proposal = Proposal(
            kind="exception",
            trigger=trigger,
            phrase=spelling([words for _, words in where.values()], known.language),
            evidence=msgspec.structs.replace(evidence, examples=shown),
        )
        found.append((proposal, frozenset(where)))
    return found


def _around(trigger: str, posts: Sequence[Judged]) -> dict[Term, dict[str, tuple[Judged, tuple[Word, ...]]]]:
    """Terms that overlap a hit of the trigger, with the posts that have them."""
    found: dict[Term, dict[str, tuple[Judged, tuple[Word, ...]]]] = {}
    for post in posts:
        for hit in post.hits:
            if hit.trigger == trigger:
                for words in post.words.round(hit.start, hit.end):
                    found.setdefault(tuple(word.key for word in words), {}).setdefault(post.id, (post, words))
    return found


# weights


def _weights(
    posts: Sequence[Judged], known: Known, excused: dict[str, frozenset[str]], common: _Common
) -> list[Proposal]:
    """Down is judged among tickets only: what was missed has few hits of any trigger, that is why it was missed."""
    wrong, tickets, missed = (
        [post for post in posts if post.side in sides]
        for sides in (("no_need",), ("solved", "raised"), ("missed", "raised"))
    )
    proposals = []
    enough = _enough(len(known.weights))
    for trigger, weight in sorted(known.weights.items()):
        if trigger in known.leagues:
            continue  # it opens a ticket whatever it weighs
        gone = excused.get(trigger, frozenset())
        bad = [post for post in _hit_by(trigger, wrong) if post.id not in gone]
        lacking = _hit_by(trigger, missed)
        down = _compared(bad, len(wrong), len(_hit_by(trigger, tickets)), len(tickets))
        up = _compared(lacking, len(missed), len(bad), len(wrong))
        if tickets and common.many(bad) and down.z >= enough:
            new, evidence = max(weight / 2, weight - min(MOST_POINTS, POINTS * down.log_odds)), down
        elif wrong and common.many(lacking) and up.z >= enough:
            new, evidence = min(100.0, weight + min(MOST_POINTS, POINTS * up.log_odds)), up
        else:
            continue
        if round(new) != round(weight):
            proposals.append(
                Proposal(kind="weight", trigger=trigger, weight=float(round(new)), old_weight=weight, evidence=evidence)
            )
    return sorted(proposals, key=lambda one: (-one.evidence.z, one.trigger))


def _hit_by(trigger: str, posts: Sequence[Judged]) -> list[Judged]:
    return [post for post in posts if any(hit.trigger == trigger for hit in post.hits)]
