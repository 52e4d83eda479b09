"""The listener of Facebook pages, polled over the Graph API: what stands on the page, below its posts, and where it is
tagged. The base loop (`listeners.poll`) sweeps newest-first and loses no page in a crash; here is what Facebook adds.

- `feed:PAGE` and `tagged:PAGE` are read every interval: the new posts, and as often as their number allows the whole of
  the last `comments_days`, to see edits and to learn from `updated_time` which posts have new comments.
- `comments:POST` is read when its post was updated, and once in a while for edits, which move no time.

Deletes are not seen here: Graph just lists the rest. They come by webhook (docs/webhook.md).
"""

from asyncio import Event
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import structlog

from config.settings import FacebookPage, FacebookSettings
from listeners.contract import Clock
from listeners.facebook_mapping import COMMENT_FIELDS, POST_FIELDS, map_comment, map_post
from listeners.facebook_sweep import Memo, Reading, Seen, read_page
from listeners.graph import Graph, GraphError, GraphPage
from listeners.meta_values import Ignored, Source
from listeners.outlet import Outlet
from listeners.poll import Checkpoint, Page, PollListener, TokenExpired
from listeners.threads import in_thread
from records.errors import HilferufError, Transient
from records.mention import Mention
from records.times import DAY, HOUR, SECOND, from_ms

log = structlog.get_logger(__name__)

OVERLAP = 120 * SECOND  # an item may show up a little after others that were posted later
EDITS_EVERY = HOUR  # how often comments are read for edits alone; below a post of today four times as often
GONE_SUBCODE, GONE_CODE = 33, 803  # "does not exist, or cannot be loaded"


