"""Rules that change while posts come: in the end it is as after a restart with the new ones, wherever the cut."""

import asyncio
import itertools

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.events import Rules, Spoke
from records.mention import Mention
from records.verdict import Verdict
from streams import runner
from streams.assess import Assess
from streams.memory import MemoryEngine
from streams.profile import Profile
from streams.screen import Screen

from .conftest import RULES, judge, mention
from .test_any_order import canonical, histories
from .test_embedded import engine_at, queue_of

numbers = itertools.count()
OLD, NEW = (Rules(lexicon_version=version, strategy="s") for version in ("test", "new"))


def judge_new(post: Mention) -> Verdict:
    """Keeps what the old rules took for context, thinks nothing of fire, and says so in the version."""
    verdict = msgspec.structs.replace(judge(post), lexicon_version="new", league=None)
    return msgspec.structs.replace(verdict, kept=True, context=False, dropped=None) if verdict.context else verdict


def stages(by, version):
    return [Screen(by), Profile(), Assess(RULES, by, version=version)]


async def publish(engine, events):
    for event in events:
        mine = isinstance(event, Mention)
        await engine.publish([event] if mine else [], facts=[] if mine else [event])


async def settle(engine, rules=NEW):
    while await engine.call(lambda store: store.note("rules")) != rules.name:
        assert engine.failure is None
    return await queue_of(engine)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.integers(0, 30), st.integers(1, 3))
def test_a_switch_at_any_cut_gives_the_queue_of_a_restart_with_the_new_rules(tmp_path, events, cut, step):
    cut = min(cut, len(events))

    async def run(hot: bool):
        path = tmp_path / f"{next(numbers)}.db"
        engine = engine_at(path, rules=OLD)
        engine.start()
        await publish(engine, events[:cut])
        if hot:
            await engine.switch(stages(judge_new, "new"), NEW)
        else:
            await asyncio.to_thread(engine.stop)
            engine = engine_at(path, rules=NEW)
            engine.runner.switch(stages(judge_new, "new"), NEW)
            engine.start()
        await publish(engine, events[cut:])
        queue = await settle(engine)
        await asyncio.to_thread(engine.stop)
        return queue

    runner.REDERIVED, before = step, runner.REDERIVED
    try:
        hot, restarted = asyncio.run(run(True)), asyncio.run(run(False))
    finally:
        runner.REDERIVED = before
    assert hot == restarted
    assert {ticket.lexicon_version for ticket in hot} <= {"new"}


@settings(max_examples=100, deadline=None)
@given(histories(), st.data())
def test_a_verdict_of_the_old_rules_that_comes_late_counts_by_the_new_ones(events, data):
    """A screen that had not switched yet, or a verdict that waited in the log: assess takes it as its own rules judge it."""
    posts = [event for event in events if isinstance(event, Mention) and event.op in ("create", "update")]
    posts = [post for post in posts if post.direction == "inbound"]
    engines = [MemoryEngine([Assess(RULES, judge_new, version="new")]) for _ in range(2)]
    for post in posts:
        stale = data.draw(st.sampled_from([judge, judge_new]))
        for engine, by in zip(engines, (stale, judge_new), strict=True):
            engine.feed("author-events", post.author_key, Spoke(mention=post, verdict=by(post)))
    assert canonical(engines[0]) == canonical(engines[1])


async def test_open_tickets_follow_in_bounded_steps_with_live_posts_in_between(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "REDERIVED", 3)
    engine = engine_at(tmp_path / "e.db", rules=OLD)
    engine.start()
    await engine.publish([mention(str(n), "well", author=f"a{n:02}") for n in range(20)])
    await engine.publish([mention("90", "help", author="a90")])
    assert [t.author_key for t in await settle(engine, OLD)] == ["x:a90"]
    seen: list[tuple[int, bool]] = []

    def look(store):
        opened = {t.author_key for t in store.tickets(("open",), 100)}
        seen.append((len(opened - {"x:a90", "x:live"}), "x:live" in opened))

    await engine.switch(stages(judge_new, "new"), NEW)
    live = asyncio.ensure_future(engine.publish([mention("91", "help", author="live")]))
    for _ in range(10):
        await engine.call(look)
    await live
    assert len(await settle(engine)) == 22
    await asyncio.to_thread(engine.stop)
    assert seen[0][0] <= 6 and any(count < 20 and heard for count, heard in seen)


async def test_going_back_before_all_were_derived_derives_all_again(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "REDERIVED", 2)
    engine = engine_at(tmp_path / "e.db", rules=OLD)
    engine.start()
    await engine.publish([mention(str(n), "well", author=f"a{n}") for n in range(8)])
    assert await settle(engine, OLD) == []

    def there_and_back(_):
        engine.runner.switch(stages(judge_new, "new"), NEW)

    await engine.call(there_and_back)
    await engine.switch(stages(judge, "test"), OLD)
    assert await settle(engine, OLD) == []
    await asyncio.to_thread(engine.stop)


async def test_a_restart_in_the_middle_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "REDERIVED", 2)
    engine = engine_at(tmp_path / "e.db", rules=OLD)
    engine.start()
    await engine.publish([mention(str(n), "well", author=f"a{n}") for n in range(8)])
    await settle(engine, OLD)
    await engine.switch(stages(judge_new, "new"), NEW)
    await asyncio.to_thread(engine.stop)
    again = engine_at(tmp_path / "e.db", rules=NEW)
    again.runner.switch(stages(judge_new, "new"), NEW)
    again.start()
    assert len(await settle(again)) == 8
    await asyncio.to_thread(again.stop)
