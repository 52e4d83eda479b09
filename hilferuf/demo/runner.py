"""The demo from its start to its end: (1) local imitations of X and Facebook, (2) the product beside them, wired as in
`hilferuf run`, (3) the story played on the imitations, (4) the queue watched, (5) all of it delivered, summary, explanation.

Listeners, engine and deliverer run on the story's clock. Everything written lies in one folder, begun anew each time.
"""

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from config.settings import Loaded, load_settings
from hilferuf.demo.board import Board, compare
from hilferuf.demo.pace import StoryClock, pace
from hilferuf.demo.player import FacebookStage, Player, Push, XStage
from hilferuf.demo.show import PlainShow, Show, TerminalShow
from hilferuf.demo.story import FOLDER, Story, load_story
from hilferuf.demo.view import Moment, explanation, final_queue, summary
from hilferuf.engine import call_soon, deliverers_of, engine_of, rules_at_start, undelivered
from hilferuf.seen import set_up_log
from hilferuf.wiring import listeners_of
from listeners.contract import Listener
from listeners.imitations.facebook import FacebookImitation
from listeners.imitations.x import XImitation
from listeners.signatures import hex_signature
from listeners.webhook import WebhookListener
from records.errors import HilferufError
from records.mention import Mention
from records.tickets import Ticket
from records.verdict import Verdict
from streams.deliverer import Deliverer
from streams.embedded import EmbeddedEngine
from streams.memory import ranked
from streams.store import Store

DEMO_FOLDER = Path(".demo")
TOKEN = "HILFERUF_DEMO_TOKEN"  # noqa: S105 - the variable's name
FRAME_SECONDS = 0.1
PATIENCE_SECONDS = 15.0  # for what is to happen at once: a listener that starts, the rest that is delivered
BEHIND = 15  # posts that have happened and are not judged yet
_FILES = ("hilferuf.yaml", "nordfunk.yaml")
_EVERYTHING = 10_000


async def run_demo(terminal: bool, seconds: float = 25.0, folder: Path = DEMO_FOLDER) -> int:
    """Plays the story in so many seconds. Returns 0 when everything was heard and delivered. Raises HilferufError."""
    begun = time.monotonic()
    story = load_story()
    show: Show = TerminalShow() if terminal else PlainShow()
    demo = _Demo(story, StoryClock(pace(story, seconds)))
    async with demo.running(folder):
        with show:
            missing = await demo.play(show)
    queue = [standing.ticket for standing in demo.board.standings]
    found = compare(story, demo.player.mention_ids(), demo.board.needs)
    show.say(final_queue(demo.board, demo.moment()))
    show.say(summary(demo.board, found, time.monotonic() - begun))
    if queue:
        show.say(explanation(queue[0], 1))
    show.say(f"Look further: hilferuf queue --config {folder / 'hilferuf.yaml'}")
    if missing:
        show.say(f"The demo is not complete: {missing}.")
    return 1 if missing else 0


