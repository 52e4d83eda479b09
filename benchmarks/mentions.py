"""Invented mentions for the benchmarks: ordinary chatter about an invented brand, and a share of calls for help."""

import random
from collections.abc import Iterator

from records.mention import Account, Author, Entity, Mention, Metrics
from records.times import from_ms

WORDS = (
    "der die das ein eine und oder aber heute gestern morgen wieder schon noch immer mal ganz sehr wirklich einfach Wetter "
    "Fußball Konzert Arbeit Kaffee Wochenende Freunde Familie Urlaub Zug Stadt Sommer Spiel Film Musik Essen Garten Foto "
    "finde denke glaube sehe höre lese fahre gehe mache habe war ist sind wird läuft nordfunk Werbung Aktie Tarif Nachrichten"
)
CHATTER = WORDS.split()
CALLS = (
    "@nordfunk Hilfe, seit drei Tagen kein Netz und in der Hotline meldet sich keiner",
    "@nordfunk mein Router ist kaputt, wann kommt der Techniker?",
    "@nordfunk warte seit zwei Wochen auf die Rückerstattung, was ist da los?",
    "@nordfunk help, my internet has been down since Monday",
    "@nordfunk bei mir geht nichts mehr, keiner antwortet. Bitte melden!",
)


def mentions(count: int, *, calls: float = 0.05, start_ms: int = 1_780_000_000_000, seed: int = 1) -> Iterator[Mention]:
    """`count` mentions of some 250 characters, one every 40 ms of event time, `calls` of them calls for help."""
    chance = random.Random(seed)
    for number in range(count):
        words = [chance.choice(CHATTER) for _ in range(38)]
        text = chance.choice(CALLS) if chance.random() < calls else " ".join(words)[:250]
        at = from_ms(start_ms + number * 40)
        native = str(1_900_000_000_000_000_000 + number)
        yield Mention(
            id=f"x:{native}",
            native_id=native,
            native_ids=(native,),
            channel="x",
            kind="post",
            op="create",
            revision="0",
            direction="inbound",
            visibility="public",
            occurred_at=at,
            observed_at=at,
            permalink=f"https://x.com/i/status/{native}",
            account=Account(id="filtered-stream", brand="nordfunk"),
            author=Author(
                id=str(chance.randrange(20_000)),
                handle=f"kunde_{number % 20_000}",
                name="Kunde",
                followers=number % 900,
            ),
            text=text,
            entities=(Entity(type="mention", start=0, end=9, text="@nordfunk"),) if text.startswith("@") else (),
            metrics=Metrics(likes=number % 31, replies=number % 5, reposts=number % 9),
            media=(),
        )
