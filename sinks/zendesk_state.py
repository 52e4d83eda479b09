"""Zendesk's answers as our records: pure, and tolerant of words, nulls and fields that no document mentions."""

import html
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, get_args

from records.tickets import Held, Priority
from sinks.render import NOTE, Mark, read_marker, standing

Body = Mapping[str, Any]
MERGED_TAG = "closed_by_merge"
_OPEN = ("new", "open", "pending", "hold")
_STATUS = {**dict.fromkeys(_OPEN, "open"), "solved": "solved", "closed": "closed"}
_TARGET = re.compile(r"#(\d+)")


def objects(value: Any) -> list[Body]:
    """The objects of a list; whatever else stands there is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def whole(value: Any) -> int | None:
    """A whole number, also from text such as `"745"` or `"745.0"`; None for anything else."""
    try:
        return None if isinstance(value, bool) or value is None else int(float(str(value)))
    except (ValueError, OverflowError):
        return None


def number(value: Any) -> str:
    """An id as text; empty where it is none."""
    found = whole(value)
    return "" if found is None or found <= 0 else str(found)


def status(ticket: Body) -> str:
    """Our word; one that we do not know (an account's own) means that somebody is at work."""
    return _STATUS.get(str(ticket.get("status")), "open")


def is_merged(ticket: Body) -> bool:
    """Whether it was merged away: Zendesk closes it and leaves this tag."""
    tags = ticket.get("tags")
    return status(ticket) == "closed" and isinstance(tags, list) and MERGED_TAG in tags


def custom_value(ticket: Body, field: int | None) -> Any:
    """The value of a custom field; None where it is not set or not there."""
    for known in objects(ticket.get("custom_fields")):
        if field is not None and whole(known.get("id")) == field:
            return known.get("value")
    return None


def held(ticket: Body, comments: Sequence[Body], rank_field: int | None, base: str) -> Held:
    """What the ticket holds. etag: `updated_at|requester`, for `safe_update` and for the author of the next post."""
    texts = {order: text_of(comment) for order, comment in enumerate(comments) if _is_ours(comment)}
    posts, note = standing(texts)
    priority = ticket.get("priority")
    remote_id = number(ticket.get("id"))
    external = ticket.get("external_id")
    return Held(
        remote_id=remote_id,
        url=f"{base}/agent/tickets/{remote_id}",
        status=status(ticket),
        priority=priority if priority in get_args(Priority) else None,
        rank_key=whole(custom_value(ticket, rank_field)),
        posts=posts,
        note=note,
        etag=f"{ticket.get('updated_at') or ''}|{number(ticket.get('requester_id'))}",
        ticket_id=str(external) if external else None,
    )


def _is_ours(comment: Body) -> bool:
    """Whether its marker counts. Agents and mail programs quote; what we write comes over the API."""
    via = comment.get("via")
    channel = via.get("channel") if isinstance(via, dict) else None
    return channel in (None, "api")


def text_of(comment: Body) -> str:
    """The plain text of a comment, from whichever of its three forms is there."""
    for key in ("body", "plain_body"):
        if isinstance(comment.get(key), str):
            return str(comment[key])
    marked = comment.get("html_body")
    if not isinstance(marked, str):
        return ""
    return html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<br\s*/?>|</p>", "\n", marked)))


def mark_of(comment: Body) -> Mark | None:
    """The marker that a comment carries."""
    return read_marker(text_of(comment))


def is_note(mark: Mark) -> bool:
    """Whether it marks an internal note."""
    return mark.key == NOTE


def merge_of(comment: Body) -> tuple[str, tuple[str, ...]]:
    """Of a comment that a merge left: the ticket it went to, and those it came from; empty where it tells neither."""
    via = comment.get("via")
    source = via.get("source") if isinstance(via, dict) else None
    if not isinstance(source, dict) or source.get("rel") != "merge":
        return "", ()
    to, origin = source.get("to"), source.get("from")
    target = number(to.get("ticket_id")) if isinstance(to, dict) else ""
    ids = origin.get("ticket_ids") if isinstance(origin, dict) else None
    sources = tuple(filter(None, map(number, ids))) if isinstance(ids, list) else ()
    if not target and not sources:
        found = _TARGET.search(text_of(comment))
        target = found[1] if found else ""
    return target, sources


def merge_target(comments: Sequence[Body]) -> str:
    """Where a ticket that was merged away went; empty where its comments do not tell."""
    for comment in reversed(comments):
        target, _ = merge_of(comment)
        if target:
            return target
    return ""


def last_editor(audits: Sequence[Body], field: str) -> str:
    """Who set a field last, by the ticket's history; empty where nobody did or a rule of the account did."""
    editor = ""
    for audit in sorted(audits, key=lambda audit: whole(audit.get("id")) or 0):
        for event in objects(audit.get("events")):
            if event.get("field_name") == field and event.get("type") in ("Create", "Change"):
                editor = number(audit.get("author_id"))
    return editor


class _Blackening(HTMLParser):
    """Wraps every text in `<redact>` and marks links and images, as the redaction API wants it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = self.get_starttag_text() or ""
        if tag in ("a", "img"):
            text = re.sub(r"\s*/?>$", " redact>", text)
        self.parts.append(text)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(f"<redact>{data}</redact>" if data.strip() else data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"<redact>&{name};</redact>")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"<redact>&#{name};</redact>")


def blackened(html_body: str) -> str:
    """A comment's html_body with everything in it marked for removal, our marker too: what is gone has none."""
    parser = _Blackening()
    parser.feed(html_body)
    parser.close()
    return "".join(parser.parts).replace("</redact><redact>", "")
