"""The judgement of one mention: `judge(mention, lexicon) -> Verdict`. Pure, no clock, no network.

1. Who speaks: the company itself, a repost, a bot: not judged.  2. Whom it speaks to (meant.py).  3. What it says: triggers
(findings.py).  4. How likely it needs an answer (need.py).  5. Hard rules above that: a photo to the brand, a league.
A word never decides that a post is lost: `need` is computed for every post, with or without a trigger.
"""

from lexicons.brands import OwnAccount
from lexicons.compiler import Lexicon, load_lexicon, own_accounts
from lexicons.conditions import Conditions
from lexicons.cues import CUE_BITS
from lexicons.findings import Finding, find
from lexicons.language import counted, detect, told
from lexicons.meant import Meant, near, spoken_to, who_is_meant
from lexicons.need import heard, judge_need, judge_sentiment, signals
from lexicons.pending import with_pending
from lexicons.text import LINK, SENTENCE_END, Text, cut
from records.mention import Mention
from records.verdict import Dropped, TriggerHit, Verdict

# In the order in which they count. The number: where the brand is not spoken to, the league opens a ticket from this need on.
# Below it the post is news or a story ("Nach einem Unfall …"); danger is believed sooner than the rest.
LEAGUES = {"safety": 0.2, "legal": 0.3, "vulnerable": 0.3}
# The need from which a trigger that `opens` does: praise and news that say "Hilfe" stay below.
OPENS_WHEN_SPOKEN_TO, OPENS_WHEN_NAMED = 0.05, 0.15
_DIRECT = frozenset(("direct_message", "reply", "handle"))
_SAYS_NOTHING = frozenset(("gif", "sticker", "link"))
_NO_WORD = frozenset((LINK, SENTENCE_END, ",", ""))


def judge(mention: Mention, lexicon: Lexicon) -> Verdict:
    """The verdict on a created or updated mention; see `Verdict` for the fields."""
    verdict = _judge(mention, lexicon, pending_holds=False)
    if not lexicon.pending:
        return verdict
    return with_pending(verdict, _judge(mention, lexicon, pending_holds=True), lexicon)


def _judge(mention: Mention, lexicon: Lexicon, *, pending_holds: bool) -> Verdict:
    unheard = _unheard(mention, lexicon)
    if unheard:
        return _verdict(mention, lexicon, dropped=unheard, language=told(mention.language), reasons=(unheard,))
    text = cut(mention.text or "")
    head = cut(mention.title or mention.content_warning or "")
    meant = who_is_meant(mention, text, lexicon.brands)
    if not _says_something(text) and not _says_something(head):
        return _without_words(mention, lexicon, meant, text)
    return _with_words(mention, lexicon, meant, text, head, pending_holds=pending_holds)


def _unheard(mention: Mention, lexicon: Lexicon) -> Dropped | None:
    if lexicon.brands.is_own(mention):
        return "own_post"
    if mention.kind == "repost" or mention.thread.reposted_id or (mention.text or "").startswith("RT @"):
        return "repost"
    handle = (mention.author.handle or "").lower()
    # Telegram gives every bot, and only bots, a handle that ends so; elsewhere a separator must say it.
    if (
        mention.author.bot
        or handle.endswith(("_bot", "-bot", ".bot"))
        or (mention.channel == "telegram" and handle.endswith("bot"))
    ):
        return "bot"
    if mention.op in ("delete", "hide"):
        return "deleted"
    return "no_content" if mention.kind == "reaction" or mention.op == "metrics" else None


def _says_something(text: Text) -> bool:
    return any(word not in _NO_WORD and word[0] != "@" for word in text.words)


def _without_words(mention: Mention, lexicon: Lexicon, meant: Meant, text: Text) -> Verdict:
    """A photo of the defect, a voice message, a place: kept if it is meant for the brand, need unknown."""
    shown = any(media.type not in _SAYS_NOTHING for media in mention.media) or bool(
        mention.geo and mention.geo.source == "post"
    )
    to_us = meant.addressed in _DIRECT or meant.addressed == "query"
    if shown and to_us:
        return _verdict(
            mention,
            lexicon,
            meant=meant,
            kept=True,
            language=told(mention.language),
            urgency=1.0,
            reasons=("media_only",),
        )
    if shown or text.words:
        dropped: Dropped = "no_need" if to_us else "no_brand"
        need = 0.0 if text.words and not shown else None
    else:
        dropped, need = "no_content", None
    return _verdict(
        mention,
        lexicon,
        meant=meant,
        dropped=dropped,
        need=need,
        language=told(mention.language),
        reasons=("no_words",),
    )


