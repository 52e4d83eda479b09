"""The requests that the Zendesk sink may send, as a small closed schema of our own: path, query and body."""

import json
import re
from typing import Any

import jsonschema

from sinks.imitations.zendesk import Seen

NUMBER = {"type": "integer", "minimum": 1}
TEXT = {"type": "string", "minLength": 1, "maxLength": 65_535}


def closed(required: list[str] = [], **properties: Any) -> dict[str, Any]:  # noqa: B006 - never changed
    """An object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


COMMENT = closed(["body", "public"], body=TEXT, public={"type": "boolean"}, author_id=NUMBER)
CUSTOM = {
    "type": "array",
    "items": closed(["id", "value"], id=NUMBER, value={"type": ["integer", "string"], "maximum": 2**31 - 1}),
}
FIELDS: dict[str, Any] = {
    "subject": {"type": "string", "minLength": 1, "maxLength": 150, "pattern": r"\A[^\r\n]*\Z"},
    "comment": COMMENT,
    "priority": {"enum": ["urgent", "high", "normal", "low"]},
    "custom_fields": CUSTOM,
}
CREATE = closed(
    ["external_id", "subject", "comment", "priority", "requester_id"],
    **FIELDS,
    external_id={"type": "string", "pattern": r"\Ahf-[0-9a-f]{16}\Z"},
    requester_id=NUMBER,
    via_followup_source_id=NUMBER,
    tags={"type": "array", "items": {"type": "string", "pattern": r"\A[a-z_]+\Z"}},
)
UPDATE = closed(
    **FIELDS,
    status={"enum": ["open", "solved"]},
    safe_update={"const": True},
    updated_stamp={"type": "string", "format": "date-time"},
)
MERGE = closed(
    ["ids"],
    ids={"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 100},
    source_comment=TEXT,
    target_comment=TEXT,
    source_comment_is_public={"const": False},
    target_comment_is_public={"const": False},
)
USER = closed(
    ["name", "external_id"],
    name=TEXT,
    external_id={"type": "string", "pattern": r"\Ahilferuf-[0-9a-f]{32}\Z"},
    skip_verify_email={"const": True},
)
ALLOWED: list[tuple[str, str, set[str], dict[str, Any] | None]] = [
    ("POST", "/tickets", set(), closed(["ticket"], ticket=CREATE)),
    ("GET", "/tickets", {"external_id"}, None),
    ("GET", "/tickets/show_many", {"ids"}, None),
    ("GET", r"/tickets/\d+", set(), None),
    ("PUT", r"/tickets/\d+", set(), closed(["ticket"], ticket=UPDATE)),
    ("GET", r"/tickets/\d+/comments", {"page[size]", "page[after]"}, None),
    ("GET", r"/tickets/\d+/audits", {"page[size]", "page[after]"}, None),
    ("PUT", r"/tickets/\d+/comments/\d+/redact", set(), closed(["text"], text=TEXT)),
    ("POST", r"/tickets/\d+/merge", set(), MERGE),
    ("GET", r"/job_statuses/[\w-]+", set(), None),
    ("PUT", r"/comment_redactions/\d+", set(), closed(["ticket_id", "html_body"], ticket_id=NUMBER, html_body=TEXT)),
    ("GET", "/incremental/ticket_events", {"start_time", "include"}, None),
    ("GET", "/users/me", set(), None),
    ("POST", "/users/create_or_update", set(), closed(["user"], user=USER)),
    ("GET", r"/ticket_fields/\d+", set(), None),
]


def check(seen: Seen) -> None:
    """Raises ValueError for a request that is not in the schema."""
    path = seen.path.removeprefix("/api/v2")
    for method, pattern, query, schema in ALLOWED:
        if method != seen.method or not re.fullmatch(pattern, path):
            continue
        if set(seen.query) - query:
            raise ValueError(f"unknown query {set(seen.query) - query}")
        if schema is None:
            if seen.body:
                raise ValueError("a body where none belongs")
            return
        if (seen.method, path) == ("POST", "/tickets") and "idempotency-key" not in seen.headers:
            raise ValueError("a create without Idempotency-Key")
        try:
            jsonschema.validate(json.loads(seen.body), schema)
        except jsonschema.ValidationError as error:
            raise ValueError(f"{error.json_path}: {error.message}") from error
        return
    raise ValueError("the sink has no business here")
