"""Recent search as the archive behind the filtered stream.

X has no back-fill on pay-per-use: whatever gap is caught up by `since_id`, seven days at most. Keyword search finds no
reposts, which is no loss: reposts never become tickets.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from listeners import x_ids
from listeners.catch_up import Archive, FoundPage
from listeners.contract import Bad, Clock
from listeners.poll import Checkpoint, TokenExpired
from listeners.position import Position
from listeners.threads import in_thread
from listeners.x_client import SinceTooOld, XClient
from listeners.x_mapping import PARAMS, Ear, page_mentions
from listeners.x_rules import joined
from records.errors import Permanent, Transient
from records.ids import digest
from records.times import DAY, MINUTE, from_ms

OVERLAP_SECONDS = 120.0  # stream and search are not strictly ordered; what is read twice in a day is billed once
REACH = 7 * DAY
PAGE = 100


class XArchive(Archive):
    """Search of the last seven days with these queries."""

    def __init__(self, client: XClient, ear: Ear, clock: Clock) -> None:
        self._client, self._ear, self._clock = client, ear, clock
        self._groups: dict[str, tuple[str, ...]] = {}
        self._hold_until = 0

    def ask(self, groups: Sequence[Sequence[str]]) -> None:
        """What to search from now on: groups of rule values, each group in one query."""
        self._groups = {digest(*group, size=4): tuple(group) for group in groups}

    def queries(self) -> tuple[str, ...]:
        """Names of the queries: digests, so that a changed query begins its own sweep."""
        return tuple(self._groups)

    async def search(self, query: str, position: Position, checkpoint: Checkpoint) -> FoundPage:
        """One page. `since_id` too old falls back to the earliest time that X reaches; the page then says `lost` if the
        stream was not whole since."""
        held = self._hold_until - self._clock.now()
        if held > 0:
            raise Transient("X search: no request left in this window", held / 1000)
        start: str | None = checkpoint.memo.get("start_time")
        if start is None:
            try:
                return await self._page(query, checkpoint, self._since(checkpoint), None, lost=False)
            except SinceTooOld:
                if checkpoint.sweep_token is not None:
                    # The place was lost while the sweep stood still: again, from the top.
                    raise TokenExpired("X search: since_id fell out of reach within a sweep") from None
            start = from_ms(self._clock.now() - REACH + MINUTE)[:19] + "Z"
        whole_since = position.alive_at or x_ids.time_of(position.done_to or 0) or 0
        lost = whole_since < self._clock.now() - REACH
        return await self._page(query, checkpoint, {"start_time": start}, start, lost=lost)

    def _since(self, checkpoint: Checkpoint) -> dict[str, str]:
        if checkpoint.done_to is None:
            return {}
        return {"since_id": str(x_ids.rewind(checkpoint.done_to, OVERLAP_SECONDS))}

    async def _page(
        self, query: str, checkpoint: Checkpoint, since: Mapping[str, str], start: str | None, *, lost: bool
    ) -> FoundPage:
        params: dict[str, Any] = {**PARAMS, **since, "max_results": PAGE}
        if checkpoint.sweep_token is not None:
            params["next_token"] = checkpoint.sweep_token
        group = self._groups[query]
        try:
            answer, wait = await in_thread(self._client.search, joined(group), name="x-search", **params)
        except Permanent as error:
            if len(group) > 1 and not isinstance(error, SinceTooOld | TokenExpired):
                # One rule that search cannot do must not spoil the others: the next pass asks for each alone.
                del self._groups[query]
                self._groups.update({digest(value, size=4): (value,) for value in group})
            raise
        now = self._clock.now()
        self._hold_until = now + int(wait * 1000)
        mentions, refused = page_mentions(answer, self._ear, now)
        posts = [post for post in answer.get("data") or [] if isinstance(post, dict)]
        ids = [number for post in posts if (number := x_ids.number(post.get("id"))) is not None]
        token = (answer.get("meta") or {}).get("next_token")
        token = token if isinstance(token, str) and token else None
        return FoundPage(
            mentions=tuple(mentions),
            bad=tuple(
                Bad(original=raw, reason=str(error), origin=f"{self._ear.listener}:search", field=error.field)
                for raw, error in refused
            ),
            newest=max(ids, default=None),
            next_token=token,
            # Held while the sweep lasts, so that each of its pages asks the same; gone with its last page.
            memo={"start_time": start} if start is not None and token is not None else {},
            lost=lost,
        )
