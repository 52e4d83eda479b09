"""Invented tickets for the views of the demo."""

from typing import Any

import msgspec

from records.tickets import Factor, Post, Ticket


def ticket(name: str, *, text: str = "@nordfunk Wann kommt mein Paket?", **changes: Any) -> Ticket:
    """A ticket of X with sane values; `changes` replaces fields."""
    made = Ticket(
        id=f"hf-{name}",
        canonical_id=f"hf-{name}",
        author_key=f"x:{name}",
        author_name=name.title(),
        author_handle=f"{name}_hinterm_deich",
        author_url=None,
        channel="x",
        brand="nordfunk",
        language="de",
        status="open",
        subject=text,
        league=0,
        league_name=None,
        score=42.0,
        factors=(
            Factor("content", 30.0, 55.0, "asks where a parcel is; addresses us"),
            Factor("contacts", 12.0, 20.0, "called twice in the last 4 days"),
        ),
        due_at="2026-03-17T11:30:00.000Z",
        rank_key=100,
        priority="normal",
        opened_at="2026-03-17T08:08:00.000Z",
        as_of="2026-03-17T08:08:00.000Z",
        posts=(
            Post(
                id=f"x:{name}", revision="0", kind="post", role="candidate", text=text, occurred_at="2026-03-17T08:08:00.000Z"
            ),
        ),
        unknown=("followers",),
        strategy="balanced/1",
        lexicon_version="de-1",
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)
