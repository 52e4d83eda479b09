"""Request Tracker's answers as our records: a pure reading of a ticket and its history.

The history tells three things that the ticket alone does not: which of our posts stand there (a marker in the subject of
each comment or correspondence, kept in the transaction's `Data`), which fields a person changed last, and which texts
have to be shredded by hand.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from config.settings import RequestTrackerSettings
from records.events import Helpdesk
from records.tickets import Held, Priority
from sinks import render

URN = "urn:hilferuf:"
SYSTEM = "RT_System"
NUMBERS: dict[Priority, int] = {"urgent": 100, "high": 75, "normal": 50, "low": 25}
_PRIORITIES = {str(number): word for word, number in NUMBERS.items()}
_STATUS = {"new": "open", "open": "open", "stalled": "open", "resolved": "solved", "rejected": "withdrawn"}
_TEXTS = ("Create", "Comment", "Correspond")
_MAILS = ("EmailRecord", "CommentEmailRecord")


class Transaction(msgspec.Struct, frozen=True):
    """One entry of a ticket's history. ticket: the number it was made on, before any merge. data: subject of a text."""

    id: int
    kind: str
    field: str
    new: str
    creator: str
    created: str
    ticket: str
    data: str


def transaction(item: Mapping[str, Any]) -> Transaction:
    """A transaction from an item of a REST 2 list."""
    return Transaction(
        int(item["id"]),
        str(item.get("Type", "")),
        str(item.get("Field", "")),
        str(item.get("NewValue", "")),
        _id(item.get("Creator")),
        str(item.get("Created", "")),
        str(item.get("ObjectId", "")),
        str(item.get("Data", "")),
    )


def escaped(value: str) -> str:
    """A value as a quoted string of TicketSQL; quotes and backslashes in it end nothing."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def urn(ticket_id: str) -> str:
    """The address under which every ticket of ours is linked (`RefersTo`). Unlike a value of the unique custom field, which
    Request Tracker drops at a second create, a link stands on every one of several racing tickets."""
    return URN + quote(ticket_id, safe="-._~")


def custom_fields(ticket: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Custom fields by name; one that does not apply to the ticket's queue is missing."""
    return {
        str(field["name"]): tuple(map(str, field.get("values") or ())) for field in ticket.get("CustomFields") or ()
    }


def our_id(ticket: Mapping[str, Any], me: str, settings: RequestTrackerSettings) -> str:
    """Our id, from the custom field, else from the oldest link (links of merged tickets come after) of a ticket that we
    created. "" for a ticket of a person's own, even where one of ours was merged into it."""
    values = custom_fields(ticket).get(settings.external_id_field, ())
    if values:
        return values[0]
    return next(iter(linked_ids(ticket)), "") if _id(ticket.get("Creator")) == me else ""


def linked_ids(ticket: Mapping[str, Any]) -> tuple[str, ...]:
    """All ids of ours that the ticket is linked with: its own and those of tickets merged into it."""
    links = [str(link.get("_url", "")) for link in ticket.get("_hyperlinks") or () if link.get("ref") == "refers-to"]
    return tuple(unquote(link.removeprefix(URN)) for link in links if link.startswith(URN))


def standing(history: Iterable[Transaction], first: Mapping[int, str], me: str) -> tuple[dict[str, str], str | None]:
    """Post key -> revision digest or `gone`, and the note's digest, from markers of ours. `first`: texts of Create
    transactions, whose marker stands in the text."""
    return render.standing({entry.id: _marked(entry, first, me) for entry in history})


def receipt(history: Iterable[Transaction], first: Mapping[int, str], me: str, ticket: str) -> tuple[str, ...]:
    """What has to be shredded by hand, a command each: texts of ours whose post is gone, mails that carried them, old
    subjects, and the replaced notes that may quote such a post; once every post is gone, all that were replaced, since they
    may name an author who was erased. What was shredded is no longer in the history."""
    entries = sorted(history, key=lambda entry: entry.id)
    posts, _ = standing(entries, first, me)
    if render.GONE not in posts.values():
        return ()
    everything = all(revision == render.GONE for revision in posts.values())
    notes = [entry.id for entry in entries if _key(entry, first, me) == render.NOTE]
    last_gone = max(entry.id for entry in entries if _revision(entry, first, me) == render.GONE)
    stale = {note for note in notes[:-1] if everything or note < last_gone}
    lines: list[str] = []
    follows = False  # a mail record stands after the text that it carried
    for entry in entries:
        key, what = _key(entry, first, me), ""
        if entry.kind in _TEXTS:
            removable = key is not None and _revision(entry, first, me) != render.GONE
            follows = removable and (posts.get(str(key)) == render.GONE or entry.id in stale)
            what = "text" if follows else ""
        elif entry.kind in _MAILS and follows:
            what = "mail"
        elif entry.kind == "Set" and entry.field == "Subject" and entry.creator == me:
            what = "old subject"
        if what:
            lines.append(
                f"ticket {ticket}, {what}: rt-shredder --force --no-sqldump --plugin 'Objects=Transaction,{entry.id}'"
            )
    return tuple(lines)


