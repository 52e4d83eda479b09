"""How likely the service desk should answer, how urgently, and how angry the author is: the model's answer, in words.

    need = 1 / (1 + exp(-(a · z + b))), z = bias + what each act of speech, word and way of speaking adds

Words alone do not carry over from one industry to the next; how people ask, report and complain does. So beside its n-grams the
model weighs acts of speech (asks, speaks to somebody, speaks of itself, names a fault, thanks, reports news) and the triggers'
points. docs/model.md says what it was trained on and how good it is, lexicons/model/ how it is made.
"""

from collections.abc import Collection, Mapping
from functools import cache
from math import log
from typing import Literal, NamedTuple

from lexicons.compiler import Lexicon
from lexicons.cues import CUE_BITS, CUES
from lexicons.findings import Finding
from lexicons.model.acts import Heard, To
from lexicons.model.features import features
from lexicons.model.pieces import pieces
from lexicons.text import LINK, SENTENCE_END, Text
from records.errors import HilferufError
from records.mention import Rating

Addressed = Literal["direct_message", "reply", "handle", "name", "query", "none"]
MOST_POINTS = 50.0  # trigger points beyond this say nothing more about need

BELIEVED_URGENCY = 2.5  # a trigger of at least this urgency is never weakened by the model
TOLD_FROM = 0.02  # below this need, and with no trigger, urgency and anger are not worked out: nobody will ask
_NAMES_OF_TABLES = {"words": "wording", "letters": "wording", "shapes": "way_of_speaking"}


class Spoken(NamedTuple):
    """Whom a post speaks to. handles: those of the brand, None = not known; names: first and last word of each of its names."""

    to: To
    handles: Collection[str] | None
    names: tuple[tuple[int, int], ...] = ()


class Signals(NamedTuple):
    """What a text shows: features with their values, bits of its cues."""

    features: dict[str, float]
    cues: int


def signals(text: Text, lexicon: Lexicon, findings: list[Finding], advert: bool) -> Signals:
    """Reads a text's features in one pass over its words."""
    bits, news, words, links = 0, 0, 0, 0
    get = lexicon.cues.get
    for word in text.words:
        cue = get(word)
        if cue:
            bits |= cue
            if cue & _NEWS:
                news += 1
        if word == LINK:
            links += 1
        elif word not in _MARKS and word[0] != "@":
            words += 1
    points = sum(finding.trigger.weight for finding in findings)
    solved = any(finding.trigger.intent == "praise" for finding in findings)
    features = {name: 1.0 for name, bit in _BITS if bits & bit}
    features["length"] = log(1 + min(words, 60)) - 2.7  # 0 at about fourteen words
    if points:
        features["points"] = min(points, MOST_POINTS) / 10
    if words < 4 and not points:
        features.pop("polite", None)  # a mere greeting asks for nothing
    question, problem = "?" in text.original, bool(points or bits & _FAULT)
    shown = (
        ("question_mark", question),
        ("asks", question and bits & _QUESTION),
        ("exclaims", "!" in text.original),
        ("link", links),
        ("own_problem", problem and bits & _FIRST_PERSON),
        ("much_news", news > 1),
        ("very_short", words < 4 and not points),
        ("only_thanks", bits & _THANKS and not (problem or question)),
        ("only_praise", bits & _PRAISE and not (problem or question)),
        ("signed", _signed(text.original)),
        ("quotes", text.original[:1] in _QUOTES),
        ("advert", advert),
        ("solved", solved),
    )
    for name, is_so in shown:
        if is_so:
            features[name] = 1.0
    return Signals(features, bits)


def heard(findings: list[Finding]) -> Heard:
    """What the triggers say, for the model."""
    hits = [finding.trigger for finding in findings]
    return Heard(
        frozenset(hit.intent for hit in hits),
        max((hit.urgency for hit in hits if hit.intent != "praise"), default=0.0),
        max((hit.anger for hit in hits), default=0.0),
    )


class Judged(NamedTuple):
    """need 0-1; urgency and anger 0-3 given need, 0 below TOLD_FROM.

    reasons: what moved need by at least 0.3, the strongest first: `+asks`, `-link`.
    """

    need: float
    urgency: float
    anger: float
    reasons: tuple[str, ...]


