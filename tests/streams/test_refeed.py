"""The log fed again: what earlier rules were deaf to stands in the queue as if the rules of today had always been in force."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from records.events import Rules
from records.mention import Mention
from records.topics import AUTHOR_EVENTS
from records.verdict import Verdict
from streams.assess import Assess
from streams.memory import MemoryEngine
from streams.profile import Profile
from streams.screen import Screen

from .conftest import RULES, judge
from .test_any_order import canonical, feed, fresh_engine, histories

TODAY = Rules(lexicon_version="today", strategy="test@1")


class Judge:
    """Before the change it hears nothing of a post with one of these words."""

    def __init__(self, deaf_to: set[str]) -> None:
        self.deaf_to = deaf_to

    def __call__(self, post: Mention) -> Verdict:
        verdict = judge(post)
        if verdict.dropped == "own_post" or not self.deaf_to & set((post.text or "").split()):
            return verdict
        return msgspec.structs.replace(verdict, kept=False, context=False, dropped="no_need", service_request=False)


words = st.sets(st.sampled_from(["help", "now", "fire", "well"]))


@settings(max_examples=150, deadline=None)
@given(histories(), words, st.randoms(use_true_random=False))
def test_fed_again_in_any_order_the_queue_is_as_if_the_rules_of_today_had_always_been_in_force(events, deaf_to, random):
    judging = Judge(deaf_to)
    engine = feed(MemoryEngine([Screen(judging), Profile(), Assess(RULES, judging)]), events)
    judging.deaf_to = set()
    for author in ("x:anna", "x:ben"):
        engine.feed(AUTHOR_EVENTS, author, TODAY)
    again = random.sample(events, len(events))
    assert canonical(feed(engine, again)) == canonical(feed(fresh_engine(), events))


@settings(max_examples=100, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_without_a_change_of_the_rules_no_ticket_changes(events, random):
    engine = feed(fresh_engine(), events)
    before = dict(engine.tickets)
    feed(engine, random.sample(events, random.randint(0, len(events))))
    assert engine.tickets == before
