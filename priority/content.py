"""Factor content: what the unanswered posts say. The worst counts in full, each further one raises it; none ever lowers it."""

from priority.case import Case, CasePost
from priority.settings import Content
from priority.weighing import Weighed, points
from priority.words import Words, short
from records.tickets import Factor
from records.verdict import Verdict

_SHOWN_TRIGGERS = 3


def content(case: Case, settings: Content, words: Words) -> Weighed:
    """Points = cap × (1 − (1 − worst) × Π (1 − further × other)); see `severity`."""
    open_posts = [post for post in case.posts if post.candidate and not post.answered and post.verdict is not None]
    if not open_posts:
        return Weighed(Factor("content", 0.0, settings.cap, words.nothing_unanswered))
    worst, worst_share, rest = open_posts[0], -1.0, 1.0
    for post in open_posts:
        share = severity(post.verdict, settings) if post.verdict is not None else 0.0
        if share > worst_share:
            worst, share, worst_share = post, worst_share, share
        if share > 0:
            rest *= 1.0 - settings.further * share
    earned = points(1.0 - (1.0 - worst_share) * rest, settings.cap)
    unknown = (words.need_unknown,) if any(p.verdict is not None and p.verdict.need is None for p in open_posts) else ()
    return Weighed(Factor("content", earned, settings.cap, _why(worst, len(open_posts) - 1, words)), unknown)


def severity(verdict: Verdict, settings: Content) -> float:
    """0-1: weighted mean of trigger weight (sum over different triggers, full at `triggers_full`), urgency / 3, anger / 3,
    negative sentiment, and need. Monotone in each."""
    w = settings.weights
    need = settings.unknown_need if verdict.need is None else verdict.need
    total = (
        w.triggers * (trigger_weight(verdict, settings.triggers_full) if verdict.triggers else 0.0)
        + w.urgency * _unit(verdict.urgency / 3.0)
        + w.anger * _unit(verdict.anger / 3.0)
        + w.sentiment * _unit(-verdict.sentiment)
        + w.need * _unit(need)
    )
    return _unit(total / (w.triggers + w.urgency + w.anger + w.sentiment + w.need))


def trigger_weight(verdict: Verdict, full: float) -> float:
    """0-1: the heaviest hit of each trigger, summed; saying one thing five times is saying it once."""
    heaviest: dict[str, float] = {}
    for hit in verdict.triggers:
        if hit.weight > heaviest.get(hit.id, 0.0):
            heaviest[hit.id] = hit.weight
    return _unit(sum(heaviest.values()) / full)


def _unit(value: float) -> float:
    return 0.0 if value < 0.0 else (1.0 if value > 1.0 else value)


def _why(worst: CasePost, further: int, words: Words) -> str:
    verdict = worst.verdict
    if verdict is None:
        return words.without_text
    parts = []
    if verdict.triggers:
        hits = sorted(verdict.triggers, key=lambda hit: (-hit.weight, hit.start))
        texts = dict.fromkeys(short(hit.text).lower() for hit in hits)
        parts.append(", ".join(words.quotes.format(text) for text in list(texts)[:_SHOWN_TRIGGERS]))
    if verdict.need is None and not verdict.triggers:
        parts.append(words.without_text)
    else:
        parts.append(words.readings(verdict.urgency, verdict.anger))
    if further:
        parts.append(words.further(further))
    return "; ".join(parts)
