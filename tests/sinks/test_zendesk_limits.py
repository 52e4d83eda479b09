"""Zendesk: rate limits in every form (case 8), a revoked token and poison (16), an account that is down (17)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from records.errors import Permanent, Refused, Transient
from sinks.imitations.zendesk import ZendeskImitation
from sinks.imitations.zendesk_faults import Fault
from tests.sinks.contract_suite import a_post, a_ticket, deliver
from tests.sinks.zendesk_desk import Clock, ZendeskDesk
from tests.sinks.zendesk_requests import check


@pytest.fixture
async def desk() -> AsyncIterator[ZendeskDesk]:
    clock = Clock()
    async with ZendeskImitation(now=clock, on_request=check) as imitation:
        desk = ZendeskDesk(imitation, clock, timeout_seconds=2.0)
        yield desk
        await desk.sink.aclose()


def _date(clock: Clock, seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(clock.now, UTC) + timedelta(seconds=seconds), usegmt=True)


HTML = "<html><head><title>Too many requests</title></head></html>"
MATRIX: dict[str, tuple[dict[str, Any], float | None, float | None]] = {
    # what is answered, and the wait that comes out of it, from and to (seconds)
    "seconds": ({"status": 429, "headers": {"Retry-After": "42"}}, 42, 42),
    "fraction": ({"status": 429, "headers": {"Retry-After": "0.25"}}, 1, 1),
    "zero": ({"status": 429, "headers": {"Retry-After": "0"}}, 1, 1),
    "negative": ({"status": 429, "headers": {"Retry-After": "-5"}}, 1, 1),
    "huge": ({"status": 429, "headers": {"Retry-After": "99999999999"}}, 3600, 3600),
    "missing": ({"status": 429}, None, None),
    "nonsense": ({"status": 429, "headers": {"Retry-After": "soon"}}, None, None),
    "a page": ({"status": 429, "headers": {"Retry-After": "7"}, "body": HTML}, 7, 7),
    "allowance left": ({"status": 429, "headers": {"Retry-After": "9", "X-Rate-Limit-Remaining": "400"}}, 9, 9),
    "busy": ({"status": 503, "headers": {"Retry-After": "30"}}, 30, 30),
    "busy without a time": ({"status": 503, "body": HTML}, None, None),
    "a 403 that is a limit": (
        {"status": 403, "headers": {"Retry-After": "11"}, "body": {"errorCode": "REQUEST_LIMIT_EXCEEDED"}},
        11,
        11,
    ),
}


@pytest.mark.parametrize("form", MATRIX)
async def test_case_8_a_limit_in_any_form_is_a_bounded_wait(desk: ZendeskDesk, form: str) -> None:
    answer, low, high = MATRIX[form]
    desk.imitation.fault(Fault(times=None, **answer))
    with pytest.raises(Transient) as caught:
        await deliver(desk.sink, a_ticket())
    wait = caught.value.retry_after
    assert wait is None if low is None or high is None else wait is not None and low <= wait <= high
    assert len(desk.imitation.requests) == 1


async def test_case_8_an_http_date_is_read_against_the_clock(desk: ZendeskDesk) -> None:
    desk.imitation.fault(Fault(status=429, headers={"Retry-After": _date(desk.clock, 90)}))
    with pytest.raises(Transient) as caught:
        await deliver(desk.sink, a_ticket())
    assert caught.value.retry_after == pytest.approx(85, abs=10)


async def test_case_8_a_limit_on_one_call_delays_the_ticket_and_loses_nothing(desk: ZendeskDesk) -> None:
    desk.imitation.fault(Fault(method="POST", path="/api/v2/tickets", status=429, headers={"Retry-After": "0"}))
    with pytest.raises(Transient):
        await deliver(desk.sink, a_ticket())
    held = await deliver(desk.sink, a_ticket(), recovering=True)
    assert held.posts == {"x:1": "1"}


async def test_case_8_a_limit_is_shared_and_a_long_one_is_handed_back_at_once(desk: ZendeskDesk) -> None:
    desk.imitation.fault(Fault(status=429, headers={"Retry-After": "600"}))
    with pytest.raises(Transient):
        await deliver(desk.sink, a_ticket())
    asked = len(desk.imitation.requests)
    with pytest.raises(Transient) as caught:
        await deliver(desk.sink, a_ticket(a_post(2), author="2"))
    assert len(desk.imitation.requests) == asked
    # The rest of the pause, longer than any call waits for itself: it was handed back, not waited for.
    assert desk.settings.timeout_seconds < (caught.value.retry_after or 0) <= 600


async def test_case_8_the_limit_of_one_ticket_holds_up_no_other(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    limit = {"Retry-After": "600", "X-Rate-Limit-Remaining": "390"}
    desk.imitation.fault(
        Fault(times=None, method="PUT", path=f"/api/v2/tickets/{held.remote_id}", status=429, headers=limit)
    )
    with pytest.raises(Transient) as caught:
        await deliver(desk.sink, a_ticket(rank_key=99_000_000), 2, held)
    assert caught.value.retry_after == 600
    assert (await deliver(desk.sink, a_ticket(a_post(2), author="2"))).posts == {"x:2": "1"}


@pytest.mark.parametrize("status", [401, 403])
async def test_case_16_a_token_revoked_in_mid_run_stops_everybody_and_loses_nothing(
    desk: ZendeskDesk, status: int
) -> None:
    desk.imitation.fault(Fault(after=3, times=None, status=status, body={"error": "Couldn't authenticate you"}))
    with pytest.raises(Refused, match="check the token") as caught:
        await deliver(desk.sink, a_ticket())
    assert desk.imitation.token not in str(caught.value)
    desk.imitation.behave()
    held = await deliver(desk.sink, a_ticket(), recovering=True)
    assert held.posts == {"x:1": "1"}
    assert await desk.count() == 1


async def test_case_16_poison_is_permanent_with_its_reason_while_others_flow(desk: ZendeskDesk) -> None:
    reason = {"error": "RecordInvalid", "description": "Record validation errors"}
    desk.imitation.fault(Fault(method="POST", path="/api/v2/tickets", status=422, body=reason))
    with pytest.raises(Permanent, match=r"422 .*Record validation errors"):
        await deliver(desk.sink, a_ticket())
    assert (await deliver(desk.sink, a_ticket(a_post(2), author="2"))).remote_id


async def test_case_17_an_account_that_is_down_is_transient_and_keeps_its_tickets(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    port = int(desk.imitation.url.rsplit(":", 1)[1])
    await desk.imitation.stop()
    with pytest.raises(Transient, match="connection failed"):
        await deliver(desk.sink, a_ticket(rank_key=99_000_000), 2, held)
    again = ZendeskImitation(port=port, now=desk.clock, desk=desk.imitation.desk)
    async with again:
        held = await deliver(desk.sink, a_ticket(rank_key=99_000_000), 2, held)
    assert held.rank_key == 99_000_000


async def test_no_token_and_no_text_stands_in_an_error(desk: ZendeskDesk) -> None:
    desk.imitation.fault(Fault(status=400, body={"error": f"bad token {desk.imitation.token}"}))
    with pytest.raises(Permanent) as caught:
        await deliver(desk.sink, a_ticket())
    assert desk.imitation.token not in str(caught.value)
    assert "Anschluss" not in str(caught.value)
