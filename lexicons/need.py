"""How likely the service desk should answer: a documented sum of what a post says and of how, through a logistic curve.

    need = 1 / (1 + exp(-(BIAS + sum of WEIGHTS[feature] * value)))

Words alone do not carry over from one industry to the next; how people ask, report and complain does. So the features are acts
of speech (asks, speaks to somebody, speaks of itself, names a fault, thanks, reports news) and the triggers' points. The
weights were fitted on MobASA (CC BY 4.0), rounded, and the ones that such a set cannot know (private messages, a brand that is
configured) set by hand. docs/lexicons.md shows the table for a support lead.
"""

from math import exp, log
from typing import Literal, NamedTuple

from lexicons.compiler import CUE_BITS, CUES, Lexicon
from lexicons.findings import Finding
from lexicons.text import LINK, SENTENCE_END, Text
from records.mention import Rating

Addressed = Literal["direct_message", "reply", "handle", "name", "query", "none"]
MOST_POINTS = 50.0  # trigger points beyond this say nothing more about need

BIAS = -3.4
WEIGHTS = {
    "points": 1.0,
    "fault": 0.8,
    "own_problem": 0.4,
    "question_mark": 0.7,
    "asks": 0.6,
    "polite": 0.8,
    "time": 0.4,
    "negation": 0.4,
    "pressure": 0.2,
    "anger": 0.4,
    "exclaims": 0.3,
    "handle": 1.4,
    "service_handle": 1.6,
    "news_handle": -2.0,
    "many_handles": -0.8,
    "only_thanks": -1.5,
    "only_praise": -1.0,
    "solved": -2.0,
    "news": -0.1,
    "much_news": -0.5,
    "link": -1.0,
    "smile": -0.8,
    "quotes": -1.2,
    "signed": -1.7,
    "advert": -2.0,
    "very_short": -1.8,
    "length": -0.4,
}
ADDRESSED: dict[Addressed, float] = {
    "direct_message": 3.7, "reply": 2.0, "handle": 3.7, "name": 1.1, "query": 0.8, "none": -1.2,
}  # fmt: skip
TO_OTHER = -1.5  # begins with somebody else's handle, where ours are known
STARS = {1: 1.6, 2: 1.0, 3: 0.0, 4: -0.8, 5: -1.6}


class Signals(NamedTuple):
    """What a text shows: features of WEIGHTS with their values, bits of its cues, whether it tells of a lasting problem."""

    features: dict[str, float]
    cues: int
    lasting: bool


def signals(text: Text, lexicon: Lexicon, findings: list[Finding], advert: bool) -> Signals:
    """Reads a text's features in one pass over its words."""
    bits, news, words, links = 0, 0, 0, 0
    handles: list[str] = []
    get = lexicon.cues.get
    for word in text.words:
        cue = get(word)
        if cue:
            bits |= cue
            if cue & _NEWS:
                news += 1
        if word[:1] == "@":
            handles.append(word)
        elif word == LINK:
            links += 1
        elif word not in _MARKS:
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
        ("handle", handles),
        ("many_handles", len(handles) > 2),
        ("service_handle", handles and _any_has(handles, _SERVICE_HANDLE)),
        ("news_handle", handles and _any_has(handles, _NEWS_HANDLE)),
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
    return Signals(features, bits, bool(problem and bits & _TIME))


def _any_has(handles: list[str], signs: tuple[str, ...]) -> bool:
    return any(sign in handle for handle in handles for sign in signs)


def judge_need(
    seen: Signals, addressed: Addressed, rating: Rating | None, *, to_other: bool = False, knows_handles: bool = False
) -> tuple[float, tuple[str, ...]]:
    """need 0-1 with four decimals, and what moved it by at least 0.3, the strongest first: `+asks`, `-link`."""
    moved = {name: WEIGHTS[name] * value for name, value in seen.features.items()}
    if knows_handles:
        moved.pop("handle", None)  # whether a handle is ours counts once, below
    if to_other:
        moved["to_other"] = TO_OTHER
    moved["addressed_" + addressed] = ADDRESSED[addressed]
    stars = _stars(rating)
    if stars:
        moved["stars"] = STARS[stars]
    need = 1 / (1 + exp(-(BIAS + sum(moved.values()))))
    strong = sorted((item for item in moved.items() if abs(item[1]) >= 0.3), key=lambda item: (-abs(item[1]), item[0]))
    return round(need, 4), tuple(("+" if value > 0 else "-") + name for name, value in strong)


