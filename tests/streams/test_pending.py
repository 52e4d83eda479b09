"""Pending triggers are decided by what is known of the author and the thread, whenever it comes to be known."""

from functools import partial

import msgspec
import pytest

from lexicons.judgement import judge as judge_mention
from lexicons.judgement import load_lexicon
from records.events import Answered, Known, Spoke
from records.facts import Link, Snapshot, Unlink
from records.mention import Thread
from records.pending import Pending, parse_pending
from records.times import DAY, MINUTE, from_ms
from records.verdict import TriggerHit
from streams.assess import Assess
from streams.author import AuthorState, merge
from streams.derive import derive, said
from streams.memory import MemoryEngine
from streams.profile import Profile
from streams.screen import Screen

from .conftest import RULES, START, judge, mention


def spoke(post, *pending: str, **verdict) -> Spoke:
    hit = TriggerHit("own.vip", "box", 0, 3, 20)
    given = {"pending": pending, "triggers": (hit,), "kept": True, "service_request": False, "dropped": None} | verdict
    return Spoke(mention=post, verdict=msgspec.structs.replace(judge(post), **given))


def state(*events) -> AuthorState:
    known = AuthorState()
    for event in events:
        known = merge(known, event)
    return known


def decided(known: AuthorState, native: str = "1"):
    return next(post.verdict for post in said(known) if post.id == f"x:{native}")


def known_customer(evidence: str = "verified") -> Known:
    return Known(snapshot=Snapshot(customer="c1", version=1, evidence=evidence))


POST = mention("1", "box", thread=Thread(root_id="r"))


def test_hit_counts_and_opens_once_its_author_is_a_verified_customer() -> None:
    waiting = spoke(POST, "own.vip:customer>legal")
    stranger, customer = state(waiting), state(waiting, known_customer())
    assert (decided(stranger).kept, decided(stranger).triggers, decided(stranger).context) == (False, (), True)
    assert (decided(customer).kept, decided(customer).league, decided(customer).pending) == (True, "legal", ())
    assert [hit.id for hit in decided(customer).triggers] == ["own.vip"]
    assert not derive(stranger, "x:anna", RULES)
    assert len(derive(customer, "x:anna", RULES)) == 1


def test_link_without_evidence_of_its_own_is_no_customer() -> None:
    assert not decided(state(spoke(POST, "own.vip:customer"), known_customer("self_claimed"))).kept


def test_what_opens_anyway_stays_open_without_the_hit() -> None:
    verdict = decided(state(spoke(POST, "own.vip:customer>legal", service_request=True, league="vulnerable")))
    assert (verdict.kept, verdict.service_request, verdict.triggers, verdict.league) == (True, True, (), "vulnerable")


def test_higher_league_stays() -> None:
    post = spoke(POST, "own.vip:not_customer>legal", service_request=True, league="safety")
    assert decided(state(post)).league == "safety"


def test_first_contact_is_the_earliest_post_in_whatever_order_they_come() -> None:
    later = mention("2", "box", minute=5)
    events = [spoke(POST, "own.vip:first_contact"), spoke(later, "own.vip:first_contact")]
    for order in (events, events[::-1]):
        assert decided(state(*order), "1").kept
        assert not decided(state(*order), "2").kept


@pytest.mark.parametrize(
    ("event", "holds"),
    [
        (Answered(id="x:a", at=from_ms(START - MINUTE), root_id="r"), True),
        (Answered(id="x:a", at=from_ms(START + MINUTE), root_id="r"), False),
        (Answered(id="x:a", at=from_ms(START - MINUTE), root_id="other"), False),
        (Answered(id="x:a", at=from_ms(START - MINUTE), root_id="r", op="delete"), False),
        (spoke(mention("0", "hi", minute=-1, thread=Thread(root_id="r")), addressed="handle"), True),
        (spoke(mention("0", "hi", minute=-1, thread=Thread(root_id="r")), addressed="none"), False),
    ],
)
def test_brand_in_thread_wrote_or_was_spoken_to_before(event, holds: bool) -> None:
    assert decided(state(event, spoke(POST, "own.vip:brand_in_thread"))).kept is holds


def test_all_conditions_of_a_trigger_must_hold() -> None:
    known = [spoke(POST, "own.vip:customer+not_first_contact"), known_customer()]
    assert not decided(state(*known)).kept
    assert decided(state(*known, spoke(mention("0", "hi", minute=-DAY / MINUTE)))).kept


def test_condition_of_a_newer_version_never_holds() -> None:
    assert not decided(state(spoke(POST, "own.vip:owns_a_dog"))).kept
    assert not decided(state(spoke(POST, "own.vip:not_owns_a_dog"))).kept


@pytest.mark.parametrize(
    "entry", [Pending("a.b", ("customer",)), Pending("a", ("customer", "not_first_contact"), "legal")]
)
def test_entry_reads_as_it_was_written(entry: Pending) -> None:
    assert parse_pending(str(entry)) == entry


def test_ticket_opens_when_its_author_becomes_known_and_goes_when_the_link_does(tmp_path) -> None:
    """Through all stages, with a lexicon of files."""
    (tmp_path / "own.yaml").write_text(
        "lexicon: 1\nlanguage: de\ntriggers:\n"
        "  - {id: own.vip, phrases: [Stammkunde], weight: 5, league: legal, when: {customer: true}}\n",
        "utf-8",
    )
    lexicon = load_lexicon(["own.yaml"], base=tmp_path, need_threshold=0.9999)
    judged = partial(judge_mention, lexicon=lexicon)
    engine = MemoryEngine([Screen(judged), Profile(), Assess(RULES, judged)])
    post = mention("1", "Stammkunde seit Jahren", kind="direct_message")
    engine.feed("mentions", post.id, post)
    assert not engine.tickets
    at = from_ms(START + MINUTE)
    link = Link(id="l", customer="c1", author=post.author_key, evidence="verified", at=at)
    engine.feed("customer-facts", "c1", link)
    assert [op.op for op in engine.tickets.values()] == ["open"]
    (opened,) = [op.ticket for op in engine.tickets.values()]
    assert (opened.status, opened.posts[0].triggers, opened.customer) == ("open", ("own.vip",), "verified")
    engine.feed("customer-facts", "c1", Unlink(id="l", customer="c1", author=post.author_key, revision=1, at=at))
    assert [op.op for op in engine.tickets.values()] == ["close"]
