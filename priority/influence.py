"""Factor influence: reach, damped and capped, because a call for help is worth the same from a stranger."""

from math import log1p

from priority.case import Case
from priority.settings import Influence
from priority.weighing import Weighed, points
from priority.words import Words
from records.tickets import Factor

_MOST_FOLLOWERS = 10**12


def influence(case: Case, settings: Influence, words: Words) -> Weighed:
    """Points = cap × min(1, ln(1 + followers / damp) / ln(1 + full / damp) + verified). Unknown followers and bots: 0."""
    author = case.author
    if author.bot:
        return Weighed(Factor("influence", 0.0, settings.cap, words.a_bot))
    share, why = 0.0, []
    unknown: tuple[str, ...] = ()
    if author.followers is None:
        unknown = (words.followers_unknown,)
    else:
        followers = min(max(author.followers, 0), _MOST_FOLLOWERS)
        share = log1p(followers / settings.damp) / log1p(settings.full / settings.damp)
        why.append(words.followers(followers))
    if author.verified and author.verified_kind not in settings.bought:
        share += settings.verified
        why.append(words.verified_account)
    return Weighed(
        Factor("influence", points(share, settings.cap), settings.cap, ", ".join(why) or words.unknown),
        unknown,
    )