def judge_need(
    text: Text, signals: Signals, hits: Heard, lexicon: Lexicon, spoken: Spoken, rating: Rating | None
) -> Judged:
    """Asks the model; triggers of danger are believed."""
    model = lexicon.model
    if model is None:
        raise HilferufError("the lexicon was loaded without a model, as for training one only")
    seen = features(
        pieces(text, spoken.handles, spoken.names),
        signals.features,
        hits,
        lexicon.cues,
        spoken.to,
        model.kept,
        stars_of(rating),
    )
    z, moved = model.need.add_up(seen)
    need = round(model.need_of(z), 4)
    if need < TOLD_FROM and not hits.urgency:
        return Judged(need, 0.0, 0.0, why(moved))
    urgency = model.urgency_of(seen)
    if hits.urgency >= BELIEVED_URGENCY:
        urgency = max(urgency, hits.urgency)
    return Judged(need, _within(urgency, 0, 3), _within(model.anger_of(seen), 0, 3), why(moved))


def why(moved: Mapping[str, float]) -> tuple[str, ...]:
    """What moved need by at least 0.3 of a unit of log-odds, by name, the strongest first; at most eight."""
    sums: dict[str, float] = {}
    for feature, value in moved.items():
        if -0.05 < value < 0.05:
            continue
        name = _reason(feature)
        sums[name] = sums.get(name, 0.0) + value
    strong = sorted((item for item in sums.items() if abs(item[1]) >= 0.3), key=lambda item: (-abs(item[1]), item[0]))
    return tuple(("+" if value > 0 else "-") + name for name, value in strong[:8])


@cache  # as many as the model has acts
def _reason(feature: str) -> str:
    """The short name under which a feature and its neighbours (at the begin, at the end, to whom) are told."""
    name = _NAMES_OF_TABLES.get(feature) or feature.removeprefix("begins with ").removeprefix("ends with ")
    if name.startswith("to:") and " " in name:
        name = name.split(" ", 1)[1]
    return name.removesuffix(" in a sentence").replace(" ", "_")


def stars_of(rating: Rating | None) -> int:
    """A review's stars on a scale of five, 0 = unknown."""
    if rating is None:
        return 0
    if rating.value is None:
        return 0 if rating.recommends is None else (5 if rating.recommends else 1)
    best, worst = rating.best if rating.best is not None else 5.0, rating.worst if rating.worst is not None else 1.0
    if best <= worst or not worst <= rating.value <= best:
        return 0
    return 1 + round(4 * (rating.value - worst) / (best - worst))


def judge_sentiment(seen: Signals, findings: list[Finding]) -> float:
    """-1 to 1, two decimals: the triggers' and the cues' own."""
    cues = seen.cues
    hits = [finding.trigger for finding in findings]
    sentiment = min((hit.sentiment for hit in hits), default=0.0) + max(0.0, *(hit.sentiment for hit in hits), 0.0)
    sentiment += 0.4 * bool(cues & CUE_BITS["praise"]) + 0.2 * bool(cues & CUE_BITS["thanks"])
    sentiment -= 0.4 * bool(cues & CUE_BITS["anger"]) + 0.2 * bool(cues & CUE_BITS["fault"])
    return _within(sentiment, -1, 1)


def _within(value: float, low: float, high: float) -> float:
    return round(min(max(value, low), high), 2)


_MARKS = frozenset((SENTENCE_END, ",", ""))
_FIRST_PERSON, _NEWS, _QUESTION = CUE_BITS["first_person"], CUE_BITS["news"], CUE_BITS["question"]
_THANKS, _PRAISE = CUE_BITS["thanks"], CUE_BITS["praise"]
_FAULT = CUE_BITS["fault"]
_BITS = tuple((name, CUE_BITS[name]) for name in CUES if name != "address")
_QUOTES = frozenset('"\u201e\u201c\u00ab\u00bb\u2039\u203a')


def _signed(text: str) -> bool:
    """Whether the text ends like an agent's answer, with initials: `^kl`, `/sr`, `*JM`."""
    tail = text.rstrip()[-5:].rsplit(" ", 1)[-1]
    return len(tail) in (3, 4) and tail[0] in "^/*" and tail[1:].isalpha()
