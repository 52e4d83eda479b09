"""The first half of a plan: recorded mentions, judged by both lexicons. Most end here, as in screen.

A record goes on if either lexicon's screen would let it on. That is decided without a memory of earlier records, so that any
process may judge any of them: edits and deletes go on always, and what they concern is found later.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from records import codec
from records.errors import Poison
from records.mention import Mention
from records.normalise import normalise_mention
from streams.plan.rules import Both, Rules
from streams.screen import slim

Form = Literal["lines", "records"]


class Recorded(NamedTuple):
    """Mentions as they were recorded, each with its place: lines of NDJSON, or records of the log. until: the time of a line
    that names none."""

    form: Form
    name: str
    until: str
    values: list[tuple[int, bytes]]


class Heard(NamedTuple):
    """A mention that may matter, slim and encoded. author: whose queue it belongs to, None = whoever wrote `parent`, or its own
    create. verdicts None: there is no text to judge."""

    id: str
    author: str | None
    parent: str | None
    mention: bytes
    verdicts: Both | None


class Judged(NamedTuple):
    """What became of some records. hits: posts by trigger, in the old and the new lexicon."""

    heard: list[Heard]
    mentions: int
    hits: tuple[Counter[str], Counter[str]]
    bad: list[str]


def judged(rules: Rules, recorded: Recorded) -> Judged:
    """Pure. What cannot be read is told and left out."""
    heard: list[Heard] = []
    hits: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    bad: list[str] = []
    count = 0
    for number, value in recorded.values:
        try:
            mention = _read(recorded, value)
        except Poison as error:
            bad.append(f"{recorded.name}:{number}: {error}")
            continue
        if mention is None:
            continue
        count += 1
        try:
            found = _heard(rules, mention, hits)
        except Exception as error:  # noqa: BLE001 - it would become a dead letter, by either lexicon or by one
            bad.append(f"{recorded.name}:{number}: {type(error).__name__}: {error}")
            continue
        if found is not None:
            heard.append(found)
    return Judged(heard, count, hits, bad)


def _read(recorded: Recorded, value: bytes) -> Mention | None:
    if recorded.form == "lines":
        return normalise_mention(value, observed_at=recorded.until, default_occurred_at=recorded.until, replay=True)
    record = codec.mentions.decode(value)
    return record if isinstance(record, Mention) else None  # a look-up is asked anew


def _heard(rules: Rules, mention: Mention, hits: Sequence[Counter[str]]) -> Heard | None:
    if mention.op == "metrics":
        return None
    if mention.op not in ("create", "update"):
        return Heard(mention.id, _author(mention), None, _encoded(mention), None)
    both = rules.judge(mention)
    for verdict, counter in zip(both, hits, strict=True):
        counter.update({hit.id for hit in verdict.triggers})
    if any(verdict.dropped == "own_post" for verdict in both):
        return _answer(mention, both)
    if mention.op == "update" or any(verdict.kept or verdict.context for verdict in both):
        return Heard(mention.id, _author(mention), None, _encoded(mention), both)
    return None


def _answer(mention: Mention, both: Both) -> Heard | None:
    """The brand's own words belong to the author of what they answer."""
    thread = mention.thread
    if thread.parent_author_id:
        return Heard(mention.id, f"{mention.channel}:{thread.parent_author_id}", None, _encoded(mention), both)
    if thread.parent_id:
        return Heard(mention.id, None, f"{mention.channel}:{thread.parent_id}", _encoded(mention), both)
    return None


def _author(mention: Mention) -> str | None:
    return mention.author_key if mention.author.id else None


def _encoded(mention: Mention) -> bytes:
    return codec.encode(slim(mention))
