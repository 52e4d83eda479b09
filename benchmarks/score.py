"""Microseconds a case: scoring three posts of a customer with a purchase and a contact, strategy `balanced`."""

import statistics
from pathlib import Path
from timeit import repeat

from priority.case import Case, CasePost
from priority.score import scorer
from priority.strategy import load_strategy
from records.facts import Snapshot, SnapshotContact, SnapshotPurchase
from records.mention import Author
from records.times import DAY, HOUR, from_ms
from records.verdict import TriggerHit, Verdict

NOW = 1_780_000_000_000


def case() -> Case:
    """A customer who asks for the third time."""
    verdict = Verdict(
        id="x:1",
        kept=True,
        dropped=None,
        brand="nordfunk",
        need=0.9,
        service_request=True,
        urgency=2.0,
        anger=1.0,
        sentiment=-0.5,
        language="de",
        triggers=(TriggerHit("de.broken", "kaputt", 0, 6, 12.0),),
        lexicon_version="benchmark",
    )
    posts = tuple(
        CasePost(id=f"x:{n}", at=NOW + n * HOUR, kind="post", candidate=True, answered=False, verdict=verdict)
        for n in range(3)
    )
    known = Snapshot(
        customer="c",
        version=1,
        evidence="verified",
        purchases=(SnapshotPurchase(from_ms(NOW - 9 * DAY), 900.0, "EUR", 2, "router", "p"),),
        contacts=(SnapshotContact(from_ms(NOW - 3 * HOUR), "hotline", False, "k"),),
    )
    author = Author(id="1", followers=300)
    return Case(
        channel="x", brand="nordfunk", author=author, posts=posts, opened=NOW, as_of=NOW + 2 * HOUR, snapshots=(known,)
    )


def main() -> None:
    """Print the figure."""
    score, given = scorer(load_strategy("balanced", Path())), case()
    times = [seconds / 500 * 1e6 for seconds in repeat(lambda: score(given), number=500, repeat=15)]
    print(f"score: {statistics.median(times):.0f} µs a case (best {min(times):.0f})")


if __name__ == "__main__":
    main()
