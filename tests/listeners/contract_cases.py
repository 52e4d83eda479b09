"""What every listener must keep, whatever its channel: cases over a `Rig`, one per channel. A test module of a channel
gives the fixture `rig` and imports the cases: `from tests.listeners.contract_cases import *`."""

import asyncio
import logging
from abc import ABC, abstractmethod

import pytest

from listeners.contract import Listener
from listeners.imitations.memory import StepClock

__all__ = [
    "Rig",
    "test_a_backlog_of_pages_survives_a_crash_after_every_page",
    "test_a_refused_token_is_retried_slowly_and_loses_nothing",
    "test_backpressure_loses_nothing",
    "test_input_that_cannot_be_read_becomes_a_dead_letter_and_the_rest_goes_on",
    "test_no_token_and_no_text_in_logs_or_health",
    "test_posts_of_a_pause_are_caught_up_after_a_restart",
    "test_server_errors_are_tried_again",
    "test_stop_ends_within_two_seconds",
    "test_stop_ends_within_two_seconds_while_the_engine_hangs",
    "test_too_many_requests_waits_as_long_as_asked",
    "test_while_the_engine_is_full_the_cursor_stands",
]


class Rig(ABC):
    """A channel's listener over its imitation. Ids are mention ids. `secret`: the token, to be looked for in logs."""

    secret: str
    clock: StepClock
    batch = 25  # posts that need several pages

    @abstractmethod
    def listener(self) -> Listener:
        """A new listener, as after a restart of the process."""

    @abstractmethod
    def write(self, text: str) -> str:
        """Somebody writes to the brand; returns the mention id."""

    @abstractmethod
    def unreadable(self) -> None:
        """The other side sends, from the next request or now, something that cannot be mapped."""

    @abstractmethod
    def refuse(self, status: int, times: int, headers: dict[str, str] | None = None) -> None:
        """The next requests that ask for posts are answered with this status."""

    @abstractmethod
    def requests(self) -> int:
        """Requests for posts so far, refused ones too."""


class Run:
    """A listener running in a task; leaving the block stops it."""

    def __init__(self, rig, out):
        self.listener, self.out, self.stop = rig.listener(), out, asyncio.Event()

    async def __aenter__(self):
        self.task = asyncio.create_task(self.listener.run(self.out, self.stop))
        return self

    async def __aexit__(self, *_):
        self.stop.set()
        await asyncio.wait_for(self.task, 2.0)

    async def heard(self, ids, seconds=10.0):
        """Waits until all of these are durable; a task that died says why."""
        waiting = asyncio.ensure_future(self.out.until(lambda: set(ids) <= set(self.out.ids), seconds))
        await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            waiting.cancel()
            self.task.result()
        await waiting

    async def says(self, state, seconds=5.0):
        async with asyncio.timeout(seconds):
            while self.listener.health().state != state:
                await asyncio.sleep(0.002)


async def begin(rig, out):
    """The very first start: writes one post and hears it, so that there is a cursor."""
    async with Run(rig, out) as run:
        await run.says("live")
        await run.heard([rig.write("@nordfunk der Anfang")])


async def test_posts_of_a_pause_are_caught_up_after_a_restart(rig, out):
    await begin(rig, out)
    missed = [rig.write(f"@nordfunk verpasst {n}") for n in range(rig.batch)]
    async with Run(rig, out) as run:
        await run.heard(missed)


