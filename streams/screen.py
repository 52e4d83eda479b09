"""screen: judges one mention and sends what matters to its author. Most mentions end here, so it must be cheap.

State, only for mentions that went on: the route (mention id -> author key), so that a later edit, delete or answer finds its
way; or what came before its mention (a delete, an answer), until the mention comes. Routes expire by Tick.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from records import codec
from records.errors import Poison
from records.events import Answered, Lookup, Spoke, Tick
from records.mention import Mention
from records.times import DAY, to_ms
from records.topics import AUTHOR_EVENTS, MENTIONS
from records.verdict import Verdict
from streams.stage import Output, Stage

Judge = Callable[[Mention], Verdict]

MAX_WAITING = 20  # of one mention: more edits, deletes and answers ahead of it than this are noise


class Route(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where the mention went, or what waits for it. `until`: when this may be forgotten, milliseconds since 1970.

    answered: the mention is the brand's own answer; answered_to: the author it was sent to, None = by a look-up.
    """

    until: int
    author_key: str | None = None
    answered: Answered | None = None
    answered_to: str | None = None
    waiting: tuple[Mention | Lookup, ...] = ()


class Screen(Stage[Route]):
    """See the module. `judge` is pure; `on_verdict` is told every verdict, for metrics; `route_days`: life of a route."""

    name = "screen"
    source = MENTIONS
    timed = True
    switches_rules = True
    derives = False  # what it keeps of a mention says where it went, by whatever rules

    def __init__(
        self, judge: Judge, *, route_days: float = 30.0, on_verdict: Callable[[Mention, Verdict], None] | None = None
    ) -> None:
        super().__init__(Route)
        self._judge, self._on_verdict = judge, on_verdict
        self._keep_ms = int(route_days * DAY)

    def decode(self, data: bytes) -> Mention | Lookup:
        """A mention or a look-up. Raises Poison."""
        return codec.mentions.decode(data)

    def due(self, state: Route) -> int | None:
        """A route wants a Tick when it may be forgotten."""
        return state.until

    def step(self, key: str, state: Route | None, record: Any) -> tuple[Route | None, list[Output]]:
        """One mention, look-up or Tick."""
        if isinstance(record, Mention):
            return self._mention(state, record)
        if isinstance(record, Lookup):
            return self._lookup(state, record)
        if isinstance(record, Tick):
            return (None if state is None or state.until <= to_ms(record.at) else state), []
        raise Poison(f"screen cannot use a {type(record).__name__}")

    def _mention(self, state: Route | None, mention: Mention) -> tuple[Route | None, list[Output]]:
        if mention.op == "metrics":
            return state, []  # counts of reactions: no factor looks at how they change yet
        until = max(to_ms(mention.observed_at) + self._keep_ms, state.until if state else 0)
        if mention.op in ("create", "update"):
            return self._spoken(state, mention, until)
        if state and state.author_key:
            return msgspec.structs.replace(state, until=until), [_to_author(state.author_key, mention, None)]
        if state and state.answered and mention.op == "delete":
            taken_back = msgspec.structs.replace(state.answered, op="delete")
            return msgspec.structs.replace(state, until=until), [_answer(taken_back, state.answered_to)]
        return _wait(state, mention, until), []

    def _spoken(self, state: Route | None, mention: Mention, until: int) -> tuple[Route | None, list[Output]]:
        waiting = state.waiting if state else ()
        if any(isinstance(item, Mention) and item.op == "delete" for item in waiting):
            return state, []  # deleted at its source before we saw it: it never counts
        verdict = self._judge(mention)
        if self._on_verdict:
            self._on_verdict(mention, verdict)
        if verdict.dropped == "own_post":
            return self._own(state, mention, until)
        known = state is not None and state.author_key is not None
        if not (verdict.kept or verdict.context or known):
            # An edit that overtook its original must be found again when that comes, or the original would count.
            return (_wait(state, mention, until) if mention.op == "update" else state), []
        key = mention.author_key if state is None or state.author_key is None else state.author_key
        outputs = [_to_author(key, mention, verdict)]
        for item in waiting:
            if isinstance(item, Lookup):
                outputs.append(Output(AUTHOR_EVENTS, key, item.answered))
            else:
                outputs.append(_to_author(key, item, self._judge(item) if item.op == "update" else None))
        return Route(until=until, author_key=key), outputs

    def _own(self, state: Route | None, mention: Mention, until: int) -> tuple[Route | None, list[Output]]:
        """The brand speaks: never a call for help, but an answer to whoever wrote the parent."""
        thread = mention.thread
        parent = f"{mention.channel}:{thread.parent_id}" if thread.parent_id else None
        if parent is None and thread.parent_author_id is None:
            return state, []
        answered = Answered(
            id=mention.id,
            at=mention.occurred_at,
            parent_id=parent,
            root_id=thread.root_id or thread.conversation_id,
        )
        author = f"{mention.channel}:{thread.parent_author_id}" if thread.parent_author_id else None
        return Route(until=until, answered=answered, answered_to=author), [_answer(answered, author)]

    def _lookup(self, state: Route | None, lookup: Lookup) -> tuple[Route | None, list[Output]]:
        if state and state.author_key:
            return state, [Output(AUTHOR_EVENTS, state.author_key, lookup.answered)]
        until = max(to_ms(lookup.answered.at) + self._keep_ms, state.until if state else 0)
        return _wait(state, lookup, until), []


def _answer(answered: Answered, author: str | None) -> Output:
    """To the author where known; else to whoever wrote the parent, by a look-up."""
    if author is None and answered.parent_id is not None:
        return Output(MENTIONS, answered.parent_id, Lookup(parent_id=answered.parent_id, answered=answered))
    return Output(AUTHOR_EVENTS, author or answered.id, answered)


def slim(mention: Mention) -> Mention:
    """As an author's state keeps it, with what ranking and tickets need: the raw fingerprint and mark-up stay in the log."""
    return msgspec.structs.replace(mention, raw=None, text_html=None)


def _to_author(key: str, mention: Mention, verdict: Verdict | None) -> Output:
    return Output(AUTHOR_EVENTS, key, Spoke(mention=slim(mention), verdict=verdict))


def _wait(state: Route | None, item: Mention | Lookup, until: int) -> Route:
    before = state or Route(until=until)
    waiting = before.waiting
    if item in waiting:
        return msgspec.structs.replace(before, until=until)
    deletes = tuple(i for i in waiting if isinstance(i, Mention) and i.op == "delete")
    others = tuple(i for i in waiting if i not in deletes)
    return msgspec.structs.replace(before, until=until, waiting=(*(deletes + others)[-MAX_WAITING + 1 :], item))
