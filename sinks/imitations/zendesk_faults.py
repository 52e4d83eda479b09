"""How the imitation misbehaves: faults as data, queued by a test or over its control address."""

import re
from typing import Any

import msgspec


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One misbehaviour, for the next `times` matching requests (None = for ever).

    method, path: regular expressions that must match whole. after: how many matching requests pass unharmed before.
    status, headers, body: the answer; a body that is no text is sent as JSON. committed: the request is carried out first,
    and its answer lost. cut: the connection is closed without an answer. hang: seconds of silence before the connection is
    closed. odd: the true answer, with words, nulls and fields that no document mentions, and addresses on another host.
    """

    method: str = ".*"
    path: str = ".*"
    times: int | None = 1
    after: int = 0
    status: int | None = None
    headers: dict[str, str] = {}
    body: Any = ""
    committed: bool = False
    cut: bool = False
    hang: float = 0.0
    odd: bool = False


class Faults:
    """The queue of faults; of those that match, the oldest acts."""

    def __init__(self) -> None:
        self._queue: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        """Queue one."""
        self._queue.append((fault, [fault.after, -1 if fault.times is None else fault.times]))

    def clear(self) -> None:
        """Behave again."""
        self._queue.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """The fault for this request; counts it."""
        for fault, left in self._queue:
            if left[1] == 0 or not (re.fullmatch(fault.method, method) and re.fullmatch(fault.path, path)):
                continue
            if left[0] > 0:
                left[0] -= 1
                continue
            left[1] -= 1
            return fault
        return None


def odd(value: Any, elsewhere: str = "http://elsewhere.invalid") -> Any:
    """An answer as a later version of the API might send it: unknown enum values and fields, nulls, a foreign host."""
    if isinstance(value, list):
        return [odd(item, elsewhere) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: odd(item, elsewhere) for key, item in value.items()}
    changed["x_new_field"] = {"nested": [None, 1, "ü"]}
    for key in ("url", "next_page"):
        if key in changed and "id" in changed:
            changed[key] = f"{elsewhere}/steal.json"
    if "custom_fields" in changed:
        changed["custom_fields"] = [None, {"id": None}, *changed["custom_fields"]]
        changed.update(tags=None, satisfaction_rating=None, via=None, description=None)
        changed["status"] = {"open": "awaiting_oracle", "new": "awaiting_oracle"}.get(
            changed["status"], changed["status"]
        )
    if changed.get("type") == "Comment":
        changed.update(type="HologramComment", via=None, attachments=None, metadata=None, plain_body=None)
    return changed
