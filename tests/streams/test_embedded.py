"""The embedded engine: durable, atomic, and the same queue as in memory, whatever the cuts and kills."""

import asyncio
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listeners.contract import Bad, Cursor
from records.errors import Backpressure, HilferufError
from records.events import Rules, Tick
from records.mention import Mention
from records.topics import DEAD_LETTERS, MENTIONS
from records.verdict import Verdict
from streams import embedded
from streams.assess import Assess
from streams.embedded import EmbeddedEngine
from streams.profile import Profile
from streams.runner import Route, Runner
from streams.screen import Screen
from streams.store import Store, connect

from .conftest import RULES, START, judge, mention
from .test_any_order import canonical, feed, fresh_engine, histories

numbers = itertools.count()


def engine_at(path: Path, **more: object) -> EmbeddedEngine:
    stages = [Screen(judge), Profile(), Assess(RULES, more.pop("judge", judge))]  # type: ignore[arg-type]
    options: dict[str, object] = {"clock": lambda: START, "routes": [Route("queue")]} | more
    return EmbeddedEngine(path, stages, **options)  # type: ignore[arg-type]


@pytest.fixture
def engine(tmp_path):
    running = engine_at(tmp_path / "engine.db")
    running.start()
    yield running
    running.stop()


class _Tickets:
    """The engine's view in the form of the memory engine's tickets."""

    def __init__(self, store: Store) -> None:
        class Op:
            def __init__(self, ticket):
                self.ticket = ticket

        self.tickets = {
            t.id: Op(t) for t in store.tickets(("open", "answered", "solved", "merged", "withdrawn"), 10_000)
        }


async def queue_of(engine: EmbeddedEngine):
    await engine.settled()
    return canonical(await engine.call(_Tickets))  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 7))
def test_unsorted_input_in_random_cuts_with_restarts_gives_the_queue_of_replay(tmp_path, events, random, restart_at):
    path = tmp_path / f"{next(numbers)}.db"
    shuffled = events + random.choices(events, k=2)
    random.shuffle(shuffled)

    async def run():
        engine = engine_at(path)
        engine.start()
        while shuffled:
            cut = [shuffled.pop() for _ in range(min(len(shuffled), random.randint(1, 4)))]
            posts = [e for e in cut if isinstance(e, Mention)]
            await engine.publish(posts, facts=[e for e in cut if not isinstance(e, Mention)])
            if len(shuffled) % restart_at == 0:
                await asyncio.to_thread(engine.stop)
                engine = engine_at(path)
                engine.start()
        queue = await queue_of(engine)
        await asyncio.to_thread(engine.stop)
        return queue

    assert asyncio.run(run()) == canonical(feed(fresh_engine(), events))


async def test_a_call_for_help_becomes_a_ticket_and_a_ledger_entry(engine):
    await engine.publish([mention("1", "help"), mention("2", "nice weather", author="ben")])
    await engine.settled()
    entries = await engine.call(lambda store: store.deliveries("queue"))
    assert [entry.wanted.ticket.posts[0].id for entry in entries] == ["x:1"]
    assert entries[0].state == "pending"


async def test_the_cursor_moves_with_the_mentions(engine):
    await engine.publish([mention("1")], cursor=Cursor(key="x", value={"since": "1"}))
    assert await engine.cursor("x") == {"since": "1"}


async def test_a_refused_publish_moves_no_cursor(engine, monkeypatch):
    monkeypatch.setattr(embedded, "MAX_WAITING", 1)
    gate = threading.Event()
    first = engine.submit(lambda store: gate.wait(10), weight=1)
    with pytest.raises(Backpressure):
        await engine.publish([mention("1")], cursor=Cursor(key="x", value={"since": "1"}))
    gate.set()
    first.result()
    assert await engine.cursor("x") is None


