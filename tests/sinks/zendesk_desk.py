"""A Zendesk sink with its imitation and the people there, on one clock that the test owns."""

import re
from typing import Any

from config.section import Secret
from config.settings import ZendeskSettings
from sinks.imitations.zendesk import EXPLAIN_FIELD, RANK_FIELD, ZendeskImitation
from sinks.zendesk import Zendesk
from tests.sinks.contract_suite import Desk


class Clock:
    """Seconds since 1970; each look moves it on, since Zendesk's times have whole seconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class ZendeskDesk(Desk):
    """See Desk."""

    def __init__(self, imitation: ZendeskImitation, clock: Clock, **settings: Any) -> None:
        self.imitation = imitation
        self.clock = clock
        values: dict[str, Any] = {
            "url": imitation.url,
            "email": imitation.email,
            "token": Secret(env="ZENDESK_TOKEN"),
            "rank_field": RANK_FIELD,
            "timeout_seconds": 5.0,
            **settings,
        }
        self.settings = ZendeskSettings(**values)
        self.sink = self.zendesk = self.another()

    def another(self) -> Zendesk:
        """A further deliverer to the same account."""
        return Zendesk(self.settings, token=self.imitation.token, now=self.clock)

    async def person(self, remote_id: str, what: str, value: str | None = None) -> None:
        if what == "delete":
            self.imitation.desk.delete(self.clock(), self.imitation.agent_id, int(remote_id))
        elif what == "answered":
            self.imitation.act(remote_id, comment={"body": "Wir kümmern uns darum.", "public": True})
        else:
            fields = {"solved": {"status": "solved"}, "reopened": {"status": "open"}, "priority": {"priority": value}}
            self.imitation.act(remote_id, **fields[what])

    async def texts(self, remote_id: str) -> str:
        state = self.imitation.desk.state
        ticket = state.tickets.get(int(remote_id))
        if ticket is None:  # deleted
            return ""
        comments = state.comments[int(remote_id)]
        texts = [ticket["subject"], ticket["description"]]
        texts += [comment["body"] for comment in comments[1:]]
        return "\n".join(texts)

    async def tidy(self, receipt: tuple[str, ...]) -> None:
        for line in receipt:
            if found := re.search(r"ticket (\d+) is closed and keeps its subject; delete it", line):
                self.imitation.desk.delete(self.clock(), self.imitation.agent_id, int(found[1]))

    async def count(self) -> int:
        self.imitation.desk.run_jobs(self.clock())
        return sum("closed_by_merge" not in t["tags"] for t in self.imitation.desk.state.tickets.values())

    async def later(self) -> None:
        self.clock.now += 200

    def comments(self, remote_id: str) -> list[dict[str, Any]]:
        """As stored."""
        return self.imitation.desk.state.comments[int(remote_id)]


__all__ = ["EXPLAIN_FIELD", "RANK_FIELD", "Clock", "ZendeskDesk"]
