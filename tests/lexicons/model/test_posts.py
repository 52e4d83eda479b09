"""The packaged posts keep to their own README; nobody of them is real, and nothing is learnt from a locked one."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lexicons.model.corpora import POSTS, locked, mobasa, posts
from tests.lexicons.test_need_measured import FOLDER, labelled

README = (POSTS / "README.md").read_text("utf-8")
FIELDS = {
    "text",
    "source",
    "to",
    "brand",
    "handles",
    "stars",
    "need",
    "urgency",
    "anger",
    "intent",
    "kind",
    "industry",
    "language",
}
HANDLE = re.compile(r"@\w+")
# Companies of which a reader would think: an invented post speaks to none of them.
REAL = re.compile(
    r"(?i)\b(telekom|vodafone|magenta|swisscom|o2|a1|drei|sunrise|deutsche bahn|db_bahn|[oö]bb|sbb|bvg|dhl|hermes|dpd|gls|ups"
    r"|fedex|amazon|zalando|otto|ikea|lidl|aldi|rewe|edeka|sparkasse|commerzbank|postbank|n26|paypal|klarna|allianz|axa|aok|barmer"
    r"|lufthansa|ryanair|easyjet|eurowings|british airways|delta|eon|vattenfall|enbw|netflix"
    r"|spotify|microsoft|google|apple|verizon|comcast)\b"
)


def rows(*names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(POSTS.glob("*.ndjson")):
        if not names or file.name in names:
            for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
                yield f"{file.name}:{number}", json.loads(line)


def test_readme_tells_every_field() -> None:
    assert all(f"`{field}`" in README for field in FIELDS)


def test_every_post_has_the_fields_of_the_readme_in_their_ranges() -> None:
    sources = {"tweet", "reply", "comment", "wall", "forum", "review", "message", "blog", "news", "ad"}
    for place, row in rows():
        own = FIELDS - {"stars"} if place.startswith("locked") else FIELDS - {"stars", "industry", "language"}
        assert own <= row.keys() <= FIELDS, place
        assert isinstance(row["text"], str), place
        assert row["text"].strip(), place
        assert row["source"] in sources, place
        assert row["to"] in {"handle", "own_page", "name", "none"}, place
        assert row["need"] in (0, 1), place
        assert row["urgency"] in range(4), place
        assert row["anger"] in range(4), place
        assert 1 <= row.get("stars", 1) <= 5, place


def test_urgency_is_given_need_and_only_then() -> None:
    assert [place for place, row in rows() if bool(row["urgency"]) != bool(row["need"])] == []


def test_handles_stand_in_the_text_and_who_is_tagged_has_one() -> None:
    for place, row in rows():
        assert all(handle.lower() in row["text"].lower() for handle in row["handles"]), place
        assert all(handle.startswith("@") for handle in row["handles"]), place
        assert (row["to"] == "handle") <= bool(row["handles"]), place


def test_only_reviews_have_stars() -> None:
    assert [place for place, row in rows() if "stars" in row and row["source"] != "review"] == []


def test_about_half_of_the_posts_need_an_answer() -> None:
    needs = [row["need"] for _, row in rows()]
    assert 0.4 < sum(needs) / len(needs) < 0.6


def test_there_are_as_many_posts_as_promised() -> None:
    ours = posts()
    assert sum(post.language == "de" for post in ours) >= 1_500
    assert sum(post.language == "en" for post in ours) >= 700
    per_industry = [sum(post.domain == each for post in locked()) for each in {post.domain for post in locked()}]
    assert per_industry == [40] * 10


def test_no_post_stands_there_twice() -> None:
    seen: dict[tuple[str, str], str] = {}
    doubles = []
    for place, row in rows():
        key = (row["brand"], row["text"])
        # A mere emoji or word is the same in German and English.
        if key in seen and len(row["text"].split()) > 2:
            doubles.append((seen[key], place))
        seen[key] = place
    assert doubles == []


def test_no_post_speaks_of_a_company_that_there_is() -> None:
    assert [
        (place, found[0])
        for place, row in rows()
        if (found := REAL.search(" ".join([*row["handles"], row["brand"] or ""])))
    ] == []


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_no_locked_text_is_among_those_that_train() -> None:
    held = {words(post.text) for post in locked()}
    assert len(held) == 400
    assert held.isdisjoint(words(post.text) for post in posts())


def test_locked_posts_are_not_read_with_the_others() -> None:
    assert len(posts()) == sum(1 for place, _ in rows() if not place.startswith("locked"))


@pytest.mark.shared
def test_no_handle_of_a_real_person_or_company_and_no_text_of_a_corpus_is_among_the_posts() -> None:
    labelled()  # skips or fails where the corpora are missing
    real = mobasa(FOLDER)
    handles = {handle.lower() for post in real for handle in HANDLE.findall(post.text)}
    ours = {handle.lower() for _, row in rows() for handle in HANDLE.findall(row["text"])}
    assert ours & handles == set()
    texts = {words(post.text) for post in real}
    assert [place for place, row in rows() if words(row["text"]) in texts] == []
