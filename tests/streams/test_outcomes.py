"""What people did with tickets, read from an author's state."""

import pytest

from records.events import Answered, Helpdesk, Spoke
from records.times import DAY, from_ms
from streams.assess import Assess
from streams.author import AuthorState
from streams.outcomes import outcomes_of

from .conftest import RULES, START, judge, mention

KEY = "x:anna"


def state_of(*events: object) -> AuthorState:
    """After the first post and these events; a tuple is what a person did to its ticket, day by day."""
    stage, state = Assess(RULES, judge), None
    for day, event in enumerate((post("1"), *events)):
        record = done(state, day, *event) if isinstance(event, tuple) else event
        state, _ = stage.step(KEY, state, record)
    assert state is not None
    return state


def post(native: str, text: str = "help", **more: object) -> Spoke:
    told = mention(native, text, **more)  # type: ignore[arg-type]
    return Spoke(mention=told, verdict=judge(told) if told.op in ("create", "update") else None)


def done(state: AuthorState | None, day: int, what: str, value: str | None = None) -> Helpdesk:
    assert state is not None
    (ticket,) = state.tickets
    at = from_ms(START + day * DAY)
    return Helpdesk(sink="desk", id=str(day), ticket_id=ticket, at=at, what=what, value=value)  # type: ignore[arg-type]


def outcomes(*events: object) -> list[tuple[str, str]]:
    return [(each.mention.id, each.what) for each in outcomes_of(state_of(*events))]


@pytest.mark.parametrize("end", ["solved", "closed"])
def test_a_ticket_closed_without_an_answer_was_no_need(end):
    assert outcomes((end,)) == [("x:1", "no_need")]


def test_one_closed_after_an_answer_in_the_helpdesk_or_on_the_channel_was_solved():
    at = from_ms(START + DAY)
    assert outcomes(("answered",), ("solved",)) == [("x:1", "solved")]
    assert outcomes(Answered(id="x:7", at=at, parent_id="x:1"), ("solved",)) == [("x:1", "solved")]
    assert outcomes(Answered(id="x:7", at=at, parent_id="x:8"), ("solved",)) == [("x:1", "no_need")]


def test_one_that_is_still_worked_on_says_nothing():
    assert outcomes() == outcomes(("answered",)) == outcomes(("solved",), ("reopened",)) == []


def test_a_priority_above_ours_is_raised_and_one_below_says_nothing():
    ours = next(iter(state_of().tickets.values())).last.priority
    assert ours not in ("urgent", "low")
    assert outcomes(("priority", "urgent"), ("solved",)) == [("x:1", "raised")]
    assert outcomes(("priority", "low")) == outcomes(("priority", ours)) == []


def test_every_call_on_the_ticket_counts_and_what_only_stands_beside_does_not():
    assert outcomes(post("2", minute=5), post("3", "well, thanks", minute=6), ("solved",)) == [
        ("x:1", "no_need"),
        ("x:2", "no_need"),
    ]


@pytest.mark.parametrize("op", ["delete", "hide"])
def test_what_was_taken_back_at_its_source_teaches_nothing(op):
    assert outcomes(("solved",), post("1", op=op)) == []
