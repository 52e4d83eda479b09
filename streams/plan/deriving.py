"""The second half of a plan: the tickets of one author by each lexicon. The running stages derive them; but what they judge was
judged before."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from records import codec
from records.mention import Mention
from records.tickets import Ticket
from records.topics import AUTHOR_EVENTS
from records.verdict import Verdict
from streams.assess import Assess
from streams.memory import MemoryEngine, ranked
from streams.plan.difference import Change, Stands, differences, hits_of, stands
from streams.plan.gathered import Group
from streams.plan.rules import Rules
from streams.screen import Screen

_verdict: "msgspec.json.Decoder[Verdict]" = msgspec.json.Decoder(Verdict)
_Key = tuple[str, str, str, str | None, str | None]


class Derived(NamedTuple):
    """Of some authors: where open tickets stand, and what changed."""

    standing: list[Stands]
    changes: list[Change]


def derived(rules: Rules, groups: Iterable[Group]) -> Derived:
    """Pure."""
    standing: list[Stands] = []
    changes: list[Change] = []
    for group in groups:
        mentions: list[Mention] = []
        old: dict[_Key, Verdict] = {}
        new: dict[_Key, Verdict] = {}
        for value, was, now in group.said:
            mention = codec.mentions.decode(value)
            assert isinstance(mention, Mention)
            mentions.append(mention)
            if was is not None:
                old[_key(mention)] = verdict = _verdict.decode(was)
                new[_key(mention)] = verdict if now is None else _verdict.decode(now)
        before, after = (_tickets(rules, group, mentions, verdicts) for verdicts in (old, new))
        standing += stands(0, before) + stands(1, after)
        changes += differences(before, after, hits_of(old.values()), hits_of(new.values()))
    return Derived(standing, changes)


def _tickets(rules: Rules, group: Group, mentions: list[Mention], verdicts: dict[_Key, Verdict]) -> list[Ticket]:
    def judge(mention: Mention) -> Verdict:
        return verdicts[_key(mention)]

    screen, assess = (
        Screen(judge, route_days=rules.route_days),
        Assess(rules.tickets, judge, author_days=rules.author_days),
    )
    engine = MemoryEngine([screen, assess])
    for event in group.known:
        engine.feed(AUTHOR_EVENTS, group.author, codec.author_events.decode(event))
    engine.play(mentions)
    return ranked(operation.ticket for operation in engine.tickets.values())


def _key(mention: Mention) -> _Key:
    return mention.id, mention.op, mention.revision, mention.edited_at, mention.text
