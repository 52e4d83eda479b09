"""The one way out to a helpdesk: httpx with timeouts, a shared limiter, and every outcome as one of our errors.

Nothing is retried here. A create whose answer was lost may have happened; only the protocol, which looks first, may try
again. Credentials go to the configured address alone: redirects and addresses that a server sends are never followed.

    2xx, 404, allowed statuses   a Reply
    408 425 429 5xx              Transient with the seconds asked for (so does a 403 that speaks of a request limit);
                                 429 and 503 hold up every call, but a 429 that says what is left only its own
    401 403 407 3xx              Refused: token, rights or address are wrong; a person has to act
    other 4xx                    Permanent with the reason from the body
    network, timeout, protocol   Transient, outcome unknown
"""

import asyncio
import json as json_codec
import re
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import httpx
import msgspec

from config.yaml_file import ConfigError
from records.errors import HilferufError, Permanent, Refused, Transient
from sinks.limits import Limiter, allowance, retry_after

MAX_BYTES = 64 * 1024 * 1024
_LIMIT_WORDS = re.compile(r"REQUEST_LIMIT|rate.?limit|too many requests|quota exceeded", re.IGNORECASE)
_REASON_KEYS = ("message", "error", "description", "title", "detail", "details", "errors", "reason")


class Reply(msgspec.Struct, frozen=True):
    """An answer. `headers` with lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes
    what: str

    def json(self) -> Any:
        """The body as JSON. Raises Transient: a page of a proxy or a log-in form, with status 200, is no answer."""
        try:
            return json_codec.loads(self.body)
        except ValueError as error:
            raise Transient(f"{self.what}: the answer ({self.status}) is not JSON; is the address right?") from error


class Http:
    """A client of one helpdesk. `secrets`: texts that must never stand in an error. `timeout`: seconds for a whole call."""

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        secrets: Collection[str] = (),
        timeout: float = 20.0,
        limiter: Limiter | None = None,
        connections: int = 8,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.limiter = limiter or Limiter()
        self._base = base_url.rstrip("/")
        self._secrets = tuple(secret for secret in secrets if secret)
        self._timeout = timeout
        self._now = now
        try:
            self._client = httpx.AsyncClient(
                headers={"Accept": "application/json", "User-Agent": "hilferuf", **(headers or {})},
                auth=auth,
                timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
                follow_redirects=False,
                limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
                transport=transport,
            )
        except UnicodeEncodeError:  # not chained: the error quotes the header
            raise ConfigError(
                f"{name}: the token holds a character that no HTTP header can carry",
                "hilferuf.yaml",
                hint="copy it again from the helpdesk",
            ) from None

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[int] = (),
    ) -> Reply:
        """One call; `path` starts with `/` and is put after the configured address. Raises Transient, Permanent, Refused.

        404 and the statuses in `allow` come back as a Reply: what they mean is the sink's to know.
        """
        what = f"{self.name}: {method} {path.split('?', 1)[0]}"
        if not path.startswith("/") or path.startswith("//") or "\\" in path:
            raise Permanent(f"{what}: not a path on the configured address")
        await self.limiter.acquire()
        sent = dict(headers or {})
        if json is not None:
            content = json_codec.dumps(json, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
            sent.setdefault("Content-Type", "application/json; charset=utf-8")
        try:
            request = self._client.build_request(
                method, self._base + path, content=content, params=dict(params) if params else None, headers=sent
            )
            async with asyncio.timeout(self._timeout):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _read(response, what)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError, OSError) as error:
            raise self._mapped(error, what) from None  # the cause's text may carry an address with a secret
        return self._judged(Reply(response.status_code, dict(response.headers), body, what), allow)

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    def _mapped(self, error: Exception, what: str) -> HilferufError:
        kind = type(error).__name__
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
            return Refused(f"{what}: the address or a header cannot be used ({kind}); check the sink's settings")
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return Transient(f"{what}: no answer within {self._timeout:g} s ({kind}); outcome unknown")
        return Transient(f"{what}: the connection failed ({kind}); outcome unknown")

    def _judged(self, reply: Reply, allow: Collection[int]) -> Reply:
        status = reply.status
        if 200 <= status < 300:
            self.limiter.feed(reply.headers)
            return reply
        if status in allow or status == 404:
            return reply
        text = f"{reply.what}: {status}"
        reason = self._reason(reply)
        if reason:
            text += f" {reason}"
        limited = status == 403 and _LIMIT_WORDS.search(reply.body[:4096].decode("utf-8", "replace")) is not None
        if status in (408, 425, 429) or status >= 500 or limited:
            wait = retry_after(reply.headers, self._now())
            # An allowance that is not used up: the limit is one ticket's (or one address's), and the others may go on.
            single = status == 429 and (allowance(reply.headers) or 0) > 0
            if wait is not None and (status in (429, 503) or limited) and not single:
                self.limiter.pause(wait)
            return _raise(Transient(text, wait))
        if status in (401, 403, 407):
            return _raise(Refused(f"{text}; check the token and the rights of its user"))
        if status < 400:
            return _raise(Refused(f"{text}: the address sends elsewhere, which is not followed; set the final address"))
        return _raise(Permanent(text))

    def _reason(self, reply: Reply) -> str:
        """One line of at most 300 characters from the body; of an HTML page only the title."""
        text = reply.body[:65536].decode("utf-8", "replace")
        try:
            reason = _words(json_codec.loads(text))
        except (ValueError, RecursionError):
            title = re.search(r"<title[^>]*>([^<]{1,300})", text, re.IGNORECASE)
            reason = title[1] if title else ("" if "<" in text else text)
        reason = " ".join(reason.split())
        for secret in self._secrets:
            reason = reason.replace(secret, "***")
        return reason[:300]


async def _read(response: httpx.Response, what: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_BYTES:
            raise Permanent(f"{what}: the answer is larger than {MAX_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _raise(error: HilferufError) -> Reply:
    raise error


def _words(value: Any, depth: int = 0) -> str:
    """The texts of an error body, whatever its shape: `{"message": …}`, `{"errors": [{"title": …}]}`, `["…"]`."""
    if isinstance(value, str):
        return value
    if depth > 6:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(item, depth + 1) for item in value[:10])))
    if isinstance(value, dict):
        known = [value[key] for key in _REASON_KEYS if key in value]
        return "; ".join(filter(None, (_words(item, depth + 1) for item in known or list(value.values())[:10])))
    return ""
