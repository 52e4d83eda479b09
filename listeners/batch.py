"""A pushed body taken apart: one JSON object, a JSON array, or NDJSON. Pure; what the parts say is for others to read."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from listeners.contract import Bad
from records.errors import Poison

R = TypeVar("R")
_BOM = b"\xef\xbb\xbf"
_NDJSON = ("ndjson", "jsonl", "json-seq", "jsonlines")
_raw = msgspec.json.Decoder(msgspec.Raw)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """One item that could not be used: its place in the body from 0, and why."""

    index: int
    field: str | None
    reason: str


def split_body(body: bytes, content_type: str = "") -> list[bytes]:
    """The items of a body as bytes, each as it was sent. Raises Poison for a body that is no JSON at all."""
    body = body.removeprefix(_BOM).strip()
    if not body:
        raise Poison("the body is empty; send a JSON object, an array of them, or NDJSON")
    if any(word in content_type.lower() for word in _NDJSON):
        return [line for line in body.splitlines() if line.strip()]
    if body.startswith(b"["):
        return _array(body)
    if _is_json(body):
        return [body]
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > 1 and body.startswith(b"{") and any(_is_json(line.strip()) for line in (lines[0], lines[-1])):
        return lines
    _lenient(body)
    return [body]


def read_items(
    items: list[bytes], read: Callable[[bytes], R], origin: str
) -> tuple[list[tuple[int, R]], list[Bad], list[Rejected]]:
    """Each item read: (index, record) of the good ones; the bad ones as dead letters, and what to answer about them."""
    good, bad, rejected = [], [], []
    for index, item in enumerate(items):
        try:
            good.append((index, read(item)))
        except Poison as error:
            reason = str(error)
            bad.append(Bad(original=item, reason=reason, origin=f"{origin}[{index}]", field=error.field))
            rejected.append(Rejected(index=index, field=error.field, reason=reason))
    return good, bad, rejected


def _array(body: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in _raws.decode(body)]
    except (msgspec.DecodeError, RecursionError):
        return [json.dumps(item).encode() for item in _lenient(body)]


def _is_json(text: bytes) -> bool:
    try:
        _raw.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _lenient(body: bytes) -> Any:
    """As the normaliser reads: a stray byte or control character costs no batch. Raises Poison, its text holds no input."""
    try:
        return json.loads(body.decode("utf-8", "surrogateescape"), strict=False)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Poison(f"the body is no JSON: {error.msg} at {where}") from error
    except (ValueError, RecursionError) as error:
        raise Poison("the body is no JSON that can be read: nested too deeply, or a number too long") from error
