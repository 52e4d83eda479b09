"""tweepy against the host of the configuration, one connection a call, with every failure as one of our errors.

What is changed, and why: tweepy 4.17 has `api.twitter.com` built in (an adapter sends its requests elsewhere); its
requests have no timeout; its stream reconnects by itself, without a pause after a clean close (here the second connection
of a client is refused); a stop waits for the next byte (here the socket is shut down); its DEBUG log prints the bearer
token (its loggers are pinned at INFO).

Everything here blocks: call it through `listeners.threads.in_thread`.
"""

import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import msgspec
import requests
import tweepy
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from config.settings import XRule
from listeners.clock import SystemClock
from listeners.contract import Clock
from listeners.feed import Feed
from listeners.poll import TokenExpired
from listeners.rates import asked_wait, rate_limit
from listeners.stream import Ended
from records.errors import HilferufError, Permanent, Refused, Transient

T = TypeVar("T")

BUILT_IN = "https://api.twitter.com"
CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
LINE_LIMIT = 8 * 1024 * 1024  # bytes; a post with all its expansions has some 10,000
_PINNED = ("tweepy", "tweepy.client", "tweepy.streaming", "tweepy.api")


class SinceTooOld(Permanent):
    """`since_id` lies before what recent search reaches (7 days)."""


def pin_loggers() -> None:
    """Keeps tweepy's loggers at INFO or above, whatever the root logger is set to: at DEBUG they print the token."""
    for name in _PINNED:
        logging.getLogger(name).setLevel(logging.INFO)


class RebaseAdapter(HTTPAdapter):
    """Sends what is meant for tweepy's built-in host to `base`. `once`: a second request of this adapter is refused."""

    def __init__(self, base: str, *, once: bool = False) -> None:
        self._base, self._once, self._used = urlsplit(base), once, False
        super().__init__()

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """The answer. Raises requests.ConnectionError for a second connection."""
        if self._once and self._used:
            raise requests.ConnectionError("one connection a call")
        self._used = True
        url = urlsplit(request.url)
        path = self._base.path.rstrip("/") + url.path
        request.url = urlunsplit((self._base.scheme, self._base.netloc, path, url.query, ""))
        # The proxies were chosen for the built-in host.
        kwargs["proxies"] = get_environ_proxies(request.url)
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        response = super().send(request, *args, **kwargs)
        if self._once:
            # Whole lines only: the half line at the end of a cut connection is no post, and is caught up.
            vars(response)["iter_lines"] = partial(whole_lines, response)
        return response


def whole_lines(response: requests.Response, chunk_size: int = 512, **_: Any) -> Iterator[bytes]:
    """Complete lines as they come in, without their ends. Raises requests.ConnectionError for an absurdly long one."""
    rest = b""
    for chunk in response.iter_content(chunk_size):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
        if len(rest) > LINE_LIMIT:
            raise requests.ConnectionError("a line without an end")


class OneShotStream(tweepy.StreamingClient):
    """The filtered stream, for exactly one connection, into a feed."""

    def __init__(self, token: str, base: str, feed: Feed, *, silence: float, clock: Clock) -> None:
        super().__init__(token, max_retries=0, chunk_size=4096, daemon=True)
        self.session.mount(BUILT_IN, RebaseAdapter(base, once=True))
        self.session.hooks["response"].append(self._look)
        self._feed, self._silence, self._clock = feed, silence, clock
        self._response: requests.Response | None = None
        self._shut = False
        self._ended: Ended | None = None

    def listen(self, params: Mapping[str, str]) -> Ended:
        """Connects and hears to the end."""
        self.filter(threaded=False, **params)
        return self._ended or Ended(reason="closed", detail="the other side closed the connection")

    def shut(self) -> None:
        """Ends the connection from another thread, at once."""
        self._shut = True
        self.running = False
        if self._response is not None:
            shut_socket(self._response)

    def _connect(self, method: str, endpoint: str, **kwargs: Any) -> None:
        super()._connect(method, endpoint, **kwargs, timeout=(CONNECT_SECONDS, self._silence))

    def _look(self, response: requests.Response, **_: Any) -> None:
        """Sees every answer with its headers, which tweepy's own callbacks do not get."""
        self._response = response
        if self._shut:
            shut_socket(response)
        if response.status_code != 200:
            self._ended = refusal(response, self._clock.now())
        else:
            # No connection is left in this window: the next one waits for its end, however this one ends.
            wait = rate_limit(response.headers).wait(self._clock.now())
            if wait is not None:
                self._ended = Ended(reason="closed", detail="no connection left in this window", wait=wait)

    def on_connect(self) -> None:
        """Accepted."""
        self._feed.opened()

    def on_data(self, raw_data: bytes) -> None:
        """A line, as it came: tweepy's own reading fails on a rule without a tag and ends the stream."""
        if not self._feed.put(raw_data):
            self.shut()

    def on_keep_alive(self) -> None:
        """An empty line."""
        self._feed.alive()

    def on_request_error(self, status_code: int) -> None:
        """Not accepted: `_look` has noted why."""
        self.running = False

    def on_connection_error(self) -> None:
        """Cut, timed out, or never connected."""
        self.running = False
        if self._ended is None or self._ended.reason == "closed":
            wait = self._ended.wait if self._ended else None
            self._ended = Ended(reason="network", detail="the connection failed or was cut", wait=wait)

    def on_exception(self, exception: Exception) -> None:
        """Something else; its text is not repeated."""
        self.running = False
        self._ended = Ended(reason="network", detail=f"the connection ended with {type(exception).__name__}")

    def on_closed(self, response: requests.Response) -> None:
        """Closed cleanly. Here tweepy would connect again at once."""
        self.running = False

    def on_disconnect(self) -> None:
        """Over."""