class FacebookListener(PollListener):
    """Hears pages of Facebook: posts, comments, answers, tagged posts. Its tokens are shown nowhere."""

    def __init__(self, settings: FacebookSettings, *, clock: Clock, name: str = "facebook", **loop: Any) -> None:
        """`loop`: further settings of the base loop. Raises ConfigError for a secret that cannot be read."""
        super().__init__(name, "facebook", clock=clock, interval=settings.poll_seconds, **loop)
        self._settings = settings
        self._pages = {page.id: page for page in settings.pages}
        self._graphs = {page.id: self._graph(page) for page in settings.pages}
        self._first = clock.now() - int(settings.catch_up_hours * HOUR)
        self._memos: dict[str, Memo] = {}  # of the feeds, by page
        self._read: dict[str, tuple[int, int]] = {}  # post -> (its updated time, when) as of the last whole reading
        self._deep_at: dict[str, int] = {}
        self._depth: dict[str, int] = {}  # pages of the sweep under way, 0 = a shallow one
        self._limits: dict[str, int] = {}

    def _graph(self, page: FacebookPage) -> Graph:
        settings = self._settings
        return Graph(
            page.access_token.reveal(),
            app_secret=settings.app_secret.reveal(),
            base_url=settings.base_url,
            version=settings.version,
        )

    async def sources(self) -> Sequence[str]:
        """Each page's feed and tags, and the posts whose comments are due."""
        lists = [f"{edge}:{page}" for page in self._pages for edge in ("feed", "tagged")]
        return [*lists, *(f"comments:{post}" for post in self._posts_due())]

    def first_mark(self, source: str) -> int:
        """Where the very first start begins; for comments, where their page's did."""
        edge, _, node = source.partition(":")
        if edge != "comments":
            return self._first
        memo = self._memos.get(self._page_of(node))
        return memo.start if memo else self._first

    async def page(self, source: str, checkpoint: Checkpoint, token: str | None) -> Page:
        """One page of one list, by one call."""
        now = self._clock.now()
        edge, _, node = source.partition(":")
        deep = self._begin(source, now) if token is None else self._depth.get(source, 1) > 0
        got = await self._call_graph(source, edge, node, token)
        if got is None:
            return Page()
        memo = _memo(checkpoint)
        settled = (checkpoint.done_to or 0) - OVERLAP
        window = now - int(self._settings.comments_days * DAY)
        reading = read_page(
            got.items,
            lambda item: self._map(edge, node, item),
            memo=memo,
            settled=settled,
            oldest=window,
            now=now,
            origin=f"{self.name}:{source}",
        )
        floor = min(settled, memo.floor(window)) if deep else settled
        through = reading.ordered and reading.oldest is not None and reading.oldest < floor
        following = None if got.after is None or through else urlencode(sorted(got.after.items()))
        self._note(source, edge, node, reading, now, ended=following is None)
        return Page(
            mentions=reading.mentions,
            bad=reading.bad,
            newest=reading.newest,
            next_token=following,
            memo=msgspec.to_builtins(reading.memo),
            pause=got.usage.pause(self._interval),
        )

    async def _round(self, outlet: Outlet, stop: Event) -> float:
        """As the base loop; but posts that turned out to have news are not left waiting for the next interval."""
        wait = await super()._round(outlet, stop)
        fresh = [name for name in await self.sources() if name not in self._next_at]
        return self._wait(fresh) if fresh else wait

    def _map(self, edge: str, node: str, item: Any) -> Mention | Ignored:
        page = self._pages[node if edge != "comments" else self._page_of(node)]
        source = Source(
            page_id=page.id,
            listener=self.name,
            observed_at=from_ms(self._clock.now()),
            handle=page.handle,
            brand=page.brand,
        )
        if edge != "comments":
            return map_post(item, source)
        post = self._post(node)
        return map_comment(item, source, post_id=node, post_author=post.author if post else None)

    async def _call_graph(self, source: str, edge: str, node: str, token: str | None) -> GraphPage | None:
        """The call; None for a post that is gone. Raises what the base loop knows how to take."""
        arguments: dict[str, Any] = {"limit": self._limits.get(source, self._settings.page_size)}
        if edge == "comments":
            arguments |= {"fields": COMMENT_FIELDS, "filter": "stream", "order": "reverse_chronological"}
        else:
            arguments["fields"] = POST_FIELDS
        arguments |= dict(parse_qsl(token or ""))
        graph = self._graphs[node if edge != "comments" else self._page_of(node)]
        try:
            return await in_thread(graph.page, node, edge, name=self.name, **arguments)
        except GraphError as error:
            if token is not None and error.code == 100 and not error.auth:
                raise TokenExpired(f"{source}: {error}") from None
            if edge == "comments" and (error.subcode == GONE_SUBCODE or error.code == GONE_CODE):
                # Deleted, most likely; but missing rights look the same, so it is said aloud.
                log.warning("post cannot be read; deleted, or rights are missing", listener=self.name, post=node)
                self._forget(node)
                return None
            raise self._trouble_of(source, error) from None

    def _trouble_of(self, source: str, error: GraphError) -> HilferufError:
        limit = self._limits.get(source, self._settings.page_size)
        if error.code == 1 and "reduce the amount" in str(error).lower() and limit > 1:
            self._limits[source] = limit // 2
            return Transient(f"{source}: the page was too large for Graph; asking for {limit // 2} items", None)
        return error.consequence(source)

    def _begin(self, source: str, now: int) -> bool:
        """A sweep begins at its top: deep when that is due."""
        deep = now >= self._deep_at.get(source, 0)
        self._depth[source] = 1 if deep else 0
        return deep

    def _note(self, source: str, edge: str, node: str, reading: Reading, now: int, *, ended: bool) -> None:
        """Remembers for the choice of sources what this page told."""
        if edge == "feed":
            self._memos[node] = reading.memo
        depth = self._depth.get(source, 1)
        if not ended:
            self._depth[source] = depth + 1 if depth else 0
            return
        if edge == "comments":
            post = self._post(node)
            self._read[node] = (post.updated if post else 0, now)
        if depth:
            # A list of n pages is read whole every n intervals: the calls stay at about two an interval, however long it is.
            every = int(depth * self._interval * SECOND)
            self._deep_at[source] = now + every

    def _posts_due(self) -> list[str]:
        now, due, known = self._clock.now(), [], set()
        window = now - int(self._settings.comments_days * DAY)
        for memo in self._memos.values():
            for name, post in memo.seen.items():
                if name.startswith("!") or post.created < window:
                    continue
                post_id = name.partition(":")[2]
                known.add(post_id)
                updated, at = self._read.get(post_id, (-1, 0))
                # Read again while the update is fresh: its time has whole seconds, and a list may lag behind it.
                fresh = updated != post.updated or at < post.updated + OVERLAP
                if fresh or now - at >= _edits_every(now - post.created):
                    due.append(post_id)
        for gone in self._read.keys() - known:
            del self._read[gone]
            for memory in (self._deep_at, self._depth, self._limits):
                memory.pop(f"comments:{gone}", None)
        return due

    def _post(self, post_id: str) -> Seen | None:
        memo = self._memos.get(self._page_of(post_id))
        return memo.seen.get(f"facebook:{post_id}") if memo else None

    def _page_of(self, post_id: str) -> str:
        """The page whose feed lists a post; its token opens the comments."""
        for page_id, memo in self._memos.items():
            if f"facebook:{post_id}" in memo.seen:
                return page_id
        return post_id.partition("_")[0] if post_id.partition("_")[0] in self._pages else next(iter(self._pages))

    def _forget(self, post_id: str) -> None:
        post = self._post(post_id)
        self._read[post_id] = (post.updated if post else 0, self._clock.now())


def _edits_every(age: int) -> int:
    return EDITS_EVERY // 4 if age < DAY else EDITS_EVERY


def _memo(checkpoint: Checkpoint) -> Memo:
    """The memo of a checkpoint; at the very first page one that begins where the first sweep does."""
    if not checkpoint.memo:
        return Memo(start=checkpoint.done_to or 0)
    return msgspec.convert(checkpoint.memo, Memo)
