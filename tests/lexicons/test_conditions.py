"""Conditions of triggers: what the post shows, and what waits for its author."""

import pytest

from config.yaml_file import ConfigError
from lexicons.judgement import judge, load_lexicon
from records.mention import Language, Rating, Thread

WEDNESDAY_NOON = "2026-03-04T11:00:00.000Z"  # 12:00 in Vienna
SATURDAY = "2026-03-07T11:00:00.000Z"


def known(folder, when, threshold=0.5, **more):
    lines = "".join(f"    {key}: {value}\n" for key, value in more.items())
    (folder / "own.yaml").write_text(
        "lexicon: 1\nlanguage: de\n"
        "brands:\n"
        '  - {id: nordfunk, names: [Nordfunk], handles: ["@nordfunk"], products: [{id: funkbox, names: [Funkbox]}]}\n'
        "triggers:\n  - id: own.box\n    phrases: [blinkt rot]\n    weight: 20\n"
        f"    when: {when}\n{lines}",
        "utf-8",
    )
    return load_lexicon(["own.yaml"], base=folder, need_threshold=threshold)


def hits(mention, lexicon, text="@nordfunk sie blinkt rot", **fields):
    return "own.box" in {hit.id for hit in judge(mention(text, **fields), lexicon).triggers}


@pytest.mark.parametrize(
    ("when", "right", "wrong"),
    [
        ("{channels: [x]}", {}, {"channel": "mastodon", "id": "mastodon:9"}),
        ("{kinds: [direct_message, review]}", {"kind": "review"}, {"kind": "post"}),
        ("{languages: [de]}", {"language": Language(tag="de", source="platform")}, {"text": "@nordfunk qwx blinkt rot"}),
        ("{rating_at_most: 2}", {"rating": Rating(value=2)}, {"rating": Rating(value=3)}),
        ("{rating_at_most: 2}", {"rating": Rating(value=20, best=100, worst=0)}, {}),
        (
            "{posted: {zone: Europe/Vienna, after: '08:00', before: '18:00'}}",
            {"occurred_at": WEDNESDAY_NOON},
            {"occurred_at": SATURDAY},
        ),
        (
            "{posted: {zone: Europe/Vienna, before: '12:00', outside: true}}",
            {"occurred_at": WEDNESDAY_NOON},
            {"occurred_at": "2026-03-04T10:59:00.000Z"},
        ),
    ],
)  # fmt: skip
def test_trigger_counts_only_where_its_conditions_hold(mention, tmp_path, when, right, wrong) -> None:
    lexicon = known(tmp_path, when)
    assert hits(mention, lexicon, **right)
    assert not hits(mention, lexicon, **wrong)


def test_hours_follow_daylight_saving(mention, tmp_path) -> None:
    lexicon = known(tmp_path, "{posted: {zone: Europe/Vienna, after: '08:00'}}")
    assert hits(mention, lexicon, occurred_at="2026-07-01T06:00:00.000Z")  # 08:00 in summer
    assert not hits(mention, lexicon, occurred_at="2026-03-04T06:59:00.000Z")  # 07:59 in winter


def test_product_must_stand_near_or_its_brand_be_spoken_to(mention, tmp_path) -> None:
    lexicon = known(tmp_path, "{near: [funkbox]}")
    assert hits(mention, lexicon, "@nordfunk die Funkbox blinkt rot")
    assert not hits(mention, lexicon, "@nordfunk der Toaster blinkt rot")
    assert not hits(mention, lexicon, f"@nordfunk Funkbox. {'Wort ' * 30}. Noch ein Satz. Es blinkt rot")
    assert hits(mention, known(tmp_path, "{near: [nordfunk]}"), "@nordfunk es blinkt rot")


def test_condition_on_the_author_travels_as_pending(mention, tmp_path) -> None:
    lexicon = known(tmp_path, "{customer: true, first_contact: false}", 0.9999, league="legal")
    verdict = judge(mention("@nordfunk sie blinkt rot"), lexicon)
    assert verdict.pending == ("own.box:customer+not_first_contact>legal",)
    assert [hit.id for hit in verdict.triggers] == ["own.box"]
    assert (verdict.kept, verdict.service_request, verdict.league) == (True, False, None)


def test_need_counts_nothing_that_is_pending(mention, tmp_path) -> None:
    text = "@nordfunk sie blinkt rot, bitte helft mir"
    plain = judge(mention(text), known(tmp_path, "{channels: [sms]}"))
    pending = judge(mention(text), known(tmp_path, "{customer: true}"))
    assert pending.need == plain.need
    assert pending.service_request == plain.service_request


def test_condition_that_fails_hides_no_shorter_hit(mention, tmp_path) -> None:
    known(tmp_path, "{channels: [sms]}")
    (tmp_path / "short.yaml").write_text("lexicon: 1\ntriggers: [{id: short, phrases: [rot], weight: 1}]\n", "utf-8")
    lexicon = load_lexicon(["own.yaml", "short.yaml"], base=tmp_path)
    assert [hit.id for hit in judge(mention("@nordfunk blinkt rot"), lexicon).triggers] == ["short"]


def test_thread_matters_to_no_trigger_without_conditions(mention, lexicon) -> None:
    assert judge(mention("@nordfunk Hilfe!", thread=Thread(root_id="1")), lexicon).pending == ()


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("{posted: {zone: Europe/Wien}}", "time zone `Europe/Wien`"),
        ("{posted: {zone: Europe/Vienna, after: '18:00', before: '08:00'}}", "outside: true"),
        ("{near: [funkbx]}", "did you mean `funkbox`"),
        ("{channels: [twitter]}", "channels"),
        ("{rating_at_most: 6}", "<= 5"),
        ("{custommer: true}", "did you mean `customer`"),
    ],
)
def test_condition_that_can_never_hold_is_refused_with_its_line(tmp_path, when, says) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        known(tmp_path, when)
    assert caught.value.line == 9
    assert caught.value.field.startswith("triggers[0].when")
