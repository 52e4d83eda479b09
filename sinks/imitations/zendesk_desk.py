"""The state and the rules of the imitated Zendesk account: users, tickets, comments, audits, jobs, idempotency keys.

No HTTP here and no clock of its own: every verb is `(now, input) -> answer` and raises `Denied` with the status and body
that Zendesk would give. Kept from the vendor's documentation: `external_id` of a ticket is not unique; unknown custom fields
are dropped without a word; a closed ticket takes no update; `safe_update` with an old `updated_stamp` is a 409; times have
whole seconds; the search for a user's external id ignores case; idempotency keys live two hours.
"""

import html
import json
import re
from hashlib import sha256
from typing import Any

import msgspec

from sinks.imitations.zendesk_state import Body, Denied, State, as_html, invalid, not_found, plain, stamp

PRIORITIES = ("urgent", "high", "normal", "low")
STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
KEY_SECONDS = 7200.0
BLACK = "▇"


class Desk:
    """The account. `base`: its address, for the `url` fields it sends. job_seconds: how long a merge takes."""

    def __init__(self, base: str = "https://example.zendesk.test", *, job_seconds: float = 0.0) -> None:
        self.base = base
        self.state = State()
        self.job_seconds = job_seconds
        self.event_lag = 60.0
        self.search_lag = 600.0
        self.key_seconds = KEY_SECONDS
        self.agent_workspace = True
        self.may_redact = True

    def load(self, data: bytes) -> None:
        """The state from bytes that `dump` gave."""
        self.state = msgspec.json.decode(data, type=State)

    def dump(self) -> bytes:
        """The state as bytes."""
        return msgspec.json.encode(self.state)

    def new_id(self) -> int:
        """The next id; never given twice."""
        self.state.next_id += 1
        return self.state.next_id

    def add_user(self, name: str, role: str = "end-user", *, email: str | None = None, **more: Any) -> int:
        """A user; returns the id."""
        number = self.new_id()
        self.state.users[number] = {
            "id": number,
            "name": name,
            "email": email,
            "role": role,
            "suspended": False,
            "external_id": None,
            **more,
        }
        return number

    # --- users -----------------------------------------------------------------------------------------------------

    def create_or_update_user(self, user: Body) -> tuple[int, Body]:
        """Found by external id (case ignored) or e-mail, else created. An end-user needs a name, not an e-mail."""
        if not str(user.get("name") or "").strip():
            raise invalid("name", "Name: is too short (minimum one character)")
        wanted = str(user.get("external_id") or "").lower()
        for known in self.state.users.values():
            same_id = wanted and str(known["external_id"] or "").lower() == wanted
            if same_id or (user.get("email") and known["email"] == user["email"]):
                known.update({key: user[key] for key in ("name", "external_id") if user.get(key)})
                return 200, {"user": known}
        number = self.add_user(str(user["name"]), email=user.get("email"), external_id=user.get("external_id"))
        return 201, {"user": self.state.users[number]}

    # --- tickets ---------------------------------------------------------------------------------------------------

    def ticket(self, number: int) -> Body:
        """The ticket as stored. Raises Denied 404."""
        if number not in self.state.tickets:
            raise not_found()
        return self.state.tickets[number]

    def by_external_id(self, external_id: str) -> list[Body]:
        """All tickets with this external id; immediate and complete, deleted ones left out."""
        return [t for t in self.state.tickets.values() if t["external_id"] == external_id]

    def search(self, now: float, query: str) -> list[Body]:
        """The lagging index: a ticket is found `search_lag` seconds after its birth."""
        wanted = re.search(r"external_id:\"?([^\s\"]+)", query)
        return [
            ticket
            for number, ticket in self.state.tickets.items()
            if wanted and ticket["external_id"] == wanted[1] and now - self.state.born[number] >= self.search_lag
        ]

    def create(self, now: float, actor: int, given: Body, key: str | None) -> tuple[Body, str | None]:
        """A new ticket, or with a known idempotency key the one it made; and what `x-idempotency-lookup` says."""
        digest = sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        if key is not None:
            known = self.state.keys.get(key)
            if known is not None and now - known[0] < self.key_seconds:
                if known[1] != digest:
                    raise Denied(
                        400, {"error": "IdempotentRequestError", "description": "Key was used with other parameters"}
                    )
                return self.state.tickets.get(known[2]) or self.state.deleted[known[2]], "hit"
        self._check(given, {})
        comment = given.get("comment") or {}
        if not str(comment.get("body") or comment.get("html_body") or "").strip():
            raise invalid("base", "Description: cannot be blank")
        requester = self._requester(actor, given)
        source = given.get("via_followup_source_id")
        if source is not None and self.ticket(source)["status"] != "closed":
            raise invalid("base", "Follow-up source is not closed")
        number = self.new_id()
        born = stamp(now)
        ticket = {
            "id": number,
            "url": f"{self.base}/api/v2/tickets/{number}.json",
            "external_id": given.get("external_id"),
            "subject": given.get("subject") or "",
            "raw_subject": given.get("subject") or "",
            "description": comment.get("body") or "",
            "status": given.get("status") or "new",
            "priority": given.get("priority"),
            "requester_id": requester,
            "submitter_id": actor,
            "tags": sorted(set(given.get("tags") or [])),
            "custom_fields": [{"id": field, "value": None} for field in self.state.fields],
            "created_at": born,
            "updated_at": born,
            "via": {"channel": "api", "source": {"from": {}, "to": {}, "rel": "follow_up" if source else None}},
            "followup_ids": [],
        }
        self.state.tickets[number] = ticket
        self.state.comments[number] = []
        self.state.born[number] = now
        if source is not None:
            self.ticket(source)["followup_ids"].append(number)
        self._set_fields(ticket, given)
        event = self._audit(
            now, actor, number, [{"event_type": "Create", "status": ticket["status"], "priority": ticket["priority"]}]
        )
        event["child_events"].append(self._comment(now, actor, ticket, comment, event["id"]))
        if key is not None:
            self.state.keys[key] = (now, digest, number)
        return ticket, "miss" if key is not None else None

    def update(self, now: float, actor: int, number: int, given: Body) -> Body:
        """Change fields, add a comment. Raises Denied 422 on a closed ticket, 409 on an old stamp."""
        ticket = self.ticket(number)
        if ticket["status"] == "closed":
            raise invalid("status", "Status: closed prevents ticket update")
        if given.get("safe_update") and given.get("updated_stamp") != ticket["updated_at"]:
            raise Denied(
                409, {"error": "UpdateConflict", "description": "Safe Update prevented the update due to outdated data"}
            )
        self._check(given, ticket)
        changes: list[Body] = []
        comment = given.get("comment")
        wanted = dict(given)
        by_requester = comment is not None and comment.get("author_id") == ticket["requester_id"]
        if by_requester and ticket["status"] == "solved" and "status" not in given:
            wanted["status"] = "open"  # an end-user's comment reopens
        for field in ("subject", "priority", "status", "external_id", "requester_id"):
            if field in wanted and wanted[field] != ticket[field]:
                changes.append({"event_type": "Change", field: wanted[field], "previous_value": ticket[field]})
                ticket[field] = wanted[field]
                ticket["raw_subject"] = ticket["subject"]
        if "tags" in given:
            ticket["tags"] = sorted(set(given["tags"]))
        changes += self._set_fields(ticket, given)
        event = self._audit(now, actor, number, changes)
        if comment is not None:
            event["child_events"].append(self._comment(now, actor, ticket, comment, event["id"]))
        ticket["updated_at"] = stamp(now)
        return ticket

    def delete(self, now: float, actor: int, number: int) -> None:
        """Soft delete: the ticket answers 404 from now on."""
        self.state.deleted[number] = self.ticket(number)
        del self.state.tickets[number]
        self._audit(now, actor, number, [{"event_type": "Change", "status": "deleted", "previous_value": "open"}])

    # --- comments --------------------------------------------------------------------------------------------------

    def find_comment(self, ticket: int, comment: int) -> Body:
        """One comment of a ticket. Raises Denied 404."""
        self.ticket(ticket)
        for known in self.state.comments[ticket]:
            if known["id"] == comment:
                return known
        raise not_found()

    def redact_html(self, now: float, actor: int, comment_id: int, given: Body) -> Body:
        """`PUT /comment_redactions/{id}`: what stands in `<redact>` tags turns black, also on closed tickets."""
        if not (self.agent_workspace and self.may_redact):
            raise Denied(403, {"error": {"title": "Forbidden", "message": "You do not have access to this page"}})
        comment = self.find_comment(int(given.get("ticket_id") or 0), comment_id)
        marked = str(given.get("html_body") or "")
        if plain(re.sub(r"</?redact>", "", marked)) != plain(comment["html_body"]):
            raise Denied(400, {"error": "BadRequest", "description": "html_body does not match the comment"})
        black = re.sub(r"<redact>(.*?)</redact>", lambda m: BLACK * len(html.unescape(m[1])), marked, flags=re.DOTALL)
        comment["html_body"] = re.sub(r"<(\w+)\b[^>]* redact(?:=\"\")?>(.*?)</\1>", r"\2", black, flags=re.DOTALL)
        comment["body"] = comment["plain_body"] = plain(comment["html_body"])
        self._redacted(now, actor, int(given["ticket_id"]), comment)
        return {"comment": comment}

    def redact_text(self, now: float, actor: int, ticket: int, comment_id: int, text: str) -> Body:
        """`PUT /tickets/{id}/comments/{id}/redact`: every occurrence of a text turns black."""
        comment = self.find_comment(ticket, comment_id)
        if not self.may_redact:
            raise Denied(403, {"error": "Forbidden", "description": "You cannot redact"})
        if self.ticket(ticket)["status"] == "closed":
            raise invalid("base", "Ticket is closed")
        if not text or text not in comment["body"]:
            raise Denied(422, {"error": "RecordInvalid", "description": "Text not found in the comment"})
        comment["body"] = comment["plain_body"] = comment["body"].replace(text, BLACK * len(text))
        comment["html_body"] = as_html(comment["body"])
        self._redacted(now, actor, ticket, comment)
        return {"comment": comment}

    def _redacted(self, now: float, actor: int, number: int, comment: Body) -> None:
        if self.state.comments[number][0] is comment:
            self.ticket(number)["description"] = comment["body"]
        self._audit(now, actor, number, [{"event_type": "CommentRedactionEvent", "comment_id": comment["id"]}])
        self.ticket(number)["updated_at"] = stamp(now)

    # --- merge, jobs, export ---------------------------------------------------------------------------------------

    def merge(self, now: float, actor: int, target: int, given: Body) -> Body:
        """Queues the job; `run_jobs` does it."""
        self.ticket(target)
        job = f"job-{self.new_id()}"
        self.state.jobs[job] = {
            "id": job, "status": "queued", "message": None, "total": len(given["ids"]), "progress": None, "results": None,
            "url": f"{self.base}/api/v2/job_statuses/{job}.json",
            "due": now + self.job_seconds, "actor": actor, "target": target, "given": given,
        }  # fmt: skip
        return {"job_status": self._job(job)}

    def job(self, job: str) -> Body:
        """`GET /job_statuses/{id}`."""
        if job not in self.state.jobs:
            raise not_found()
        return {"job_status": self._job(job)}

    def _job(self, job: str) -> Body:
        keys = ("id", "status", "message", "total", "progress", "results", "url")
        return {key: self.state.jobs[job][key] for key in keys}

    def run_jobs(self, now: float) -> bool:
        """Does every job that is due; True if there was one."""
        due = [job for job in self.state.jobs.values() if job["status"] == "queued" and job["due"] <= now]
        for job in due:
            job["results"] = [self._merge(now, job, source) for source in job["given"]["ids"]]
            job["status"] = "completed"
            job["progress"] = job["total"]
        return bool(due)

    def _merge(self, now: float, job: Body, source: int) -> Body:
        target, given = job["target"], job["given"]
        tickets = self.state.tickets
        if source not in tickets or tickets[source]["status"] == "closed" or tickets[target]["status"] == "closed":
            return {"id": source, "success": False, "error": "TicketMergeFailed", "details": "not mergeable"}
        loser = tickets[source]
        before, loser["status"] = loser["status"], "closed"
        loser["tags"] = sorted({*loser["tags"], "closed_by_merge"})
        loser["updated_at"] = tickets[target]["updated_at"] = stamp(now)
        event = self._audit(
            now, job["actor"], source, [{"event_type": "Change", "status": "closed", "previous_value": before}]
        )
        via = {"channel": "api", "source": {"from": {}, "to": {"ticket_id": target}, "rel": "merge"}}
        text = given.get("source_comment") or f"This request was closed and merged into request #{target}."
        self._comment(now, job["actor"], loser, {"body": text, "public": False, "via": via}, event["id"])
        event = self._audit(now, job["actor"], target, [])
        via = {"channel": "api", "source": {"from": {"ticket_ids": [source]}, "to": {}, "rel": "merge"}}
        text = given.get("target_comment") or f"Request #{source} was closed and merged into this request."
        self._comment(now, job["actor"], tickets[target], {"body": text, "public": False, "via": via}, event["id"])
        return {"id": source, "success": True, "action": "merge"}

    def audits(self, ticket: int) -> list[Body]:
        """The history of a ticket, which words its changes unlike the export."""
        told: list[Body] = []
        for event in self.state.events:
            if event["ticket_id"] != ticket:
                continue
            audit = {"id": event["id"], "author_id": event["updater_id"], "created_at": event["created_at"]}
            changes = []
            for child in event["child_events"]:
                rest = {k: v for k, v in child.items() if k not in ("id", "via", "event_type", "previous_value")}
                fields = rest if child["event_type"] in ("Create", "Change") else {}
                named = {key.removeprefix("custom_ticket_fields."): value for key, value in fields.items()}
                changes += [{"type": child["event_type"], "field_name": k, "value": v} for k, v in named.items()]
            told.append({**audit, "ticket_id": ticket, "events": changes})
        return told

    def ticket_events(self, now: float, start: int, *, page: int = 1000) -> Body:
        """The incremental export: events from `start` on but of the most recent minute; no page ends inside a second."""
        if start > now - self.event_lag:
            raise Denied(400, {"error": "StartTimeTooRecent", "description": "Too recent start_time."})
        ready = [e for e in self.state.events if start <= e["timestamp"] <= now - self.event_lag]
        shown = ready[:page]
        shown += [e for e in ready[page:] if shown and e["timestamp"] == shown[-1]["timestamp"]]
        end = shown[-1]["timestamp"] if shown else None
        return {
            "ticket_events": shown,
            "count": len(shown),
            "end_time": end,
            "end_of_stream": len(shown) == len(ready),
            "next_page": f"{self.base}/api/v2/incremental/ticket_events.json?start_time={end or start}",
        }

    # --- inside ----------------------------------------------------------------------------------------------------

    def _requester(self, actor: int, given: Body) -> int:
        number = given.get("requester_id")
        if number is None and isinstance(given.get("requester"), dict):
            if not given["requester"].get("email"):
                raise invalid("requester", "Requester: Email: cannot be blank")
            number = self.create_or_update_user(given["requester"])[1]["user"]["id"]
        if number is None:
            return actor
        if number not in self.state.users:
            raise invalid("requester", "Requester: is invalid")
        if self.state.users[number]["suspended"]:
            raise invalid("requester", f"Requester: {self.state.users[number]['name']} is suspended.")
        return int(number)

    def _check(self, given: Body, ticket: Body) -> None:
        if given.get("priority", "low") not in PRIORITIES and given["priority"] != ticket.get("priority"):
            raise invalid("priority", f"Priority: {given['priority']} is not included in the list")
        if given.get("status", "open") not in STATUSES:
            raise invalid("status", f"Status: {given['status']} is not included in the list")
        for field in given.get("custom_fields") or []:
            kind = self.state.fields.get(field.get("id"))
            value = field.get("value")
            if kind == "integer" and value is not None and not re.fullmatch(r"-?\d+", str(value)):
                raise invalid("base", f"{field['id']}: must be a number")

    def _set_fields(self, ticket: Body, given: Body) -> list[Body]:
        changes: list[Body] = []
        known = {field["id"]: field for field in ticket["custom_fields"]}
        for field in given.get("custom_fields") or []:
            stored = known.get(field.get("id"))
            if stored is None:
                continue  # dropped silently, as Zendesk does
            value = None if field.get("value") is None else str(field["value"])
            if stored["value"] != value:
                changes.append(
                    {"event_type": "Change", f"custom_ticket_fields.{field['id']}": value}
                    | {"previous_value": stored["value"]}
                )
                stored["value"] = value
        return changes

    def _comment(self, now: float, actor: int, ticket: Body, given: Body, audit: int) -> Body:
        body = str(given.get("body") or "")
        comment = {
            "id": self.new_id(),
            "type": "Comment",
            "author_id": given.get("author_id") or actor,
            "body": body,
            "html_body": given.get("html_body") or as_html(body),
            "plain_body": body,
            "public": given.get("public", True),
            "attachments": [],
            "audit_id": audit,
            "via": given.get("via") or {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}},
            "created_at": stamp(now),
            "metadata": {},
        }
        self.state.comments[ticket["id"]].append(comment)
        return {**comment, "event_type": "Comment"}

    def _audit(self, now: float, actor: int, ticket: int, children: list[Body]) -> Body:
        event = {
            "id": self.new_id(),
            "ticket_id": ticket,
            "timestamp": int(now),
            "created_at": stamp(now),
            "updater_id": actor,
            "via": "API",
            "event_type": "Audit",
            "child_events": [{"id": self.new_id(), "via": "API", **child} for child in children],
        }
        self.state.events.append(event)
        return event
