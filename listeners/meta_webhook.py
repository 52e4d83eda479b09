"""A delivery of Meta's webhook, taken apart. Pure: bytes in, mentions, dead letters and counts out.

One body holds up to 1,000 updates: `entry[]` with `changes[]` (feed, mention), `messaging[]` and `standby[]` (Messenger; on
standby another app has the thread), or a flat `field` and `value`. One bad item is a dead letter and fails nothing else.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from listeners.contract import Bad
from listeners.facebook_mapping import map_change
from listeners.messenger_mapping import map_messaging
from listeners.meta_values import Ignored, Source, identifier, listing, mapping, moment
from records.errors import Poison
from records.mention import Mention

Read = Callable[[], Mention | Ignored]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What one body said. `ignored`: understood and left out on purpose, counted by what it was."""

    mentions: list[Mention]
    bad: list[Bad]
    ignored: Counter[str]


def read_delivery(body: bytes, *, pages: Mapping[str, str], observed_at: str, listener: str, origin: str) -> Delivery:
    """All of a body. `pages`: page id -> brand; a page that is not listed is heard too, its brand is unknown."""
    found = Delivery(mentions=[], bad=[], ignored=Counter())
    try:
        # Lone surrogates pass here; they are mended one item at a time.
        document = json.loads(body.decode("utf-8", "surrogateescape"), strict=False)
    except (ValueError, RecursionError):
        found.bad.append(Bad(original=body, reason="the body is no JSON that can be read", origin=origin))
        return found
    kind = mapping(document).get("object")
    if kind != "page":
        if isinstance(document, dict) and isinstance(kind, str):
            found.ignored[f"object {kind[:40]}"] += 1
        else:
            found.bad.append(Bad(original=body, reason="no delivery of Meta: `object` is missing", origin=origin))
        return found
    entries = document.get("entry")
    if not isinstance(entries, list):
        found.bad.append(Bad(original=body, reason="`entry` is no array", origin=origin, field="entry"))
        return found
    for number, entry in enumerate(entries):
        place = f"entry[{number}]"
        for where, item, read in _items(entry, pages, observed_at, listener):
            _take(found, item, read, place + where, origin)
    return found


def _take(found: Delivery, item: Any, read: Read, place: str, origin: str) -> None:
    try:
        mention = read()
    except Poison as error:
        field = f"{place}.{error.field}" if error.field else place
        found.bad.append(
            Bad(original=json.dumps(item).encode(), reason=str(error), origin=f"{origin} {place}", field=field)
        )
    else:
        if isinstance(mention, Ignored):
            found.ignored[mention.what] += 1
        else:
            found.mentions.append(mention)


def _items(entry: Any, pages: Mapping[str, str], observed_at: str, listener: str) -> Iterator[tuple[str, Any, Read]]:
    """(place in the entry, the item, how to read it) of everything an entry holds."""
    fields = mapping(entry)
    sent_at = moment(fields.get("time"))

    def source() -> Source:
        page_id = identifier(fields.get("id"), "id")
        return Source(page_id=page_id, brand=pages.get(page_id), listener=listener, observed_at=observed_at)

    def change(item: Any) -> Read:
        given = mapping(item)
        return lambda: map_change(given.get("field"), given.get("value"), source(), sent_at=sent_at)

    def message(item: Any) -> Read:
        return lambda: map_messaging(item, source(), sent_at=sent_at)

    held = False
    for name, reading in (("changes", change), ("messaging", message), ("standby", message)):
        if name not in fields:
            continue
        held = True
        if not isinstance(fields[name], list):
            yield f".{name}", entry, _refuse(f"`{name}` is no array")
        for index, item in enumerate(listing(fields[name])):
            yield f".{name}[{index}]", item, reading(item)
    if "field" in fields and "value" in fields:
        yield "", entry, change(entry)
    elif not held:
        yield "", entry, _refuse("neither `changes` nor `messaging` nor `standby`")


def _refuse(reason: str) -> Read:
    def read() -> Mention | Ignored:
        raise Poison(reason)

    return read
