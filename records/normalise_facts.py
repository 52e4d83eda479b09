"""The one way from the input form of a customer fact to its topic form.

Stricter than for mentions: money and links decide who is helped first, so nothing is guessed. Filled in: `at` from the time of
observation, `revision` 0, `op` upsert. Times are read in any RFC 3339 form. `at` in the future becomes the time of
observation, which a fact has no place to say: a purchase or call that has not happened yet must not count as the newest
for years. Strings lose lone surrogates and NUL. All else is refused, with the field. A delete needs `id`, `kind`,
`customer` only; what it says of the thing taken back does not matter, and is filled with neutral values.
"""

from typing import Any, get_args

import msgspec

from records.channels import MAX_ID, split_id
from records.errors import Poison
from records.facts import CustomerFact
from records.lenient import read_object
from records.paths import Path, dotted, fields_at, nearest, shown, split_error, unknown_key
from records.repair import Repairs, clean_values
from records.repair_times import TOLERANCE
from records.times import from_ms, read_time

WHAT = "customer fact"

_TYPES: dict[str, type[CustomerFact]] = {str(type_.__struct_config__.tag): type_ for type_ in get_args(CustomerFact)}
_NEUTRAL: dict[str, dict[str, Any]] = {
    "purchase": {"amount": 0.0, "currency": "XXX"},  # XXX: ISO 4217 for "no currency"
    "refund": {"amount": 0.0, "currency": "XXX"},
    "contact": {"channel": "unknown"},
    "tag": {"tag": "unknown"},
    "link": {"author": "file:unknown", "evidence": "inferred"},
    "unlink": {"author": "file:unknown"},
    "erasure": {},
}


def normalise_fact(data: bytes | str | dict[str, Any], *, observed_at: str) -> CustomerFact:
    """The fact in topic form. Raises Poison, with the field. `observed_at`: now, a timestamp."""
    document, suspicious = read_object(data, WHAT)
    document = {key: value for key, value in document.items() if value is not None}
    kind = _kind(document)
    type_ = _TYPES[kind]
    known = (*fields_at(type_, ()), "kind")
    for key in document.keys() - set(known):
        raise Poison(f"{WHAT}: {unknown_key(key, known)} of a {kind}", shown(key))
    _check_ids(document)
    if suspicious:
        repairs = Repairs()
        clean_values(document, repairs)
        for change in repairs.changes:
            if change.change is not None:
                raise Poison(f"{WHAT}: `{change.field}` {change.reason}", change.field)
    if document.get("op") == "delete":
        document = {**_NEUTRAL[kind], **document}
    now = read_time(observed_at).ms
    at = _time(document, "at")
    document["at"] = from_ms(now if at is None or at > now + TOLERANCE else at)
    expires = _time(document, "expires")
    if expires is not None:
        document["expires"] = from_ms(expires)
    if "author" in document:
        split_id(document["author"], WHAT, "author")
    try:
        return msgspec.convert(document, type_)
    except msgspec.ValidationError as error:
        raise _refuse(*split_error(str(error))) from error


def _kind(document: dict[str, Any]) -> str:
    kind = document.get("kind")
    if isinstance(kind, str) and kind in _TYPES:
        return kind
    if kind is None:
        raise Poison(f"{WHAT}: `kind` is missing; it is one of {', '.join(_TYPES)}", "kind")
    near = nearest(kind, _TYPES) if isinstance(kind, str) else None
    raise Poison(
        f"{WHAT}: unknown `kind` ({f'did you mean `{near}`?' if near else 'known: ' + ', '.join(_TYPES)})", "kind"
    )


def _check_ids(document: dict[str, Any]) -> None:
    """Ids must be usable as they are: cleaning one would make it another's."""
    for field in ("id", "customer"):
        value = document.get(field)
        if value is None:
            raise Poison(f"{WHAT}: `{field}` is missing", field)
        if not isinstance(value, str):
            raise Poison(f"{WHAT}: `{field}` must be text, got {type(value).__name__}", field)
        if not value.strip() or len(value) > MAX_ID:
            raise Poison(f"{WHAT}: `{field}` must have 1 to {MAX_ID} characters", field)
        if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in value):
            raise Poison(f"{WHAT}: `{field}` holds a control character", field)


def _time(document: dict[str, Any], field: str) -> int | None:
    """Milliseconds since 1970, None where it is not given."""
    if field not in document:
        return None
    try:
        return read_time(document[field]).ms
    except ValueError as error:
        raise Poison(f"{WHAT}: `{field}` is no RFC 3339 time, such as 2026-11-20T09:30:00+01:00", field) from error


def _refuse(message: str, path: Path) -> Poison:
    if "missing required field" in message:
        field = message.split("`")[1]
        return Poison(f"{WHAT}: `{field}` is missing", field)
    place = dotted(path) or None
    return Poison(f"{WHAT}: {message[:1].lower() + message[1:]}" + (f" at {place}" if place else ""), place)
