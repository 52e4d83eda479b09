"""assess: one ticket a conversation through solving, reopening and following; what is remembered, and for how long."""

from records.events import Answered, Helpdesk, Tick
from records.facts import Link, Unlink
from records.tickets import Ticket
from records.times import DAY, from_ms
from streams.assess import Assess
from streams.author import MAX_EVENTS, AuthorState, merge
from streams.memory import MemoryEngine

from .conftest import RULES, START, judge, mention
from .test_any_order import feed, fresh_engine

DAYS = 24 * 60  # in minutes
THREAD = {"root_id": "r"}


def done(what: str, day: float, native: str = "1", value: str | None = None) -> Helpdesk:
    """A person did something to the ticket of the first post."""
    at = from_ms(START + int(day * DAY))
    return Helpdesk(sink="queue", id=f"{native} {day}", ticket_id=first_id(), at=at, what=what, value=value)


def first_id() -> str:
    return next(iter(feed(fresh_engine(), [mention("1", "help", thread=THREAD)]).tickets))


def tickets(*events: object) -> list[Ticket]:
    """The tickets after these events, in order of opening."""
    engine = fresh_engine()
    for event in events:
        if isinstance(event, Helpdesk):
            engine.feed("author-events", "x:anna", event)
        else:
            feed(engine, [event])
    return sorted((op.ticket for op in engine.tickets.values()), key=lambda ticket: ticket.posts[0].occurred_at)


def post(native: str, day: float, text: str = "help"):
    return mention(native, text, minute=day * DAYS, thread=THREAD)


def test_a_person_solves_it():
    (ticket,) = tickets(post("1", 0), done("solved", 1))
    assert ticket.status == "solved"


def test_a_call_within_seven_days_reopens_it():
    (ticket,) = tickets(post("1", 0), done("solved", 1), post("2", 5))
    assert (ticket.status, [p.id for p in ticket.posts]) == ("open", ["x:1", "x:2"])


def test_thanks_within_seven_days_do_not_reopen_it():
    (ticket,) = tickets(post("1", 0), done("solved", 1), post("2", 2, "well, thanks"))
    assert (ticket.status, len(ticket.posts)) == ("solved", 2)


def test_a_later_call_makes_a_new_ticket_that_names_the_old():
    old, new = tickets(post("1", 0), done("solved", 1), post("2", 9))
    assert (old.status, new.status, new.follows) == ("solved", "open", old.id)


def test_a_person_reopens_it():
    (ticket,) = tickets(post("1", 0), done("solved", 1), done("reopened", 2))
    assert ticket.status == "open"


def test_a_persons_public_answer_answers_it_until_the_author_asks_again():
    assert tickets(post("1", 0), done("answered", 1))[0].status == "answered"
    assert tickets(post("1", 0), done("answered", 1), post("2", 2))[0].status == "open"


def test_the_same_event_of_a_helpdesk_twice_changes_nothing():
    once = tickets(post("1", 0), done("solved", 1))
    assert tickets(post("1", 0), done("solved", 1), done("solved", 1)) == once


def test_an_authors_state_is_bounded_and_the_newest_posts_stay():
    engine = feed(fresh_engine(), [mention(str(n), "help " + "x" * 4_000, minute=n) for n in range(60)])
    (operation,) = engine.tickets.values()
    assert operation.ticket.posts[-1].id == "x:59"
    assert sum(len(post.text or "") for post in operation.ticket.posts) < 200_000


def test_ids_of_very_many_posts_are_bounded():
    engine = feed(fresh_engine(), [mention(str(n), "help", minute=n) for n in range(2_200)])
    state = engine._states["assess"]["x:anna"]
    assert [len(emitted.members) for emitted in state.tickets.values()] == [2_000]


def forgotten(engine: MemoryEngine) -> bool:
    """Whether the author is forgotten after 91 days."""
    engine.tick(START + 91 * DAY)
    return "x:anna" not in engine._states["assess"]


def test_a_persons_reopening_holds_longer_than_seven_days():
    later = mention("2", "help", minute=20 * DAYS, thread=THREAD)
    found = tickets(mention("1", "help", thread=THREAD), done("solved", 1), done("reopened", 2), later)
    assert [[post.id for post in ticket.posts] for ticket in found] == [["x:1", "x:2"]]


def test_a_person_who_reopens_an_answered_ticket_opens_it():
    (ticket,) = tickets(mention("1", "help"), done("answered", 1), done("reopened", 2))
    assert ticket.status == "open"


def test_answers_and_events_of_helpdesks_are_bounded():
    state = AuthorState()
    for number in range(MAX_EVENTS + 50):
        state = merge(state, Answered(id=f"x:{number}", at=from_ms(START + number), parent_id="x:1"))
    assert len(state.answers) == MAX_EVENTS and f"x:{MAX_EVENTS + 49}" in state.answers


def test_an_author_without_an_open_ticket_is_forgotten_after_author_days():
    assert forgotten(feed(fresh_engine(), [mention("1", "well")]))
    assert not forgotten(feed(fresh_engine(), [mention("1", "help")]))


def test_an_author_who_is_a_customer_is_not_forgotten_so_that_an_erasure_finds_them():
    at = from_ms(START)
    link = Link(id="l", customer="c1", author="x:anna", evidence="verified", at=at)
    unlink = Unlink(id="u", customer="c1", author="x:anna", at=at)
    assert not forgotten(feed(fresh_engine(), [mention("1", "well"), link]))
    assert forgotten(feed(fresh_engine(), [mention("1", "well"), link, unlink]))


def test_a_tick_before_its_time_changes_nothing():
    assess = Assess(RULES, judge)
    state = feed(fresh_engine(), [mention("1", "well")])._states["assess"]["x:anna"]
    assert assess.step("x:anna", state, Tick(at=from_ms(START + 89 * DAY))) == (state, [])