def _stars(rating: Rating | None) -> int:
    """A review's stars on a scale of five, 0 = unknown."""
    if rating is None:
        return 0
    if rating.value is None:
        return 0 if rating.recommends is None else (5 if rating.recommends else 1)
    best, worst = rating.best if rating.best is not None else 5.0, rating.worst if rating.worst is not None else 1.0
    if best <= worst or not worst <= rating.value <= best:
        return 0
    return 1 + round(4 * (rating.value - worst) / (best - worst))


def judge_tone(text: Text, seen: Signals, findings: list[Finding]) -> tuple[float, float, float]:
    """(urgency 0-3, anger 0-3, sentiment -1 to 1), two decimals; urgency and anger are expected values *given* need."""
    cues = seen.cues
    hits = [finding.trigger for finding in findings]
    urgency = max((hit.urgency for hit in hits if hit.intent != "praise"), default=1.1)
    urgency += 0.3 * bool(cues & CUE_BITS["pressure"]) + 0.2 * (seen.lasting)
    anger = 0.5 + 0.8 * max((hit.anger for hit in hits), default=0.0)
    shouting = text.original.count("!") > 1 or sum(raw.isupper() and len(raw) > 3 for raw in text.raw[:200]) > 1
    anger += 0.7 * bool(cues & CUE_BITS["anger"]) + 0.4 * shouting + 0.2 * (seen.lasting)
    anger -= 0.3 * bool(cues & (CUE_BITS["thanks"] | CUE_BITS["polite"]))
    sentiment = min((hit.sentiment for hit in hits), default=0.0) + max(0.0, *(hit.sentiment for hit in hits), 0.0)
    sentiment += 0.4 * bool(cues & CUE_BITS["praise"]) + 0.2 * bool(cues & CUE_BITS["thanks"])
    sentiment -= 0.4 * bool(cues & CUE_BITS["anger"]) + 0.2 * bool(cues & CUE_BITS["fault"])
    return _within(urgency, 0, 3), _within(anger, 0, 3), _within(sentiment, -1, 1)


def _within(value: float, low: float, high: float) -> float:
    return round(min(max(value, low), high), 2)


_MARKS = frozenset((SENTENCE_END, ",", ""))
_FIRST_PERSON, _NEWS, _QUESTION = CUE_BITS["first_person"], CUE_BITS["news"], CUE_BITS["question"]
_THANKS, _PRAISE = CUE_BITS["thanks"], CUE_BITS["praise"]
_FAULT, _TIME = CUE_BITS["fault"], CUE_BITS["time"]
_BITS = tuple((name, CUE_BITS[name]) for name in CUES if name in WEIGHTS)
_QUOTES = frozenset('"\u201e\u201c\u00ab\u00bb\u2039\u203a')
# Handles of service desks and of newsrooms say what they are, in every industry.
_SERVICE_HANDLE = ("help", "hilf", "support", "service", "care", "kunde", "customer", "dialog", "assist", "ask")
_NEWS_HANDLE = (
    "news",
    "zeitung",
    "online",
    "presse",
    "press",
    "polizei",
    "police",
    "radio",
    "magazin",
    "tagblatt",
    "anzeiger",
)


def _signed(text: str) -> bool:
    """Whether the text ends like an agent's answer, with initials: `^kl`, `/sr`, `*JM`."""
    tail = text.rstrip()[-5:].rsplit(" ", 1)[-1]
    return len(tail) in (3, 4) and tail[0] in "^/*" and tail[1:].isalpha()