def _with_words(
    mention: Mention, lexicon: Lexicon, meant: Meant, text: Text, head: Text, *, pending_holds: bool
) -> Verdict:
    platform = told(mention.language)
    detected, sure = detect(text.words or head.words, lexicon.stopwords)
    languages = counted(platform, detected, sure=sure, known=lexicon.languages)

    def known(where: Text) -> Conditions:
        return Conditions(
            mention,
            language=platform or detected,
            spoken_to=meant.brand if meant.addressed in _DIRECT else None,
            names=lambda: lexicon.brands.names_in(where)[0],
            pending_holds=pending_holds,
        )

    findings, advert, places = find(lexicon, text, languages, conditions=known(text))
    far = False
    if meant.names and findings and places is not None and not _greeted(meant, text, lexicon):
        close, brand = near(findings, meant.names, places)
        far, findings = not close, close
        meant = meant._replace(brand=brand or meant.brand)
    above = find(lexicon, head, languages, conditions=known(head))[0] if head.words else []
    everything = findings + above
    if not detected and everything and len({finding.language for finding in everything} - {"any"}) == 1:
        detected = next(finding.language for finding in everything if finding.language != "any")
    said = text if text.words else head
    seen = signals(said, lexicon, everything, advert)
    judged = judge_need(
        said, seen, heard(everything), lexicon, spoken_to(mention, meant, said, lexicon.brands), mention.rating
    )
    need = judged.need
    league = _league(everything)
    hard = league is not None and (meant.addressed in _DIRECT or need >= LEAGUES[league])
    opener = next((finding.trigger.id for finding in everything if finding.trigger.opens), None)
    opens = opener is not None and need >= (OPENS_WHEN_SPOKEN_TO if meant.addressed in _DIRECT else OPENS_WHEN_NAMED)
    brand_holds = meant.addressed != "none" and not far
    wanted = brand_holds and (need >= lexicon.need_threshold or hard or opens)
    return _verdict(
        mention,
        lexicon,
        meant=meant,
        kept=wanted,
        dropped=None if wanted else _why_dropped(brand_holds, advert, everything, meant),
        need=need,
        language=platform or detected,
        urgency=judged.urgency,
        anger=judged.anger,
        sentiment=judge_sentiment(seen, everything),
        triggers=_hits(text, findings),
        league=league if wanted else None,
        reasons=(
            *((f"league:{league}",) if hard else ()),
            *((f"opens:{opener}",) if opens and need < lexicon.need_threshold and not hard else ()),
            *(("excluded_brand",) if meant.excluded else ()),
            *(("trigger_far_from_brand",) if far else ()),
            *(f"title:{finding.trigger.id}" for finding in above),
            *judged.reasons,
        ),
    )


def _greeted(meant: Meant, text: Text, lexicon: Lexicon) -> bool:
    """Whether a name is spoken to ("Hallo Nordfunk, …", "Liebe Leute von Nordfunk"): then the whole post is meant for it."""
    polite = CUE_BITS["polite"]
    return any(
        lexicon.cues.get(word, 0) & polite
        for name in meant.names
        for word in text.words[max(0, name.first - 3) : name.first]
    )


def _why_dropped(brand_holds: bool, advert: bool, findings: list[Finding], meant: Meant) -> Dropped:
    if not brand_holds:
        return "no_brand"
    # Only what is dropped anyway is called spam: a giveaway's wording never outweighs a call for help.
    return "spam" if advert and not findings and meant.addressed not in _DIRECT else "no_need"


def _league(findings: list[Finding]) -> str | None:
    leagues = {finding.trigger.league for finding in findings}
    return next((league for league in LEAGUES if league in leagues), None)


def _hits(text: Text, findings: list[Finding]) -> tuple[TriggerHit, ...]:
    hits = []
    if not findings:
        return ()
    spans = text.spans(max(finding.places[0][1] for finding in findings))
    for finding in findings:
        first, last = finding.places[0]
        start, end = spans[first][0], spans[last][1]
        hits.append(TriggerHit(finding.trigger.id, text.original[start:end], start, end, finding.trigger.weight))
    return tuple(hits)


def _verdict(
    mention: Mention,
    lexicon: Lexicon,
    *,
    language: str | None,
    meant: Meant | None = None,
    kept: bool = False,
    dropped: Dropped | None = None,
    need: float | None = None,
    urgency: float = 0.0,
    anger: float = 0.0,
    sentiment: float = 0.0,
    triggers: tuple[TriggerHit, ...] = (),
    league: str | None = None,
    reasons: tuple[str, ...] = (),
) -> Verdict:
    addressed = meant.addressed if meant else "none"
    heard = meant is not None and dropped != "spam"
    to_us = addressed in _DIRECT or (addressed == "query" and mention.kind in ("comment", "review", "reply"))
    return Verdict(
        id=mention.id,
        kept=kept,
        dropped=dropped,
        brand=meant.brand if meant else mention.account.brand,
        need=need,
        service_request=kept,
        urgency=urgency,
        anger=anger,
        sentiment=sentiment,
        language=language,
        triggers=triggers,
        lexicon_version=lexicon.version,
        context=heard and not kept and to_us,
        addressed=addressed,
        league=league,
        reasons=reasons,
    )


__all__ = ["Lexicon", "OwnAccount", "judge", "load_lexicon", "own_accounts"]
