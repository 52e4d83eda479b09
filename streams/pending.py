"""Decides what a lexicon left pending: conditions on the author and on the thread, from the set of the author's events.

Pure and without memory, like `derive`: when a customer becomes known or an answer comes in, the same posts are decided anew.
What is not known does not hold: nobody is a customer without a verified link.
"""

import msgspec

from lexicons.judgement import LEAGUES
from records.mention import Mention
from records.pending import Pending, parse_pending
from records.times import to_ms
from records.verdict import Verdict
from streams.author import AuthorState

_SPOKEN_TO = frozenset(("direct_message", "reply", "handle"))


def decide(verdict: Verdict, mention: Mention, at: int, state: AuthorState) -> Verdict:
    """The verdict with every pending trigger decided: hits whose conditions do not hold are gone. at: when the post was
    written, milliseconds since 1970."""
    if not verdict.pending:
        return verdict
    pending = [parse_pending(entry) for entry in verdict.pending]
    failed = {each.trigger for each in pending if not all(_holds(name, mention, at, state) for name in each.conditions)}
    holding = [each for each in pending if each.trigger not in failed]
    opens = verdict.kept and (verdict.service_request or bool(holding))
    return msgspec.structs.replace(
        verdict,
        kept=opens,
        service_request=opens,
        dropped=None if opens else (verdict.dropped or "no_need"),
        context=verdict.context or not opens,
        triggers=tuple(hit for hit in verdict.triggers if hit.id not in failed),
        league=_league(verdict.league, holding) if opens else None,
        pending=(),
    )


def _league(given: str | None, holding: list[Pending]) -> str | None:
    leagues = {given, *(each.league for each in holding)}
    return next((league for league in LEAGUES if league in leagues), given)


def _holds(name: str, mention: Mention, at: int, state: AuthorState) -> bool:
    if name.startswith("not_"):
        wanted = name.removeprefix("not_")
        return wanted in _KNOWN and not _KNOWN[wanted](mention, at, state)
    return name in _KNOWN and _KNOWN[name](mention, at, state)


def _customer(mention: Mention, at: int, state: AuthorState) -> bool:
    return any(snapshot.evidence == "verified" for snapshot in state.snapshots.values())


def _first_contact(mention: Mention, at: int, state: AuthorState) -> bool:
    """Whether the author had not written before, as far as is remembered."""
    return not any(
        (to_ms(each.first_at or each.spoke.mention.occurred_at), each.id) < (at, mention.id)
        for each in state.utterances.values()
        if each.spoke is not None and each.id != mention.id
    )


def _brand_in_thread(mention: Mention, at: int, state: AuthorState) -> bool:
    """Whether the brand wrote in this thread before, or the author spoke to it there."""
    root = mention.thread.root_id or mention.thread.conversation_id
    earlier = {
        each.id: each.spoke
        for each in state.utterances.values()
        if each.spoke is not None and to_ms(each.first_at or each.spoke.mention.occurred_at) < at
    }
    in_thread = {
        key: spoke
        for key, spoke in earlier.items()
        if root is not None and root in (spoke.mention.thread.root_id, spoke.mention.thread.conversation_id)
    }
    if any(spoke.verdict is not None and spoke.verdict.addressed in _SPOKEN_TO for spoke in in_thread.values()):
        return True
    return any(
        answer.op != "delete"
        and to_ms(answer.at) < at
        and ((root is not None and answer.root_id == root) or answer.parent_id in in_thread)
        for answer in state.answers.values()
    )


_KNOWN = {"customer": _customer, "first_contact": _first_contact, "brand_in_thread": _brand_in_thread}
