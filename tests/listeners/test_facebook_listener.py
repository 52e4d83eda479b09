"""The Facebook listener over the imitated Graph API: news, edits, troubles, limits."""

import asyncio
import contextlib
import logging
import random

import pytest
import structlog

from listeners.imitations.memory import MemoryPublisher
from tests.listeners.facebook_world import (
    ADA,
    APP_SECRET,
    BO,
    CY,
    PAGE,
    TOKEN,
    Everything,
    graph_api,
    listener,
    running,
)

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Kill(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


class Mortal(MemoryPublisher):
    """Dies after a number of accepted calls, as a process between two pages."""

    def __init__(self, survives):
        super().__init__()
        self.survives = survives

    async def publish(self, *records, **more):
        if self.survives <= 0:
            raise Kill
        self.survives -= 1
        await super().publish(*records, **more)


async def test_posts_comments_and_tags_are_heard(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Neue Tarife")
        visitor = api.add_post(PAGE, "Hilfe, das Netz ist weg", ADA)
        comment = api.add_comment(post, "Bei mir auch", BO)
        tagged = api.tag(PAGE, "@Nordfunk, hört mich jemand?", CY)
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: len(out.mentions) >= 4)
    assert set(out.ids) == {f"facebook:{native}" for native in (post, visitor, comment, tagged)}
    assert {mention.account.brand for mention in out.mentions} == {"nordfunk"}


async def test_the_pages_own_answer_is_outbound_and_names_whom_it_answers(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Hilfe", ADA)
        comment = api.add_comment(post, "Bei mir auch", BO)
        to_bo, to_ada = api.add_comment(comment, "Wir schauen nach"), api.add_comment(post, "Wir melden uns")
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: len(out.mentions) >= 4)
    heard = {mention.native_id: mention for mention in out.mentions}
    assert (heard[to_bo].direction, heard[to_bo].author.is_account) == ("outbound", True)
    assert (heard[to_bo].thread.parent_id, heard[to_bo].thread.parent_author_id) == (comment, BO[0])
    assert (heard[to_ada].thread.parent_id, heard[to_ada].thread.parent_author_id) == (post, ADA[0])
    assert (heard[comment].direction, heard[comment].author.is_account) == ("inbound", None)


async def test_a_new_comment_below_an_old_post_is_heard_at_the_next_poll(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Neue Tarife", at=clock.now() - 3 * DAY * 1000)
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: f"facebook:comments:{post}" in out.cursors)
            await asked(api, 10)  # the post is old and quiet by now
            said = clock.now()
            comment = api.add_comment(post, "Wann kommt mein Router?", BO)
            await out.until(lambda: f"facebook:{comment}" in out.ids)
            assert clock.now() - said <= 61 * 1000


async def test_nothing_is_given_twice_while_nothing_changes(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Hilfe", ADA)
        api.add_comment(post, "Bei mir auch", BO)
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: len(out.mentions) >= 2)
            await asked(api, 20)
    assert len(out.mentions) == 2


async def test_an_edited_post_is_an_update_with_a_new_revision(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Hilfe", ADA)
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: len(out.mentions) >= 1)
            clock.advance(5)
            api.edit(post, "Hilfe, dringend")
            await out.until(lambda: len(out.mentions) >= 2)
    first, second = out.mentions
    assert (first.op, second.op, second.text) == ("create", "update", "Hilfe, dringend")
    assert first.id == second.id
    assert first.revision != second.revision
    assert second.edited_at > second.occurred_at == first.occurred_at


async def test_a_comment_edited_hidden_and_shown_again_is_seen(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Neue Tarife")
        comment = api.add_comment(post, "Bei mir geht nichts", BO)
        changes = []
        async with running(listener(api, clock, monkeypatch), out):
            for change in (
                lambda: api.edit(comment, "Geht wieder"),
                lambda: api.hide(comment),
                lambda: api.hide(comment, False),
            ):
                count = len(changes) + 2
                await out.until(lambda count=count: len(out.mentions) >= count)
                change()
                changes.append(change)
            await out.until(lambda: len(out.mentions) >= 5)
    assert [mention.op for mention in out.mentions if mention.native_id == comment] == [
        "create",
        "update",
        "hide",
        "restore",
    ]


async def test_the_first_start_reads_back_only_so_far(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        old = api.add_post(PAGE, "Alte Frage", ADA, at=clock.now() - 2 * DAY * 1000)
        api.add_comment(old, "Alte Antwort", BO, at=clock.now() - 2 * DAY * 1000)
        new = api.add_post(PAGE, "Neue Frage", ADA, at=clock.now() - HOUR * 1000)
        fresh = api.add_comment(old, "Neue Antwort", BO)
        async with running(listener(api, clock, monkeypatch, catch_up_hours=24), out):
            await out.until(lambda: len(out.mentions) >= 2)
            await out.until(lambda: len(out.cursors) >= 4)
    assert set(out.ids) == {f"facebook:{new}", f"facebook:{fresh}"}


@pytest.mark.parametrize("survives", range(3, 14))
async def test_a_page_lost_in_a_crash_is_read_after_the_restart(survives, clock, monkeypatch):
    async with graph_api(clock) as api:
        posts = [api.add_post(PAGE, f"Frage {n}", ADA, at=clock.now() - n * MINUTE * 1000) for n in range(14)]
        comments = [api.add_comment(posts[3], f"Kommentar {n}", BO, at=clock.now() - n * 1000) for n in range(10)]
        first = Mortal(survives)
        with pytest.raises(Kill):
            await listener(api, clock, monkeypatch).run(first, asyncio.Event())
        later = api.add_post(PAGE, "Nach dem Absturz", CY)
        second = MemoryPublisher()
        second.cursors = dict(first.cursors)
        wanted = {f"facebook:{native}" for native in (*posts, *comments, later)}
        async with running(listener(api, clock, monkeypatch), second):
            await second.until(lambda: wanted <= {*first.ids, *second.ids})
    assert set(first.ids + second.ids) == wanted


@pytest.mark.parametrize("seed", range(6))
async def test_random_kills_and_trouble_lose_nothing_and_forge_nothing(seed, clock, monkeypatch):
    chance = random.Random(seed)
    trouble = [
        "html",
        "cut",
        "half",
        "untyped",
        "transient_1",
        "throttle_4",
        "expired",
        "repeat",
        "bad_cursor",
        "too_much",
    ]
    async with graph_api(clock) as api:
        natives, cursors, heard = [], {}, []
        for _ in range(12):
            for _ in range(chance.randint(0, 6)):
                natives.append(api.add_post(PAGE, "Frage", ADA, at=clock.now() - chance.randint(0, 90) * 1000))
            for above in chance.sample(natives, min(3, len(natives))):
                if above.startswith(PAGE):
                    natives.append(api.add_comment(above, "Kommentar", BO))
            api.misbehave(*chance.choices(trouble, k=chance.randint(0, 3)))
            out = Mortal(chance.randint(0, 12))
            out.cursors = cursors
            with contextlib.suppress(Kill, TimeoutError):  # killed at a write, or while it had nothing to write
                async with asyncio.timeout(0.4):
                    await listener(api, clock, monkeypatch, poll_seconds=5).run(out, asyncio.Event())
            cursors, heard = out.cursors, [*heard, *out.mentions]
        last = MemoryPublisher()
        last.cursors = cursors
        wanted = {f"facebook:{native}" for native in natives}
        async with running(listener(api, clock, monkeypatch, poll_seconds=5), last):
            await last.until(lambda: wanted <= {mention.id for mention in (*heard, *last.mentions)})
    assert {mention.id for mention in heard} <= wanted
    assert {mention.op for mention in heard} == {"create"}


async def test_what_was_durable_before_a_crash_is_not_read_from_the_start_again(clock, monkeypatch):
    async with graph_api(clock) as api:
        for n in range(12):
            api.add_post(PAGE, f"Frage {n}", ADA, at=clock.now() - n * MINUTE * 1000)
        first = Mortal(3)
        with pytest.raises(Kill):
            await listener(api, clock, monkeypatch).run(first, asyncio.Event())
        second = MemoryPublisher()
        second.cursors = dict(first.cursors)
        async with running(listener(api, clock, monkeypatch), second):
            await second.until(lambda: len({*first.ids, *second.ids}) == 12)
    assert not set(first.ids) & set(second.ids)


async def test_more_news_than_the_memo_holds_are_all_read(clock, out, monkeypatch):
    monkeypatch.setattr("listeners.facebook_sweep.MAX_SEEN", 10)
    async with graph_api(clock) as api:
        posts = {
            f"facebook:{api.add_post(PAGE, f'Frage {n}', ADA, at=clock.now() - n * MINUTE * 1000)}" for n in range(40)
        }
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: posts <= set(out.ids))
            await asked(api, 10)
    assert len(out.ids) == len(set(out.ids))


async def test_news_that_arrive_while_a_list_is_read_are_not_lost(clock, out, monkeypatch):
    added = []
    async with graph_api(clock) as api:
        for n in range(12):
            added.append(api.add_post(PAGE, f"Frage {n}", ADA, at=clock.now() - n * MINUTE * 1000))

        def meanwhile(path):
            if path.endswith("feed") and len(added) < 16:
                added.append(api.add_post(PAGE, "Zwischendurch", BO))

        api.after_page = meanwhile
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: len(added) == 16 and {f"facebook:{native}" for native in added} <= set(out.ids))
    assert len(out.ids) == len(set(out.ids))


async def test_items_listed_twice_are_one(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        api.add_post(PAGE, "Hilfe", ADA)
        api.misbehave("repeat", "repeat")
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: len(out.cursors) >= 3)
    assert len(out.mentions) == 1


async def test_comments_in_the_wrong_order_are_all_read(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Neue Tarife")
        comments = [api.add_comment(post, f"Kommentar {n}", BO, at=clock.now() - n * HOUR * 1000) for n in range(10)]
        random.Random(7).shuffle(comments)
        plain = api._page  # as an edge that does not know `order=reverse_chronological`

        def chronological(request, listed, fields):
            if request.path.endswith("comments"):
                request = request.clone(rel_url=request.rel_url.update_query(order="chronological"))
            return plain(request, listed, fields)

        api._page = chronological
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: {f"facebook:{native}" for native in comments} <= set(out.ids))
            said, late = clock.now(), api.add_comment(post, "Noch einer", CY)
            await out.until(lambda: f"facebook:{late}" in out.ids)
            assert clock.now() - said <= 61 * 1000


async def test_an_expired_token_is_said_in_health_and_the_listener_goes_on(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        api.add_post(PAGE, "Hilfe", ADA)
        hearing = listener(api, clock, monkeypatch)
        api.misbehave("expired", "expired")
        states = watch(hearing, clock)
        async with running(hearing, out):
            await out.until(lambda: len(out.mentions) >= 1)
    assert "auth_failed" in {health.state for health in states}
    assert all(TOKEN not in health.detail for health in states)


@pytest.mark.parametrize("kind", ["throttle_4", "throttle_17", "throttle_32", "throttle_613"])
async def test_a_throttle_is_kept_to_and_said_in_health(kind, clock, out, monkeypatch):
    async with graph_api(clock) as api:
        api.add_post(PAGE, "Hilfe", ADA)
        api.regain_minutes = 11
        hearing = listener(api, clock, monkeypatch)
        api.misbehave(kind)
        states, began = watch(hearing, clock), clock.now()
        async with running(hearing, out):
            await out.until(lambda: len(out.mentions) >= 1)
        assert clock.now() - began >= 11 * MINUTE * 1000
    assert any(health.state == "throttled" and health.until for health in states)


async def test_full_usage_stops_the_calls(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        api.usage, api.regain_minutes = 100, 30
        hearing = listener(api, clock, monkeypatch)
        began = clock.now()
        async with running(hearing, out):
            await asked(api, 2)
        assert clock.now() - began >= 30 * MINUTE * 1000


async def test_a_busy_engine_loses_nothing(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        posts = {f"facebook:{api.add_post(PAGE, f'Frage {n}', ADA)}" for n in range(8)}
        out.full = 6
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: posts <= set(out.ids))
    assert out.refused == 6


@pytest.mark.parametrize(
    "kinds",
    [("transient_1", "html", "cut"), ("half", "untyped", "transient_2"), ("no_list", "too_much"), ("echo", "rights")],
)
async def test_trouble_loses_nothing_and_logs_no_secret(kinds, clock, out, monkeypatch):
    everything = Everything()
    logging.getLogger().addHandler(everything)
    monkeypatch.setattr(logging.getLogger("urllib3.connectionpool"), "level", logging.DEBUG)
    try:
        async with graph_api(clock) as api:
            posts = {f"facebook:{api.add_post(PAGE, f'Frage {n}', ADA)}" for n in range(8)}
            hearing = listener(api, clock, monkeypatch)
            states = watch(hearing, clock)
            api.misbehave(*kinds, *kinds)
            with structlog.testing.capture_logs() as lines:
                async with running(hearing, out):
                    await out.until(lambda: posts <= set(out.ids))
    finally:
        logging.getLogger().removeHandler(everything)
    assert lines
    for text in (*everything.lines, repr(lines), *(repr(health) for health in states), repr(vars(hearing)["_trouble"])):
        assert TOKEN not in text
        assert APP_SECRET not in text


async def test_an_expired_cursor_starts_the_sweep_again(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        posts = {f"facebook:{api.add_post(PAGE, f'Frage {n}', ADA)}" for n in range(8)}
        api.after_page = lambda path: (
            api.misbehave("bad_cursor") if path.endswith("feed") and len(api.calls) == 1 else None
        )
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: posts <= set(out.ids))


async def test_a_deleted_post_does_not_stop_the_others(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        gone, stays = api.add_post(PAGE, "Weg"), api.add_post(PAGE, "Bleibt")
        api.after_page = lambda path: api.delete(gone) if path.endswith("tagged") and gone in api._objects else None
        comment = api.add_comment(stays, "Hilfe", BO)
        hearing = listener(api, clock, monkeypatch)
        async with running(hearing, out):
            await out.until(lambda: f"facebook:{comment}" in out.ids)
            await out.until(lambda: f"facebook:comments:{gone}" in out.cursors)
            assert hearing.health().state != "auth_failed"


async def test_an_unusable_item_is_one_dead_letter_and_no_more(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        post = api.add_post(PAGE, "Gut", ADA)
        shown = api._shown

        def broken(thing, fields):
            return (
                {**shown(thing, fields), "id": "has a space"} if thing["message"] == "Kaputt" else shown(thing, fields)
            )

        api._shown = broken
        api.add_post(PAGE, "Kaputt", BO)
        async with running(listener(api, clock, monkeypatch), out):
            await out.until(lambda: f"facebook:{post}" in out.ids)
            await asked(api, 10)
    assert [(bad.field, bad.origin) for bad in out.bad] == [("id", f"facebook:feed:{PAGE}[0]")]
    assert b"Kaputt" in out.bad[0].original


async def test_a_silent_graph_does_not_hold_up_the_stop(clock, out, monkeypatch):
    async with graph_api(clock) as api:
        api.misbehave("silent", "silent")
        async with running(listener(api, clock, monkeypatch), out):
            await asked(api, 1)


async def asked(api, more):
    """Returns when Graph was asked so many times more."""
    calls = len(api.calls)
    async with asyncio.timeout(5):
        while len(api.calls) < calls + more:
            await asyncio.sleep(0.005)


def watch(hearing, clock):
    """What health said at every pause."""
    states, sleep = [], clock.sleep

    async def watched(seconds):
        states.append(hearing.health())
        await sleep(seconds)

    clock.sleep = watched
    return states