def shut_socket(response: requests.Response) -> None:
    """Shuts the socket below an answer that another thread is reading: its read ends at once."""
    with suppress(AttributeError, OSError, ValueError, RuntimeError):
        response.raw.shutdown()
        return
    with suppress(AttributeError, OSError):  # urllib3 before 2.3 has no shutdown
        connection: Any = response.raw.connection
        connection.sock.shutdown(socket.SHUT_RDWR)


def refusal(response: requests.Response, now: int) -> Ended:
    """How a connection ended that was not accepted. The text names status and X's own title, nothing that we sent."""
    status = response.status_code
    detail = f"HTTP {status}" + _title(response)
    if status in {401, 403}:
        return Ended(reason="refused", detail=detail + "; check the bearer token and what its app may do")
    if status in {420, 429}:
        return Ended(reason="rate_limited", detail=detail, wait=asked_wait(response.headers, now))
    return Ended(reason="http", detail=detail, wait=asked_wait(response.headers, now) if status == 503 else None)


def _title(response: requests.Response) -> str:
    try:
        body = msgspec.json.decode(next(response.iter_content(4096), b""))
        title = body.get("title") or body["errors"][0].get("title") or body["errors"][0].get("message")
    except (requests.RequestException, msgspec.DecodeError, AttributeError, LookupError, TypeError):
        return ""
    return f" ({title[:80]})" if isinstance(title, str) else ""


class XClient:
    """Rules and recent search."""

    def __init__(self, token: str, base: str, clock: Clock | None = None) -> None:
        pin_loggers()
        self._token, self._base, self._clock = token, base, clock or SystemClock()
        self._rules = tweepy.StreamingClient(token, return_type=dict)
        self._search = tweepy.Client(token, return_type=dict)
        self._headers: Mapping[str, str] = {}
        for client in (self._rules, self._search):
            client.session.mount(BUILT_IN, RebaseAdapter(base))
            client.session.hooks["response"].append(self._look)

    def stream(self, feed: Feed, silence: float) -> OneShotStream:
        """One connection of the filtered stream, not opened yet. `silence`: seconds without a byte that end it."""
        return OneShotStream(self._token, self._base, feed, silence=silence, clock=self._clock)

    def rules(self) -> list[dict[str, Any]]:
        """All rules of the app, ours and others'."""
        found: list[dict[str, Any]] = []
        token: str | None = None
        for _ in range(50):
            more = {} if token is None else {"pagination_token": token}
            answer = self._call("rules", partial(self._rules.get_rules, **more))
            found.extend(rule for rule in answer.get("data") or [] if isinstance(rule, dict))
            token = (answer.get("meta") or {}).get("next_token")
            if not token:
                break
        return found

    def add_rules(self, rules: Sequence[XRule]) -> dict[str, str]:
        """Adds rules; `tag` as it shall stand at X. Returns value and fault of those that X refuses; the others are added."""
        wanted = [tweepy.StreamRule(value=rule.value, tag=rule.tag) for rule in rules]
        answer = self._call("rules", lambda: self._rules.add_rules(wanted))
        faults = {}
        for error in answer.get("errors") or []:
            if error.get("title") != "DuplicateRule":
                details = error.get("details") or [error.get("detail") or error.get("title")]
                faults[str(error.get("value"))] = str(details[0])[:200]
        return faults

    def delete_rules(self, ids: Sequence[str]) -> None:
        """Deletes rules by their ids."""
        self._call("rules", lambda: self._rules.delete_rules(list(ids)))

    def search(self, query: str, **params: Any) -> tuple[dict[str, Any], float]:
        """A page of recent search, and the seconds to wait before the next. Raises SinceTooOld, TokenExpired."""
        answer = self._call("search", lambda: self._search.search_recent_tweets(query, **params))
        return answer, rate_limit(self._headers).wait(self._clock.now()) or 0.0

    def _look(self, response: requests.Response, **_: Any) -> None:
        self._headers = response.headers

    def _call(self, what: str, call: Callable[[], Any]) -> dict[str, Any]:
        try:
            answer = call()
        except tweepy.HTTPException as error:
            raise self._translate(what, error) from None
        except (requests.RequestException, OSError) as error:
            raise Transient(f"X {what}: no answer ({type(error).__name__})") from None
        except ValueError:
            raise Transient(f"X {what}: the answer is no JSON") from None
        if not isinstance(answer, dict):
            raise Transient(f"X {what}: the answer is no JSON object")
        return answer

    def _translate(self, what: str, error: tweepy.HTTPException) -> HilferufError:
        """X's answer as one of our errors. X's own words help a person; ours (token, query) are not repeated."""
        status = error.response.status_code
        said = "; ".join(str(message) for message in error.api_messages)[:200].replace(self._token, "***")
        text = f"X {what}: HTTP {status}"
        if status in {401, 403}:
            return Refused(f"{text}; check the bearer token and what its app may do")
        if status in {420, 429}:
            wait = asked_wait(error.response.headers, self._clock.now())
            return Transient(f"{text}: too many requests", 60.0 if wait is None else wait)
        if status >= 500:
            return Transient(text, asked_wait(error.response.headers, self._clock.now()) if status == 503 else None)
        if status == 400 and "since_id" in said:
            return SinceTooOld(text)
        if status == 400 and "next_token" in said:
            return TokenExpired(text)
        return Permanent(f"{text}: {said}" if what == "rules" else text)
