"""Factor content: the worst unanswered post counts, more of it never lowers the points."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from priority.content import content, severity
from priority.settings import Content
from priority.words import ENGLISH, GERMAN
from records.verdict import TriggerHit

SETTINGS = Content()
UNIT = st.floats(0, 1)


def earned(case) -> float:
    return content(case, SETTINGS, ENGLISH).factor.points


@given(st.sampled_from(["need", "urgency", "anger", "sentiment"]), UNIT, UNIT, st.tuples(UNIT, UNIT, UNIT, UNIT))
def test_more_need_urgency_anger_or_worse_feeling_never_lowers_it(make, reading, one, two, others):
    scale = {"need": 1, "urgency": 3, "anger": 3, "sentiment": -1}
    rest = {name: value * scale[name] for name, value in zip(scale, others, strict=True)}
    low, high = (make.verdict(**rest | {reading: scale[reading] * v}) for v in sorted((one, two)))
    assert severity(high, SETTINGS) >= severity(low, SETTINGS)
    assert earned(make.case(make.post(**rest | {reading: high.__getattribute__(reading)}))) >= earned(
        make.case(make.post(**rest | {reading: low.__getattribute__(reading)}))
    )


@given(st.lists(st.floats(0, 3), min_size=1, max_size=6), st.floats(0, 3), st.integers(0, 6))
def test_a_further_post_never_lowers_it_wherever_it_stands(make, urgencies, more, place):
    posts = [make.post(10 - i, urgency=u) for i, u in enumerate(urgencies)]
    with_more = make.case(*posts, make.post(10.5 - place, urgency=more))
    assert earned(with_more) >= earned(make.case(*posts))


def test_the_worst_post_counts_in_full(make):
    worst = make.post(2, urgency=3.0, anger=3.0)
    assert earned(make.case(worst, make.post(1, urgency=0.0, anger=0.0))) > earned(make.case(worst))


def test_an_answered_post_and_context_count_for_nothing(make):
    result = content(make.case(make.post(answered=True), make.post(1, candidate=False)), SETTINGS, ENGLISH)
    assert (result.factor.points, result.factor.why) == (0.0, "everything is answered")


def test_saying_one_thing_five_times_is_saying_it_once(make):
    once = (TriggerHit("en.help", "help", 0, 4, 12.0),)
    assert earned(make.case(make.post(triggers=once))) == earned(make.case(make.post(triggers=once * 5)))


def test_of_one_trigger_the_heaviest_hit_counts_wherever_it_stands(make):
    heavy, light = TriggerHit("en.help", "help me", 0, 7, 20.0), TriggerHit("en.help", "help", 9, 13, 5.0)
    heavy_only = earned(make.case(make.post(triggers=(heavy,))))
    for hits in ((heavy, light), (light, heavy)):
        assert earned(make.case(make.post(triggers=hits))) == heavy_only


def test_two_different_triggers_count_more_than_one(make):
    one = TriggerHit("en.help", "help", 0, 4, 12.0)
    two = msgspec.structs.replace(one, id="en.broken", text="broken")
    assert earned(make.case(make.post(triggers=(one, two)))) > earned(make.case(make.post(triggers=(one,))))


def test_a_photo_without_text_is_neither_urgent_nor_worthless_and_says_so(make):
    photo = make.post(need=None, urgency=0.0, anger=0.0, sentiment=0.0, triggers=())
    result = content(make.case(photo), SETTINGS, ENGLISH)
    assert 0 < result.factor.points < earned(make.case())
    assert result.unknown == ("need (no text)",)
    assert result.factor.why == "no text to judge"


def test_the_reason_names_what_was_said_and_how(make):
    case = make.case(make.post(2), make.post(1, urgency=0.0))
    assert (
        content(case, SETTINGS, ENGLISH).factor.why
        == "“broken”; urgency 1.2 of 3, anger 0.8 of 3; 1 further unanswered post"
    )
    assert "Dringlichkeit 1,2 von 3" in content(case, SETTINGS, GERMAN).factor.why


def test_a_very_long_trigger_text_is_cut_and_kept_on_one_line(make):
    hit = TriggerHit("en.x", "please\n" * 90, 0, 600, 9.0)
    why = content(make.case(make.post(triggers=(hit,))), SETTINGS, ENGLISH).factor.why
    assert "\n" not in why
    assert len(why) < 100
