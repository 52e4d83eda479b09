"""A rolling upgrade, and the way back: two versions of the program side by side lose nothing and double nothing.

old -> both -> new -> both, where one is killed -> old, with calls for help, edits and deletes coming in all the while, written
by both.
"""

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pytest

from records import codec
from records.events import Rules
from records.tickets import Post, Ticket, TicketOperation
from records.times import DAY, from_ms
from records.topics import AUTHOR_EVENTS, DEAD_LETTERS, DELIVERIES, MENTIONS, TICKETS, WHOLE
from tests.chaos.oracle import Log, canonical, ledger, read_log, unfinished
from tests.crash.desk import START, story
from tests.upgrade.rolling import ROOT, Build, Deployment, archived_tree, newer_tree, until

EARLIER = "c9bada5"  # refuses unknown fields; those before it, back to 82d6dbf, may wait for ever on a quiet topic
NOW = from_ms(START + 365 * DAY)  # any time after the story
EACH = 36  # mentions a phase
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def deployment(kafka, prefix, tmp_path) -> Iterator[Deployment]:
    found = Deployment(kafka, prefix, tmp_path)
    yield found
    found.discard()


def test_a_newer_build_with_more_fields_comes_and_goes(deployment, tmp_path):
    old, new = Build("today", ROOT), Build("newer", newer_tree(tmp_path / "newer"))
    events = story(1)[: 5 * EACH]
    roll(deployment, old, new, events)
    log = judge(deployment, old.derive(events, NOW, deployment.settings), canonical)
    for topic in (MENTIONS, AUTHOR_EVENTS, TICKETS, DELIVERIES, "screen-state", "assess-state"):
        newer = [b'"added":"newer"' in record.value for record in log.topic(topic) if record.value]
        assert True in newer and False in newer, f"{topic} was written by one version only: {newer}"


