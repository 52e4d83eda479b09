"""Invented mentions for the base loops' tests."""

from records.mention import Account, Author, Mention


def mention(number: int, text: str = "Hilfe, das Netz ist weg") -> Mention:
    return Mention(
        id=f"x:{number}",
        native_id=str(number),
        channel="x",
        kind="post",
        op="create",
        revision="0",
        direction="inbound",
        visibility="public",
        occurred_at="2026-01-05T10:00:00.000Z",
        observed_at="2026-01-05T10:00:00.000Z",
        account=Account(id="x"),
        author=Author(id="7"),
        text=text,
        media=(),
    )
