"""Base loop of the channels that are polled: lists that come newest first, read in pages.

The trap of such lists: whoever remembers the newest item before the last page is durable loses the older pages in a crash.
So a sweep goes from the top down to where the last complete one began, and the low-water mark `done_to` moves to the
sweep's top only with the sweep's last page, in the same transaction. Between pages the checkpoint holds where the sweep
stands, and a restart goes on from there.

A channel gives `sources` (its lists) and `page` (one call); everything else is done here.
"""

import random
from abc import abstractmethod
from asyncio import Event
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from listeners.backoff import Backoff, Circuit, Random
from listeners.clock import Stopped, pause
from listeners.contract import Bad, Clock, Cursor, Health, Listener, Publisher
from listeners.guard import guarded
from listeners.outlet import Outlet
from listeners.status import Status
from records.errors import HilferufError, Permanent, Refused, Transient
from records.mention import Mention

log = structlog.get_logger(__name__)

FAILURES = Backoff(base=1.0, cap=300.0)


class TokenExpired(Permanent):
    """The page token is no longer taken: the sweep starts again at its top (duplicates are harmless, a gap is not)."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list, newest first.

    newest, oldest: greatest and least mark in it, None if it is empty or the list has no order; a mark is an integer that
    grows with time, such as an id or milliseconds. next_token: where the next, older page is; None = this was the last.
    memo: replaces the source's memo in the checkpoint (such as revisions already seen), None leaves it. pause: seconds
    that the other side's usage headers ask to wait before anything else is called.
    """

    mentions: tuple[Mention, ...] = ()
    bad: tuple[Bad, ...] = ()
    newest: int | None = None
    oldest: int | None = None
    next_token: str | None = None
    memo: dict[str, Any] | None = None
    pause: float = 0.0


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How far one source has been read. Everything with a mark up to `done_to` is durable. While a sweep is under way,
    `sweep_token` is its next page and `sweep_top` what `done_to` becomes when it is through."""

    done_to: int | None = None
    sweep_top: int | None = None
    sweep_token: str | None = None
    memo: dict[str, Any] = {}


def advance(before: Checkpoint, page: Page, overlap: int = 0) -> Checkpoint:
    """The checkpoint once this page is durable; with a `sweep_token` the sweep has to go on. Pure.

    `overlap`, in marks: how far below `done_to` a sweep still reads, for lists that are not strictly ordered.
    """
    memo = before.memo if page.memo is None else page.memo
    if before.sweep_token is None:
        top = max((mark for mark in (page.newest, before.done_to) if mark is not None), default=None)
    else:
        top = before.sweep_top
    reached = before.done_to is not None and page.oldest is not None and page.oldest <= before.done_to - overlap
    if page.next_token is None or reached:
        return Checkpoint(done_to=top, memo=memo)
    return Checkpoint(done_to=before.done_to, sweep_top=top, sweep_token=page.next_token, memo=memo)


class PollListener(Listener):
    """Sweeps every source once an interval. `page` and `sources` raise Transient (back off, for `retry_after` seconds the
    whole listener), Refused (this source waits `refused_seconds`, state auth_failed), Permanent (this source waits as long,
    the others go on) or TokenExpired. Calls that block belong into `listeners.threads.in_thread`."""

    def __init__(
        self,
        name: str,
        channel: str,
        *,
        clock: Clock,
        interval: float,
        overlap: int = 0,
        refused_seconds: float = 300.0,
        pages_a_turn: int = 20,
        circuit: Circuit | None = None,
        rng: Random = random.random,
    ) -> None:
        self.name, self.channel = name, channel
        self._clock, self._interval, self._overlap = clock, interval, overlap
        self._refused_seconds, self._pages_a_turn = refused_seconds, pages_a_turn
        self._circuit, self._random = circuit or Circuit(), rng
        self._status = Status(clock)
        self._next_at: dict[str, int] = {}
        self._attempts: dict[str, int] = {}
        self._trouble: dict[str, HilferufError] = {}
        self._hold_until = 0

    @abstractmethod
    async def sources(self) -> Sequence[str]:
        """The lists to read, by stable names without spaces: each has a cursor of its own, key `name:source`."""

    @abstractmethod
    async def page(self, source: str, checkpoint: Checkpoint, token: str | None) -> Page:
        """One page of a source: the newest for token None, else the one the token names. One call of the other side."""

    def first_mark(self, source: str) -> int | None:
        """`done_to` at the very first start: nothing older is read. None = read the whole list once."""
        return None

    def cursor_key(self, source: str) -> str:
        """Key of the source's cursor."""
        return f"{self.name}:{source}"

    def health(self) -> Health:
        """How it is now."""
        return self._status.health()

    async def run(self, out: Publisher, stop: Event) -> None:
        """Sweep until `stop` is set."""
        outlet = Outlet(out, self._clock, stop, self._status, self._random)
        try:
            while not stop.is_set():
                wait = await self._round(outlet, stop)
                self._report()
                await pause(self._clock, wait, stop)
        except Stopped:
            pass
        finally:
            self._status.say("stopped")

    async def _round(self, outlet: Outlet, stop: Event) -> float:
        """One turn of every source that is due. Returns the seconds until the next is."""
        names = await self._list(stop)
        if names is None:
            return self._wait(())
        for source in names:
            if stop.is_set() or self._held() > 0:
                break
            if self._next_at.get(source, 0) <= self._clock.now():
                await self._turn(source, outlet, stop)
        for gone in self._next_at.keys() - set(names) - {""}:
            del self._next_at[gone]
            self._trouble.pop(gone, None)
            self._attempts.pop(gone, None)
        return self._wait(names)

    async def _list(self, stop: Event) -> Sequence[str] | None:
        if self._held() > 0 or self._next_at.get("", 0) > self._clock.now():
            return None
        try:
            names = await guarded(self.name, self.sources(), stop)
        except HilferufError as error:
            self._failed("", error)
            return None
        self._trouble.pop("", None)
        self._next_at.pop("", None)
        return names

    async def _turn(self, source: str, outlet: Outlet, stop: Event) -> None:
        """Some pages of one source: from the top, or on from where its sweep stood."""
        try:
            checkpoint = await self._checkpoint(source, outlet)
            for _ in range(self._pages_a_turn):
                checkpoint = await self._one_page(source, checkpoint, outlet, stop)
                if checkpoint.sweep_token is None or self._held() > 0:
                    break
        except HilferufError as error:
            self._failed(source, error)
            return
        self._trouble.pop(source, None)
        self._attempts.pop(source, None)
        delay = 0 if checkpoint.sweep_token is not None else int(self._interval * 1000)
        self._next_at[source] = self._clock.now() + delay

    async def _one_page(self, source: str, checkpoint: Checkpoint, outlet: Outlet, stop: Event) -> Checkpoint:
        token = checkpoint.sweep_token
        try:
            page = await guarded(self.name, self.page(source, checkpoint, token), stop)
        except TokenExpired:
            if token is None:
                raise
            return Checkpoint(done_to=checkpoint.done_to, sweep_token=None, memo=checkpoint.memo)
        self._circuit.succeeded()
        if page.next_token is not None and page.next_token == token:
            raise Transient(f"{self.name}: {source} gave the same page token twice; the sweep would never end")
        after = advance(checkpoint, page, self._overlap)
        if page.mentions or page.bad or after != checkpoint:
            cursor = Cursor(key=self.cursor_key(source), value=msgspec.to_builtins(after))
            await outlet.give(page.mentions, bad=page.bad, cursor=cursor)
        if page.pause > 0:
            self._hold_until = self._clock.now() + int(page.pause * 1000)
        return after

    async def _checkpoint(self, source: str, outlet: Outlet) -> Checkpoint:
        stored = await outlet.cursor(self.cursor_key(source))
        if stored is None:
            first = Checkpoint(done_to=self.first_mark(source))
            # Durable before the first call: a crash before the first item must not move the start to a later "now".
            await outlet.give(cursor=Cursor(key=self.cursor_key(source), value=msgspec.to_builtins(first)))
            return first
        try:
            return msgspec.convert(stored, Checkpoint)
        except msgspec.ValidationError as error:
            raise Permanent(f"{self.name}: the cursor {self.cursor_key(source)} cannot be read: {error}") from error

    def _failed(self, source: str, error: HilferufError) -> None:
        now = self._clock.now()
        self._trouble[source] = error
        self._status.reconnected()
        attempt = self._attempts[source] = self._attempts.get(source, 0) + 1
        if isinstance(error, Transient):
            self._circuit.failed(now)
            delay = FAILURES.wait(attempt, self._random, error.retry_after)
            if error.retry_after:
                self._hold_until = now + int(delay * 1000)
        else:
            delay = self._refused_seconds
        self._next_at[source] = now + int(delay * 1000)
        # The error's text is ours (HilferufError): it holds neither tokens nor texts.
        log.warning("poll failed", listener=self.name, source=source, error=str(error), retry_in=round(delay, 1))

    def _held(self) -> float:
        now = self._clock.now()
        return max((self._hold_until - now) / 1000, self._circuit.closed_in(now))

    def _wait(self, names: Sequence[str]) -> float:
        now = self._clock.now()
        due = [self._next_at.get(name, now) for name in names] or [
            self._next_at.get("", now + int(self._interval * 1000))
        ]
        soonest = (min(due) - now) / 1000
        return max(self._held(), min(soonest, self._interval), 0.0)

    def _report(self) -> None:
        now = self._clock.now()
        refused = [error for error in self._trouble.values() if isinstance(error, Refused)]
        if refused:
            self._status.say("auth_failed", str(refused[0]))
        elif self._hold_until > now:
            self._status.say("throttled", "the other side asked for a pause", self._hold_until)
        elif self._trouble:
            self._status.say("reconnecting", str(next(iter(self._trouble.values()))))
        elif any(at <= now for at in self._next_at.values()):
            self._status.say("catching_up")
        else:
            self._status.say("live")