def shrink(store: Store) -> None:
    """From now on the file may not grow: a full disk."""
    pages = store.sql.execute("PRAGMA page_count").fetchone()[0]
    store.sql.execute(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_is_told_until_something_is_written(engine):
    await engine.call(shrink)
    with pytest.raises(Backpressure):
        await engine.publish([mention("1", "help " + "x" * 30_000)] * 50)
    await engine.settled()  # reads only
    assert engine.trouble is not None
    await engine.call(lambda store: store.sql.execute("PRAGMA max_page_count = 1000000").fetchone())
    await engine.publish([mention("1")])
    assert engine.trouble is None


async def test_a_turn_that_was_rolled_back_wakes_no_deliverer(engine, monkeypatch):
    """It would find the same work and try again at once: a full disk would be filled with log lines."""
    monkeypatch.setattr(embedded, "IDLE_SECONDS", 20)  # no turns but ours
    happened: list[str] = []
    engine.on_turn.append(lambda: happened.append("woken"))

    def fill(store: Store) -> None:
        happened.append("full")
        store.set_note("big", "x" * 3_000_000)

    await engine.call(shrink)
    with pytest.raises(Backpressure):
        await engine.call(fill)
    await engine.call(lambda store: happened.append("next"))
    start = happened.index("full")
    assert happened[start : start + 2] == ["full", "next"]


async def test_a_full_disk_is_backpressure_and_the_engine_goes_on(engine):
    await engine.call(shrink)
    big = mention("1", "help " + "x" * 30_000)
    with pytest.raises(Backpressure):
        await engine.publish([big] * 50)
    await engine.call(lambda store: store.sql.execute("PRAGMA max_page_count = 1000000").fetchone())
    await engine.publish([big])
    assert len(await queue_of(engine)) == 1


async def test_a_record_that_cannot_be_read_becomes_a_dead_letter_and_the_rest_goes_on(engine):
    await engine.call(lambda store: store.append(MENTIONS, [("x:0", b'{"id": 1')], START))
    await engine.publish([mention("1")])
    assert len(await queue_of(engine)) == 1
    letters = await engine.call(lambda store: store.read(DEAD_LETTERS, 0, 10))
    assert len(letters) == 1


async def test_a_rule_that_raises_on_one_mention_stops_no_other(tmp_path):
    def faulty(post: Mention) -> Verdict:
        if post.id == "x:1":
            raise ValueError("cannot judge this")
        return judge(post)

    engine = EmbeddedEngine(tmp_path / "e.db", [Screen(faulty), Profile(), Assess(RULES, judge)], clock=lambda: START)
    engine.start()
    await engine.publish([mention("1"), mention("2", author="ben")])
    assert [t.posts[0].id for t in await queue_of(engine)] == ["x:2"]
    letters = await engine.call(lambda store: store.read(DEAD_LETTERS, 0, 10))
    assert b"cannot judge this" in letters[0].value
    await asyncio.to_thread(engine.stop)


async def test_what_a_listener_could_not_map_is_kept_with_its_bytes(engine):
    await engine.publish([], bad=[Bad(original=b"\xff{", reason="no JSON", origin="webhook:/v1/mentions")])
    letters = await engine.call(lambda store: store.read(DEAD_LETTERS, 0, 10))
    assert len(letters) == 1


async def test_new_rules_judge_every_author_anew_after_a_restart(tmp_path):
    path = tmp_path / "e.db"
    old = engine_at(path, rules=Rules(lexicon_version="1", strategy="s"))
    old.start()
    await old.publish([mention(str(n), "help", author=f"a{n}") for n in range(250)])
    assert len(await queue_of(old)) == 250
    await asyncio.to_thread(old.stop)

    def stricter(post: Mention) -> Verdict:
        return judge(mention(text="well")) if post.author.id != "a7" else judge(post)

    new = engine_at(path, rules=Rules(lexicon_version="2", strategy="s"), judge=stricter)
    new.start()
    for _ in range(400):
        if len(await queue_of(new)) == 1:
            break
        await asyncio.sleep(0.01)
    assert [t.author_key for t in await queue_of(new)] == ["x:a7"]
    await asyncio.to_thread(new.stop)


async def test_routes_are_forgotten_in_time(tmp_path):
    now = [START]
    engine = engine_at(tmp_path / "e.db", clock=lambda: now[0])
    engine.start()
    await engine.publish([mention("1")])
    await engine.settled()
    assert await engine.call(lambda store: store.states("screen", ["x:1"]))
    now[0] += 31 * 86_400_000
    await engine.publish([mention("2", "nothing", author="ben")])
    await engine.settled()
    assert not await engine.call(lambda store: store.states("screen", ["x:1"]))
    await asyncio.to_thread(engine.stop)


async def test_the_log_forgets_what_everybody_has_read_after_log_days(tmp_path):
    now = [START]
    engine = engine_at(tmp_path / "e.db", clock=lambda: now[0])
    engine.start()
    await engine.publish([mention("1")])
    await engine.settled()
    now[0] += 8 * 86_400_000
    await engine.publish([mention("2", author="ben")])
    await engine.settled()
    assert [entry.key for entry in await engine.call(lambda store: store.read(MENTIONS, 0, 10))] == ["x:2"]
    await asyncio.to_thread(engine.stop)


async def test_a_sink_that_is_added_later_gets_the_tickets_that_are_open(tmp_path):
    first = engine_at(tmp_path / "e.db")
    first.start()
    await first.publish([mention("1"), mention("2", author="ben")])
    await first.settled()
    await asyncio.to_thread(first.stop)
    second = engine_at(
        tmp_path / "e.db", routes=[Route("queue"), Route("zendesk"), Route("other", brands=("elsewhere",))]
    )
    second.start()
    while len(await second.call(lambda store: store.deliveries("zendesk"))) < 2:
        assert second.failure is None
    assert await second.call(lambda store: store.deliveries("other")) == []
    assert len(await second.call(lambda store: store.deliveries("queue"))) == 2
    await asyncio.to_thread(second.stop)


def test_a_sink_added_later_is_told_again_what_a_rolled_back_turn_had_told_it(tmp_path):
    engine = engine_at(tmp_path / "e.db")
    engine.start()
    asyncio.run(engine.publish([mention("1")]))
    asyncio.run(engine.settled())
    engine.stop()
    connection = connect(tmp_path / "e.db")
    runner = Runner((Assess(RULES, judge),), [Route("late")], lambda: START, log_days=7, ticket_days=90, rules=None)
    for end in ("ROLLBACK", "COMMIT"):
        connection.execute("BEGIN")
        runner.work(Store(connection))
        connection.execute(end)
        if end == "ROLLBACK":
            runner.taken_back()
    assert len(Store(connection).deliveries("late")) == 1
    connection.close()


async def test_tickets_that_ended_are_forgotten_once_their_work_is_done(tmp_path):
    now = [START]
    engine = engine_at(tmp_path / "e.db", clock=lambda: now[0])
    engine.start()
    await engine.publish([mention("1"), mention("2", author="ben"), mention("3", author="cleo")])
    await engine.publish([mention("1", None, op="delete"), mention("2", None, op="delete", author="ben")])
    await engine.settled()
    done, *_ = await engine.call(lambda store: [store.delivery("queue", t.id) for t in store.tickets_of("x:1")])
    await engine.call(lambda store: store.put_delivery(msgspec.structs.replace(done, state="settled"), 0))
    now[0] += 91 * 86_400_000
    await engine.publish([mention("4", "nothing", author="dora")])
    await engine.settled()
    left = await engine.call(lambda store: [len(store.tickets_of(f"x:{n}")) for n in (1, 2, 3)])
    assert left == [0, 1, 1]  # the second has work left, the third is open
    assert await engine.call(lambda store: store.delivery("queue", done.ticket_id)) is None
    await asyncio.to_thread(engine.stop)


async def test_a_tick_that_fails_is_one_dead_letter_and_not_one_a_turn(tmp_path):
    class Faulty(Screen):
        def step(self, key, state, record):
            if isinstance(record, Tick):
                raise ValueError("cannot forget")
            return super().step(key, state, record)

    now = [START]
    engine = EmbeddedEngine(tmp_path / "e.db", [Faulty(judge), Profile(), Assess(RULES, judge)], clock=lambda: now[0])
    engine.start()
    await engine.publish([mention("1")])
    now[0] += 40 * 86_400_000
    for n in range(2, 6):
        await engine.publish([mention(str(n), "nothing", author="ben")])
    await engine.settled()
    letters = await engine.call(lambda store: store.read(DEAD_LETTERS, 0, 10))
    assert len(letters) == 1
    await asyncio.to_thread(engine.stop)


async def test_a_state_that_cannot_be_read_stops_the_engine_and_says_which(tmp_path):
    engine = engine_at(tmp_path / "e.db")
    engine.start()
    await engine.call(lambda store: store.put_states("screen", {"x:1": (b"{broken", None)}))
    with pytest.raises(HilferufError, match="screen"):
        await engine.publish([mention("1")])
    await asyncio.to_thread(engine.stop)
    assert isinstance(engine.failure, HilferufError)


def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path):
    path = tmp_path / "engine.db"
    path.write_bytes(b"this is no database, it is a letter to the editor" * 100)
    with pytest.raises(Exception, match=r"engine\.db"):
        connect(path)