def held(
    ticket: Mapping[str, Any],
    history: Iterable[Transaction],
    first: Mapping[int, str],
    me: str,
    settings: RequestTrackerSettings,
    in_our_queue: bool,
    etag: str | None,
) -> Held:
    """What the ticket holds, posts by their keys; fields changed last by somebody else are in `human`."""
    entries = list(history)
    posts, note = standing(entries, first, me)
    plain = fields_of(ticket, our_id(ticket, me, settings), settings)
    return msgspec.structs.replace(
        plain,
        posts=posts,
        note=note,
        human=_edited(entries, ticket, me, settings, in_our_queue),
        receipt=receipt(entries, first, me, plain.remote_id),
        etag=etag,
    )


def at(entry: Transaction) -> str:
    """When it happened, as a Timestamp; whole seconds is all there is."""
    return entry.created.removesuffix("Z") + ".000Z"


def fields_of(ticket: Mapping[str, Any], ticket_id: str | None, settings: RequestTrackerSettings) -> Held:
    """The plain fields of a ticket, without its history."""
    priority = str(ticket.get("Priority", ""))
    return Held(
        remote_id=str(ticket["id"]),
        url=f"{settings.url.rstrip('/')}/Ticket/Display.html?id={ticket['id']}",
        status=_STATUS.get(str(ticket.get("Status", "")), "open"),
        priority=_PRIORITIES.get(priority, priority),
        rank_key=_number(custom_fields(ticket).get(settings.rank_field, ())),
        gone=ticket.get("Status") == "deleted",
        ticket_id=ticket_id,
    )


def event(entry: Transaction, ticket_id: str, sink: str) -> Helpdesk | None:
    """What a person did, as an author event; None for what does not concern the author."""
    what: Any = None
    value: str | None = None
    if entry.kind == "Status":
        what = {"resolved": "solved", "rejected": "solved", "deleted": "closed"}.get(entry.new, "reopened")
        value = entry.new
    elif entry.kind == "Set" and entry.field == "Priority":
        what, value = "priority", _PRIORITIES.get(entry.new, entry.new)
    elif entry.kind == "Correspond":
        what = "answered"
    if what is None:
        return None
    return Helpdesk(sink=sink, id=str(entry.id), ticket_id=ticket_id, at=at(entry), what=what, value=value)


def _marked(entry: Transaction, first: Mapping[int, str], me: str) -> str:
    """The text in which our marker stands; what others wrote has none, whatever it says."""
    if entry.kind not in _TEXTS or entry.creator != me:
        return ""
    return first.get(entry.id, "") if entry.kind == "Create" else entry.data


def _key(entry: Transaction, first: Mapping[int, str], me: str) -> str | None:
    mark = render.read_marker(_marked(entry, first, me))
    return mark.key if mark is not None else None


def _revision(entry: Transaction, first: Mapping[int, str], me: str) -> str | None:
    mark = render.read_marker(_marked(entry, first, me))
    return mark.revision if mark is not None else None


def _edited(
    entries: Iterable[Transaction],
    ticket: Mapping[str, Any],
    me: str,
    settings: RequestTrackerSettings,
    in_our_queue: bool,
) -> tuple[str, ...]:
    ids = {str(field.get("id")): str(field["name"]) for field in ticket.get("CustomFields") or ()}
    last: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: entry.id):
        field = None
        if entry.kind == "Status":
            field = "status"
        elif entry.kind == "Set" and entry.field in ("Priority", "Subject"):
            field = entry.field.lower()
        elif entry.kind == "CustomField" and ids.get(entry.field) == settings.rank_field:
            field = "rank_key"
        if field is not None:
            last[field] = entry.creator
    human = {field for field, creator in last.items() if creator not in (me, SYSTEM)}
    if not in_our_queue and settings.rank_field not in custom_fields(ticket):
        human.add("rank_key")  # a person moved it to a queue that has no rank
    return tuple(sorted(human))


def _number(values: tuple[str, ...]) -> int | None:
    text = values[0].strip() if values else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _id(value: Any) -> str:
    return str(value.get("id", "")) if isinstance(value, dict) else str(value or "")
