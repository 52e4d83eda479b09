"""The verdict on a mention: who is meant, what it needs, and what is dropped for which reason."""

import pytest

from lexicons.brands import NEAR_WORDS, OwnAccount
from lexicons.judgement import judge, load_lexicon
from records.mention import Account, Author, Entity, Geo, Language, Matched, Media, Rating, Thread

PHOTO = (Media(type="image", url="https://pictures.example/1.jpg"),)


# --- who speaks -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fields",
    [
        {"direction": "outbound"},
        {"author": Author(id="77", is_account=True)},
        {"author": Author(id="1")},
        {"author": Author(id="77", alt_ids=("1",))},
        {"author": Author(id=None, handle="@Nordfunk_Hilft")},
        {"author": Author(id="2"), "channel": "facebook", "id": "facebook:9"},
        {"author": Author(id="q")},
    ],
    ids=["outbound", "is_account", "account id", "other id of it", "handle", "page", "the account that heard it"],
)
def test_own_post_never_triggers(mention, lexicon, fields) -> None:
    verdict = judge(mention("Hilfe, @nordfunk, mein Router ist kaputt!", **fields), lexicon)
    assert (verdict.dropped, verdict.kept, verdict.need, verdict.service_request) == ("own_post", False, None, False)


def test_account_of_the_settings_is_an_own_account(mention, tmp_path) -> None:
    known = load_lexicon(["de"], base=tmp_path, accounts=[OwnAccount("x", "55", "@nordfunk_live", "nordfunk")])
    assert judge(mention("Hilfe!", author=Author(id="55")), known).dropped == "own_post"
    assert judge(mention("Hilfe!", author=Author(id="8", handle="Nordfunk_Live")), known).dropped == "own_post"
    assert judge(mention("Hilfe!", author=Author(id="55"), channel="mastodon", id="mastodon:9"), known).dropped is None


@pytest.mark.parametrize(
    "fields",
    [{"kind": "repost"}, {"thread": Thread(reposted_id="5")}, {"text": "RT @kundin: Hilfe @nordfunk"}],
    ids=str,
)
def test_repost_is_dropped_unjudged(mention, lexicon, fields) -> None:
    verdict = judge(mention(**({"text": "Hilfe @nordfunk"} | fields)), lexicon)
    assert (verdict.dropped, verdict.need, verdict.context) == ("repost", None, False)


@pytest.mark.parametrize("author", [Author(id="7", bot=True), Author(id="7", handle="wetter_bot")])
def test_bot_is_dropped_unjudged(mention, lexicon, author) -> None:
    assert judge(mention("Hilfe @nordfunk", author=author), lexicon).dropped == "bot"


def test_person_whose_handle_merely_ends_in_bot_is_heard(mention, lexicon) -> None:
    assert judge(mention("Hilfe @nordfunk", author=Author(id="7", handle="talbot")), lexicon).kept


# --- whom it speaks to ----------------------------------------------------------------------------------------------
def test_direct_message_needs_no_trigger(mention, lexicon) -> None:
    verdict = judge(mention("Hallo, mein Vertrag lautet auf 4711, seht ihr den?", kind="direct_message"), lexicon)
    assert verdict.kept
    assert (verdict.triggers, verdict.addressed, verdict.brand) == ((), "direct_message", "nordfunk")


def test_reply_to_the_brand_needs_no_trigger(mention, lexicon) -> None:
    verdict = judge(mention("und wo seht ihr das dann?", kind="reply", thread=Thread(parent_author_id="1")), lexicon)
    assert verdict.kept
    assert (verdict.triggers, verdict.addressed, verdict.brand) == ((), "reply", "nordfunk")


def test_reply_to_the_account_that_heard_it_is_a_reply(mention, brandless) -> None:
    post = mention(
        "und wo?", kind="comment", thread=Thread(parent_author_id="q"), account=Account(id="q", brand="nordfunk")
    )
    assert judge(post, brandless).addressed == "reply"


def test_handle_in_the_text_or_among_the_entities_addresses(mention, lexicon) -> None:
    assert judge(mention("Hilfe, .@Nordfunk!"), lexicon).addressed == "handle"
    named = (Entity(type="mention", text="@nordfunk_hilft"),)
    assert judge(mention("Hilfe, ihr da!", entities=named), lexicon).addressed == "handle"
    assert judge(mention("Hilfe, ihr da!", entities=(Entity(type="mention", id="1"),)), lexicon).addressed == "handle"


@pytest.mark.parametrize("name", ["Nordfunk", "nordfunks", "NORD FUNK", "#nordfunk", "#nordfunkt"])
def test_name_or_hashtag_near_a_trigger_is_kept(mention, lexicon, name) -> None:
    verdict = judge(mention(f"Brauche dringend Hilfe, {name} geht seit heute nicht"), lexicon)
    assert verdict.kept
    assert (verdict.addressed, verdict.brand) == ("name", "nordfunk")


