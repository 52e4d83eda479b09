"""The protocol against a helpdesk in memory that fails as told: the order of steps and every outcome that is no error."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.errors import Permanent, Transient
from records.tickets import Held, Ticket
from sinks.contract import Observed, Sink
from sinks.plan import changes
from sinks.protocol import converge
from sinks.render import note_digest, post_key
from tests.sinks.conftest import make_delivery, make_post, make_ticket

Make = Callable[..., Any]


class Memory(Sink):
    """A helpdesk in memory. `fail`: countdown to an error after the effect; `drops`: fields that it loses silently."""

    name = "memory"

    def __init__(self) -> None:
        self.remote: dict[str, Held] = {}
        self.ids: dict[str, str] = {}
        self.merged: dict[str, str] = {}
        self.follows: dict[str, str] = {}
        self.calls: list[str] = []
        self.fail = -1
        self.drops: set[str] = set()
        self.rivals = 0

    def _step(self, verb: str) -> None:
        self.calls.append(verb)
        self.fail -= 1
        if self.fail == 0:
            raise Transient("cut")

    async def find(self, ticket_id: str) -> tuple[Held, ...]:
        numbers = [
            n for n in self.remote if self.ids[n] == ticket_id and n not in self.merged and not self.remote[n].gone
        ]
        self._step("find")
        return tuple(self.remote[number] for number in numbers)

    async def read(self, remote_id: str) -> Held | None:
        self._step("read")
        while remote_id in self.merged:
            remote_id = self.merged[remote_id]
        held = self.remote.get(remote_id)
        return (
            None
            if held is None
            else msgspec.structs.replace(held, posts={post_key(k): v for k, v in held.posts.items()})
        )

    async def create(self, ticket: Ticket, follows: str | None = None) -> str:
        for _ in range(self.rivals + 1):
            number = str(len(self.remote) + 1)
            self.remote[number] = Held(remote_id=number, status="open", ticket_id=ticket.id)
            self.ids[number] = ticket.id
            if follows:
                self.follows[number] = follows
        self.rivals = 0
        self._step("create")
        return number

    async def write(self, held: Held, ticket: Ticket) -> Held:
        todo = changes(held, ticket, self.fields, self.rerank_minutes)
        if not todo:
            return held
        posts = dict(self.remote[held.remote_id].posts)
        for post in todo.posts:
            if "post" not in self.drops:
                posts[post.id] = "gone" if post.removed else _digest(post)
        new: dict[str, Any] = {"posts": posts}
        for field in ("status", "priority", "rank_key", "note"):
            value = getattr(todo, field)
            if value is not None and field not in self.drops:
                new[field] = value
        self.remote[held.remote_id] = msgspec.structs.replace(self.remote[held.remote_id], **new)
        self._step("write")
        from sinks.render import named

        back = await self.read(held.remote_id)
        assert back is not None
        return named(back, ticket)

    async def merge(self, loser: str, winner: str) -> None:
        self.merged[loser] = winner
        self._step("merge")

    async def observe(self, cursor: dict[str, Any] | None) -> Observed:
        return Observed(events=(), cursor={})

    def person(self, number: str, **changed: Any) -> None:
        self.remote[number] = msgspec.structs.replace(self.remote[number], **changed)

    def open_numbers(self) -> list[str]:
        return [
            n for n, held in self.remote.items() if n not in self.merged and not held.gone and held.status == "open"
        ]


def _digest(post: Any) -> str:
    from sinks.render import marker

    return marker(post).rsplit(":", 1)[1]


async def test_it_looks_before_it_creates_and_again_after() -> None:
    desk = Memory()
    held = await converge(desk, make_delivery(make_ticket(make_post(1), make_post(2))))
    assert desk.calls[:3] == ["find", "create", "find"]
    assert held.posts == {"x:1": "1", "x:2": "1"} and held.version == 1


async def test_twice_writes_once() -> None:
    desk, ticket = Memory(), make_ticket()
    held = await converge(desk, make_delivery(ticket))
    desk.calls.clear()
    assert await converge(desk, make_delivery(ticket, held)) == held
    assert desk.calls == ["read"]


@given(st.lists(st.integers(1, 9), max_size=6), st.integers(0, 3))
async def test_whatever_breaks_and_whoever_races_there_is_one_ticket_in_the_end(breaks: list[int], rivals: int) -> None:
    desk, ticket = Memory(), make_ticket(make_post(1), make_post(2), make_post(3))
    desk.rivals = rivals
    for countdown in [*breaks, -1]:
        desk.fail = countdown
        try:
            held = await converge(desk, make_delivery(ticket, recovering=True))
        except Transient:
            continue
    assert desk.open_numbers() == [held.remote_id] == ["1"]
    assert held.posts == {"x:1": "1", "x:2": "1", "x:3": "1"} and held.human == ()


@pytest.mark.parametrize(
    ("drops", "says"),
    [
        ("rank_key", r"rank='96371910' \(holds None\)"),
        ("priority", "priority='high'"),
        ("note", "internal note"),
        ("post", "post x:1"),
    ],
)
async def test_what_was_dropped_silently_is_said(drops: str, says: str) -> None:
    desk = Memory()
    desk.drops = {drops}
    with pytest.raises(Permanent, match=f"memory dropped .*{says}"):
        await converge(desk, make_delivery(make_ticket()))


async def test_a_field_that_the_helpdesk_cannot_hold_is_not_missed() -> None:
    desk = Memory()
    desk.drops, desk.fields = {"rank_key"}, {"status": "status", "priority": "priority", "note": "note"}
    assert (await converge(desk, make_delivery(make_ticket()))).rank_key is None


async def test_a_remote_value_unlike_our_last_write_is_a_persons() -> None:
    desk, ticket = Memory(), make_ticket(priority="low")
    held = await converge(desk, make_delivery(ticket))
    desk.person("1", priority="urgent")
    for version in (2, 3):
        wanted = msgspec.structs.replace(ticket, priority="normal", rank_key=5)
        held = await converge(desk, make_delivery(wanted, held, version=version))
        assert (held.priority, held.rank_key, held.human) == ("urgent", 5, ("priority",))


async def test_our_own_unfinished_write_is_not_a_persons() -> None:
    desk, ticket = Memory(), make_ticket(priority="low")
    held = await converge(desk, make_delivery(ticket))
    wanted = msgspec.structs.replace(ticket, priority="urgent")
    desk.fail = 2
    with pytest.raises(Transient):
        await converge(desk, make_delivery(wanted, held, version=2))
    held = await converge(desk, make_delivery(wanted, held, version=2, recovering=True))
    assert (held.priority, held.human) == ("urgent", ())


async def test_our_unfinished_write_of_a_version_superseded_since_is_not_a_persons() -> None:
    desk, ticket = Memory(), make_ticket(priority="low")
    held = await converge(desk, make_delivery(ticket))
    desk.fail = 2
    with pytest.raises(Transient):
        await converge(desk, make_delivery(msgspec.structs.replace(ticket, priority="urgent"), held, version=2))
    newest = msgspec.structs.replace(ticket, priority="normal")
    held = await converge(desk, make_delivery(newest, held, version=3, recovering=True))
    assert (held.priority, held.human) == ("normal", ())


async def test_stale_is_skipped_without_a_call() -> None:
    desk, ticket = Memory(), make_ticket()
    held = await converge(desk, make_delivery(ticket, version=3))
    desk.calls.clear()
    assert await converge(desk, make_delivery(msgspec.structs.replace(ticket, rank_key=1), held, version=2)) == held
    assert desk.calls == []


async def test_withdrawn_before_it_was_created_is_no_call() -> None:
    desk = Memory()
    held = await converge(desk, make_delivery(make_ticket(status="withdrawn")))
    assert (held.remote_id, held.version, desk.calls) == ("", 1, [])


async def test_withdrawn_then_wanted_again_is_created() -> None:
    desk, ticket = Memory(), make_ticket()
    none = await converge(desk, make_delivery(msgspec.structs.replace(ticket, status="withdrawn")))
    assert (await converge(desk, make_delivery(ticket, none, version=2))).remote_id == "1"


async def test_vanished_is_created_again_with_everything() -> None:
    desk, ticket = Memory(), make_ticket(make_post(1), make_post(2))
    held = await converge(desk, make_delivery(ticket))
    desk.remote.clear()
    desk.remote["1"] = Held(remote_id="1", ticket_id="hf-other", status="open")
    desk.ids["1"] = "hf-other"
    held = await converge(desk, make_delivery(ticket, held))
    assert held.remote_id == "2" and held.posts == {"x:1": "1", "x:2": "1"}


async def test_gone_stays_gone_until_a_candidate_comes() -> None:
    desk, ticket = Memory(), make_ticket()
    held = await converge(desk, make_delivery(ticket))
    desk.person("1", gone=True)
    context = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2, role="context")))
    held = await converge(desk, make_delivery(context, held, version=2))
    assert held.gone and held.version == 2
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(3)))
    held = await converge(desk, make_delivery(more, held, version=3))
    assert (held.gone, held.remote_id) == (False, "2")


async def test_closed_for_good_gets_a_follow_up_for_a_new_post_only() -> None:
    desk, ticket = Memory(), make_ticket()
    held = await converge(desk, make_delivery(ticket))
    desk.person("1", status="closed")
    reranked = msgspec.structs.replace(ticket, rank_key=5)
    held = await converge(desk, make_delivery(reranked, held, version=2))
    assert (held.remote_id, held.status) == ("1", "closed")
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2)))
    held = await converge(desk, make_delivery(more, held, version=3))
    assert (held.remote_id, desk.follows) == ("2", {"2": "1"})
    again = await converge(desk, make_delivery(more, None, version=3, recovering=True))
    assert again.remote_id == "2" and desk.merged == {}


async def test_a_merge_waits_for_the_ticket_that_takes_over() -> None:
    desk, one, two = Memory(), make_ticket(make_post(1)), make_ticket(make_post(2))
    held = await converge(desk, make_delivery(two))
    merged = msgspec.structs.replace(two, status="merged", merged_into=one.id)
    with pytest.raises(Transient, match="is not there yet"):
        await converge(desk, make_delivery(merged, held, version=2))
    await converge(desk, make_delivery(one))
    held = await converge(desk, make_delivery(merged, held, version=2))
    assert (held.remote_id, held.merged_into) == ("2", "2") and desk.merged == {"1": "2"}


async def test_a_new_post_reopens_what_a_person_solved() -> None:
    desk, ticket = Memory(), make_ticket()
    held = await converge(desk, make_delivery(ticket))
    desk.person("1", status="solved")
    held = await converge(desk, make_delivery(ticket, held, version=2))
    assert (held.status, held.human) == ("solved", ("status",))
    more = msgspec.structs.replace(ticket, posts=(*ticket.posts, make_post(2)))
    held = await converge(desk, make_delivery(more, held, version=3))
    assert (held.status, held.human) == ("open", ())


def test_nothing_is_added_to_a_withdrawn_ticket() -> None:
    first, second = make_post(1), make_post(2)
    held = Held(remote_id="1", status="open", posts={first.id: first.revision})
    bare = [msgspec.structs.replace(first, removed=True, text=None), msgspec.structs.replace(second, text=None)]
    todo = changes(held, make_ticket(*bare, status="withdrawn"), ("status",))
    assert (todo.append, todo.correct, todo.status) == ((), (), "withdrawn")
    assert [post.id for post in todo.redact] == [first.id]


def test_a_small_move_waits_for_the_next_write() -> None:
    ticket = make_ticket(rank_key=100)
    held = Held(
        remote_id="1", status="open", priority="high", rank_key=97, posts={"x:1": "1"}, note=note_digest(ticket)
    )
    fields = Memory.fields
    assert not changes(held, ticket, fields, 5)
    assert changes(held, ticket, fields, 3).rank_key == 100
    assert changes(held, msgspec.structs.replace(ticket, priority="urgent"), fields, 5).rank_key == 100
    assert changes(held, msgspec.structs.replace(ticket, rank_key=100 + 10**8), fields, 5).rank_key == 100 + 10**8
