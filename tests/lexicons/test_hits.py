"""Each mention counts once, on the day it was posted, for what it hit."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lexicons.hits import DayCount, Heard, Tally, merge_days
from lexicons.judgement import judge
from records.verdict import TriggerHit, Verdict

JUDGED = Verdict(
    id="x:9", kept=True, dropped=None, brand="acme", need=0.9, service_request=True, urgency=1, anger=0, sentiment=0,
    language="de", lexicon_version="v", addressed="handle",
)  # fmt: skip


def verdict(*triggers: str, **changes: Any) -> Verdict:
    hits = tuple(TriggerHit(trigger, "text", 0, 4, 10.0) for trigger in triggers)
    return msgspec.structs.replace(JUDGED, triggers=hits, **changes)


def tally() -> Tally:
    return Tally(
        {"de": ["de.help", "de.out"], "en": ["en.help"]},
        {"de.help": "de", "de.out": "de", "en.help": "en"},
        ["acme", "zen"],
    )


def test_a_day_tells_every_trigger_that_was_there_also_one_that_hit_nothing(mention):
    count = tally()
    count.add(mention("Hilfe"), verdict("de.help"))
    (day,) = count.days()
    assert (day.day, day.mentions, day.hits) == ("2026-03-01", 1, {"de.help": 1, "de.out": 0, "en.help": 0})


def test_a_lexicon_a_language_and_a_brand_are_hit_once_by_a_mention(mention):
    count = tally()
    count.add(mention("Hilfe, kein Netz"), verdict("de.help", "de.out"))
    count.add(mention("hi", id="x:10"), verdict(language="en", brand=None, addressed="none"))
    (day,) = count.days()
    assert day.groups["lexicon de"] == Heard(mentions=2, hits=1)
    assert day.groups["language de"] == Heard(mentions=1, hits=1)
    assert day.groups["language en"] == Heard(mentions=1, hits=0)
    assert (day.groups["brand acme"].hits, day.groups["brand zen"].hits) == (1, 0)


def test_a_lexicon_that_only_changes_others_and_a_trigger_that_is_off_are_not_counted(mention):
    count = Tally({"de": ["de.help", "de.off"], "team": []}, {"de.help": "de"}, [])
    count.add(mention("Hilfe"), verdict("de.help"))
    (day,) = count.days()
    assert day.hits == {"de.help": 1} and sorted(day.groups) == ["brand acme", "language de", "lexicon de"]


def test_own_posts_reposts_and_bots_are_no_traffic(mention):
    count = tally()
    for number, dropped in enumerate(("own_post", "repost", "bot", "deleted", "no_content")):
        count.add(mention("Hilfe", id=f"x:{number}"), verdict("de.help", kept=False, dropped=dropped))
    assert count.days() == []


@given(st.permutations([("a", 1), ("b", 1), ("a", 2), ("c", 2), ("a", 1)]))
def test_revisions_and_doubles_in_any_order_count_once(revisions):
    from tests.lexicons.conftest import _mention

    count = tally()
    for name, revision in revisions:
        count.add(_mention("x", id=f"x:{name}"), verdict("de.help" if revision == 1 else "de.out"))
    (day,) = count.days()
    assert (day.mentions, day.hits["de.help"], day.hits["de.out"]) == (3, 2, 2)


def test_a_real_judgement_is_counted(mention: Callable[..., Any], lexicon):
    count = Tally({}, {each.trigger.id: each.language for each in lexicon.triggers}, lexicon.brands.ids)
    post = mention("@nordfunk Hilfe, kein Netz!")
    count.add(post, judge(post, lexicon))
    (day,) = count.days()
    assert day.hits["de.help"] == 1 and day.groups["brand nordfunk"].hits == 1 and day.groups["language de"].hits == 1


def test_of_a_day_counted_twice_the_count_that_saw_more_stays():
    full, pruned = (DayCount(day="2026-03-01", mentions=n, hits={"a": n}, groups={}) for n in (9, 4))
    later = DayCount(day="2026-03-02", mentions=1, hits={}, groups={})
    assert merge_days([full], [pruned, later]) == [full, later]
    assert merge_days([pruned], [full]) == [full]
