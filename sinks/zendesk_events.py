"""Zendesk's incremental export of ticket events as what people did: pure.

The export is by whole seconds and answers with `start_time` inclusive; an event may become visible after its second was
read. So each round begins a little before the end of the last one, and remembers the events it has had.
"""

from collections.abc import Collection, Mapping
from typing import Any, get_args

import msgspec

from records.events import Helpdesk
from records.tickets import Priority
from records.times import from_ms, to_ms
from sinks.zendesk_state import Body, is_merged, number, objects, whole

LAG_SECONDS = 61  # the export refuses a younger start, and leaves the most recent minute out
OVERLAP_SECONDS = 60
MEMORY = 5_000
_AT_WORK = ("new", "open", "pending", "hold")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The cursor. start: seconds since 1970; seen: ids of events at or after it that were had; adopted: remote ticket ->
    our id of a ticket that a person merged into it."""

    start: int
    seen: tuple[int, ...] = ()
    adopted: dict[str, str] = {}


def place(cursor: Mapping[str, Any] | None, now: float) -> Place:
    """The cursor as given back, or the beginning. `now`: seconds since 1970."""
    if cursor is None:
        return Place(start=int(now) - LAG_SECONDS)
    return msgspec.convert(cursor, Place)


def moved(before: Place, events: Collection[Body], end: int | None, adopted: Mapping[str, str]) -> Place:
    """The cursor after these events; `end`: the export's end_time."""
    start = before.start if end is None else max(before.start, end - OVERLAP_SECONDS)
    fresh = {found for event in events if (found := whole(event.get("id"))) and (_second(event) or start) >= start}
    kept = before.seen if start == before.start else ()
    everything = tuple(dict.fromkeys((*kept, *sorted(fresh))))
    return Place(start=start, seen=everything[-MEMORY:], adopted=dict(list(adopted.items())[-MEMORY:]))


def unseen(before: Place, answer: Any) -> list[Body]:
    """The events of an answer that were not had yet, oldest first."""
    found = objects(answer.get("ticket_events")) if isinstance(answer, dict) else []
    new = {key: event for event in found if (key := whole(event.get("id"))) and key not in set(before.seen)}
    return sorted(new.values(), key=lambda event: (_second(event) or 0, whole(event.get("id")) or 0))


def by_people(events: Collection[Body], me: str) -> list[Body]:
    """Those that we did not do ourselves."""
    return [event for event in events if number(event.get("updater_id")) != me]


def helpdesk_events(
    sink: str, events: Collection[Body], tickets: Mapping[str, Body], adopted: Mapping[str, str]
) -> list[Helpdesk]:
    """What happened to tickets of ours; `tickets` by remote id. A ticket merged away is not over: it goes on elsewhere."""
    done: list[Helpdesk] = []
    for event in events:
        remote = number(event.get("ticket_id"))
        ticket = tickets.get(remote, {})
        ours = [found for found in (our_id(ticket), adopted.get(remote)) if found]
        if not ours or is_merged(ticket):
            continue
        for order, child in enumerate(objects(event.get("child_events"))):
            happened = _what(child, event, ticket)
            if happened is None:
                continue
            key = number(child.get("id")) or f"{number(event.get('id'))}.{order}"
            done += [
                Helpdesk(
                    sink=sink, id=key if one == ours[0] else f"{key}+{one}", ticket_id=one, at=_at(event), **happened
                )
                for one in ours
            ]
    return done


def our_id(ticket: Body) -> str | None:
    """Our id on a remote ticket; None on a stranger's."""
    external = ticket.get("external_id")
    return external if isinstance(external, str) and external.startswith("hf-") else None


def _what(child: Body, event: Body, ticket: Body) -> dict[str, Any] | None:
    kind = child.get("event_type")
    if kind == "Comment":
        # A trigger's or automation's words (no updater) are no answer, nor is what the customer says.
        by_agent = number(event.get("updater_id")) and number(child.get("author_id")) != number(
            ticket.get("requester_id")
        )
        return {"what": "answered"} if child.get("public") is True and by_agent else None
    if kind != "Change":
        return None
    if child.get("priority") in get_args(Priority):
        return {"what": "priority", "value": child["priority"]}
    status, before = child.get("status"), child.get("previous_value")
    if status in ("solved", "closed"):
        return {"what": status} if before != "solved" else None
    if status in _AT_WORK and before == "solved":
        return {"what": "reopened"}
    return None


def _second(event: Body) -> int | None:
    return whole(event.get("timestamp"))


def _at(event: Body) -> str:
    try:
        return from_ms(to_ms(str(event.get("created_at"))))
    except ValueError:
        return from_ms((_second(event) or 0) * 1000)
