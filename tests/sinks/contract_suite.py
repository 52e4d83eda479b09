"""What every sink must do, whatever helpdesk it speaks to. A test module subclasses `ContractSuite` and gives a `desk`.

A desk is the sink together with what a person can do and see in that helpdesk: see `Desk`.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import Any

import msgspec
import pytest

from records.events import Helpdesk
from records.ids import ticket_id
from records.tickets import Delivery, Factor, Held, Intent, Post, Ticket, TicketOperation
from records.times import from_ms, to_ms
from sinks.contract import Sink
from sinks.protocol import converge

START = "2026-11-20T09:00:00.000Z"


def a_post(number: int, text: str | None = "Hilfe, mein Anschluss ist tot", **more: Any) -> Post:
    """Post `number`, a minute after the one before."""
    values: dict[str, Any] = {
        "id": f"x:{number}",
        "revision": "1",
        "kind": "post",
        "role": "candidate",
        "occurred_at": from_ms(to_ms(START) + number * 60_000),
        "text": text,
        "permalink": f"https://x.example/status/{number}",
        **more,
    }
    return Post(**values)


def a_ticket(*posts: Post, author: str = "4711", **more: Any) -> Ticket:
    """A wanted ticket of an invented author."""
    posts = posts or (a_post(1),)
    key = f"x:{author}"
    number = ticket_id(key, posts[0].id)
    values: dict[str, Any] = {
        "id": number,
        "canonical_id": number,
        "author_key": key,
        "author_name": "Kim Beispiel",
        "author_handle": "kim_beispiel",
        "author_url": "https://x.example/kim_beispiel",
        "channel": "x",
        "brand": "nordfunk",
        "language": "de",
        "status": "open",
        "subject": posts[0].text or "[erased]",
        "league": 0,
        "league_name": None,
        "score": 42.0,
        "factors": (Factor("content", 42.0, 60.0, "bittet um Hilfe"),),
        "due_at": "2026-11-20T11:00:00.000Z",
        "rank_key": 96_378_000,
        "priority": "high",
        "opened_at": posts[0].occurred_at,
        "as_of": posts[-1].occurred_at,
        "posts": posts,
        "explanation": ("42 Punkte: bittet um Hilfe",),
        "strategy": "balanced",
        "lexicon_version": "1",
        **more,
    }
    return Ticket(**values)


def gone(post: Post) -> Post:
    """The post after its deletion at the source."""
    return msgspec.structs.replace(post, removed=True, text=None, media=(), permalink=None, revision="deleted")


def deleted(ticket: Ticket) -> Ticket:
    """The ticket after all its posts were deleted at their source: nothing quotes them, but the author is still named."""
    return msgspec.structs.replace(
        ticket,
        status="withdrawn",
        posts=tuple(map(gone, ticket.posts)),
        subject="[deleted]",
        factors=(),
        explanation=(),
    )


def erased(ticket: Ticket) -> Ticket:
    """The ticket after the erasure of its author."""
    return msgspec.structs.replace(
        ticket,
        status="withdrawn",
        posts=tuple(map(gone, ticket.posts)),
        author_name=None,
        author_handle=None,
        author_url=None,
        subject="[erased]",
        factors=(),
        explanation=(),
    )


async def deliver(
    sink: Sink, ticket: Ticket, version: int = 1, held: Held | None = None, *, recovering: bool = False
) -> Held:
    """One pass of the protocol."""
    operation = TicketOperation(ticket_id=ticket.id, version=version, op="update", ticket=ticket)
    entry = Delivery(sink=sink.name, ticket_id=ticket.id, author_key=ticket.author_key, wanted=operation, held=held)
    if recovering:
        entry = msgspec.structs.replace(entry, intent=Intent("earlier", version, START))
    return await converge(sink, entry)


class Desk(ABC):
    """A sink and the people at its helpdesk."""

    sink: Sink

    @abstractmethod
    async def person(self, remote_id: str, what: str, value: str | None = None) -> None:
        """A person acts: what = solved, reopened, answered, priority, delete."""

    @abstractmethod
    async def texts(self, remote_id: str) -> str:
        """All that a person who looks at the ticket can read, notes too."""

    @abstractmethod
    async def count(self) -> int:
        """Tickets that a person sees; those merged away left out."""

    async def tidy(self, receipt: tuple[str, ...]) -> None:
        """A person does what a receipt asks for."""
        await asyncio.sleep(0)

    async def later(self) -> None:
        """Let the helpdesk's own delays pass."""
        await asyncio.sleep(0)


