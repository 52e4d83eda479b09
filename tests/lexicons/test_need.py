"""What the model and the triggers say together: a trigger counts, a call for help is kept, praise and news stay out."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.judgement import judge, load_lexicon
from lexicons.need import stars_of
from records.errors import HilferufError
from records.mention import Account, Rating, Thread
from records.verdict import Verdict

WEIGHTS = (1, 5, 10, 20, 50)
OWN = """
lexicon: 1
brands: [{id: nordfunk, names: [Nordfunk], handles: ["@nordfunk"]}]
triggers: [{id: own.box, phrases: [funkwabe], weight: %d, intent: %s}]
"""
SAID = [
    "Hilfe", "danke", "?", "!", "super", "kaputt", "@nordfunk", "@kundin", "Nordfunk", "https://a.example", "wann", "ich",
    "😡", "laut Polizei", "Gewinnspiel", "seit drei Tagen", ".", "nicht", "erste", "\u202e", "\ud800", "4711", "I", "my",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=120),
    st.lists(st.sampled_from(SAID), max_size=15).map(" ".join),
)
MEANT = [
    {},
    {"kind": "direct_message"},
    {"kind": "reply", "thread": Thread(parent_author_id="1")},
    {"kind": "review", "rating": Rating(value=1, best=5, worst=1), "account": Account(id="p", brand="nordfunk")},
    {"kind": "comment", "account": Account(id="p", brand="nordfunk")},
]


@pytest.fixture(scope="module")
def by_weight(tmp_path_factory, mention) -> Callable[..., list[float]]:
    """Need of a text that holds a trigger, once for each weight of it."""
    base = tmp_path_factory.mktemp("weights")
    known = {}
    for intent in ("problem", "praise"):
        for weight in WEIGHTS:
            (base / f"{intent}{weight}.yaml").write_text(OWN % (weight, intent), "utf-8")
            known[intent, weight] = load_lexicon(["de", f"{intent}{weight}.yaml"], base=base)
    (base / "none.yaml").write_text(OWN.split("triggers")[0], "utf-8")
    known["none", 0] = load_lexicon(["de", "none.yaml"], base=base)

    def needs(text: str, intent: str, weights=WEIGHTS) -> list[float]:
        return [judge(mention(text), known[intent, weight]).need or 0.0 for weight in weights]

    return lambda text, intent, **given: needs("@nordfunk " + text + " funkwabe", intent, **given)


# --- a trigger counts -----------------------------------------------------------------------------------------------
@given(TEXTS, st.sampled_from(["problem", "praise"]))
def test_more_points_of_a_trigger_never_lower_need(by_weight, text, intent) -> None:
    found = by_weight(text, intent)
    assert found == sorted(found)


@given(TEXTS)
def test_trigger_of_a_problem_never_lowers_need(by_weight, text) -> None:
    (without,) = by_weight(text, "none", weights=(0,))
    assert by_weight(text, "problem", weights=(10,))[0] >= without


def test_trigger_moves_what_a_support_lead_expects_it_to(by_weight) -> None:
    one, *_, most = by_weight("bei uns im Haus", "problem")
    assert most - one > 0.2


# --- a call for help by name, and what only says so -----------------------------------------------------------------
CALLS = """
@nordfunk Hilfe!
Hilfe @nordfunk
@nordfunk_hilft HILFE bitte
@nordfunk kann mir bitte jemand helfen
@nordfunk help please
Hilfe, Nordfunk!
Brauche Hilfe mit meinem Nordfunk Anschluss
Can somebody help me with my Nordfunk router
"""
NO_CALLS = """
Vielen Dank @nordfunk für die schnelle Hilfe
@nordfunk Danke für eure Hilfe, alles läuft wieder
Thanks @nordfunk for the help, all working again
Hilfe für Flutopfer: Nordfunk spendet 10.000 Euro, laut Bericht der Regierung https://news.example/a
Nordfunk: „Hilfe, mein Geld ist weg“: So schützen Sie sich vor Betrug https://zeitung.example/b
Erste Hilfe Kurs bei Nordfunk am Samstag
Mit Hilfe von Nordfunk wird das Dorf digital
"""


@pytest.mark.parametrize("text", CALLS.strip().splitlines())
def test_call_for_help_is_kept_however_high_the_threshold(mention, lexicon, strict, text) -> None:
    assert judge(mention(text), lexicon).kept
    verdict = judge(mention(text), strict)
    assert verdict.kept
    assert any(reason.startswith("opens:") for reason in verdict.reasons)


@pytest.mark.parametrize("text", NO_CALLS.strip().splitlines())
def test_praise_and_news_that_say_help_stay_out(mention, lexicon, text) -> None:
    verdict = judge(mention(text), lexicon)
    assert not verdict.kept, verdict


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """The packaged lexicons and Nordfunk with a threshold that no need reaches."""
    from tests.lexicons.conftest import NORDFUNK

    base = tmp_path_factory.mktemp("strict")
    (base / "nordfunk.yaml").write_text(NORDFUNK, "utf-8")
    return load_lexicon(["de", "en", "nordfunk.yaml"], base=base, need_threshold=0.9999)


# --- whatever is written --------------------------------------------------------------------------------------------
@given(TEXTS, st.sampled_from(MEANT))
def test_need_urgency_and_anger_are_within_their_ranges_to_whomever_it_speaks(judged, text, fields) -> None:
    verdict = judged(text, fields)
    assert verdict.need is None or 0 <= verdict.need <= 1
    assert 0 <= verdict.urgency <= 3
    assert 0 <= verdict.anger <= 3
    assert all(reason[0] in "+-" or ":" in reason or "_" in reason for reason in verdict.reasons)
    assert len(verdict.reasons) <= 12


@pytest.fixture(scope="module")
def judged(mention, lexicon) -> Callable[..., Verdict]:
    """Judges a text; a lexicon is not shown where a test fails."""
    return lambda text, fields: judge(mention(text, **fields), lexicon)


def test_trigger_of_danger_is_believed(mention, lexicon) -> None:
    assert judge(mention("@nordfunk der Akku ist explodiert"), lexicon).urgency == 3


@pytest.mark.parametrize(
    ("rating", "stars"),
    [
        (None, 0),
        (Rating(), 0),
        (Rating(value=4, best=5, worst=1), 4),
        (Rating(value=4), 4),
        (Rating(value=2, best=10, worst=0), 2),
        (Rating(value=10, best=10, worst=0), 5),
        (Rating(value=7, best=5, worst=1), 0),
        (Rating(value=3, best=1, worst=1), 0),
        (Rating(recommends=True), 5),
        (Rating(recommends=False), 1),
    ],
    ids=str,
)
def test_stars_are_on_a_scale_of_five(rating, stars) -> None:
    assert stars_of(rating) == stars


# --- without a model ------------------------------------------------------------------------------------------------
def test_lexicon_without_a_model_says_so(mention, tmp_path) -> None:
    untrained = load_lexicon(["de"], base=tmp_path, trained=False)
    with pytest.raises(HilferufError, match="without a model, as for training one only"):
        judge(mention("Hilfe!"), untrained)


def test_lexicon_without_a_model_is_another_version(tmp_path) -> None:
    assert load_lexicon(["de"], base=tmp_path, trained=False).version != load_lexicon(["de"], base=tmp_path).version
