"""Why a ticket stands where it stands: a few lines that an agent reads in five seconds."""

from priority.business_hours import local
from priority.case import Case, Score
from priority.deadline import FirstResponse
from priority.strategy import Strategy
from priority.words import Words, words


def explain(
    score: Score, case: Case, strategy: Strategy, response: FirstResponse, language: str | None = None
) -> tuple[str, ...]:
    """Score, a line a factor, league, due time, what was unknown, versions. `language`: German for `de…`, else English; the
    reasons inside the factors stay in the language they were scored in. `response`: the target that gave the due time."""
    say = words(language)
    names = {"content": say.content, "purchases": say.purchases, "contacts": say.contacts, "influence": say.influence}
    lines = [say.head(score.points, score.priority)]
    lines.extend(f"{names[f.name]} {say.number(f.points)}/{say.cap(f.cap)}: {f.why}" for f in score.factors)
    if score.league_name is not None:
        lines.append(say.league(score.league_name))
    lines.append(say.due(moment(score.due, strategy, say), say.target(response.minutes), response.always))
    if score.unknown:
        lines.append(say.unknowns("; ".join(score.unknown)))
    lines.append(say.versions(strategy.version, _lexicon(case)))
    return tuple(lines)


def moment(ms: int, strategy: Strategy, say: Words) -> str:
    """A time on the strategy's calendar, with weekday and zone."""
    day = local(ms, strategy.business_hours.zone)
    return say.date.format(weekday=say.weekdays[day.weekday()], day=day)


def _lexicon(case: Case) -> str | None:
    return next((post.verdict.lexicon_version for post in reversed(case.posts) if post.verdict is not None), None)