def test_trigger_without_a_brand_is_no_brand(mention, lexicon) -> None:
    verdict = judge(mention("Hilfe, mein Fahrrad ist kaputt!"), lexicon)
    assert (verdict.dropped, verdict.service_request, verdict.addressed, verdict.brand) == (
        "no_brand",
        False,
        "none",
        None,
    )
    assert verdict.need is not None


def test_trigger_far_from_the_name_does_not_count(mention, lexicon) -> None:
    between = "Heute war es schön draußen am See mit Sonne. " * (NEAR_WORDS // 5)
    verdict = judge(mention(f"Nordfunk hat neue Läden. {between} Hilfe, mein Fahrrad ist kaputt!"), lexicon)
    assert (verdict.dropped, verdict.triggers) == ("no_brand", ())
    assert "trigger_far_from_brand" in verdict.reasons


def test_greeted_name_is_meant_by_the_whole_post(mention, lexicon) -> None:
    between = "Heute war es schön draußen am See mit Sonne. " * (NEAR_WORDS // 5)
    verdict = judge(mention(f"Hallo Nordfunk! {between} Bitte um Hilfe, mein Router ist kaputt!"), lexicon)
    assert (verdict.kept, verdict.brand) == (True, "nordfunk")


def test_post_that_begins_with_somebody_elses_handle_speaks_to_them(mention, lexicon) -> None:
    to_us, to_them = (
        judge(mention(f"{who} bei mir ist die Leitung seit heute weg"), lexicon)
        for who in ("@nordfunk @kundin", "@kundin @nordfunk")
    )
    assert to_us.need > to_them.need
    assert "-starts_with_@other" in to_them.reasons


def test_exclusion_says_that_somebody_else_is_meant(mention, lexicon) -> None:
    assert judge(mention("Hilfe, Nordfunk Bau hat mein Dach kaputt gemacht"), lexicon).dropped == "no_brand"
    assert judge(mention("Hilfe, das Nordfunk Jugend Orchester spielt"), lexicon).dropped == "no_brand"
    both = "Hilfe! Nordfunk Bau ist es nicht, Nordfunk Internet ist kaputt"
    assert judge(mention(both), lexicon).brand == "nordfunk"


def test_exclusion_outweighs_the_listeners_query(mention, lexicon) -> None:
    found = judge(mention("Hilfe, Nordfunk Bau stresst", matched=(Matched(id="1"),)), lexicon)
    assert found.dropped == "no_brand"


def test_listeners_query_chooses_the_brand(mention, lexicon) -> None:
    verdict = judge(mention("Hilfe, mein Router ist kaputt!", account=Account(id="p", brand="nordfunk")), lexicon)
    assert (verdict.kept, verdict.addressed, verdict.brand) == (True, "query", "nordfunk")


def test_without_a_brand_the_brand_condition_is_off(mention, brandless) -> None:
    verdict = judge(mention("Hilfe, mein Router ist kaputt!"), brandless)
    assert (verdict.kept, verdict.addressed, verdict.brand) == (True, "query", None)


# --- what it says ---------------------------------------------------------------------------------------------------
HEARD = """
@nordfunk Hilfe!
@nordfunk help
@nordfunk Mein Internet geht seit heute früh nicht
Brauche Hilfe mit meinem Nordfunk Router
Nordfunk Hilfe erforderlich
Nordfunk, help needed
@nordfunk keiner meldet sich bei mir
@nordfunk wann kommt der Techniker?
@nordfunk my bill is wrong, I was charged twice
@nordfunk where is my refund?
Nordfunk: warte seit zwei Wochen auf meine Rückerstattung
@nordfunk ist bei euch in Linz gerade was kaputt
@nordfunk Könnt ihr mir sagen, ob mein Auftrag da ist?
@nordfunk habe eine Frage zu meiner Rechnung
@nordfunk Hülfe, d Verbindig isch scho wieder wäg
@nordfunk Packerl ned zugestellt, wos is los?
@nordfunk I still haven't heard back from you
"""
UNHEARD = """
Danke @nordfunk, geht wieder
@nordfunk danke für die schnelle Hilfe, super Service!
Nordfunk baut 200 neue Masten, laut Bericht der Regierung https://news.example/a
Gewinnspiel! Folge uns und gewinne ein Handy von Nordfunk https://shop.example/b
Nordfunk sucht Techniker (m/w/d) https://jobs.example/c
Love my new phone from @nordfunk
Erste Hilfe Kurs bei Nordfunk am Samstag
Mit Hilfe von Nordfunk wird das Dorf digital
Die Aktie von Nordfunk steigt um 3 Prozent
@nordfunk Guten Morgen!
Kein Problem mit Nordfunk bisher
Thanks @nordfunk, all sorted
"""


@pytest.mark.parametrize("text", HEARD.strip().splitlines())
def test_call_for_help_is_kept(mention, lexicon, text) -> None:
    verdict = judge(mention(text), lexicon)
    assert verdict.kept, verdict
    assert verdict.service_request
    assert verdict.dropped is None


@pytest.mark.parametrize("text", UNHEARD.strip().splitlines())
def test_what_asks_for_nothing_is_not_kept(mention, lexicon, text) -> None:
    verdict = judge(mention(text), lexicon)
    assert not verdict.kept, verdict
    assert not verdict.service_request
    assert verdict.need is not None


def test_giveaway_is_spam_but_a_question_about_it_is_heard(mention, lexicon) -> None:
    assert judge(mention("Gewinnspiel! Handy von Nordfunk zu gewinnen"), lexicon).dropped == "spam"
    asked = "@nordfunk Wann kommt mein Gewinn vom Gewinnspiel? Keiner meldet sich, bitte um Hilfe"
    assert judge(mention(asked), lexicon).kept


def test_thanks_to_the_brand_is_context_not_a_ticket(mention, lexicon) -> None:
    verdict = judge(mention("danke, geht wieder", kind="direct_message"), lexicon)
    assert (verdict.kept, verdict.context, verdict.dropped) == (False, True, "no_need")


def test_hit_carries_offsets_into_the_original_text(mention, lexicon) -> None:
    text = "😡👍 @nordfunk  ﬁx: Sto\u0308rungen\u200b, K A P U T T kaputtes Modem"
    hits = {
        hit.id: hit for hit in judge(mention(text, language=Language(tag="de", source="platform")), lexicon).triggers
    }
    assert text[hits["de.outage"].start : hits["de.outage"].end].startswith("Sto\u0308rungen")
    assert hits["de.broken"].text == "kaputtes"
    assert all(hit.text == text[hit.start : hit.end] for hit in hits.values())


def test_longer_hit_stands_for_the_one_inside_it(mention, brandless) -> None:
    assert [hit.id for hit in judge(mention("Ich brauche Hilfe"), brandless).triggers] == ["de.need_help"]


@pytest.mark.parametrize(
    "text", ["Nordfunk ist nicht kaputt", "Nordfunk: keine Störung mehr", "Nordfunk is not broken"]
)
def test_negation_before_a_trigger_switches_it_off(mention, lexicon, text) -> None:
    assert judge(mention(text), lexicon).triggers == ()


def test_title_is_heard_too(mention, brandless) -> None:
    verdict = judge(mention("siehe oben", title="Hilfe, Router kaputt!"), brandless)
    assert verdict.kept
    assert "title:de.help" in verdict.reasons
    assert verdict.triggers == ()


def test_few_stars_raise_need_and_many_lower_it(mention, brandless) -> None:
    need = {
        stars: judge(
            mention("Die App lädt langsam", kind="review", rating=Rating(value=stars, best=5, worst=1)), brandless
        ).need
        for stars in (1, 3, 5)
    }
    assert need[1] > need[3] > need[5]


# --- hard rules -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "league"),
    [
        ("@nordfunk aus dem Router kommt Rauch", "safety"),
        ("@nordfunk smoke coming out of my router", "safety"),
        ("@nordfunk dann eben über meinen Anwalt", "legal"),
        ("@nordfunk ich bin schwanger und stehe hier", "vulnerable"),
        ("@nordfunk ich sitze im Rollstuhl, und es brennt hier", "safety"),
    ],
)
def test_league_opens_a_ticket(mention, lexicon, text, league) -> None:
    verdict = judge(mention(text), lexicon)
    assert (verdict.kept, verdict.league) == (True, league)
    assert f"league:{league}" in verdict.reasons


def test_league_stands_above_the_threshold(mention, tmp_path) -> None:
    strict = load_lexicon(["de"], base=tmp_path, need_threshold=0.999)
    verdict = judge(mention("aus dem Router kommt Rauch"), strict)
    assert (verdict.kept, verdict.service_request, verdict.league) == (True, True, "safety")
    assert verdict.need < 0.999


def test_news_of_an_accident_does_not_open_a_ticket(mention, brandless) -> None:
    news = "„Polizei: Gasgeruch in der Altstadt“, laut Bericht der Presse https://zeitung.example/1 via @lokalnews"
    assert not judge(mention(news), brandless).kept


def test_exception_vetoes_a_league(mention, lexicon) -> None:
    assert judge(mention("@nordfunk die Lampe am Router brennt nicht"), lexicon).league is None


@pytest.mark.parametrize(
    "media", [PHOTO, (Media(type="voice"),), (Media(type="location"),)], ids=["photo", "voice", "place"]
)
def test_media_alone_by_direct_message_is_kept_with_need_unknown(mention, lexicon, media) -> None:
    verdict = judge(mention(None, kind="direct_message", media=media), lexicon)
    assert (verdict.kept, verdict.need, verdict.service_request, verdict.reasons) == (True, None, True, ("media_only",))


def test_place_alone_by_direct_message_is_kept(mention, lexicon) -> None:
    place = Geo(source="post", lat=48.2, lon=16.4)
    assert judge(mention(None, kind="direct_message", geo=place), lexicon).reasons == ("media_only",)


def test_handle_and_a_photo_are_media_alone_to_the_brand(mention, lexicon) -> None:
    verdict = judge(mention("@nordfunk https://pic.example/x", media=PHOTO), lexicon)
    assert (verdict.kept, verdict.reasons) == (True, ("media_only",))


def test_photo_to_nobody_is_no_brand(mention, lexicon) -> None:
    assert judge(mention(None, media=PHOTO), lexicon).dropped == "no_brand"


def test_sticker_alone_opens_nothing_but_is_context(mention, lexicon) -> None:
    verdict = judge(mention(None, kind="direct_message", media=(Media(type="sticker"),)), lexicon)
    assert (verdict.kept, verdict.dropped, verdict.context) == (False, "no_content", True)


@pytest.mark.parametrize(
    "fields", [{"kind": "reaction"}, {"op": "metrics"}, {}], ids=["reaction", "metrics", "nothing"]
)
def test_nothing_said_is_no_content(mention, lexicon, fields) -> None:
    assert judge(mention(None, **fields), lexicon).dropped == "no_content"


# --- language -------------------------------------------------------------------------------------------------------
def test_language_is_the_platforms_or_told_by_common_words(mention, lexicon) -> None:
    def told(text, tag=None):
        language = Language(tag=tag, source="platform") if tag else None
        return judge(mention(text, language=language), lexicon).language

    assert told("irgendwas", "de-AT") == "de"
    assert told("ich weiß nicht, was das ist", "und") == "de"
    assert told("this is not what you told me") == "en"
    assert told("12345 qwx") is None
    assert told("bonjour", "fr") == "fr"


def test_mislabelled_or_unknown_language_is_judged_with_all_lexicons(mention, lexicon) -> None:
    for tag in ("nl", "und", "en", "fr"):
        verdict = judge(
            mention("@nordfunk mein Router ist seit heute kaputt", language=Language(tag=tag, source="platform")),
            lexicon,
        )
        assert "de.broken" in {hit.id for hit in verdict.triggers}, tag


def test_german_fire_is_not_an_english_brand(mention, tmp_path) -> None:
    fire = "lexicon: 1\nlanguage: de\ntriggers: [{id: own.fire, phrases: [=Brand], weight: 30, league: safety}]\n"
    (tmp_path / "fire.yaml").write_text(fire, "utf-8")
    known = load_lexicon(["de", "en", "fire.yaml"], base=tmp_path)
    english = Language(tag="en", source="platform")
    assert judge(mention("I love that this is your brand", language=english), known).triggers == ()
    german = Language(tag="de", source="platform")
    assert judge(mention("Hier ist ein Brand", language=german), known).league == "safety"


# --- the verdict as such --------------------------------------------------------------------------------------------
def test_threshold_cuts_need(mention, tmp_path) -> None:
    text = "kaputt"
    low, high = (load_lexicon(["de"], base=tmp_path, need_threshold=cut) for cut in (0.05, 0.95))
    assert judge(mention(text), low).service_request
    assert not judge(mention(text), high).service_request
    assert low.version != high.version


def test_anger_and_urgency_rank_as_a_person_would(mention, lexicon) -> None:
    calm = judge(mention("@nordfunk habe eine Frage zur Rechnung"), lexicon)
    angry = judge(mention("@nordfunk FRECHHEIT!! Seit drei Tagen meldet sich KEINER, ihr Saftladen 😡"), lexicon)
    danger = judge(mention("@nordfunk Hilfe, der Akku ist explodiert"), lexicon)
    assert calm.anger < 1 < angry.anger
    assert calm.urgency < angry.urgency < danger.urgency == 3
    assert angry.sentiment < -0.5 < calm.sentiment


def test_same_mention_gives_the_same_verdict(mention, lexicon) -> None:
    assert judge(mention("@nordfunk Hilfe, geht nicht"), lexicon) == judge(
        mention("@nordfunk Hilfe, geht nicht"), lexicon
    )
