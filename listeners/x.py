"""The channel X: filtered stream, recent search to catch up, rules from the configuration.

`XListener` wires the base loop (`listeners.stream`) to X: tweepy in a thread for one connection (`x_client`), lines read
by `x_mapping`, gaps swept by `x_search`, rules compared by `x_rules`. Deletes do not come by this way; X's Activity API
pushes them.
"""

import random

import structlog

from config.settings import XRule, XSettings
from listeners import x_ids
from listeners.backoff import Random
from listeners.catch_up import Archive
from listeners.clock import SystemClock
from listeners.contract import Bad, Clock
from listeners.feed import Feed
from listeners.position import Position
from listeners.stream import Ended, Heard, StreamListener
from listeners.threads import in_thread
from listeners.x_client import XClient
from listeners.x_mapping import PARAMS, Ear, activity_mention, stream_mention
from listeners.x_rules import changes, full_tag, search_groups
from listeners.x_search import OVERLAP_SECONDS, XArchive
from records.errors import HilferufError, Poison
from records.lenient import read_object
from records.times import HOUR

log = structlog.get_logger(__name__)

RULES_EVERY = HOUR  # milliseconds; somebody may change rules in X's console


class XListener(StreamListener):
    """Hears X. `settle`: seconds after connecting when search is asked a second time, because its index lags."""

    def __init__(
        self,
        settings: XSettings,
        *,
        clock: Clock | None = None,
        rng: Random = random.random,
        name: str = "x",
        settle: float = 40.0,
        queue_limit: int = 1000,
    ) -> None:
        clock = clock or SystemClock()
        super().__init__(
            name, "x", clock=clock, stall=settings.stall_seconds, settle=settle, queue_limit=queue_limit, rng=rng
        )
        self._settings = settings
        self._ear = Ear(
            account_id=settings.account_id,
            handle=settings.handle,
            brand=settings.brand,
            listener=name,
            prefix=settings.rules_prefix,
        )
        self._client = XClient(settings.bearer_token.reveal(), settings.base_url, clock)
        self._rules_at: int | None = None
        self._archive = XArchive(self._client, self._ear, clock)
        self._plan({})

    def first_position(self, now: int) -> Position:
        """From now on, or from `look_back_minutes` ago."""
        # A search reads an overlap below the mark: at the very first start nothing is to be read there.
        begin = now - int(self._settings.look_back_minutes * 60_000) + int(OVERLAP_SECONDS * 1000)
        return Position(done_to=x_ids.first_of(begin), alive_at=now)

    async def prepare(self) -> None:
        """Brings X's rules in line. Once that succeeded, a failure does not keep the stream from hearing."""
        now = self._clock.now()
        if self._rules_at is not None and now - self._rules_at < RULES_EVERY:
            return
        try:
            await in_thread(self._synchronise, name="x-rules")
        except HilferufError as error:
            if self._rules_at is None:
                raise
            log.warning("rules were not compared", listener=self.name, error=str(error))
        self._rules_at = now

    def _synchronise(self) -> None:
        """Blocks. The order of steps leaves no moment without the old or the new rule, where X allows it."""
        prefix = self._settings.rules_prefix
        todo = changes(self._client.rules(), self._settings.rules, prefix)
        if todo.free:
            self._client.delete_rules(todo.free)
        faults: dict[str, str] = {}
        if todo.add:
            added = [XRule(value=rule.value, tag=full_tag(rule.tag, prefix)) for rule in todo.add]
            faults = self._client.add_rules(added)
        if todo.delete:
            self._client.delete_rules(todo.delete)
        self._plan(faults)
        if todo.free or todo.add or todo.delete:
            log.info("rules synchronised", listener=self.name, added=len(todo.add), deleted=len(todo.delete))

    def _plan(self, faults: dict[str, str]) -> None:
        """What search will be asked: a rule that X refuses would spoil the query that it is part of."""
        notes = [
            f"X refuses rule {rule.tag}: {faults[rule.value]}" for rule in self._settings.rules if rule.value in faults
        ]
        for note in notes:
            log.error("rule refused", listener=self.name, fault=note)
        if self._settings.catch_up_query is not None:
            self._archive.ask(((self._settings.catch_up_query,),))
        else:
            groups, unsearchable = search_groups([rule for rule in self._settings.rules if rule.value not in faults])
            self._archive.ask(groups)
            if unsearchable:
                notes.append(f"rules that search cannot catch up: {', '.join(unsearchable)}")
        self._status.note("; ".join(notes))

    async def connect(self, feed: Feed) -> Ended:
        """One connection of the filtered stream."""
        # The base loop notices silence first; the socket's own timeout ends the thread if nobody else did.
        stream = self._client.stream(feed, self._stall + 5.0)
        try:
            return await in_thread(stream.listen, PARAMS, name="x-stream")
        finally:
            stream.shut()

    def read(self, item: bytes, observed_at: int) -> Heard:
        """One line: a post, an error object, or something that is not known."""
        try:
            payload, _ = read_object(item, "x")
            body = payload.get("data")
            if isinstance(body, dict) and "event_type" in body:
                event = activity_mention(payload, self._ear, observed_at, item)
                return Heard() if event is None else Heard(mentions=(event,))
            if isinstance(body, dict):
                mention = stream_mention(payload, self._ear, observed_at, item)
                return Heard(mentions=(mention,), mark=x_ids.number(body.get("id")))
        except Poison as error:
            return Heard(bad=(Bad(original=item, reason=str(error), origin=f"{self.name}:stream", field=error.field),))
        errors = payload.get("errors")
        if isinstance(errors, list):
            titles = [str(error.get("title", "error"))[:60] for error in errors if isinstance(error, dict)]
            return Heard(problem=f"X says {', '.join(titles[:3]) or 'error'}")
        return Heard()

    def archive(self) -> Archive:
        """Recent search."""
        return self._archive
