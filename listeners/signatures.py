"""Who sent this body: HMAC-SHA256 over its raw bytes, compared in constant time, with any of several secrets (rotation).

Three forms: ours (`X-Hilferuf-Signature: sha256=<hex>`), Meta's (`X-Hub-Signature-256`, same form), and Standard Webhooks
(`webhook-id`, `webhook-timestamp`, `webhook-signature`), which alone signs a time and so bounds replays.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

STANDARD_TOLERANCE = 300  # seconds a Standard Webhooks timestamp may be off, as its specification recommends
_PREFIX = "whsec_"


def hex_signature(body: bytes, secret: str) -> str:
    """The header's value for a body: `sha256=` and 64 hex digits."""
    return "sha256=" + hmac.new(_key(secret), body, hashlib.sha256).hexdigest()


def is_hex_signed(header: str | None, body: bytes, secrets: Sequence[str]) -> bool:
    """Whether the header holds the body's signature with one of the secrets."""
    given = _ascii(header)
    return any(hmac.compare_digest(hex_signature(body, secret).encode(), given) for secret in secrets)


def is_standard_signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: int) -> bool:
    """Whether the headers hold a Standard Webhooks signature (v1) that is at most five minutes off `now` (ms since 1970)."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        return False
    if abs(now / 1000 - int(stamp)) > STANDARD_TOLERANCE:
        return False
    signed = _ascii(f"{message_id}.{stamp}.") + body
    wanted = [base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()) for secret in secrets]
    given = [
        _ascii(part[3:]) for part in headers.get("webhook-signature", "").split(" ")[:16] if part.startswith("v1,")
    ]
    return any(hmac.compare_digest(right, found) for right in wanted for found in given)


def same_text(given: str, wanted: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def _key(secret: str) -> bytes:
    """The key's bytes: base64 behind `whsec_` as Standard Webhooks has it, else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass  # a secret of the plain kind that happens to begin so
    return secret.encode()


def _ascii(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "surrogatepass")
