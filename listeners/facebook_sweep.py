"""What a page of a Facebook list brings that is new: pure rules over the memo that travels with the source's cursor.

Graph gives no edit time of a comment, and the `updated_time` of a post moves with each comment. So the memo keeps a mark
of the content of every item that is young enough, and an item whose mark changed was edited. Memo and mentions become
durable together: a crash neither hides an edit nor makes one up.
"""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.structs import replace

from listeners.contract import Bad
from listeners.facebook_mapping import content_mark
from listeners.meta_values import Ignored, mapping, moment, optional_identifier
from records.errors import Poison
from records.ids import digest
from records.mention import Mention
from records.times import from_ms, to_ms

MAX_SEEN = 500  # items remembered a list; about 60 bytes each stand in the cursor


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """One item as last read. Times in milliseconds since 1970; `author` is the author's id."""

    created: int
    mark: str
    hidden: bool = False
    updated: int = 0
    author: str | None = None


class Memo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is remembered of one list. `start`: nothing that was posted before it is a mention of ours (first start)."""

    start: int = 0
    seen: dict[str, Seen] = {}

    def floor(self, oldest: int) -> int:
        """How far down an edit can still be told from news: to `oldest`, or as far as a full memo reaches."""
        if len(self.seen) < MAX_SEEN:
            return oldest
        return max(oldest, min(item.created for item in self.seen.values()))


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One page read: what to publish, the memo afterwards, the newest and the oldest time of posting in it.

    ordered: it runs from new to old, so that what follows is older still.
    """

    mentions: tuple[Mention, ...]
    bad: tuple[Bad, ...]
    memo: Memo
    newest: int | None
    oldest: int | None
    ordered: bool


def read_page(
    items: Sequence[Any],
    to_mention: Callable[[Any], Mention | Ignored],
    *,
    memo: Memo,
    settled: int,
    oldest: int,
    now: int,
    origin: str,
) -> Reading:
    """News, edits, hidings of one page. All times in milliseconds since 1970.

    settled: what was posted before it was read by an earlier whole sweep; it is news only as far as the memo can tell.
    oldest: what was posted before it is forgotten. origin: for dead letters.
    """
    seen, mentions, bad, times = dict(memo.seen), [], [], []
    known_from = memo.floor(oldest)
    news_from = max(memo.start, min(known_from, settled))
    for index, item in enumerate(items):
        try:
            mention = to_mention(item)
        except Poison as error:
            letter = _dead(item, error, f"{origin}[{index}]")
            name = "!" + digest(letter.original.decode(), size=8)
            if name not in seen:
                bad.append(letter)
            seen[name] = Seen(now, "")
            continue
        if isinstance(mention, Ignored):
            continue
        found = _look(mention, mapping(item))
        if moment(item.get("created_time")) is not None:
            times.append(found.created)
        before = seen.get(mention.id)
        if before is not None:
            mentions.extend(_differences(mention, before, found, now))
        elif found.created >= news_from:
            mentions.append(mention)
            if found.hidden:
                mentions.append(_hiding(mention, "hide", now))
        if found.created >= known_from:
            seen[mention.id] = found
    return Reading(
        mentions=tuple(mentions),
        bad=tuple(bad),
        memo=Memo(start=memo.start, seen=_young(seen, oldest)),
        newest=max(times, default=None),
        oldest=min(times, default=None),
        ordered=all(first >= second for first, second in pairwise(times)),
    )


def _look(mention: Mention, item: dict[str, Any]) -> Seen:
    created = to_ms(mention.occurred_at)
    updated = moment(item.get("updated_time"))
    return Seen(
        created,
        content_mark(mention),
        item.get("is_hidden") is True,
        to_ms(updated) if updated else created,
        optional_identifier(mapping(item.get("from")).get("id")),
    )


def _differences(mention: Mention, before: Seen, found: Seen, now: int) -> list[Mention]:
    changed = []
    if found.mark != before.mark:
        # Of a post the time of the change is given, of a comment it is only known that it lies before now.
        at = found.updated if before.updated < found.updated <= now else now
        changed.append(replace(mention, op="update", revision=str(at), edited_at=from_ms(at)))
    if found.hidden != before.hidden:
        changed.append(_hiding(mention, "hide" if found.hidden else "restore", now))
    return changed


def _hiding(mention: Mention, op: Any, now: int) -> Mention:
    return replace(mention, op=op, revision=str(now), edited_at=from_ms(now), text=None, media=(), entities=())


def _young(seen: dict[str, Seen], oldest: int) -> dict[str, Seen]:
    kept = [(name, item) for name, item in seen.items() if item.created >= oldest]
    kept.sort(key=lambda entry: (-entry[1].created, entry[0]))
    return dict(kept[:MAX_SEEN])


def _dead(item: Any, error: Poison, origin: str) -> Bad:
    return Bad(original=json.dumps(item).encode(), reason=str(error), origin=origin, field=error.field)
