"""What hits ordinary posts, and what weighs in vain."""

from lexicons.lint.breadth import FEWEST_POSTS, Breadth, check_breadth, check_weight
from lexicons.lint.ordinary import Post
from records.mention import Language

BROAD = "id: a, phrases: [Wetter], weight: 10"


def posts(*texts, language="de"):
    return [Post(text, 0, language) for text in texts]


def broad(checked, ordinary):
    breadth = Breadth(checked)
    for post in ordinary:
        breadth.add_post(post)
    return list(check_breadth(checked, breadth))


def test_a_trigger_that_gives_ordinary_posts_more_than_a_point_is_too_broad(written) -> None:
    checked = written(BROAD)
    (remark,) = broad(checked, posts(*["Schönes Wetter heute"] * 11, *["Kuchen gebacken"] * 89))
    assert (remark.rule, remark.trigger, remark.line) == ("too-broad", "a", 4)
    assert "11.0% of 100 ordinary posts" in remark.message and "'wetter' (11)" in remark.message
    assert "at most 9" in remark.todo


def test_a_trigger_that_hits_few_ordinary_posts_or_weighs_little_is_not(written) -> None:
    ordinary = posts(*["Schönes Wetter heute"] * 9, *["Kuchen gebacken"] * 91)
    assert broad(written(BROAD), ordinary) == []
    assert broad(written("id: a, phrases: [Wetter], weight: 2"), posts(*["Wetter"] * 40, *["Kuchen"] * 60)) == []


def test_a_trigger_that_opens_a_ticket_may_hit_few_ordinary_posts_whatever_it_weighs(written) -> None:
    checked = written("id: a, phrases: [Wetter], weight: 2, opens: true")
    (remark,) = broad(checked, posts(*["Wetter"] * 3, *["Kuchen"] * 97))
    assert "drop `opens`" in remark.todo
    assert broad(checked, posts(*["Wetter"] * 2, *["Kuchen"] * 98)) == []


def test_posts_of_another_language_are_not_counted(written) -> None:
    english = posts(*["Wetter is a word"] * FEWEST_POSTS, language="en")
    assert broad(written(BROAD), [*english, *posts(*["Kuchen gebacken"] * FEWEST_POSTS)]) == []


def test_mentions_of_another_language_are_not_counted(written, mention) -> None:
    checked = written(BROAD)
    breadth = Breadth(checked)
    for language in ["en", "de"] * FEWEST_POSTS:
        text = "Wetter is a word" if language == "en" else "Kuchen gebacken"
        breadth.add_mention(mention(text, language=Language(tag=language, source="platform")))
    assert list(check_breadth(checked, breadth)) == []


def test_of_few_posts_nothing_is_concluded(written) -> None:
    assert broad(written(BROAD), posts(*["Wetter"] * (FEWEST_POSTS - 1))) == []


def test_a_weight_above_what_counts_is_told(written) -> None:
    (remark,) = check_weight(
        written("id: a, phrases: [Box tot], weight: 60", "id: b, phrases: [Kiste tot], weight: 50")
    )
    assert (remark.rule, remark.trigger, remark.field) == ("weight-overflow", "a", "triggers[0]")


def test_a_weight_that_others_always_fill_is_told(written) -> None:
    others = ["id: b, phrases: [Kabel], weight: 30", "id: c, phrases: [Dose], weight: 30"]
    filled = "id: a, phrases: [Box], weight: 5, examples: {hits: [Box Kabel Dose, Dose Kabel Box]}"
    (remark,) = check_weight(written(filled, *others))
    assert (remark.trigger, "moves nothing" in remark.message) == ("a", True)
    assert list(check_weight(written(filled.replace("Dose Kabel Box", "Kabel Box"), *others))) == []
    assert list(check_weight(written(filled.replace("phrases: [Box]", "phrases: [Karton]"), *others))) == []
    assert list(check_weight(written(f"{filled}, opens: true", *others))) == []
    assert list(check_weight(written(f"{filled}, league: legal", *others))) == []


def test_a_post_is_read_as_if_every_condition_held(written) -> None:
    checked = written("id: a, phrases: [Wetter], weight: 10, when: {channels: [x], customer: true}")
    assert len(broad(checked, posts(*["Wetter"] * FEWEST_POSTS))) == 1


def test_a_recorded_mention_is_judged(written, mention) -> None:
    checked = written("id: a, phrases: [Wetter], weight: 10, when: {channels: [x]}")
    breadth = Breadth(checked)
    for channel in ["x", "facebook"] * FEWEST_POSTS:
        breadth.add_mention(mention("Schönes Wetter", id=f"{channel}:1", channel=channel))
    (remark,) = check_breadth(checked, breadth)
    assert "hits 50.0%" in remark.message
