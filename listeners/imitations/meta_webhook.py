"""Deliveries of Meta's page webhook as Meta writes and signs them, for the demo and the tests."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from listeners.imitations.facebook import Person


def feed_value(
    item: str, verb: str, ids: dict[str, Any], *, author: Person | None = None, at: int = 0, **more: Any
) -> dict[str, Any]:
    """A `changes[].value` of the page webhook; `ids` such as post_id, comment_id, parent_id; `at` in ms since 1970."""
    value: dict[str, Any] = {"item": item, "verb": verb, **ids, "created_time": at // 1000, **more}
    if author is not None:
        value["from"] = {"id": author[0], "name": author[1]}
    return value


def webhook_body(page_id: str, *, at: int = 0, changes: Iterable[Any] = (), messaging: Iterable[Any] = ()) -> bytes:
    """A delivery of one entry as Meta writes it: everything but ASCII as `\\u00e9`, so that re-serialising breaks it."""
    entry: dict[str, Any] = {"id": page_id, "time": at // 1000}
    changes, messaging = list(changes), list(messaging)
    if changes:
        entry["changes"] = [_change(change) for change in changes]
    if messaging:
        entry["messaging"] = messaging
    return json.dumps({"object": "page", "entry": [entry]}).encode().replace(b"/", b"\\/")


def _change(change: Any) -> Any:
    return {"field": "feed", "value": change} if isinstance(change, dict) and "field" not in change else change


def signed(body: bytes, app_secret: str) -> dict[str, str]:
    """The headers of a delivery, signed over its very bytes."""
    signature = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
