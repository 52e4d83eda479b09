"""Deterministic ids: the same input gives the same id on every machine, so a redelivery changes nothing."""

from hashlib import blake2b


def digest(*parts: str, size: int = 10) -> str:
    """Hex digest over the parts, each closed by a NUL so that ("ab","c") and ("a","bc") differ; `size` is in bytes."""
    hasher = blake2b(digest_size=size)
    for part in parts:
        hasher.update(part.encode("utf-8", "surrogatepass"))
        hasher.update(b"\0")
    return hasher.hexdigest()


def ticket_id(author_key: str, earliest_mention_id: str) -> str:
    """Canonical id of a conversation's ticket: `hf-` and 16 hex digits."""
    return "hf-" + digest(author_key, earliest_mention_id, size=8)


def operation_id(ticket: str, sink: str, version: int) -> str:
    """Idempotency key of one write to one helpdesk."""
    return digest(ticket, sink, str(version), size=16)
