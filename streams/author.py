"""The state of one author, and how events change it: a set, so that any order of arrival and any duplicate end the same.

Nothing here decides what a ticket looks like; that is `streams.derive`.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from records.events import Answered, AuthorEvent, Erased, Helpdesk, Known, Spoke
from records.facts import Snapshot
from records.mention import Mention, revision_order
from records.tickets import Ticket
from records.times import to_ms
from records.verdict import Verdict

MAX_BYTES = 200_000  # of one author's state; the oldest utterances leave first
MAX_EVENTS = 300  # answers, and events of helpdesks, of one author; the oldest leave first
_OVERHEAD = 900  # bytes of a stored utterance beside its text


class Utterance(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One utterance: its newest text, and whether its source took it away.

    spoke None: only a hide or delete has come so far, or the text was deleted. first_at: earliest time of posting seen.
    """

    id: str
    first_at: str | None = None
    spoke: Spoke | None = None
    gone: Mention | None = None  # newest of hide, restore, delete; a delete is final

    @property
    def removed(self) -> bool:
        """Deleted, or hidden and not restored."""
        return self.gone is not None and self.gone.op != "restore"


class Emitted(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A ticket as it was last sent. anchor: the mention its id was made of, and its time; members: all its posts ever."""

    version: int
    digest: str
    anchor: str
    anchor_at: str
    last: Ticket  # without texts
    members: tuple[str, ...]
    state: Literal["live", "withdrawn", "merged"] = "live"


class AuthorState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything known of one author."""

    utterances: dict[str, Utterance] = {}
    answers: dict[str, Answered] = {}
    snapshots: dict[str, Snapshot] = {}
    helpdesk: dict[str, Helpdesk] = {}
    tickets: dict[str, Emitted] = {}
    erased_at: str | None = None
    newest: int = 0  # time of the newest event, milliseconds since 1970


def merge(state: AuthorState, event: AuthorEvent) -> AuthorState:
    """The state with this event in it; the same object where nothing changed."""
    if isinstance(event, Spoke):
        return _spoke(state, event)
    if isinstance(event, Answered):
        held = state.answers.get(event.id)
        if held is not None and _settled(held) <= _settled(event):
            return state
        return _put(state, "answers", event.id, event, event.at)
    if isinstance(event, Known):
        known = state.snapshots.get(event.snapshot.customer)
        if known is not None and known.version >= event.snapshot.version:
            return state
        return _put(state, "snapshots", event.snapshot.customer, event.snapshot, None)
    if isinstance(event, Helpdesk):
        key = f"{event.sink}|{event.id}"
        return state if key in state.helpdesk else _put(state, "helpdesk", key, event, event.at)
    return _erase(state, event)


def _settled(answer: Answered) -> tuple[object, ...]:
    """Which of two records of one answer stands: a delete is final, else the earliest (an edit changes no time)."""
    return (answer.op != "delete", answer.at, answer.parent_id or "", answer.root_id or "")


def _put(state: AuthorState, field: str, key: str, value: object, at: str | None) -> AuthorState:
    held = {**getattr(state, field), key: value}
    if field in ("answers", "helpdesk") and len(held) > MAX_EVENTS:
        held.pop(min(held, key=lambda k: (held[k].at, k)))
    changes: dict[str, object] = {field: held}
    if at is not None:
        changes["newest"] = max(state.newest, to_ms(at))
    return msgspec.structs.replace(state, **changes)


def _spoke(state: AuthorState, event: Spoke) -> AuthorState:
    mention = event.mention
    if state.erased_at is not None and mention.occurred_at <= state.erased_at:
        return state
    held = state.utterances.get(mention.id)
    merged = merge_utterance(held, event)
    if merged == held:
        return state
    return bound(_put(state, "utterances", mention.id, merged, mention.edited_at or mention.occurred_at))


def merge_utterance(held: Utterance | None, event: Spoke) -> Utterance:
    """One utterance with one more revision in it; commutative, associative, idempotent."""
    mention = event.mention
    if held is None:
        held = Utterance(id=mention.id)
    if mention.op in ("create", "update"):
        first_at = min(held.first_at or mention.occurred_at, mention.occurred_at)
        held = msgspec.structs.replace(held, first_at=first_at)
        if held.gone is not None and held.gone.op == "delete":
            return held
        if held.spoke is None or _newer(event, held.spoke):
            held = msgspec.structs.replace(held, spoke=event)
    elif held.gone is None or _final(mention) > _final(held.gone):
        held = msgspec.structs.replace(held, gone=mention)
        if mention.op == "delete":  # the source took the text back: it goes here too
            held = msgspec.structs.replace(held, spoke=None)
    return held


def _newer(event: Spoke, held: Spoke) -> bool:
    return _order(event.mention) > _order(held.mention)


def _order(mention: Mention) -> tuple[object, ...]:
    # The text breaks ties between two different payloads that claim the same revision.
    return (*revision_order(mention), mention.text or "", mention.occurred_at)


def _final(mention: Mention) -> tuple[object, ...]:
    return (mention.op == "delete", *_order(mention))


def _erase(state: AuthorState, event: Erased) -> AuthorState:
    """Forgets all that was said up to the erasure; the emitted tickets stay known until they are withdrawn and redacted."""
    if state.erased_at is not None and state.erased_at >= event.at:
        return state
    later = {key: u for key, u in state.utterances.items() if u.first_at is not None and u.first_at > event.at}
    return AuthorState(
        utterances=later,
        answers={key: answer for key, answer in state.answers.items() if answer.at > event.at},
        helpdesk={key: done for key, done in state.helpdesk.items() if done.at > event.at},
        tickets=state.tickets,
        snapshots={},
        erased_at=event.at,
        newest=max(state.newest, to_ms(event.at)),
    )


def bound(state: AuthorState) -> AuthorState:
    """The state under MAX_BYTES: the oldest utterances by time of posting leave first, the newest one always stays."""
    sizes = {key: _OVERHEAD + 2 * len(_text(u)) for key, u in state.utterances.items()}
    total = sum(sizes.values())
    if total <= MAX_BYTES or len(sizes) < 2:
        return state
    utterances = dict(state.utterances)
    for key in sorted(sizes, key=lambda k: (_age(state.utterances[k]), k))[:-1]:
        del utterances[key]
        total -= sizes[key]
        if total <= MAX_BYTES:
            break
    return msgspec.structs.replace(state, utterances=utterances)


def _age(utterance: Utterance) -> str:
    """Time of posting; of what was only taken away, that time: it must be known long enough to take the text off tickets."""
    gone = utterance.gone
    return utterance.first_at or (gone.edited_at or gone.occurred_at if gone is not None else "")


def _text(utterance: Utterance) -> str:
    return (utterance.spoke.mention.text or "") if utterance.spoke else ""


def rejudged(state: AuthorState, judge: Callable[[Mention], Verdict]) -> AuthorState:
    """The state with every text judged anew, after a change of the rules."""
    fresh: dict[str, Utterance] = {}
    for key, utterance in state.utterances.items():
        if utterance.spoke is not None:
            spoke = msgspec.structs.replace(utterance.spoke, verdict=judge(utterance.spoke.mention))
            fresh[key] = msgspec.structs.replace(utterance, spoke=spoke)
        else:
            fresh[key] = utterance
    return msgspec.structs.replace(state, utterances=fresh)
