"""Invented mentions, and a judge and a score that are simple enough to reason about."""

from priority.case import Case, Score
from records.events import Spoke
from records.mention import Account, Author, Mention, Thread
from records.tickets import Factor
from records.times import HOUR, MINUTE, from_ms
from records.verdict import Verdict
from streams.derive import Rules

START = 1_780_000_000_000


def mention(
    native: str = "1",
    text: str | None = "help",
    *,
    author: str | None = "anna",
    minute: float = 0,
    op: str = "create",
    revision: str = "0",
    edited: float | None = None,
    **more: object,
) -> Mention:
    """A post on X, `minute` minutes after START."""
    at = from_ms(START + int(minute * MINUTE))
    fields: dict[str, object] = {
        "id": f"x:{native}",
        "native_id": native,
        "channel": "x",
        "kind": "post",
        "op": op,
        "revision": revision,
        "direction": "inbound",
        "visibility": "public",
        "occurred_at": at,
        "edited_at": None if edited is None else from_ms(START + int(edited * MINUTE)),
        "observed_at": at,
        "account": Account(id="search"),
        "author": Author(id=author),
        "text": text,
        "media": (),
    }
    fields.update(more)
    if "thread" in fields and isinstance(fields["thread"], dict):
        fields["thread"] = Thread(**fields["thread"])
    return Mention(**fields)  # type: ignore[arg-type]


def judge(post: Mention) -> Verdict:
    """ "help" asks for service, "well" addresses the brand without a need, "brand:" is the brand's own voice."""
    text = post.text or ""
    own = post.direction == "outbound"
    kept = "help" in text and not own
    context = "well" in text and not kept and not own
    return Verdict(
        id=post.id,
        kept=kept,
        dropped=None if kept else ("own_post" if own else "no_need"),
        brand="acme",
        need=0.9 if kept else 0.1,
        service_request=kept,
        urgency=2.0 if "now" in text else 1.0,
        anger=0.0,
        sentiment=0.0,
        language="en",
        lexicon_version="test",
        context=context,
        league="safety" if "fire" in text else None,
    )


def score(case: Case) -> Score:
    """Ten points a post, ten more per snapshot; due two hours after opening; league 3 for fire."""
    league = 3 if any(p.verdict and p.verdict.league for p in case.posts) else 0
    asked = 10.0 * min(len(case.posts), 5)
    bought = 10.0 * len([s for s in case.snapshots if s.purchases])
    due = case.opened + 2 * HOUR - int(asked + bought) * MINUTE
    return Score(
        points=asked + bought,
        factors=(Factor("content", asked, 50.0, "asked"), Factor("purchases", bought, 50.0, "bought")),
        league=league,
        league_name="safety" if league else None,
        due=due,
        rank_key=league * 10**8 + 10**8 - 1 - (due - 1_577_836_800_000) // MINUTE,
        priority="normal",
        unknown=(),
        explanation=(),
    )


RULES = Rules(score=score, strategy="test@1")


def spoke(post: Mention) -> Spoke:
    """The event that screen would send."""
    return Spoke(mention=post, verdict=judge(post) if post.op in ("create", "update") else None)