def prepare(folder: Path, x_url: str, facebook_url: str) -> Loaded:
    """A fresh folder with the demo's settings, its two addresses put in."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        for name in _FILES:
            text = (FOLDER / name).read_text("utf-8")
            text = text.replace("http://x.invalid", x_url).replace("http://facebook.invalid", facebook_url)
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise HilferufError(f"the demo cannot write to {folder.resolve()}: {error.strerror}") from error
    return load_settings(folder / "hilferuf.yaml")


class _Demo:
    """The running parts. `board` is what is known; `player` exists once `running` was entered."""

    def __init__(self, story: Story, clock: StoryClock) -> None:
        self._story, self._clock = story, clock
        self.board = Board()
        self.player: Player
        self._engine: EmbeddedEngine
        self._listeners: list[Listener] = []
        self._deliverers: list[Deliverer] = []
        self._x: XImitation
        self._holds = 0

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[None]:
        """Starts everything from the bottom up, and stops it from the top down."""
        token = os.environ[TOKEN] = secrets.token_hex(16)
        async with AsyncExitStack() as stack:
            self._x = XImitation(token=token, clock=self._clock, keep_alive=5.0)
            await self._x.start()
            stack.push_async_callback(self._x.stop)
            facebook = FacebookImitation(app_secret=token, now=self._clock.now)
            await facebook.start()
            stack.push_async_callback(facebook.stop)
            loaded = prepare(folder, self._x.url, facebook.url)
            set_up_log(loaded.settings.log)
            self._engine = self._make_engine(loaded)
            self._engine.start()
            stack.push_async_callback(asyncio.to_thread, self._engine.stop)
            self._deliverers = deliverers_of(loaded, self._engine, self._clock)
            await stack.enter_async_context(_tasks([d.run for d in self._deliverers]))
            self._listeners = listeners_of(loaded, self._clock)
            hearing = [partial(listener.run, self._engine) for listener in self._listeners]
            await stack.enter_async_context(_tasks(hearing))
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE_SECONDS))
            people = self._story.people
            self.player = Player(
                self._story,
                self._clock,
                XStage(self._x, people),
                FacebookStage(facebook, people, token),
                await self._door(client, token),
            )
            yield

    async def play(self, show: Show) -> str | None:
        """The story, shown; then the rest is awaited. Returns what is missing in the end, None for nothing."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._x.connected.wait()
        self._clock.begin()
        playing = asyncio.create_task(self.player.play())
        try:
            while not playing.done():
                await self._look(show)
                self._keep_in_step()
                await asyncio.sleep(FRAME_SECONDS)
            playing.result()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (missing := await self._missing()) and time.monotonic() < deadline:
                await self._look(show)
                await asyncio.sleep(FRAME_SECONDS)
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        await self._look(show)
        return missing

    def moment(self) -> Moment:
        """Now, in the story."""
        names = {"catching_up": "live"}  # at the very first start there is nothing to catch up with
        states = [(one.name, one.health().state) for one in self._listeners]
        return Moment(
            start=self._story.start,
            end=self._story.end,
            now=self._clock.now(),
            listeners=tuple((name, names.get(state, state)) for name, state in states),
        )

    def _make_engine(self, loaded: Loaded) -> EmbeddedEngine:
        loop = asyncio.get_running_loop()

        def judged(mention: Mention, verdict: Verdict) -> None:
            call_soon(loop, partial(self.board.hear, mention, verdict))

        return engine_of(rules_at_start(loaded, self._clock), self._clock, judged)

    async def _door(self, client: httpx.AsyncClient, token: str) -> Callable[[Push], Awaitable[None]]:
        """Pushes bodies to our webhook server, signed as our own senders and as Meta sign them."""
        server = next(one for one in self._listeners if isinstance(one, WebhookListener))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await server.ready.wait()

        async def push(what: Push) -> None:
            header = "X-Hub-Signature-256" if what.route == "/v1/meta" else "X-Hilferuf-Signature"
            url = f"http://127.0.0.1:{server.port}{what.route}"
            answer = await client.post(url, content=what.body, headers={header: hex_signature(what.body, token)})
            if answer.status_code != 200:
                raise HilferufError(f"{what.route} answered {answer.status_code}: {answer.text[:200]}")

        return push

    def _keep_in_step(self) -> None:
        """Holds the story while more posts are on their way than a viewer would forgive, for a while at most."""
        behind = len(self.player.audible() - self.board.needs.keys())
        if behind > BEHIND and self._holds * FRAME_SECONDS < PATIENCE_SECONDS:
            self._holds += 1
            self._clock.hold()
        else:
            self._clock.begin()

    async def _look(self, show: Show) -> None:
        """One picture. Raises HilferufError when the engine has stopped."""

        def read(store: Store) -> tuple[list[Ticket], list[Ticket]]:
            standing = ranked(store.tickets(("open", "answered", "solved"), _EVERYTHING))
            return standing, store.tickets(("withdrawn", "merged"), _EVERYTHING)

        standing, gone = await self._engine.call(read)
        changes = self.board.look(standing, gone, time.monotonic())
        show.update(self.board, self.moment(), changes)

    async def _missing(self) -> str | None:
        """What a listener can hear and has not gone through the engine yet, or what is not in the queue yet."""
        unheard = self.player.audible() - self.board.needs.keys()
        if unheard:
            return f"{len(unheard)} posts were not heard, such as {min(unheard)}"
        await self._engine.settled()
        pending = await undelivered(self._engine, self._deliverers)
        return f"{pending} tickets were not delivered" if pending else None


@asynccontextmanager
async def _tasks(parts: Sequence[Callable[[asyncio.Event], Coroutine[Any, Any, None]]]) -> AsyncIterator[None]:
    """Runs the parts beside the body and stops them after it. A part that crashes ends the body with its error."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part(stop)) for part in parts]
    body = asyncio.current_task()

    def fallen(task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None and body is not None and not stop.is_set():
            body.cancel()

    for task in tasks:
        task.add_done_callback(fallen)
    try:
        yield
    except asyncio.CancelledError:
        crashed = [error for task in tasks if task.done() and (error := task.exception())]
        if crashed:
            raise HilferufError(f"a part of the demo stopped: {crashed[0]}") from crashed[0]
        raise
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
