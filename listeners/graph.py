"""facebook-sdk's GraphAPI against today's Graph API: what the SDK lacks, and nothing more.

facebook-sdk 3.1 knows no version above 3.1, loses `appsecret_proof` on page 2, follows whatever host and token stand in
`paging.next`, throws usage headers and error subcodes away, fails on a reply without content-type, and its connection
errors print the access token. `Graph` overrides the one method every call goes through, so all verbs of the SDK gain.

It blocks (requests): call it through `listeners.threads.in_thread`. No text that leaves this module holds a secret.
"""

import hashlib
import hmac
import json
import logging
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import facebook
import msgspec
import requests

from records.errors import HilferufError, Permanent, Refused, Transient

THROTTLE_CODES = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
TOKEN_CODES = frozenset({102, 190})
RIGHTS_CODES = frozenset({3, 10, 368, *range(200, 300)})
RETRY_CODES = frozenset({1, 2})
SLOW_PERCENT, STOP_PERCENT = 80.0, 100.0
REGAIN_SECONDS = 300.0  # asked for nothing, but all used up: look again after so long
_PAGE_ARGUMENTS = frozenset({"after", "until", "offset", "__paging_token"})
_SECRET_ARGUMENT = re.compile(
    r"(\b(?:access_token|appsecret_proof|client_secret|input_token|fb_exchange_token|code)(?:=|%3D|['\"]?:\s*['\"]?))"
    r"[^&\s'\"<>,)}]+",
    re.IGNORECASE,
)


class Usage(msgspec.Struct, frozen=True):
    """How much of the rate limits is used: greatest `percent` of all counters, and the `regain` seconds Meta estimates."""

    percent: float = 0.0
    regain: float = 0.0

    def pause(self, interval: float) -> float:
        """Seconds to wait before the next call: 0 below 80 %, then growing to ten intervals, at 100 % what Meta asks."""
        if self.percent >= STOP_PERCENT:
            return self.regain or max(REGAIN_SECONDS, interval)
        if self.percent < SLOW_PERCENT:
            return 0.0
        return interval * 10 * (self.percent - SLOW_PERCENT) / (STOP_PERCENT - SLOW_PERCENT) + 1.0


class GraphError(facebook.GraphAPIError):
    """What the Graph API, or the way to it, answered instead of a result.

    code, subcode, trace: Meta's own; status: of HTTP, None = no answer came. throttled, auth, retryable: what to do about
    it; none of them: this one object can't be had. retry_after: seconds, where they were given.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        subcode: int | None = None,
        trace: str | None = None,
        status: int | None = None,
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__({"error": {"message": message, "code": code}})
        self.code, self.subcode, self.trace, self.status = code, subcode, trace, status
        self.retry_after = retry_after
        self.throttled = code in THROTTLE_CODES or status == 429
        proof = code == 100 and "appsecret" in message.lower().replace(" ", "").replace("app_secret", "appsecret")
        self.auth = code in TOKEN_CODES or code in RIGHTS_CODES or proof or status == 401
        unanswered = status is None or status >= 500 or (code is None and status not in (400, 401, 403, 404))
        self.retryable = not self.auth and (transient or self.throttled or code in RETRY_CODES or unanswered)

    def __str__(self) -> str:
        known = {"code": self.code, "subcode": self.subcode, "status": self.status, "trace": self.trace}
        detail = ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)
        return f"{self.message} ({detail})" if detail else str(self.message)

    def __repr__(self) -> str:
        return f"GraphError({str(self)!r})"

    def consequence(self, where: str) -> HilferufError:
        """The same by what to do about it: Refused (token, rights), Transient, or Permanent (this object only)."""
        text = f"{where}: {self}"
        if self.auth:
            return Refused(f"{text}; renew the page's access token or grant the app its rights")
        if self.throttled:
            return Transient(f"{text}; throttled", self.retry_after or REGAIN_SECONDS)
        if self.retryable:
            return Transient(text, self.retry_after)
        return Permanent(text)


class GraphPage(msgspec.Struct, frozen=True):
    """One page of an edge as Graph gave it; `after`: arguments of the next page, None = the last."""

    items: list[Any]
    after: dict[str, str] | None
    usage: Usage


class Graph(facebook.GraphAPI):
    """One access token's door to the Graph API. All verbs of facebook-sdk work; all raise GraphError and nothing else.

    version: any `vNN.N`. timeout: seconds to connect, and seconds of silence. `usage` is that of the newest answer.
    """

    def __init__(
        self,
        access_token: str,
        *,
        app_secret: str,
        base_url: str = "https://graph.facebook.com",
        version: str = "v25.0",
        timeout: tuple[float, float] = (5.0, 20.0),
        session: requests.Session | None = None,
    ) -> None:
        super().__init__(access_token=access_token, timeout=timeout, session=session)
        self.version = version
        self.base_url = base_url.rstrip("/") + "/"
        self.usage = Usage()
        self._proof = hmac.new(app_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()
        self._secrets = tuple(text for text in (access_token, app_secret, self._proof) if text)
        _scrub_library_logs()

    def __repr__(self) -> str:
        return f"Graph({self.base_url}{self.version})"

    def request(
        self,
        path: str,
        args: Mapping[str, Any] | None = None,
        post_args: Mapping[str, Any] | None = None,
        files: Any = None,
        method: str | None = None,
    ) -> Any:
        """One call, its JSON decoded. `args` go into the query, `post_args` into the body. Raises GraphError."""
        return self._decode(self._send(path, args, post_args, files, method))

    def page(self, id: str, connection_name: str, **args: Any) -> GraphPage:
        """One page of an edge. For the next one pass `**page.after`. Raises GraphError."""
        answer = self.get_connections(id, connection_name, **args)
        items = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(items, list):
            raise GraphError(f"the edge {connection_name} answered without a list `data`", status=200)
        return GraphPage(items, next_arguments(answer.get("paging")), self.usage)

    def get_all_connections(self, id: str, connection_name: str, **args: Any) -> Iterator[Any]:
        """Every item of an edge, page by page, each call with our own token and proof."""
        after: dict[str, str] | None = {}
        while after is not None:
            page = self.page(id, connection_name, **{**args, **after})
            yield from page.items
            after = page.after

    def get_version(self) -> str:
        """The version the API says it runs, such as `25.0`."""
        reply = self._send(f"{self.version}/me", None, None, None, None)
        version = reply.headers.get("facebook-api-version")
        if not version:
            raise GraphError("the answer does not name the API's version", status=reply.status_code)
        return str(version).removeprefix("v")

    def scrub(self, text: str) -> str:
        """The text without this token, its proof, the app secret, or anything that stands where one would."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return _SECRET_ARGUMENT.sub(r"\1…", text)

    def _send(self, path: str, args: Any, post_args: Any, files: Any, method: str | None) -> requests.Response:
        credentials = {"access_token": self.access_token, "appsecret_proof": self._proof}
        query, body = dict(args or {}), None if post_args is None else dict(post_args)
        target = query if body is None else body
        if "access_token" not in target:  # the SDK's debug_access_token brings one of the app's own
            target.update(credentials)
        try:
            reply: requests.Response = self.session.request(
                method or ("GET" if body is None else "POST"),
                self.base_url + path,
                timeout=self.timeout,
                params=query,
                data=body,
                proxies=self.proxies,
                files=files,
                allow_redirects=False,
            )
        except Exception as error:  # noqa: BLE001 - whatever the library raises, its text may hold the URL with the token
            failure = type(error).__name__
        else:
            self.usage = read_usage(reply.headers)
            return reply
        # Raised out here so that the library's exception, whose text holds the whole URL, is not even its context.
        raise GraphError(f"no answer from the Graph API: {failure}")

    def _decode(self, reply: requests.Response) -> Any:
        status = reply.status_code
        try:
            # Whatever the content-type says, or fails to say: Graph sends JSON, proxies send HTML.
            result = json.loads(reply.content)
        except (ValueError, RecursionError):
            result = None
        if result is None:
            kind = reply.headers.get("content-type", "no content-type").split(";")[0][:40]
            raise GraphError(f"the answer is no JSON ({self.scrub(kind)})", status=status, transient=True)
        if isinstance(result, dict) and result.get("error"):
            raise self._error(result["error"], status)
        if not 200 <= status < 300:
            raise GraphError("the answer says no reason", status=status, retry_after=_seconds(reply))
        return result

    def _error(self, error: Any, status: int) -> GraphError:
        fields = error if isinstance(error, dict) else {"message": str(error)}
        code = _whole(fields.get("code"))
        spent = code in THROTTLE_CODES or status == 429
        trace = fields.get("fbtrace_id")
        return GraphError(
            self.scrub(str(fields.get("message") or "no message"))[:300],
            code=code,
            subcode=_whole(fields.get("error_subcode")),
            trace=self.scrub(str(trace))[:64] if trace else None,
            status=status,
            transient=fields.get("is_transient") is True,
            retry_after=(self.usage.regain or None) if spent else None,
        )


