"""Posts a second through `judge` on one core: `python -m benchmarks.screen`.

Invented posts with a brand and both packaged lexicons: `ordinary`, of which 5 % say something that a trigger knows, and
`rich`, of which all do. Also the longest text that comes in. Time is processor time, so a busy machine does not blur it.
"""

import random
import tempfile
from pathlib import Path
from time import process_time

from lexicons.judgement import Lexicon, judge, load_lexicon
from records.mention import Account, Author, Mention

AT = "2026-03-01T10:00:00.000Z"
BRAND = (
    'lexicon: 1\nbrands:\n  - {id: nordfunk, names: [Nordfunk], handles: ["@nordfunk"], exclusions: [Nordfunk Bau]}\n'
)
OPENINGS = (
    "Heute",
    "Also",
    "Morgen",
    "Gestern Abend",
    "Honestly",
    "This morning",
    "Übrigens",
    "By the way",
    "Na ja",
    "So",
)
MIDDLES = (
    "war der Himmel über der Stadt so blau wie lange nicht", "hat der Bäcker am Eck neue Semmeln im Fenster",
    "the market by the river had the best apples of the year", "we walked along the old wall and took pictures",
    "spielt die Kapelle im Park, und alle tanzen dazu", "läuft im Kino der alte Film mit der Uhr",
    "my sister baked a cake with plums and cinnamon", "the new album of that band sounds like summer rain",
    "Nordfunk baut in Tirol neue Masten", "das Spiel ging drei zu zwei aus, was für ein Abend",
)  # fmt: skip
ENDINGS = (
    "#wochenende",
    "😊",
    "https://bilder.example/p/{n}",
    "@freundin_{n}",
    "",
    "…",
    "und ihr so",
    "see you there",
    "🌧",
    "!",
)
CALLS = (
    "@nordfunk mein Internet geht seit {n} Tagen nicht, was ist los?", "Hilfe, mein Nordfunk Router {n} ist kaputt!",
    "@nordfunk where is my refund for order {n}?", "seit {n} Minuten in der Hotline von Nordfunk, niemand antwortet",
    "@nordfunk I was charged twice, please help ({n})", "@nordfunk wann kommt endlich der Techniker zu Auftrag {n}?",
    "Nordfunk: warte seit Wochen auf die Rückerstattung {n}", "@nordfunk aus Router {n} kommt Rauch!!",
)  # fmt: skip


def main() -> None:
    chance = random.Random(7)  # the same posts every time
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "brand.yaml").write_text(BRAND, "utf-8")
        begin = process_time()
        lexicon = load_lexicon(["de", "en", "brand.yaml"], base=Path(folder))
        size = f"{len(lexicon.triggers)} triggers, {len(lexicon.matcher.phrases)} phrases"
        print(f"load:     {process_time() - begin:.2f} s, {size}")
    ordinary = [_call(chance, n) if chance.random() < 0.05 else _small_talk(chance, n) for n in range(20_000)]
    rich = [_call(chance, n) for n in range(5_000)]
    for name, texts in (("ordinary", ordinary), ("rich", rich)):
        _measure(name, texts, lexicon)
    long = _mention("Hilfe, es geht immer noch nicht. " * 3_030, 0)
    begin = process_time()
    judge(long, lexicon)
    print(f"100 kB:   {(process_time() - begin) * 1000:.1f} ms")


def _measure(name: str, texts: list[str], lexicon: Lexicon) -> None:
    posts = [_mention(text, number) for number, text in enumerate(texts)]
    begin = process_time()
    verdicts = [judge(post, lexicon) for post in posts]
    spent = process_time() - begin
    hit = sum(bool(verdict.triggers) for verdict in verdicts) / len(verdicts)
    kept = sum(verdict.kept for verdict in verdicts) / len(verdicts)
    print(f"{name + ':':9} {len(posts) / spent:,.0f} posts/s ({hit:.0%} with a trigger, {kept:.0%} kept)")


def _small_talk(chance: random.Random, number: int) -> str:
    parts = (chance.choice(OPENINGS), *chance.sample(MIDDLES, 2), chance.choice(ENDINGS).format(n=number))
    return f"{parts[0]} {parts[1]}. {parts[2]} {parts[3]}"


def _call(chance: random.Random, number: int) -> str:
    return chance.choice(CALLS).format(n=number)


def _mention(text: str, number: int) -> Mention:
    return Mention(
        id=f"x:{number}", native_id=str(number), channel="x", kind="post", op="create", revision="0", direction="inbound",
        visibility="public", occurred_at=AT, observed_at=AT, account=Account(id="stream"), author=Author(id=str(number)),
        text=text, media=(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