async def observed(desk: Desk, cursor: dict[str, Any] | None) -> tuple[list[Helpdesk], dict[str, Any]]:
    """What observe brings once the helpdesk's delays have passed."""
    await desk.later()
    seen = await desk.sink.observe(cursor)
    return list(seen.events), seen.cursor


class ContractSuite:
    """The cases."""

    async def test_a_ticket_is_created_with_its_posts_rank_priority_and_explanation(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2, "Noch immer nichts")))
        assert held.rank_key == 96_378_000
        assert held.priority == "high"
        assert held.posts == {"x:1": "1", "x:2": "1"}
        texts = await desk.texts(held.remote_id)
        for part in ("mein Anschluss", "Noch immer nichts", "bittet um Hilfe", "https://x.example/status/1"):
            assert part in texts

    async def test_delivering_the_same_again_changes_nothing(self, desk: Desk) -> None:
        first = await deliver(desk.sink, a_ticket())
        texts = await desk.texts(first.remote_id)
        again = await deliver(desk.sink, a_ticket(), held=first)
        assert (again.remote_id, await desk.texts(again.remote_id)) == (first.remote_id, texts)
        assert await desk.count() == 1

    async def test_a_lost_ledger_finds_the_ticket_again(self, desk: Desk) -> None:
        first = await deliver(desk.sink, a_ticket())
        again = await deliver(desk.sink, a_ticket(), recovering=True)
        assert again.remote_id == first.remote_id
        assert await desk.count() == 1

    async def test_creating_twice_ends_with_one_ticket(self, desk: Desk) -> None:
        await desk.sink.create(a_ticket())
        await desk.sink.create(a_ticket(a_post(1), a_post(2)))
        await deliver(desk.sink, a_ticket(a_post(1), a_post(2)), recovering=True)
        assert await desk.count() == 1

    async def test_later_posts_are_appended_once_and_in_order(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket(a_post(1)))
        posts = [a_post(number, f"Beitrag Nummer {number}.") for number in range(2, 6)]
        held = await deliver(desk.sink, a_ticket(a_post(1), *posts), 2, held)
        held = await deliver(desk.sink, a_ticket(a_post(1), *posts), 2, held)
        texts = await desk.texts(held.remote_id)
        places = [texts.index(f"Nummer {number}.") for number in range(2, 6)]
        assert places == sorted(places)
        assert texts.count("Nummer 3.") == 1

    async def test_an_edited_post_stands_there_in_its_new_form(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket(a_post(1)))
        held = await deliver(desk.sink, a_ticket(a_post(1, "Jetzt geht es um die Rechnung", revision="2")), 2, held)
        assert held.posts == {"x:1": "2"}
        assert "um die Rechnung" in await desk.texts(held.remote_id)

    async def test_a_new_rank_and_priority_are_written(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket())
        held = await deliver(desk.sink, a_ticket(rank_key=196_000_000, priority="urgent", league=1), 2, held)
        assert (held.rank_key, held.priority) == (196_000_000, "urgent")

    async def test_an_older_version_changes_nothing(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket(rank_key=90_000_000), 5)
        assert await deliver(desk.sink, a_ticket(rank_key=20_000_000), 4, held) == held

    async def test_a_priority_set_by_a_person_is_never_written_again(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket())
        await desk.person(held.remote_id, "priority", "low")
        held = await deliver(desk.sink, a_ticket(priority="urgent", rank_key=99_000_000), 2, held)
        assert (held.priority, held.rank_key, held.human) == ("low", 99_000_000, ("priority",))

    async def test_a_deleted_post_leaves_no_text(self, desk: Desk) -> None:
        second = a_post(2, "Meine Kundennummer ist 99887766")
        held = await deliver(desk.sink, a_ticket(a_post(1), second))
        held = await deliver(desk.sink, a_ticket(a_post(1), gone(second)), 2, held)
        texts = await desk.texts(held.remote_id)
        assert "99887766" not in texts
        assert "mein Anschluss" in texts
        assert held.posts["x:2"] == ""

    async def test_an_erased_author_leaves_neither_text_nor_name(self, desk: Desk) -> None:
        ticket = a_ticket(a_post(1), a_post(2, "Ich heiße Kim"))
        held = await deliver(desk.sink, ticket)
        held = await deliver(desk.sink, erased(ticket), 2, held)
        texts = await desk.texts(held.remote_id)
        for part in ("mein Anschluss", "Ich heiße", "Kim Beispiel", "kim_beispiel", "x.example/status"):
            assert part not in texts

    async def test_an_author_erased_after_a_delete_leaves_no_name(self, desk: Desk) -> None:
        ticket = a_ticket(a_post(1), a_post(2, "Ich heiße Kim"))
        held = await deliver(desk.sink, ticket)
        held = await deliver(desk.sink, deleted(ticket), 2, held)
        held = await deliver(desk.sink, erased(ticket), 3, held)
        await desk.tidy(held.receipt)
        texts = await desk.texts(held.remote_id)
        for part in ("mein Anschluss", "Ich heiße", "Kim Beispiel", "kim_beispiel", "x.example/"):
            assert part not in texts

    async def test_no_note_and_no_subject_quotes_a_deleted_post(self, desk: Desk) -> None:
        first = a_post(1, "Router explodiert")
        why = Factor("content", 40.0, 60.0, "„explodiert“")
        quoting = a_ticket(first, a_post(2), factors=(why,), explanation=("40 Punkte: „explodiert“",))
        held = await deliver(desk.sink, quoting)
        held = await deliver(desk.sink, msgspec.structs.replace(quoting, score=50.0, priority="urgent"), 2, held)
        after = msgspec.structs.replace(a_ticket(gone(first), a_post(2)), subject="Hilfe, mein Anschluss ist tot")
        held = await deliver(desk.sink, after, 3, held)
        await desk.tidy(held.receipt)
        texts = await desk.texts(held.remote_id)
        assert "explodiert" not in texts
        assert "bittet um Hilfe" in texts

    @pytest.mark.parametrize("winner_first", [False, True])
    async def test_a_post_deleted_just_before_its_ticket_is_merged_leaves_no_text(
        self, desk: Desk, winner_first: bool
    ) -> None:
        winner = await deliver(desk.sink, a_ticket(a_post(1)))
        secret = a_post(2, "Kundennummer 99887766")
        other = a_ticket(secret, a_post(3, "Zweites Gespräch"))
        loser = await deliver(desk.sink, other)
        both = a_ticket(a_post(1), gone(secret), a_post(3, "Zweites Gespräch"))
        stubs = (gone(secret),) if winner_first else ()
        merged = msgspec.structs.replace(
            other, status="merged", merged_into=both.id, subject=f"[merged into {both.id}]", posts=stubs, explanation=()
        )
        receipt: tuple[str, ...] = ()
        for one in ("winner", "loser") if winner_first else ("loser", "winner"):
            if one == "winner":
                winner = await deliver(desk.sink, both, 2, winner)
                receipt += winner.receipt
            else:
                after = await deliver(desk.sink, merged, 2, loser)
                receipt += after.receipt
        await desk.tidy(tuple(dict.fromkeys(receipt)))
        texts = await desk.texts(winner.remote_id) + await desk.texts(loser.remote_id)
        assert "99887766" not in texts
        assert "Zweites Gespräch" in texts

    async def test_a_withdrawn_ticket_is_closed_and_comes_back_with_its_author(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket())
        held = await deliver(desk.sink, a_ticket(status="withdrawn"), 2, held)
        assert held.status in ("withdrawn", "solved")
        held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2)), 3, held)
        assert held.status == "open"

    async def test_one_ticket_merges_into_another(self, desk: Desk) -> None:
        winner = await deliver(desk.sink, a_ticket(a_post(1)))
        other = a_ticket(a_post(2, "Zweites Gespräch"))
        loser = await deliver(desk.sink, other)
        into = a_ticket(a_post(1)).id
        merged = msgspec.structs.replace(other, status="merged", merged_into=into)
        loser = await deliver(desk.sink, merged, 2, loser)
        winner = await deliver(desk.sink, a_ticket(a_post(1), a_post(2, "Zweites Gespräch")), 2, winner)
        again = await deliver(desk.sink, merged, 2, loser)
        assert await desk.count() == 1
        assert again.merged_into == winner.remote_id
        assert "Zweites Gespräch" in await desk.texts(winner.remote_id)

    async def test_two_people_of_one_name_get_two_tickets(self, desk: Desk) -> None:
        one = await deliver(desk.sink, a_ticket(a_post(1), author="1"))
        two = await deliver(desk.sink, a_ticket(a_post(2), author="2"))
        assert one.remote_id != two.remote_id
        assert await desk.count() == 2

    async def test_a_ticket_deleted_by_a_person_is_left_alone_until_its_author_writes_again(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket())
        await desk.person(held.remote_id, "delete")
        held = await deliver(desk.sink, a_ticket(rank_key=99_000_000), 2, held)
        assert held.gone
        assert await desk.count() == 0
        again = await deliver(desk.sink, a_ticket(a_post(1), a_post(2)), 3, held)
        assert not again.gone
        assert await desk.count() == 1

    async def test_observe_tells_what_people_did_and_not_what_we_did(self, desk: Desk) -> None:
        _, cursor = await observed(desk, None)
        held = await deliver(desk.sink, a_ticket())
        held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2), priority="urgent"), 2, held)
        held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2), status="solved"), 3, held)
        held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2), a_post(3)), 4, held)
        await desk.person(held.remote_id, "priority", "low")
        await desk.person(held.remote_id, "answered")
        await desk.person(held.remote_id, "solved")
        await desk.person(held.remote_id, "reopened")
        events, cursor = await observed(desk, cursor)
        assert [event.what for event in events] == ["priority", "answered", "solved", "reopened"]
        assert {event.ticket_id for event in events} == {a_ticket().id}
        assert events[0].value == "low"
        assert len({event.id for event in events}) == 4
        assert (await observed(desk, cursor))[0] == []

    async def test_solved_by_a_person_stays_solved_until_the_author_writes_again(self, desk: Desk) -> None:
        held = await deliver(desk.sink, a_ticket())
        await desk.person(held.remote_id, "solved")
        held = await deliver(desk.sink, a_ticket(rank_key=99_000_000), 2, held)
        assert held.status == "solved"
        held = await deliver(desk.sink, a_ticket(a_post(1), a_post(2)), 3, held)
        assert held.status == "open"

    @pytest.mark.parametrize(
        "text",
        [
            "👩‍👩‍👧‍👦",
            "\u202eumgedreht",
            "<script>alert(1)</script> & <b>",
            "'; DROP TABLE tickets; --\\",
            "[ci #12] hallo",
            "a\r\nb",
        ],
    )
    async def test_hard_text_arrives_as_it_was_written(self, desk: Desk, text: str) -> None:
        held = await deliver(desk.sink, a_ticket(a_post(1, text)))
        assert text.replace("\r\n", "\n") in (await desk.texts(held.remote_id)).replace("\r\n", "\n")
