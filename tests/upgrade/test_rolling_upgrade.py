"""A rolling upgrade, and the way back: two versions of the program side by side lose nothing and double nothing.

old -> both -> new -> both, where one is killed -> old, with calls for help, edits and deletes coming in all the while, written
by both.
"""

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator

import pytest

from config.settings import load_settings
from hilferuf.rules import rules_of
from records import codec
from records.normalise import normalise_mention
from records.tickets import TicketOperation
from records.times import DAY, from_ms
from records.topics import AUTHOR_EVENTS, DEAD_LETTERS, DELIVERIES, MENTIONS, TICKETS
from streams.memory import MemoryEngine
from streams.topology import stages
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
    log = roll(deployment, old, new)
    for topic in (MENTIONS, AUTHOR_EVENTS, TICKETS, DELIVERIES, "screen-state", "assess-state"):
        newer = [b'"added":"newer"' in record.value for record in log.topic(topic) if record.value]
        assert True in newer and False in newer, f"{topic} was written by one version only: {newer}"


def test_an_earlier_commit_and_today_s_build_live_side_by_side(deployment, tmp_path):
    asked = ["git", "cat-file", "-e", f"{EARLIER}^{{commit}}"]
    if subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode:
        missing = f"the clone has no commit {EARLIER}: fetch the whole history (git fetch --unshallow)"
        pytest.fail(missing, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(missing)
    roll(deployment, Build("earlier", archived_tree(EARLIER, tmp_path / "earlier")), Build("today", ROOT))


def roll(deployment: Deployment, old: Build, new: Build) -> Log:
    """The upgrade and the way back, under load; judged at the end. Returns what the brokers hold."""
    events = story(1)[: 5 * EACH]
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
    return judge(deployment, events)


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


def judge(deployment: Deployment, events: "list[dict[str, object]]") -> Log:
    log = quiet(deployment)
    assert [codec.dead_letters.decode(record.value).reason for record in log.topic(DEAD_LETTERS)] == []
    rules = rules_of(load_settings(next(deployment.folder.glob("work-*.yaml"))))
    engine = MemoryEngine(stages(rules.lexicon, rules.strategy, rules.loaded.settings))
    engine.play(normalise_mention(event, observed_at=NOW, listener="webhook") for event in events)
    wanted = canonical(operation.ticket for operation in engine.tickets.values())
    operations = [codec.tickets.decode(value) for value in log.newest(TICKETS).values()]
    assert all(isinstance(operation, TicketOperation) for operation in operations)
    assert canonical(operation.ticket for operation in operations) == wanted  # type: ignore[union-attr]
    entries = {entry.ticket_id: entry for entry in ledger(log).values()}
    assert {o.ticket_id: o.version for o in operations} == {t: e.wanted.version for t, e in entries.items()}
    assert {entry.state for entry in entries.values()} == {"settled"}
    remote = sorted(int(e.held.remote_id) for e in entries.values() if e.held and e.held.remote_id)
    reader = sqlite3.connect(f"file:{deployment.folder / 'queue.db'}?mode=ro", uri=True)
    (standing,) = reader.execute("SELECT count(*) FROM tickets").fetchone()
    reader.close()
    assert len(remote) == len(set(remote)) == standing
    return log
