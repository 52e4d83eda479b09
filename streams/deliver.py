"""deliver, the pure part: how a ledger entry (`Delivery`) changes. The shell round it is `streams.deliverer`.

operation ──take_in──> pending ──begin──> intent written ──(HTTP)──> finish | fail
"""

import msgspec

from records.ids import operation_id
from records.tickets import Delivery, Held, Intent, TicketOperation
from records.times import MINUTE, from_ms, to_ms

MAX_BACKOFF_SECONDS = 600.0
MAX_RETRY_AFTER_SECONDS = 3_600.0
LONGEST_WAIT = int((MAX_BACKOFF_SECONDS + MAX_RETRY_AFTER_SECONDS) * 1000)  # milliseconds


def take_in(held: Delivery | None, operation: TicketOperation, sink: str, rerank_minutes: float) -> Delivery:
    """The entry with this operation as the wanted state. A version that is not newer changes nothing; superseded versions
    are skipped; a due time that moved by less than `rerank_minutes` from what the helpdesk holds is no work of its own
    (hysteresis), however many such moves there were."""
    if held is None:
        return Delivery(
            sink=sink, ticket_id=operation.ticket_id, author_key=operation.ticket.author_key, wanted=operation
        )
    if operation.version <= held.wanted.version:
        return held
    quiet = (
        held.state == "settled"
        and _only_a_small_move(held.wanted, operation, rerank_minutes)
        and not _has_drifted(held.held, operation, rerank_minutes)
    )
    return msgspec.structs.replace(
        held,
        wanted=operation,
        state="settled" if quiet else "pending",
        attempts=0 if held.state != "pending" else held.attempts,
        not_before=held.not_before if held.state == "pending" else None,
        error=None,
        ended=False,
    )


def _only_a_small_move(before: TicketOperation, after: TicketOperation, minutes: float) -> bool:
    old, new = before.ticket, after.ticket
    same = (
        [(p.id, p.revision, p.removed) for p in old.posts] == [(p.id, p.revision, p.removed) for p in new.posts]
        and (old.status, old.priority, old.league, old.merged_into, old.follows)
        == (new.status, new.priority, new.league, new.merged_into, new.follows)
        # An erasure long after a delete changes nothing but these.
        and (old.subject, old.author_name, old.author_handle, old.author_url)
        == (new.subject, new.author_name, new.author_handle, new.author_url)
        and [f.name for f in old.factors if f.points] == [f.name for f in new.factors if f.points]
    )
    return same and abs(to_ms(new.due_at) - to_ms(old.due_at)) < minutes * MINUTE


def _has_drifted(held: Held | None, after: TicketOperation, minutes: float) -> bool:
    """Whether the rank that the helpdesk holds is too far off by now; a rank key counts minutes within a league."""
    if held is None or held.rank_key is None or "rank_key" in held.human:
        return False
    return abs(held.rank_key - after.ticket.rank_key) >= minutes


def begin(entry: Delivery, now: int) -> Delivery:
    """The entry with an intent, to be made durable before the first request. An earlier intent without a result stays:
    it says that the helpdesk must be asked first."""
    if entry.intent is not None:
        return entry
    version = entry.wanted.version
    return msgspec.structs.replace(
        entry, intent=Intent(operation_id(entry.ticket_id, entry.sink, version), version, from_ms(now))
    )


def finish(current: Delivery, worked: Delivery, held: Held) -> Delivery:
    """The entry after a success. `current` is the entry as it stands now: a newer operation may have come meanwhile, then
    there is more work; `worked` is the one that was sent."""
    newer = current.wanted.version > worked.wanted.version
    return msgspec.structs.replace(
        current,
        held=held,
        intent=None,
        state="pending" if newer else "settled",
        attempts=0,
        not_before=None,
        error=None,
    )


def fail(current: Delivery, now: int, message: str, retry_after: float | None, spread: float) -> Delivery:
    """The entry after a failure that may pass: the intent stays, the next try waits. `spread` is a random number 0-1 that
    keeps many entries from coming back at once; the other side's `retry_after` (seconds) is a floor, within reason."""
    backoff = min(MAX_BACKOFF_SECONDS, 2.0 ** min(current.attempts, 16))
    wait = spread * backoff + min(max(retry_after or 0.0, 0.2), MAX_RETRY_AFTER_SECONDS)
    return msgspec.structs.replace(
        current,
        attempts=current.attempts + 1,
        not_before=from_ms(now + int(wait * 1000)),
        error=message,
    )


def bury(current: Delivery, worked: Delivery, message: str) -> Delivery:
    """The entry after a failure that will never pass for this wanted state; a newer one is tried again."""
    newer = current.wanted.version > worked.wanted.version
    return msgspec.structs.replace(
        current, state="pending" if newer else "dead", attempts=0, not_before=None, error=message
    )


def again(entry: Delivery) -> Delivery:
    """The entry after a person asked for another try; only one that was refused for good has work from it."""
    return msgspec.structs.replace(entry, state="pending", error=None) if entry.state == "dead" else entry


def ready_at(entry: Delivery) -> int:
    """When the entry may be tried, milliseconds since 1970; 0 = at once."""
    return to_ms(entry.not_before) if entry.not_before else 0
