"""score: the points, league, due time and rank of one conversation. Pure; `case.as_of` is the only "now"."""

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from priority import deadline
from priority.case import Case, CasePost, Score
from priority.contacts import contacts
from priority.content import content
from priority.customer import recognise
from priority.explanation import explain
from priority.influence import influence
from priority.purchases import purchases
from priority.settings import League, Thresholds
from priority.strategy import Strategy
from priority.weighing import TENTHS
from priority.words import Words, words
from records.tickets import Priority

_ORDER: tuple[Priority, ...] = ("low", "normal", "high", "urgent")


def scorer(strategy: Strategy) -> Callable[[Case], Score]:
    """`score` with the strategy in it, as the stages take it."""
    return partial(score, strategy=strategy)


def score(case: Case, strategy: Strategy, language: str | None = None) -> Score:
    """The score of a conversation. `language` of the reasons; None: that of the first post whose language is known."""
    say = words(language or _language(case.posts))
    settings = strategy.factors
    known = recognise(case.snapshots, say)
    weighed = (
        content(case, settings.content, say),
        purchases(case, known, settings.purchases, say),
        contacts(case, known, settings.contacts, say),
        influence(case, settings.influence, say),
    )
    factors = tuple(w.factor for w in weighed)
    # In whole tenths, so that the shares add up to the score to the digit.
    points = sum(round(f.points * TENTHS) for f in factors) / TENTHS
    unknown = [*known.unknown, *(text for w in weighed for text in w.unknown)]
    name, league = _league(case.posts, strategy, say, unknown)
    response = deadline.target(case, points, league, strategy)
    due = deadline.due(case.opened, response, strategy)
    rank = league.rank if league is not None else 0
    scored = Score(
        points=points,
        factors=factors,
        league=rank,
        league_name=name,
        due=due,
        rank_key=deadline.rank_key(rank, due),
        priority=_priority(points, league, strategy.priority),
        unknown=tuple(unknown),
        explanation=(),
    )
    return msgspec.structs.replace(scored, explanation=explain(scored, case, strategy, response, say.language))


def _language(posts: Sequence[CasePost]) -> str | None:
    return next((p.verdict.language for p in posts if p.verdict is not None and p.verdict.language), None)


def _league(
    posts: Sequence[CasePost], strategy: Strategy, say: Words, unknown: list[str]
) -> tuple[str | None, League | None]:
    """The highest league that a candidate speaks of, while any is unanswered: an answer alone does not end a danger, so a later
    "still nothing" stands where the first call stood."""
    found: tuple[str | None, League | None] = None, None
    waiting = False
    for post in posts:
        if not post.candidate or post.verdict is None:
            continue
        waiting = waiting or not post.answered
        name = post.verdict.league
        if name is None:
            continue
        league = strategy.leagues.get(name)
        if league is None and strategy.leagues:
            league = min(strategy.leagues.values(), key=lambda each: each.rank)
            unknown.append(say.strange_league(name))
        if league is not None and (found[1] is None or league.rank > found[1].rank):
            found = name, league
    return found if waiting else (None, None)


def _priority(points: float, league: League | None, words_: Thresholds) -> Priority:
    if points >= words_.urgent:
        word: Priority = "urgent"
    elif points >= words_.high:
        word = "high"
    else:
        word = "normal" if points >= words_.normal else "low"
    return word if league is None else max(word, league.priority, key=_ORDER.index)
