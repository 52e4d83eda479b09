"""The flow in one place: which stages there are, in their order, made from lexicon, strategy and settings."""

from collections.abc import Callable
from typing import Any

from config.settings import Settings
from lexicons.compiler import Lexicon
from lexicons.judgement import judge
from priority.score import scorer
from priority.strategy import Strategy
from records.events import Rules
from records.mention import Mention
from records.times import DAY, HOUR
from records.verdict import Verdict
from streams import derive
from streams.assess import Assess
from streams.profile import Profile
from streams.screen import Screen
from streams.stage import Stage


def stages(
    lexicon: Lexicon,
    strategy: Strategy,
    settings: Settings,
    on_verdict: Callable[[Mention, Verdict], None] | None = None,
) -> list[Stage[Any]]:
    """mentions ─screen→ author-events ─assess→ tickets, and customer-facts ─profile→ author-events.

    profile stands before assess so that facts and posts of one turn meet in it.
    """

    def judged(mention: Mention) -> Verdict:
        return judge(mention, lexicon)

    return [
        Screen(judged, route_days=settings.retention.route_days, on_verdict=on_verdict),
        Profile(),
        Assess(
            derive_rules(strategy, settings),
            judged,
            version=lexicon.version,
            author_days=settings.retention.author_days,
        ),
    ]


def derive_rules(strategy: Strategy, settings: Settings) -> derive.Rules:
    """What tickets are derived by."""
    return derive.Rules(
        score=scorer(strategy),
        strategy=strategy.version,
        gap=int(settings.conversation.gap_hours * HOUR),
        reopen=int(settings.conversation.reopen_days * DAY),
    )


def rules_record(lexicon: Lexicon, strategy: Strategy, settings: Settings) -> Rules:
    """What names the rules in force: a change of it makes every author be derived anew."""
    conversation = settings.conversation
    return Rules(
        lexicon_version=lexicon.version,
        strategy=f"{strategy.version}/{conversation.gap_hours}/{conversation.reopen_days}",
    )
