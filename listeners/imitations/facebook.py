"""A local stand-in for the Graph API of Facebook pages: it keeps posts and comments, and misbehaves on demand.

It checks token and `appsecret_proof` as Graph does, lists newest first with cursors, and hands out usage headers. The demo
runs on it, and the listener's tests. What it says in `paging.next` holds the token, as Graph's own answers do.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web

Misbehaviour = Literal[
    "expired",  # 190/463, the token is no longer valid
    "rights",  # 10, a permission is missing
    "throttle_4", "throttle_17", "throttle_32", "throttle_613",  # with 100 % usage and minutes to wait
    "transient_1", "transient_2",  # an error of Meta's own
    "too_much",  # 1, "reduce the amount of data"
    "bad_cursor",  # 100, the paging cursor is no longer valid
    "echo",  # an error text that repeats the token
    "html",  # 502 of a proxy
    "untyped",  # a good answer without content-type
    "no_list",  # JSON that is no page
    "cut",  # the connection ends without an answer
    "half",  # the connection ends within the answer
    "silent",  # no answer until it is stopped
    "repeat",  # a good answer with every item twice
]  # fmt: skip
Person = tuple[str, str]  # id, name

_ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "expired": (400, {"message": "Error validating access token: Session has expired", "code": 190, "error_subcode": 463}),
    "rights": (403, {"message": "(#10) This endpoint requires the pages_read_user_content permission", "code": 10}),
    "throttle_4": (403, {"message": "(#4) Application request limit reached", "code": 4}),
    "throttle_17": (400, {"message": "(#17) User request limit reached", "code": 17}),
    "throttle_32": (403, {"message": "(#32) Page request limit reached", "code": 32}),
    "throttle_613": (400, {"message": "(#613) Calls to this api have exceeded the rate limit.", "code": 613}),
    "transient_1": (500, {"message": "An unknown error occurred", "code": 1}),
    "transient_2": (503, {"message": "Service temporarily unavailable", "code": 2, "is_transient": True}),
    "too_much": (500, {"message": "Please reduce the amount of data you're asking for", "code": 1}),
    "bad_cursor": (400, {"message": "(#100) Invalid parameter: after", "code": 100}),
}  # fmt: skip


class FacebookImitation:
    """The Graph API of one app. `await start()`, then `url` is its base; `calls` holds what was asked, without secrets.

    misbehave: what the next calls get, one each. usage: percent in the usage headers; regain_minutes: in those of a
    throttle. after_page: called after every page that was served, to change the list while it is read.
    """

    def __init__(
        self,
        *,
        app_secret: str = "app-secret",  # noqa: S107 - an imitation guards nothing
        now: Callable[[], int] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.app_secret = app_secret
        self.usage = 5
        self.regain_minutes = 2
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.after_page: Callable[[str], None] | None = None
        self._now = now or (lambda: time.time_ns() // 1_000_000)
        self._host, self._port = host, port
        self._trouble: deque[Misbehaviour] = deque()
        self._tokens: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._edges: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._objects: dict[str, dict[str, Any]] = {}
        self._number = 10_000
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self.url = ""

    # Standing of the world -------------------------------------------------------------------------------------------

    def add_page(self, page_id: str, token: str, name: str = "Nordfunk") -> None:
        """A page that this token opens."""
        self._tokens[page_id], self._names[page_id] = token, name
        self._edges[page_id, "feed"], self._edges[page_id, "tagged"] = [], []

    def add_post(
        self, page_id: str, message: str | None, author: Person | None = None, *, at: int | None = None, **more: Any
    ) -> str:
        """A post on a page, by a visitor or (author None) by the page; `at` in ms since 1970. Returns its id."""
        return self._add_post(page_id, page_id, "feed", message, author or self._itself(page_id), at, more)

    def tag(self, page_id: str, message: str, author: Person, *, at: int | None = None, **more: Any) -> str:
        """A post elsewhere that tags the page. Returns its id."""
        return self._add_post(page_id, author[0], "tagged", message, author, at, more)

    def add_comment(
        self,
        above: str,
        message: str | None,
        author: Person | None = None,
        *,
        at: int | None = None,
        **more: Any,
    ) -> str:
        """A comment below a post or, as an answer, below a comment; by a person or (author None) by the page."""
        parent = self._objects[above]
        post_id = parent.get("_post", above)
        post = self._objects[post_id]
        moment = at if at is not None else self._now()
        comment_id = f"{post_id.rpartition('_')[2]}_{self._next()}"
        page_id = post["_page"]
        comment = {
            "id": comment_id,
            "message": message,
            "from": _person(author or self._itself(page_id)),
            "permalink_url": f"https://www.facebook.com/{post_id}?comment_id={comment_id.rpartition('_')[2]}",
            "is_hidden": False,
            "like_count": 0,
            "comment_count": 0,
            "_at": moment,
            "_post": post_id,
            "_page": page_id,
            **more,
        }
        if above != post_id:
            comment["parent"] = {"id": above, "from": parent["from"]}
        self._objects[comment_id] = comment
        self._edges.setdefault((post_id, "comments"), []).append(comment)
        post["_updated"] = max(post["_updated"], moment)
        return comment_id

    def edit(self, object_id: str, message: str, *, at: int | None = None) -> None:
        """Change a text. As at Facebook this moves the `updated_time` of a post and nothing of a comment."""
        thing = self._objects[object_id]
        thing["message"] = message
        if "_updated" in thing:
            thing["_updated"] = at if at is not None else self._now()

    def hide(self, comment_id: str, hidden: bool = True) -> None:
        """Hide a comment, or show it again."""
        self._objects[comment_id]["is_hidden"] = hidden

    def delete(self, object_id: str) -> None:
        """Take a post (with its comments) or a comment away."""
        thing = self._objects.pop(object_id)
        for listed in self._edges.values():
            if thing in listed:
                listed.remove(thing)
        for comment in self._edges.pop((object_id, "comments"), []):
            self._objects.pop(comment["id"], None)

    def misbehave(self, *kinds: Misbehaviour) -> None:
        """What the next calls get instead of, or with, their answer."""
        self._trouble.extend(kinds)

    # The server ------------------------------------------------------------------------------------------------------

    async def start(self) -> str:
        """Serve; returns the base URL."""
        self._stopping.clear()
        app = web.Application()
        app.router.add_get("/{version}/{node}", self._serve)
        app.router.add_get("/{version}/{node}/{edge}", self._serve)
        # No access log: the query holds the token.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://{self._host}:{port}"
        return self.url

    async def stop(self) -> None:
        """Close every connection."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path.partition("/")[2]
        asked = {
            name: value for name, value in request.query.items() if name not in ("access_token", "appsecret_proof")
        }
        self.calls.append((path, asked))
        trouble = self._trouble.popleft() if self._trouble else None
        if trouble in ("cut", "half", "silent"):
            return await self._break(request, trouble)
        if trouble == "html":
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        token = request.query.get("access_token", "")
        refused = self._refusal(request, token)
        if trouble == "echo":
            return self._error(400, {"message": f"Malformed access token {token}", "code": 190})
        if trouble in _ERRORS:
            status, error = _ERRORS[trouble]
            return self._error(status, error, spent=trouble.startswith("throttle"))
        if refused is not None:
            return self._error(400, refused)
        answer: Any = ["no", "page"] if trouble == "no_list" else self._answer(request, token)
        if answer is None:
            message = "Unsupported get request. Object does not exist, or cannot be loaded due to missing permissions"
            return self._error(400, {"message": message, "code": 100, "error_subcode": 33})
        if trouble == "repeat":
            answer["data"] = [item for item in answer["data"] for _ in range(2)]
        if trouble == "untyped":
            return await self._raw(request, _json(answer))
        return web.Response(body=_json(answer), content_type="application/json", headers=self._usage(spent=False))

    def _refusal(self, request: web.Request, token: str) -> dict[str, Any] | None:
        if token not in self._tokens.values():
            return {"message": "Invalid OAuth access token.", "code": 190}
        proof = hmac.new(self.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof, request.query.get("appsecret_proof", "")):
            return {"message": "Invalid appsecret_proof provided in the API argument", "code": 100}
        if not re.fullmatch(r"v\d+\.\d+", request.match_info["version"]):
            return {"message": f"Unknown path components: /{request.match_info['version']}", "code": 2500}
        return None

    def _answer(self, request: web.Request, token: str) -> dict[str, Any] | None:
        node, edge = request.match_info["node"], request.match_info.get("edge")
        page_id = node if node in self._tokens else self._objects.get(node, {}).get("_page")
        if page_id is None or self._tokens[page_id] != token:
            return None
        fields = _names(request.query.get("fields", "id,message,created_time"))
        if edge is None:
            thing = self._objects.get(node, {"id": node, "name": self._names.get(node), "_at": 0})
            return self._shown(thing, fields)
        listed = self._edges.get((node, edge), [] if edge == "comments" else None)
        if listed is None:
            return None
        answer = self._page(request, listed, fields)
        if self.after_page is not None:
            self.after_page(f"{node}/{edge}")
        return answer

    def _page(self, request: web.Request, listed: list[dict[str, Any]], fields: set[str]) -> dict[str, Any]:
        chronological = request.query.get("order") == "chronological"
        items = sorted(listed, key=_place, reverse=not chronological)
        after = request.query.get("after")
        if after:
            # A cursor names an item, so that news above it do not shift the page below.
            place = tuple(json.loads(base64.urlsafe_b64decode(after)))
            items = [item for item in items if (_place(item) > place if chronological else _place(item) < place)]
        limit = max(1, min(100, int(request.query.get("limit", "25"))))
        page = items[:limit]
        answer: dict[str, Any] = {"data": [self._shown(item, fields) for item in page]}
        if page:
            cursor = base64.urlsafe_b64encode(json.dumps(_place(page[-1])).encode()).decode()
            answer["paging"] = {"cursors": {"before": "before", "after": cursor}}
            if len(items) > limit:
                token = request.query["access_token"]
                answer["paging"]["next"] = f"{self.url}{request.path}?access_token={token}&limit={limit}&after={cursor}"
        return answer

    def _shown(self, thing: dict[str, Any], fields: set[str]) -> dict[str, Any]:
        full = {name: value for name, value in thing.items() if not name.startswith("_") and value is not None}
        full["created_time"] = _written(thing["_at"])
        if "_updated" in thing:
            full["updated_time"] = _written(thing["_updated"])
        return {name: value for name, value in full.items() if name in fields or name == "id"}

    def _usage(self, *, spent: bool) -> dict[str, str]:
        percent = 100 if spent else self.usage
        minutes = self.regain_minutes if percent >= 100 else 0
        case = {"type": "pages", "call_count": percent, "estimated_time_to_regain_access": minutes}
        return {
            "X-App-Usage": json.dumps({"call_count": percent, "total_time": 1, "total_cputime": 1}),
            "X-Business-Use-Case-Usage": json.dumps({"1": [case]}),
        }

    def _error(self, status: int, error: dict[str, Any], *, spent: bool = False) -> web.Response:
        body = _json({"error": {"type": "OAuthException", "fbtrace_id": "Atrace", **error}})
        return web.Response(status=status, body=body, content_type="application/json", headers=self._usage(spent=spent))

    async def _raw(self, request: web.Request, body: bytes, promised: int | None = None) -> web.Response:
        """An answer as bytes on the wire: aiohttp would add the very header that is to be missing."""
        if request.transport is not None:
            length = promised if promised is not None else len(body)
            request.transport.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length + body
            )
            request.transport.close()
        return web.Response()

    async def _break(self, request: web.Request, trouble: str) -> web.Response:
        if trouble == "half":
            return await self._raw(request, b'{"data": [{"id": "', promised=4096)
        if trouble == "silent":
            await self._stopping.wait()
        elif request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _add_post(
        self, page_id: str, owner: str, edge: str, message: str | None, author: Person, at: int | None, more: Any
    ) -> str:
        moment = at if at is not None else self._now()
        post_id = f"{owner}_{self._next()}"
        post = {
            "id": post_id,
            "message": message,
            "from": _person(author),
            "permalink_url": f"https://www.facebook.com/{post_id}",
            "is_hidden": False,
            "is_published": True,
            "_at": moment,
            "_updated": moment,
            "_page": page_id,
            **more,
        }
        self._objects[post_id] = post
        self._edges[page_id, edge].append(post)
        return post_id

    def _itself(self, page_id: str) -> Person:
        return page_id, self._names[page_id]

    def _next(self) -> int:
        self._number += 1
        return self._number


def _person(person: Person) -> dict[str, str]:
    return {"id": person[0], "name": person[1]}


def _place(thing: dict[str, Any]) -> tuple[int, int]:
    return thing["_at"] // 1000, int(thing["id"].rpartition("_")[2])


def _written(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _names(fields: str) -> set[str]:
    """Top-level names of `a,b{c,d{e}},f`."""
    names, depth = [""], 0
    for sign in fields:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            names.append("")
        elif depth == 0 and sign not in "{}":
            names[-1] += sign
    return set(names)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