def test_an_earlier_commit_and_today_s_build_live_side_by_side(deployment, tmp_path):
    asked = ["git", "cat-file", "-e", f"{EARLIER}^{{commit}}"]
    if subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode:
        missing = f"the clone has no commit {EARLIER}: fetch the whole history (git fetch --unshallow)"
        pytest.fail(missing, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(missing)
    old, new = Build("earlier", archived_tree(EARLIER, tmp_path / "earlier")), Build("today", ROOT)
    events = agreed(deployment, old, new)
    roll(deployment, old, new, events)
    judge(deployment, old.derive(events, NOW, deployment.settings), heard)
    # The earlier build's ranking takes the verdicts of today's screening as they come, and may keep them: a matter of who was
    # quicker (today's judges them anew, Assess._own). Once its rules change, all are its own.
    deployment.stop(old)
    deployment.change_rules()
    deployment.start(old)
    deployment.ready()
    derived = old.derive(events, NOW, deployment.settings)
    in_force(deployment, codec.tickets.decode(derived[0]).ticket.lexicon_version)
    judge(deployment, derived, canonical)


def agreed(deployment: Deployment, old: Build, new: Build) -> list[dict[str, Any]]:
    """Events of mentions that both builds keep or drop alike. A screen of one build hands on to the ranking of the other
    while both work: what only one of them lets through is there or not by who was quicker."""
    events = story(1)[: 10 * EACH]
    by_old, by_new = (build.judge(events, NOW, deployment.settings) for build in (old, new))
    assert len(by_old) == len(by_new) == len(events)
    disputed = {mine[0] for mine, theirs in zip(by_old, by_new, strict=True) if mine != theirs}
    left = [event for event in events if event["id"] not in disputed]
    assert 2 * len(left) >= len(events), f"the builds judge too much differently: {len(disputed)} mentions"
    assert {event.get("op", "create") for event in left[: 5 * EACH]} == {"create", "update", "delete"}
    return left[: 5 * EACH]


def roll(deployment: Deployment, old: Build, new: Build, events: list[dict[str, Any]]) -> None:
    """The upgrade and the way back, under load."""
    assert len(events) == 5 * EACH
    written = {build.name: build.encode(events, NOW) for build in (old, new)}

    def phase(number: int, *listeners: Build) -> None:
        """Its mentions come in while processes start and end; the listeners of both builds take turns."""
        for at in range(number * EACH, (number + 1) * EACH):
            deployment.publish([written[listeners[at % len(listeners)].name][at]])

    deployment.start(old)
    deployment.ready()
    phase(0, old)
    deployment.start(new)
    deployment.ready()
    phase(1, old, new)
    quiet(deployment)
    idle = [process.name for pair in deployment.running.values() for process in pair if not process.taken_in()]
    assert idle == [], "not side by side"
    deployment.stop(old)
    phase(2, new)
    deployment.start(old)
    deployment.ready()
    phase(3, new, old)
    deployment.stop(new, signal.SIGKILL)
    phase(4, old)


def quiet(deployment: Deployment) -> Log:
    """Wait until all is worked and delivered."""
    held: list[Log] = []

    def done() -> bool:
        held[:] = [asyncio.run(read_log(deployment.kafka, ["queue"]))]
        return not unfinished(held[0], deployment.kafka, ["queue"])

    def trouble() -> str:
        left = unfinished(held[0], deployment.kafka, ["queue"])
        return "\n".join([f"left: {left}", *(p.said() for pair in deployment.running.values() for p in pair)])

    until(done, trouble)
    return held[0]


def in_force(deployment: Deployment, version: str) -> None:
    """Wait until every partition of authors was told of this lexicon last."""

    def control(record: Any) -> Any:
        return codec.controls.decode(record.value) if record.key == WHOLE.encode() else None

    def done() -> bool:
        log = asyncio.run(read_log(deployment.kafka, ["queue"]))
        partitions = [found for (topic, _), found in log.records.items() if topic == AUTHOR_EVENTS]
        told = [[r for r in map(control, found) if isinstance(r, Rules)] for found in partitions]
        return all(rules and rules[-1].lexicon_version == version for rules in told)

    until(done, lambda: "\n".join(p.said() for pair in deployment.running.values() for p in pair))


def heard(tickets: Iterable[Ticket]) -> list[Any]:
    """Which tickets stand, and with which posts: all but what a verdict says beyond that a post is kept."""
    return [
        (t.canonical_id, t.author_key, t.brand, t.status, t.opened_at, [_unjudged(post) for post in t.posts])
        for t in canonical(tickets)
    ]


def _unjudged(post: Post) -> Post:
    return msgspec.structs.replace(post, need=None, triggers=())


def judge(deployment: Deployment, derived: list[bytes], view: Callable[[Iterable[Ticket]], list[Any]]) -> Log:
    """`derived`: the operations that the build which worked last wants, by its own rules; `view`: what of them counts."""
    log = quiet(deployment)
    assert [codec.dead_letters.decode(record.value).reason for record in log.topic(DEAD_LETTERS)] == []
    wanted = view(codec.tickets.decode(value).ticket for value in derived)
    assert len(wanted) >= EACH, "too few tickets to tell anything"
    operations = [codec.tickets.decode(value) for value in log.newest(TICKETS).values()]
    assert all(isinstance(operation, TicketOperation) for operation in operations)
    assert view(operation.ticket for operation in operations) == wanted  # type: ignore[union-attr]
    entries = {entry.ticket_id: entry for entry in ledger(log).values()}
    assert {o.ticket_id: o.version for o in operations} == {t: e.wanted.version for t, e in entries.items()}
    assert {entry.state for entry in entries.values()} == {"settled"}
    remote = sorted(int(e.held.remote_id) for e in entries.values() if e.held and e.held.remote_id)
    reader = sqlite3.connect(f"file:{deployment.folder / 'queue.db'}?mode=ro", uri=True)
    (standing,) = reader.execute("SELECT count(*) FROM tickets").fetchone()
    reader.close()
    assert len(remote) == len(set(remote)) == standing
    return log
