"""A plan says of any log what replaying it under either lexicon says, whatever the cuts and however many processes."""

import functools

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records import codec
from records.mention import Mention
from records.verdict import TriggerHit, Verdict
from streams.assess import Assess
from streams.memory import MemoryEngine, ranked
from streams.plan.comparison import planned
from streams.plan.deriving import derived
from streams.plan.gathered import Gathered
from streams.plan.judging import Recorded, judged
from streams.plan.rules import Rules
from streams.screen import Screen
from tests.streams.conftest import RULES, judge, mention
from tests.streams.test_any_order import histories

UNTIL = mention().occurred_at
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def wider(post: Mention) -> Verdict:
    """Keeps "well" too, and thinks "now" no more urgent than the rest."""
    verdict = judge(post)
    if verdict.context:
        hit = TriggerHit("well", "well", 0, 4, 10.0)
        return msgspec.structs.replace(verdict, kept=True, context=False, dropped=None, triggers=(hit,))
    return verdict


def deafer(post: Mention) -> Verdict:
    verdict = judge(post)
    lost = verdict.kept and "fire" not in (post.text or "")
    return msgspec.structs.replace(verdict, kept=False, dropped="no_need") if lost else verdict


def recorded(mentions, size=3):
    values = list(enumerate(codec.encode(post) for post in mentions))
    return [Recorded("records", "log", UNTIL, values[at : at + size]) for at in range(0, len(values), size)]


def queue(by, mentions):
    engine = MemoryEngine([Screen(by), Assess(RULES, by)])
    engine.play(mentions)
    return [t for t in ranked(op.ticket for op in engine.tickets.values()) if t.status == "open"]


def planned_of(old, new, pieces, **more):
    with planned(functools.partial(Rules, old, new, RULES), pieces, tell_bad=print, **more) as plan:
        found = list(plan.changes())
        return plan._replace(changes=lambda: found)


@quick
@given(histories(), st.sampled_from([judge, wider, deafer]), st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_open_tickets_of_both_sides_are_those_of_a_replay(tmp_path_factory, events, new, size, chance):
    mentions = [event for event in events if isinstance(event, Mention)]
    chance.shuffle(mentions)
    rules = Rules(judge, new, RULES)
    found = set()
    gathered = Gathered(tmp_path_factory.mktemp("plan") / "plan.db")
    for piece in recorded(mentions, size):
        gathered.hear(judged(rules, piece).heard)
    for stands in derived(rules, gathered.groups()).standing:
        found.add((stands.side, stands.ticket, stands.rank_key, stands.score))
    gathered.close()
    wanted = {
        (side, t.canonical_id, t.rank_key, t.score) for side, by in enumerate((judge, new)) for t in queue(by, mentions)
    }
    assert found == wanted


@quick
@given(histories())
def test_the_same_lexicon_changes_nothing(events):
    plan = planned_of(judge, judge, recorded([e for e in events if isinstance(e, Mention)]), processes=0)
    assert plan.is_empty and plan.changes() == [] and plan.open_tickets[0] == plan.open_tickets[1]


CALLS = [
    mention(str(number), text, author=f"a{number % 7}", minute=number)
    for number, text in enumerate(["help", "well", "nothing", "help now", "help fire", "well", "nothing at all"] * 6)
]


def test_many_processes_find_what_one_does():
    alone = planned_of(judge, wider, recorded(CALLS), processes=0)
    many = planned_of(judge, wider, recorded(CALLS), processes=2)
    assert alone.changes() == many.changes() != []
    assert alone._replace(changes=None) == many._replace(changes=None)


def test_a_change_is_told_with_its_trigger_and_its_place_before_and_after():
    plan = planned_of(judge, wider, recorded([mention("1", "help"), mention("2", "well", author="ben", minute=5)]))
    (change,) = plan.changes()
    assert (change.change, change.triggers, change.mentions) == ("gained", ("well",), ("x:2",))
    assert change.old is None and change.new.rank == 2
    assert plan.open_tickets == (1, 2) and plan.counts == {"gained": 1, "lost": 0, "moved": 0}
    assert [(line.trigger, line.hits, line.gained) for line in plan.triggers] == [("well", (0, 1), 1)]


def test_what_a_lexicon_does_not_hear_any_more_is_lost_and_a_post_more_moves_a_ticket():
    lost = planned_of(judge, deafer, recorded([mention("1", "help")])).changes()
    assert [(c.change, c.old.rank, c.new, c.triggers) for c in lost] == [("lost", 1, None, ("-",))]
    (moved,) = planned_of(judge, wider, recorded([mention("1", "well"), mention("2", "help", minute=9)])).changes()
    assert moved.change == "moved" and moved.old.due_at != moved.new.due_at
    assert set(moved.mentions) == {"x:1", "x:2"} and moved.triggers == ("well",)


def test_a_record_that_cannot_be_read_or_judged_is_told_with_its_place_and_the_rest_goes_on():
    def faulty(post: Mention) -> Verdict:
        if post.id == "x:1":
            raise ValueError("cannot judge this")
        return judge(post)

    bad: list[str] = []
    values = [(7, b"{"), (8, codec.encode(mention("1"))), (9, codec.encode(mention("2")))]
    piece = Recorded("lines", "log.ndjson", UNTIL, values)
    with planned(lambda: Rules(faulty, judge, RULES), [piece], tell_bad=bad.append) as plan:
        assert plan.mentions == 2 and plan.open_tickets == (1, 1)
    assert [line.partition(" ")[0] for line in bad] == ["log.ndjson:7:", "log.ndjson:8:"]


def test_memory_holds_few_pieces_at_a_time():
    """The log may be larger than the memory: no more is read than is being worked on."""
    read: list[int] = []

    def pieces():
        for number, piece in enumerate(recorded(CALLS * 4, size=4)):
            read.append(number)
            yield piece

    held: list[int] = []
    done = 0

    def judged_one(text: str) -> None:
        nonlocal done
        if "derived" not in text:
            done += 1
            held.append(len(read) - done)

    planned_of(judge, wider, pieces(), processes=1, tell_progress=judged_one)
    assert len(read) > 40 and max(held) <= 6
