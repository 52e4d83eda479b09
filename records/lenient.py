"""Reads a JSON object, first strictly, then with patience: a broken emoji or a stray byte must not cost a call for help."""

import json
from typing import Any

import msgspec

from records.errors import Poison
from records.text import MAX_TEXT

_decoder = msgspec.json.Decoder()
_BOM = b"\xef\xbb\xbf"


def read_object(data: bytes | str | dict[str, Any], what: str) -> tuple[dict[str, Any], bool]:
    """The object, a fresh one, and whether it needs cleaning: for lone surrogates, NUL, numbers that are none, long strings.

    Bytes that are no UTF-8 come as lone surrogates, so that the cleaning finds and marks the very field. NaN and infinity
    come as such. Raises Poison; its text never shows the input.
    """
    try:
        if isinstance(data, dict):
            data = _write(data, what)
        if isinstance(data, bytes) and data.startswith(_BOM):
            data = data[len(_BOM) :]
        value, suspicious = _read(data, what)
    except RecursionError as error:
        raise Poison(f"{what}: is nested too deeply") from error
    if not isinstance(value, dict):
        raise Poison(f"{what}: must be a JSON object, got {_kind(value)}")
    return value, suspicious or len(data) > MAX_TEXT


def _read(data: bytes | str, what: str) -> tuple[Any, bool]:
    try:
        value = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError) as strict:
        try:
            text = data if isinstance(data, str) else _text(data)
            return json.loads(text, strict=False), True
        except ValueError as error:
            reason = str(strict) if isinstance(strict, msgspec.DecodeError) else _place(error)
            raise Poison(
                f"{what}: {reason if reason.startswith('JSON') else 'JSON is malformed: ' + reason}"
            ) from error
    return value, (b"\\u0000" in data if isinstance(data, bytes) else "\\u0000" in data)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


def _place(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"JSON is malformed: {error.msg} (character {error.pos})"
    return "JSON is malformed"


def _write(document: dict[str, Any], what: str) -> bytes:
    for field in ("id", "text"):
        if isinstance(document.get(field), bytes | bytearray):
            raise Poison(f"{what}: `{field}` must be text, got bytes", field)
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return json.dumps(document, default=msgspec.to_builtins).encode("ascii")
    except (TypeError, ValueError, OverflowError) as error:
        raise Poison(f"{what}: holds a value that JSON cannot carry ({error})") from error


def _kind(value: Any) -> str:
    names: dict[type, str] = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
