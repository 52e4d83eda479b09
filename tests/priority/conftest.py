"""Builders of invented cases: what a test does not name is unremarkable."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from priority.case import Case, CasePost
from priority.strategy import Strategy, load_strategy
from records.facts import Snapshot, SnapshotContact, SnapshotPurchase
from records.mention import Author
from records.times import DAY, HOUR, MINUTE, from_ms, to_ms
from records.verdict import TriggerHit, Verdict

NOW = to_ms("2026-11-25T13:00:00.000Z")  # a Wednesday, 14:00 in Berlin


class Make:
    """Ages are relative to `now`: hours for posts and contacts, days for purchases."""

    now = NOW

    def verdict(self, **changes: Any) -> Verdict:
        standing = Verdict(
            id="x:1", kept=True, dropped=None, brand="Nordfunk", need=0.8, service_request=True, urgency=1.2, anger=0.8,
            sentiment=-0.4, language="en", triggers=(TriggerHit("en.broken", "broken", 3, 9, 10.0),), lexicon_version="en@1",
        )  # fmt: skip
        return msgspec.structs.replace(standing, **changes)

    def post(
        self, hours_ago: float = 0.0, *, candidate: bool = True, answered: bool = False, **changes: Any
    ) -> CasePost:
        kind = changes.pop("kind", "post")
        at = NOW - int(hours_ago * HOUR)
        return CasePost(
            id=f"x:{at}", at=at, kind=kind, candidate=candidate, answered=answered, verdict=self.verdict(**changes)
        )

    def case(self, *posts: CasePost, **changes: Any) -> Case:
        ordered = tuple(sorted(posts or (self.post(),), key=lambda p: p.at))
        waiting = [p.at for p in ordered if p.candidate and not p.answered]
        standing = Case(
            channel="x", brand="Nordfunk", author=Author(id="7", followers=300), posts=ordered,
            opened=waiting[0] if waiting else ordered[-1].at, as_of=ordered[-1].at,
        )  # fmt: skip
        return msgspec.structs.replace(standing, **changes)

    def customer(self, **changes: Any) -> Snapshot:
        return msgspec.structs.replace(Snapshot(customer="c-1", version=1, evidence="verified"), **changes)

    def purchase(self, days_ago: float = 1.0, amount: float = 100.0, **changes: Any) -> SnapshotPurchase:
        standing = SnapshotPurchase(from_ms(NOW - int(days_ago * DAY)), amount, "EUR")
        return msgspec.structs.replace(standing, **changes)

    def contact(
        self, hours_ago: float = 3.0, resolved: bool | None = False, channel: str = "hotline"
    ) -> SnapshotContact:
        return SnapshotContact(from_ms(NOW - int(hours_ago * HOUR)), channel, resolved)

    def points(self, scored: Any, name: str) -> float:
        return next(f.points for f in scored.factors if f.name == name)

    def why(self, scored: Any, name: str) -> str:
        return next(f.why for f in scored.factors if f.name == name)


def _cases() -> st.SearchStrategy[Case]:
    """Any case, also one that no stage would build."""
    make = Make()
    unit = st.floats(0, 1)
    verdicts = st.builds(
        make.verdict,
        need=st.none() | unit,
        urgency=st.floats(0, 3),
        anger=st.floats(0, 3),
        sentiment=st.floats(-1, 1),
        league=st.none() | st.sampled_from(["safety", "vulnerable", "legal", "unheard_of"]),
        language=st.none() | st.sampled_from(["de", "en", "und"]),
        triggers=st.lists(
            st.builds(
                TriggerHit, st.sampled_from("abc"), st.text(max_size=9), st.just(0), st.just(1), st.floats(-5, 40)
            ),
            max_size=4,
        ).map(tuple),
    )
    times = st.integers(NOW - 40 * DAY, NOW)
    posts = st.builds(
        CasePost, id=st.uuids().map("x:{}".format), at=times, kind=st.sampled_from(["post", "direct_message", "review"]),
        candidate=st.booleans(), answered=st.booleans(), verdict=st.none() | verdicts,
    )  # fmt: skip
    stamps = st.integers(NOW - 400 * DAY, NOW + 90 * DAY).map(from_ms) | st.just("2026-02-31T00:00:00.000Z")
    purchases = st.builds(
        SnapshotPurchase, stamps, st.floats(-1e300, 1e300), st.sampled_from(["EUR", "USD", "XYZ"]),
        st.none() | st.integers(0, 10**40), st.none() | st.sampled_from(["laptop", "phone"]),
    )  # fmt: skip
    contacts = st.builds(SnapshotContact, stamps, st.text(max_size=50), st.none() | st.booleans())
    tags = st.tuples(st.sampled_from(["vip", "ambassador", "other"]), st.none() | stamps)
    snapshots = st.builds(
        Snapshot, customer=st.sampled_from(["c-1", "c-2"]), version=st.integers(1, 9),
        evidence=st.sampled_from(["verified", "self_claimed", "inferred", None]),
        purchases=st.lists(purchases, max_size=5).map(tuple), contacts=st.lists(contacts, max_size=5).map(tuple),
        tags=st.lists(tags, max_size=3).map(tuple), erased=st.booleans(),
    )  # fmt: skip
    authors = st.builds(
        Author, id=st.just("7"), followers=st.none() | st.integers(0, 10**30), verified=st.none() | st.booleans(),
        verified_kind=st.none() | st.sampled_from(["blue", "government"]), bot=st.none() | st.booleans(),
    )  # fmt: skip
    return st.builds(
        Case, channel=st.sampled_from(["x", "facebook", "whatsapp", "forum"]), brand=st.none(), author=authors,
        posts=st.lists(posts, max_size=6).map(lambda ps: tuple(sorted(ps, key=lambda p: p.at))), opened=times,
        as_of=times, snapshots=st.lists(snapshots, max_size=3).map(tuple),
    )  # fmt: skip


ANY_CASE = _cases()


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture(scope="session")
def any_case() -> st.SearchStrategy[Case]:
    return ANY_CASE


@pytest.fixture(scope="session")
def balanced() -> Strategy:
    return load_strategy("balanced", Path())


@pytest.fixture(scope="session")
def minute() -> int:
    return MINUTE