class Kill(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


async def test_a_backlog_of_pages_survives_a_crash_after_every_page(rig, out):
    await begin(rig, out)
    missed = [rig.write(f"@nordfunk verpasst {n}") for n in range(rig.batch)]
    crashes = 0
    while not set(missed) <= set(out.ids) and crashes < 60:
        mortal = Mortal(out)
        task = asyncio.create_task(rig.listener().run(mortal, asyncio.Event()))
        await asyncio.wait_for(mortal.died.wait(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        crashes += 1
        missed.append(rig.write(f"@nordfunk während des Ausfalls {crashes}")) if crashes < 4 else None
    assert crashes > 2
    assert set(missed) <= set(out.ids)


class Mortal:
    """Passes one call with mentions on, then the process is dead: no further call comes through."""

    def __init__(self, out):
        self.out, self.died = out, asyncio.Event()

    async def publish(self, mentions, **more):
        if self.died.is_set():
            await asyncio.Event().wait()
        await self.out.publish(mentions, **more)
        if mentions:
            self.died.set()

    async def cursor(self, key):
        return await self.out.cursor(key)


async def test_backpressure_loses_nothing(rig, out):
    async with Run(rig, out) as run:
        await run.says("live")
        out.full = 5
        written = [rig.write(f"@nordfunk Frage {n}") for n in range(3)]
        await run.heard(written)
        assert out.refused == 5


async def test_while_the_engine_is_full_the_cursor_stands(rig, out):
    await begin(rig, out)
    before = dict(out.cursors)
    out.full = 10**9
    missed = rig.write("@nordfunk kein Platz")
    async with Run(rig, out):
        await out.until(lambda: out.refused > 2)
    assert out.cursors == before
    out.full = 0
    async with Run(rig, out) as run:
        await run.heard([missed])


async def test_stop_ends_within_two_seconds(rig, out):
    async with Run(rig, out) as run:
        await run.says("live")
    assert run.listener.health().state == "stopped"


async def test_stop_ends_within_two_seconds_while_the_engine_hangs(rig, out):
    await begin(rig, out)
    out.block = Hanging()
    rig.write("@nordfunk ins Leere")
    async with Run(rig, out):
        await asyncio.wait_for(out.block.reached.wait(), 5)


class Hanging(asyncio.Event):
    """Never set; tells when somebody waits for it."""

    def __init__(self):
        super().__init__()
        self.reached = asyncio.Event()

    async def wait(self):
        self.reached.set()
        return await super().wait()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_retried_slowly_and_loses_nothing(rig, out, status):
    await begin(rig, out)
    rig.refuse(status, 3)
    before, rig.clock.slept = rig.requests(), []
    async with Run(rig, out) as run:
        await run.says("auth_failed")
        await run.heard([rig.write("@nordfunk trotz allem")])
    assert sum(1 for wait in rig.clock.slept if wait >= 300) >= 3
    assert rig.requests() - before < 20


async def test_too_many_requests_waits_as_long_as_asked(rig, out):
    await begin(rig, out)
    reset = rig.clock.now() // 1000 + 600
    rig.refuse(429, 1, {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(reset), "retry-after": "600"})
    rig.clock.slept = []
    async with Run(rig, out) as run:
        await run.heard([rig.write("@nordfunk nach der Pause")])
    assert max(rig.clock.slept) >= 600


async def test_server_errors_are_tried_again(rig, out):
    await begin(rig, out)
    rig.refuse(503, 4)
    async with Run(rig, out) as run:
        await run.heard([rig.write("@nordfunk nach dem Ausfall")])


async def test_input_that_cannot_be_read_becomes_a_dead_letter_and_the_rest_goes_on(rig, out):
    async with Run(rig, out) as run:
        await run.says("live")
        rig.unreadable()
        await run.heard([rig.write("@nordfunk danach")])
        await out.until(lambda: out.bad)
    assert out.bad[0].reason
    assert out.bad[0].original


async def test_no_token_and_no_text_in_logs_or_health(rig, out, caplog, capsys):
    with caplog.at_level(logging.DEBUG):
        await begin(rig, out)
        rig.refuse(503, 1)
        rig.refuse(401, 1)
        async with Run(rig, out) as run:
            await run.says("auth_failed")
            health = str(run.listener.health())
            await run.heard([rig.write("@nordfunk mein Geheimnis")])
    seen = capsys.readouterr()
    written = caplog.text + seen.out + seen.err + health
    assert written
    assert rig.secret not in written
    assert "Geheimnis" not in written
