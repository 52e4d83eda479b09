"""An imitation of Zendesk Support over HTTP: stateful, in process or as a process of its own, misbehaving on demand.

    async with ZendeskImitation() as zendesk:      # zendesk.url, zendesk.email, zendesk.token
        zendesk.fault(Fault(method="POST", path="/api/v2/tickets", committed=True, cut=True))

    python -m sinks.imitations.zendesk --port 8088 --state zendesk.json

Beside the API it listens under `/_imitation`: `GET state`, `GET requests`, `POST faults`, `DELETE faults`.
"""

import argparse
import asyncio
import base64
import binascii
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec
from aiohttp import web

from sinks.imitations.zendesk_desk import Desk
from sinks.imitations.zendesk_faults import Fault, Faults, odd
from sinks.imitations.zendesk_state import Body, Denied, not_found

RANK_FIELD = 900001
EXPLAIN_FIELD = 900002
AGENT_TOKEN = "imitation-agent"  # noqa: S105 - opens nothing but this imitation


class Seen(msgspec.Struct, frozen=True):
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class ZendeskImitation:
    """The server. `now`: seconds since 1970. `on_request` sees every API request first; what it raises (ValueError) is kept
    in `violations` and answered with 400, so that no request that breaks the contract ever seems to work.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        state: Path | None = None,
        now: Callable[[], float] = time.time,
        on_request: Callable[[Seen], None] | None = None,
        desk: Desk | None = None,
    ) -> None:
        self.email, self.token = "hilferuf@nordfunk.example", "imitation-token"
        self.desk = desk or Desk()
        self.now = now
        self.on_request = on_request
        self.requests: deque[Seen] = deque(maxlen=10_000)
        self.violations: list[str] = []
        self.limit_remaining = 400
        self._faults = Faults()
        self._file = state
        self._port = port
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        if state is not None and state.exists():
            self.desk.load(state.read_bytes())
        if not self.desk.state.users:
            self.desk.add_user("Hilferuf", "admin", email=self.email, token=self.token)
            self.desk.add_user("Alex Agent", "agent", email="agent@nordfunk.example", token=AGENT_TOKEN)
            self.desk.state.fields = {RANK_FIELD: "integer", EXPLAIN_FIELD: "textarea"}
        self.user_id, self.agent_id = list(self.desk.state.users)[:2]

    @property
    def url(self) -> str:
        """The address to configure."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen on 127.0.0.1."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{rest:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.desk.base = self.url

    async def stop(self) -> None:
        """Close the port; the state stays."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def fault(self, fault: Fault) -> None:
        """Queue a misbehaviour."""
        self._faults.add(fault)

    def behave(self) -> None:
        """Forget the queued ones."""
        self._faults.clear()

    def act(self, ticket: int | str, **fields: Any) -> Body:
        """What an agent does to a ticket: `status=`, `priority=`, `comment={"body": …, "public": True}` …"""
        self.desk.run_jobs(self.now())
        changed = self.desk.update(self.now(), self.agent_id, int(ticket), fields)
        self._save()
        return changed

    # --- serving ---------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removesuffix(".json")
        body = await request.read()
        if path.startswith("/_imitation/"):
            return self._control(request.method, path.removeprefix("/_imitation/"), body)
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(request.method, path, dict(request.query), headers, body, str(request.url))
        self.requests.append(seen)
        fault = self._faults.next(request.method, path)
        status, answer, more = 0, None, dict[str, str]()
        if fault is None or fault.committed or fault.odd:
            status, answer, more = self._answer(seen)
        if fault is not None and (fault.cut or fault.hang):
            if fault.hang:
                await self._silence(fault.hang)
            return _cut(request)
        if fault is not None and fault.status is not None:
            text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
            kind = "text/html" if text.lstrip().startswith("<") else "application/json"
            status, more = fault.status, {"Content-Type": kind, **fault.headers}
            limits = self._limits() | ({"X-Rate-Limit-Remaining": "0"} if status == 429 else {})
            return web.Response(status=status, text=text, headers={**limits, **more})
        if fault is not None and fault.odd:
            answer = odd(answer)
        text = "" if answer is None else json.dumps(answer, ensure_ascii=False)
        more = {"Content-Type": "application/json; charset=utf-8", **self._limits(), **more}
        return web.Response(status=status, text=text, headers=more)

    def _answer(self, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        try:
            if self.on_request is not None:
                try:
                    self.on_request(seen)
                except ValueError as error:
                    self.violations.append(f"{seen.method} {seen.path}: {error}")
                    raise Denied(400, {"error": "ContractViolation", "description": str(error)}) from error
            self.desk.run_jobs(self.now())
            status, answer, more = self._route(seen, self._user(seen))
        except Denied as denied:
            return denied.status, denied.body, {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # A request this imitation cannot read is the caller's fault, as it would be at Zendesk.
            return 400, {"error": "BadRequest", "description": f"{type(error).__name__}: {error}"}, {}
        if seen.method != "GET":
            self._save()
        return status, answer, more

    def _user(self, seen: Seen) -> int:
        scheme, _, value = seen.headers.get("authorization", "").partition(" ")
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name = secret = ""
        for number, user in self.desk.state.users.items():
            known = user.get("token") and scheme.lower() == "basic" and name == f"{user['email']}/token"
            if known and secret == user["token"]:
                return number
        raise Denied(401, {"error": "Couldn't authenticate you"})

    def _route(self, seen: Seen, actor: int) -> tuple[int, Any, dict[str, str]]:
        for method, pattern, handler in _ROUTES:
            match = re.fullmatch("/api/v2" + pattern, seen.path)
            if method == seen.method and match is not None:
                return handler(self, actor, seen, *match.groups())
        raise not_found()

    def _limits(self) -> dict[str, str]:
        return {"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": str(self.limit_remaining)}

    def _control(self, method: str, name: str, body: bytes) -> web.Response:
        if (method, name) == ("POST", "faults"):
            self.fault(msgspec.json.decode(body, type=Fault))
        elif (method, name) == ("DELETE", "faults"):
            self.behave()
        elif (method, name) == ("GET", "state"):
            self.desk.run_jobs(self.now())
            return web.Response(body=self.desk.dump(), content_type="application/json")
        elif (method, name) == ("GET", "requests"):
            rows = [{"method": seen.method, "path": seen.path, "query": seen.query} for seen in self.requests]
            return web.json_response(rows)
        else:
            return web.Response(status=404)
        return web.Response(status=204)

    async def _silence(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _save(self) -> None:
        """Atomically, before the answer: what was answered survives a kill."""
        if self._file is not None:
            draft = self._file.with_suffix(".draft")
            draft.write_bytes(self.desk.dump())
            draft.replace(self._file)

    # --- handlers: (actor, request, path parts) -> status, answer, headers -----------------------------------------------

    def _create(self, actor: int, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        given = seen.json()["ticket"]
        ticket, lookup = self.desk.create(self.now(), actor, given, seen.headers.get("idempotency-key"))
        more = {"Location": ticket["url"]} | ({"x-idempotency-lookup": lookup} if lookup else {})
        return 201, {"ticket": ticket, "audit": {"ticket_id": ticket["id"]}}, more

    def _list(self, _: int, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        external_id = seen.query.get("external_id")
        known = list(self.desk.state.tickets.values())
        found = known if external_id is None else self.desk.by_external_id(external_id)
        return 200, {"tickets": found[::-1][:100], "count": len(found), "next_page": None, "previous_page": None}, {}

    def _show(self, _: int, __: Seen, number: str) -> tuple[int, Any, dict[str, str]]:
        return 200, {"ticket": self.desk.ticket(int(number))}, {}

    def _show_many(self, _: int, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        numbers = [int(number) for number in seen.query["ids"].split(",")]
        if len(numbers) > 100:
            raise Denied(400, {"error": "TooManyIds", "description": "at most 100"})
        found = [self.desk.state.tickets[number] for number in numbers if number in self.desk.state.tickets]
        return 200, {"tickets": found, "count": len(found), "next_page": None}, {}

    def _update(self, actor: int, seen: Seen, number: str) -> tuple[int, Any, dict[str, str]]:
        return 200, {"ticket": self.desk.update(self.now(), actor, int(number), seen.json()["ticket"])}, {}

    def _delete(self, actor: int, _: Seen, number: str) -> tuple[int, Any, dict[str, str]]:
        self.desk.delete(self.now(), actor, int(number))
        return 204, None, {}

    def _comments(self, _: int, seen: Seen, number: str) -> tuple[int, Any, dict[str, str]]:
        self.desk.ticket(int(number))
        size = min(int(seen.query.get("page[size]", 100)), 100)
        start = int(seen.query.get("page[after]") or 0)
        known = self.desk.state.comments[int(number)]
        more = start + size < len(known)
        links = {"next": "http://elsewhere.invalid/next" if more else None}
        meta = {"has_more": more, "after_cursor": str(start + size) if more else None}
        return 200, {"comments": known[start : start + size], "meta": meta, "links": links}, {}

    def _audits(self, _: int, __: Seen, number: str) -> tuple[int, Any, dict[str, str]]:
        self.desk.ticket(int(number))
        audits = self.desk.audits(int(number))
        return 200, {"audits": audits, "meta": {"has_more": False, "after_cursor": None}}, {}

    def _merge(self, actor: int, seen: Seen, number: str) -> tuple[int, Any, dict[str, str]]:
        return 200, self.desk.merge(self.now(), actor, int(number), seen.json()), {}

    def _job(self, _: int, __: Seen, job: str) -> tuple[int, Any, dict[str, str]]:
        return 200, self.desk.job(job), {}

    def _redact(self, actor: int, seen: Seen, comment: str) -> tuple[int, Any, dict[str, str]]:
        return 200, self.desk.redact_html(self.now(), actor, int(comment), seen.json()), {}

    def _redact_text(self, actor: int, seen: Seen, number: str, comment: str) -> tuple[int, Any, dict[str, str]]:
        text = str(seen.json()["text"])
        return 200, self.desk.redact_text(self.now(), actor, int(number), int(comment), text), {}

    def _events(self, actor: int, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        if self.desk.state.users[actor]["role"] != "admin":
            raise Denied(403, {"error": {"title": "Forbidden", "message": "You do not have access to this page"}})
        return 200, self.desk.ticket_events(self.now(), int(seen.query["start_time"])), {}

    def _me(self, actor: int, _: Seen) -> tuple[int, Any, dict[str, str]]:
        user = {key: value for key, value in self.desk.state.users[actor].items() if key != "token"}
        return 200, {"user": user}, {}

    def _user_upsert(self, _: int, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        status, answer = self.desk.create_or_update_user(seen.json()["user"])
        return status, answer, {}

    def _field(self, _: int, __: Seen, number: str) -> tuple[int, Any, dict[str, str]]:
        kind = self.desk.state.fields.get(int(number))
        if kind is None:
            raise not_found()
        return 200, {"ticket_field": {"id": int(number), "type": kind, "title": "Field", "active": True}}, {}

    def _search(self, _: int, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        found = self.desk.search(self.now(), seen.query["query"])
        return 200, {"results": found, "count": len(found), "next_page": None}, {}


_ROUTES: tuple[tuple[str, str, Callable[..., tuple[int, Any, dict[str, str]]]], ...] = (
    ("POST", "/tickets", ZendeskImitation._create),
    ("GET", "/tickets", ZendeskImitation._list),
    ("GET", "/tickets/show_many", ZendeskImitation._show_many),
    ("GET", r"/tickets/(\d+)", ZendeskImitation._show),
    ("PUT", r"/tickets/(\d+)", ZendeskImitation._update),
    ("DELETE", r"/tickets/(\d+)", ZendeskImitation._delete),
    ("GET", r"/tickets/(\d+)/comments", ZendeskImitation._comments),
    ("GET", r"/tickets/(\d+)/audits", ZendeskImitation._audits),
    ("POST", r"/tickets/(\d+)/merge", ZendeskImitation._merge),
    ("GET", r"/job_statuses/([\w-]+)", ZendeskImitation._job),
    ("PUT", r"/comment_redactions/(\d+)", ZendeskImitation._redact),
    ("PUT", r"/tickets/(\d+)/comments/(\d+)/redact", ZendeskImitation._redact_text),
    ("GET", "/incremental/ticket_events", ZendeskImitation._events),
    ("GET", "/users/me", ZendeskImitation._me),
    ("POST", "/users/create_or_update", ZendeskImitation._user_upsert),
    ("GET", r"/ticket_fields/(\d+)", ZendeskImitation._field),
    ("GET", "/search", ZendeskImitation._search),
)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _run(port: int, state: Path | None, event_lag: float) -> None:
    imitation = ZendeskImitation(port=port, state=state)
    imitation.desk.event_lag = event_lag
    await imitation.start()
    print(f"Zendesk imitation on {imitation.url}, user {imitation.email}", flush=True)  # noqa: T201 - its only output
    await asyncio.Event().wait()


def main() -> None:
    """`python -m sinks.imitations.zendesk`."""
    parser = argparse.ArgumentParser(description="Imitation of Zendesk Support on 127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, default=None, help="file that the tickets survive in")
    parser.add_argument("--event-lag", type=float, default=60.0, help="seconds the incremental export lags behind")
    given = parser.parse_args()
    try:
        asyncio.run(_run(given.port, given.state, given.event_lag))
    except KeyboardInterrupt:
        os._exit(0)


if __name__ == "__main__":
    main()