WRITER = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    sys.path.insert(0, {root!r})
    import importlib.util
    from tests.streams.test_embedded import engine_at
    from tests.streams.conftest import mention
    from listeners.contract import Cursor

    async def main():
        engine = engine_at(Path(sys.argv[1]))
        engine.start()
        start = (await engine.cursor("x") or {{"n": 0}})["n"]
        for n in range(start + 1, 100_000):
            await engine.publish([mention(str(n), "help", author=f"a{{n}}")], cursor=Cursor(key="x", value={{"n": n}}))
            print(n, flush=True)

    asyncio.run(main())
""")


def test_a_kill_at_any_moment_loses_nothing_that_was_accepted_and_doubles_nothing(tmp_path):
    path, root, accepted = tmp_path / "e.db", str(Path(__file__).parents[2]), 0
    for round_ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(root=root), str(path)], stdout=subprocess.PIPE, cwd=root
        )
        for line in process.stdout:
            accepted = int(line)
            if accepted % (37 + 11 * round_) == 0:
                break
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        accepted = max([accepted, *(int(n) for n in rest)])

    async def count():
        engine = engine_at(path)
        engine.start()
        queue = await queue_of(engine)
        cursor = await engine.cursor("x")
        await asyncio.to_thread(engine.stop)
        return [t.posts[0].id for t in queue], cursor["n"]

    tickets, cursor = asyncio.run(count())
    assert len(tickets) == len(set(tickets)) == cursor
    assert cursor in (accepted, accepted + 1)  # one more may have been committed and not yet told


def test_a_second_connection_sees_only_whole_turns(tmp_path):
    engine = engine_at(tmp_path / "e.db")
    engine.start()
    asyncio.run(engine.publish([mention("1")]))
    reader = sqlite3.connect(tmp_path / "e.db")
    assert reader.execute("SELECT count(*) FROM log WHERE topic = 'mentions'").fetchone() == (1,)
    engine.stop()


async def test_a_deleted_text_does_not_linger_in_the_write_ahead_log(tmp_path):
    now = [START]
    engine = engine_at(tmp_path / "e.db", clock=lambda: now[0], log_days=1.0)
    engine.start()
    await engine.publish([mention("1", "help zebra")])
    await engine.publish([mention("1", op="delete", text=None)])
    await engine.settled()
    log = tmp_path / "e.db-wal"
    assert b"zebra" in log.read_bytes()
    now[0] += 2 * 86_400_000
    for _ in range(3):  # the turn that prunes, and one after it
        await engine.cursor("x")
    assert b"zebra" not in log.read_bytes() + (tmp_path / "e.db").read_bytes()
    await asyncio.to_thread(engine.stop)
