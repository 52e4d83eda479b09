"""What the imitated Zendesk account holds, and the shapes of its answers: records, errors, times, comment text."""

import html
import re
from typing import Any

import msgspec

from records.times import from_ms

Body = dict[str, Any]
_LINK = re.compile(r"https?://[^\s<>\"]+")


class Denied(Exception):
    """An answer other than 2xx: status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class State(msgspec.Struct, kw_only=True):
    """Everything the account holds; encodes to JSON as it is. fields: custom field id -> type (`integer` or `text`).

    keys: idempotency key -> [time, digest of the body, ticket id]. born: ticket id -> time, for the lag of the search index.
    """

    next_id: int = 100
    users: dict[int, Body] = {}
    tickets: dict[int, Body] = {}
    deleted: dict[int, Body] = {}
    comments: dict[int, list[Body]] = {}
    events: list[Body] = []
    jobs: dict[str, Body] = {}
    keys: dict[str, tuple[float, str, int]] = {}
    born: dict[int, float] = {}
    fields: dict[int, str] = {}


def invalid(field: str, description: str) -> Denied:
    """Zendesk's 422 for a record that breaks a validation."""
    return Denied(
        422,
        {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {field: [{"description": description}]},
        },
    )


def not_found() -> Denied:
    """Zendesk's 404."""
    return Denied(404, {"error": "RecordNotFound", "description": "Not found"})


def as_html(text: str) -> str:
    """Plain text the way Zendesk turns it into a comment's html_body: escaped, lines kept, addresses made links."""
    parts: list[str] = []
    end = 0
    for match in _LINK.finditer(text):
        address = html.escape(match[0])
        parts += [html.escape(text[end : match.start()]), f'<a href="{address}" rel="noreferrer">{address}</a>']
        end = match.end()
    parts.append(html.escape(text[end:]))
    return f'<div class="zd-comment" dir="auto">{"".join(parts).replace(chr(10), "<br>")}</div>'


def stamp(now: float) -> str:
    """A time as Zendesk writes it: whole seconds, UTC. `now`: seconds since 1970."""
    return from_ms(int(now) * 1000)[:19] + "Z"


def plain(text: str) -> str:
    """The text of a comment's html_body."""
    return html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<br\s*/?>", "\n", text)))