def next_arguments(paging: Any) -> dict[str, str] | None:
    """What the next page is asked with, None at the last page.

    Only `paging.next` tells that there is one; but of its text nothing is used where `cursors.after` exists, and else (edges
    paged by time) only the four paging arguments: never its host, never its token.
    """
    if not isinstance(paging, dict) or not isinstance(paging.get("next"), str):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if isinstance(after, str) and after:
        return {"after": after}
    try:
        query = parse_qsl(urlsplit(paging["next"]).query)
    except ValueError:
        return None
    return {name: value for name, value in query if name in _PAGE_ARGUMENTS} or None


def read_usage(headers: Mapping[str, str]) -> Usage:
    """The fullest counter of X-App-Usage, X-Page-Usage and X-Business-Use-Case-Usage, and the longest estimate to regain
    access: Meta counts it in minutes, we in seconds. A header that can't be read counts for nothing."""
    percent, minutes = 0.0, 0.0
    for name in ("x-app-usage", "x-page-usage", "x-business-use-case-usage"):
        for counter in _counters(headers.get(name)):
            for key, value in counter.items():
                if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                    continue
                if key == "estimated_time_to_regain_access":
                    minutes = max(minutes, float(value))
                elif key in ("call_count", "total_time", "total_cputime"):
                    percent = max(percent, float(value))
    return Usage(percent, min(minutes * 60, 86_400.0))


def _counters(header: str | None) -> Iterator[dict[str, Any]]:
    try:
        value = json.loads(header or "{}")
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    yield value
    for listed in value.values():  # by business id: a list of one counter a use case
        if isinstance(listed, list):
            yield from (counter for counter in listed if isinstance(counter, dict))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(reply: requests.Response) -> float | None:
    value = reply.headers.get("retry-after", "")
    return min(float(value), 86_400.0) if value.isascii() and value.isdigit() else None


class _Scrubber(logging.Filter):
    """urllib3 logs the whole request line, with the token in it, at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record, without what stands behind `access_token=` and its like."""
        record.msg, record.args = _SECRET_ARGUMENT.sub(r"\1…", record.getMessage()), ()
        return True


def _scrub_library_logs() -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(present, _Scrubber) for present in logger.filters):
        logger.addFilter(_Scrubber())
