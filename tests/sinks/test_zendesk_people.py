"""Zendesk: what people do there (cases 12, 13, 18), erasure, hard text (14), and odd answers (21, 22)."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from records.errors import Permanent
from records.tickets import Factor
from sinks import render
from sinks.imitations.zendesk import EXPLAIN_FIELD, RANK_FIELD, ZendeskImitation
from sinks.imitations.zendesk_faults import Fault
from tests.sinks.contract_suite import a_post, a_ticket, deliver, erased, gone, observed
from tests.sinks.zendesk_desk import Clock, ZendeskDesk
from tests.sinks.zendesk_requests import check


@pytest.fixture
async def desk() -> AsyncIterator[ZendeskDesk]:
    clock = Clock()
    async with ZendeskImitation(now=clock, on_request=check) as imitation:
        desk = ZendeskDesk(imitation, clock)
        yield desk
        await desk.sink.aclose()
        assert imitation.violations == []


def _stored(desk: ZendeskDesk, remote_id: str) -> dict[str, object]:
    return desk.imitation.desk.state.tickets[int(remote_id)]


def _stranger(desk: ZendeskDesk) -> int:
    """A ticket of somebody else, made by an agent."""
    given = {"subject": "Telefonat", "comment": {"body": "Anruf"}, "status": "open"}
    return int(desk.imitation.desk.create(desk.clock(), desk.imitation.agent_id, given, None)[0]["id"])


def _merge_by_person(desk: ZendeskDesk, loser: str, winner: int) -> None:
    desk.imitation.desk.merge(desk.clock(), desk.imitation.agent_id, winner, {"ids": [int(loser)]})
    desk.imitation.desk.run_jobs(desk.clock())


async def test_case_12_a_post_after_closed_makes_a_follow_up_that_names_the_closed_one(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    desk.imitation.act(held.remote_id, status="closed")
    after = await deliver(desk.sink, a_ticket(a_post(1), a_post(2)), 2, held)
    assert after.remote_id != held.remote_id
    assert _stored(desk, held.remote_id)["followup_ids"] == [int(after.remote_id)]


async def test_case_12_a_closed_ticket_takes_no_update_and_is_not_asked_to(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    desk.imitation.act(held.remote_id, status="closed")
    after = await deliver(desk.sink, a_ticket(rank_key=99_000_000), 2, held)
    assert (after.remote_id, after.status) == (held.remote_id, "closed")


async def test_case_12_a_ticket_merged_by_a_person_goes_on_in_the_other_one(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    other = _stranger(desk)
    _merge_by_person(desk, held.remote_id, other)
    for version, posts in (
        (2, [a_post(1), a_post(2, "Weiter im Text")]),
        (3, [a_post(1), a_post(2), a_post(3, "Und noch")]),
    ):
        held = await deliver(desk.sink, a_ticket(*posts, priority="urgent"), version, held)
        assert held.remote_id == str(other)
    assert _stored(desk, str(other))["priority"] is None
    assert "Und noch" in await desk.texts(str(other))


async def test_a_rank_that_a_person_set_survives_a_write_whose_result_was_lost(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket(rank_key=90_000_000))
    await deliver(desk.sink, a_ticket(rank_key=91_000_000), 2, held)  # its result never reached the ledger
    desk.imitation.act(held.remote_id, custom_fields=[{"id": RANK_FIELD, "value": 99_000_000}])
    after = await deliver(desk.sink, a_ticket(rank_key=92_000_000), 3, held, recovering=True)
    assert (after.rank_key, after.human) == (99_000_000, ("rank_key",))


async def test_our_rank_of_a_write_whose_result_was_lost_is_not_a_persons(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket(rank_key=90_000_000))
    await deliver(desk.sink, a_ticket(rank_key=91_000_000), 2, held)
    after = await deliver(desk.sink, a_ticket(rank_key=92_000_000), 3, held, recovering=True)
    assert (after.rank_key, after.human) == (92_000_000, ())


async def test_case_12_what_happens_to_a_ticket_merged_by_a_person_is_observed(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    _, cursor = await observed(desk, None)
    other = _stranger(desk)
    _merge_by_person(desk, held.remote_id, other)
    events, cursor = await observed(desk, cursor)
    assert events == []  # merged is not over
    desk.imitation.act(other, status="solved")
    events, _ = await observed(desk, cursor)
    assert [(event.what, event.ticket_id) for event in events] == [("solved", a_ticket().id)]


async def test_case_13_people_of_one_name_are_two_users_and_nobody_is_the_token_s_user(desk: ZendeskDesk) -> None:
    # Two authors whose ids differ in case only: Zendesk's search for external ids would take them for one.
    one = await deliver(desk.sink, a_ticket(a_post(1), author="AbC"))
    two = await deliver(desk.sink, a_ticket(a_post(2), author="aBc"))
    users = {_stored(desk, held.remote_id)["requester_id"] for held in (one, two)}
    assert len(users) == 2
    assert desk.imitation.user_id not in users


async def test_case_13_one_author_is_one_user(desk: ZendeskDesk) -> None:
    one = await deliver(desk.sink, a_ticket(a_post(1)))
    two = await deliver(desk.sink, a_ticket(a_post(2)))
    assert _stored(desk, one.remote_id)["requester_id"] == _stored(desk, two.remote_id)["requester_id"]


async def test_case_13_a_suspended_author_is_a_dead_letter_that_says_what_to_do(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket(a_post(1)))
    desk.imitation.desk.state.users[int(str(_stored(desk, held.remote_id)["requester_id"]))]["suspended"] = True
    with pytest.raises(Permanent, match="suspended; lift it there") as caught:
        await deliver(desk.sink, a_ticket(a_post(2)))
    assert "Kim" not in str(caught.value)


async def test_posts_are_the_customers_words_and_notes_are_internal(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2)))
    requester = _stored(desk, held.remote_id)["requester_id"]
    told = [(c["author_id"] == requester, c["public"]) for c in desk.comments(held.remote_id)]
    assert told == [(True, True), (True, True), (False, False)]


async def test_an_explain_field_holds_the_newest_explanation(desk: ZendeskDesk) -> None:
    other = ZendeskDesk(desk.imitation, desk.clock, explain_field=EXPLAIN_FIELD)
    held = await deliver(other.sink, a_ticket())
    fields = {f["id"]: f["value"] for f in desk.imitation.desk.state.tickets[int(held.remote_id)]["custom_fields"]}
    assert "bittet um Hilfe" in fields[EXPLAIN_FIELD]
    await other.sink.aclose()


async def test_a_quoted_marker_of_an_agent_does_not_pass_for_a_post(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket(a_post(1)))
    forged = render.marker(a_post(2))
    via = {"channel": "web", "source": {}}
    desk.imitation.act(held.remote_id, comment={"body": f"> {forged}", "public": True, "via": via})
    held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2, "Zweiter")), 2, held)
    assert "Zweiter" in await desk.texts(held.remote_id)


@pytest.mark.parametrize("workspace", [True, False])
async def test_redaction_removes_a_post_from_the_ticket_and_from_its_merged_duplicates(
    desk: ZendeskDesk, workspace: bool
) -> None:
    secret = a_post(1, "Kundennummer 99887766\nsiehe https://nordfunk.example/99887766?a=1&b=2 <99887766>")
    first = await desk.sink.create(a_ticket(secret))
    if workspace:  # the older call cannot redact a closed ticket
        desk.clock.now += 3 * 3600
        await desk.sink.create(a_ticket(secret))
    held = await deliver(desk.sink, a_ticket(secret), recovering=True)
    desk.imitation.desk.agent_workspace = workspace
    held = await deliver(desk.sink, a_ticket(gone(secret), subject="[erased]", status="withdrawn"), 2, held)
    assert held.remote_id == first
    state = desk.imitation.desk.state
    stored = msgspec.json.encode([state.comments, {n: t["description"] for n, t in state.tickets.items()}])
    assert b"99887766" not in stored
    assert held.posts == {"x:1": ""}


async def test_redaction_reaches_a_closed_ticket(desk: ZendeskDesk) -> None:
    secret = a_post(1, "Kundennummer 99887766")
    held = await deliver(desk.sink, a_ticket(secret))
    desk.imitation.act(held.remote_id, status="closed")
    await deliver(desk.sink, a_ticket(gone(secret), subject="[erased]", status="withdrawn"), 2, held)
    assert "99887766" not in str(desk.comments(held.remote_id))


async def test_redaction_reaches_the_closed_ticket_that_a_follow_up_continues(desk: ZendeskDesk) -> None:
    secret = a_post(1, "Kundennummer 99887766")
    first = await deliver(desk.sink, a_ticket(secret))
    desk.imitation.act(first.remote_id, status="closed")
    after = await deliver(desk.sink, a_ticket(secret, a_post(2)), 2, first)
    await deliver(desk.sink, a_ticket(gone(secret), a_post(2), subject="Hilfe"), 3, after)
    assert "99887766" not in str(desk.comments(first.remote_id)) + str(desk.comments(after.remote_id))


async def test_what_the_token_may_not_redact_becomes_a_receipt(desk: ZendeskDesk) -> None:
    secret = a_post(1, "Kundennummer 99887766")
    held = await deliver(desk.sink, a_ticket(secret))
    desk.imitation.desk.may_redact = False
    held = await deliver(desk.sink, erased(a_ticket(secret)), 2, held)
    first = desk.comments(held.remote_id)[0]["id"]
    assert any(f"redact comment {first} of ticket {held.remote_id}" in line for line in held.receipt)
    assert any("delete user" in line for line in held.receipt)
    assert any("keeps its former subject" in line for line in held.receipt)
    assert "99887766" not in str(held.receipt)


async def test_case_14_three_megabytes_and_broken_signs_arrive_cut_and_repaired(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket(a_post(1, "Hilfe \x00 \ud83d " + "👩‍👩‍👧‍👦" * 400_000)))
    body = str(desk.comments(held.remote_id)[0]["body"])
    assert "Hilfe \ufffd \ufffd" in body
    assert len(body.encode()) < 65_536
    assert held.posts == {"x:1": "1"}


async def test_case_14_a_subject_is_one_short_line_and_hijacks_no_thread(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket(a_post(1, "[ci #12] Hilfe\r\nBcc: x@example.org " + "x" * 400)))
    subject = str(_stored(desk, held.remote_id)["subject"])
    assert subject.startswith("(ci #12) Hilfe Bcc:")
    assert len(subject) <= 150


async def test_case_18_events_of_one_second_and_late_ones_are_all_seen_once(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    _, cursor = await observed(desk, None)
    desk.imitation.now = lambda: 1_800_001_000.0  # everything in one second
    for priority in ("low", "high", "urgent"):
        desk.imitation.act(held.remote_id, priority=priority)
    late = desk.imitation.desk.state.events.pop() | {"timestamp": 1_800_000_970}  # visible later than its time says
    desk.imitation.now = desk.clock
    desk.clock.now = 1_800_001_100.0
    first, cursor = await observed(desk, cursor)
    desk.imitation.desk.state.events.append(late)
    second, cursor = await observed(desk, cursor)
    assert [[event.value for event in events] for events in (first, second)] == [["low", "high"], ["urgent"]]
    assert (await observed(desk, cursor))[0] == []


async def test_case_18_more_events_than_a_page_holds_are_all_seen(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    _, cursor = await observed(desk, None)
    for _ in range(600):
        desk.imitation.act(held.remote_id, status="solved")
        desk.imitation.act(held.remote_id, status="open")
    events, cursor = await observed(desk, cursor)
    assert len(events) == 1200
    assert (await observed(desk, cursor))[0] == []


async def test_case_18_strangers_tickets_and_internal_notes_are_no_events(desk: ZendeskDesk) -> None:
    held = await deliver(desk.sink, a_ticket())
    _, cursor = await observed(desk, None)
    desk.imitation.act(_stranger(desk), status="solved")
    desk.imitation.act(held.remote_id, comment={"body": "intern", "public": False})
    assert (await observed(desk, cursor))[0] == []


async def test_case_21_no_request_ever_follows_an_address_that_the_server_sent(desk: ZendeskDesk) -> None:
    desk.imitation.fault(Fault(times=None, odd=True))
    await deliver(desk.sink, a_ticket(a_post(1), a_post(2)))
    host = desk.imitation.url.removeprefix("http://")
    assert {seen.headers["host"] for seen in desk.imitation.requests} == {host}


async def test_case_21_a_redirect_is_not_followed_and_says_so(desk: ZendeskDesk) -> None:
    async with ZendeskImitation() as other:
        desk.imitation.fault(Fault(status=302, headers={"Location": f"{other.url}/api/v2/tickets"}))
        with pytest.raises(Exception, match="not followed"):
            await deliver(desk.sink, a_ticket())
        assert not other.requests


async def test_case_22_unknown_words_nulls_and_fields_are_tolerated(desk: ZendeskDesk) -> None:
    desk.imitation.fault(Fault(times=None, odd=True))
    _, cursor = await observed(desk, None)
    held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2)))
    assert (held.status, held.posts) == ("open", {"x:1": "1", "x:2": "1"})
    await desk.person(held.remote_id, "answered")
    held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2), a_post(3)), 2, held)
    assert held.posts == {"x:1": "1", "x:2": "1", "x:3": "1"}
    assert [event.what for event in (await observed(desk, cursor))[0]] == ["answered"]


async def test_link_only_sends_no_word_of_the_post(desk: ZendeskDesk) -> None:
    other = ZendeskDesk(desk.imitation, desk.clock, text="link_only")
    reason = Factor("content", 30.0, 50.0, "„geheimes anliegen“")
    why = {"factors": (reason,), "explanation": ("Content 30/50: „geheimes anliegen“",)}
    await deliver(other.sink, a_ticket(a_post(1, "Geheimes Anliegen"), **why))
    assert not any(b"geheimes" in seen.body for seen in desk.imitation.requests)
    assert not any(b"Geheimes" in seen.body for seen in desk.imitation.requests)
    await other.sink.aclose()


async def test_doctor_finds_a_missing_field_a_wrong_type_and_a_missing_right(desk: ZendeskDesk) -> None:
    assert await desk.sink.check() == ()
    desk.imitation.desk.state.fields = {900001: "text"}
    desk.imitation.desk.state.users[desk.imitation.user_id]["role"] = "agent"
    other = ZendeskDesk(desk.imitation, desk.clock, explain_field=EXPLAIN_FIELD)
    role, kind, missing = await other.sink.check()
    assert "needs an admin" in role
    assert "is of type 'text'" in kind
    assert "no ticket field 900002" in missing
    await other.sink.aclose()
