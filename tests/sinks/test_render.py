"""Subjects, posts, notes and markers: what leaves the house is safe, and is known again."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.mention import Media
from records.tickets import Factor, Held
from sinks import render

Make = Callable[..., Any]

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
THUMB = "\U0001f44d\U0001f3fd"
GERMANY = "\U0001f1e9\U0001f1ea"
E_ACUTE = "e\u0301"


@pytest.mark.parametrize("grapheme", [FAMILY, THUMB, GERMANY, E_ACUTE, "\u2764\ufe0f"])
@pytest.mark.parametrize("octets", [False, True])
def test_a_cut_never_splits_a_grapheme(grapheme: str, octets: bool) -> None:
    text = grapheme * 40
    for limit in range(30, 60):
        short = render.cut(text, limit, octets=octets)
        assert (len(short.encode()) if octets else len(short)) <= limit
        assert short == grapheme * (len(short) // len(grapheme)) + "…"


def test_a_grapheme_longer_than_the_limit_is_cut_all_the_same() -> None:
    zalgo = "a" + "\u0301" * 500
    assert len(render.cut(zalgo, 100)) == 100


def test_what_fits_is_not_cut() -> None:
    assert render.cut("genau", 5) == "genau" and render.cut("für", 4, octets=True) == "für"


@given(st.text(), st.integers(10, 300))
def test_a_subject_is_one_safe_line(text: str, limit: int) -> None:
    line = render.cut(render.one_line(text), limit)
    assert len(line) <= limit and not set("\r\n\0[]\u2028\u202e\u0085") & set(line)
    line.encode()


def test_a_ticket_number_in_a_post_hijacks_no_thread(make_ticket: Make) -> None:
    assert render.subject(make_ticket(subject="[ci #12] Re: ［desk #3］")) == "(ci #12) Re: (desk #3)"


def test_a_subject_of_nothing_says_who_and_where(make_ticket: Make) -> None:
    assert render.subject(make_ticket(subject=" \n")) == "Hilferuf auf X von Anna Beispiel (@anna_b)"
    assert render.subject(make_ticket(subject="", language="en")).startswith("Call for help on X")


def test_link_only_quotes_nothing(make_ticket: Make, make_post: Make) -> None:
    media = (Media(type="image", url="https://cdn.example/1.jpg"),)
    ticket = make_ticket(make_post(1, "geheim", media=media), subject="geheim")
    body = render.body(ticket, ticket.posts[0], mode="link_only")
    assert "geheim" not in body + render.subject(ticket, mode="link_only") and "cdn" not in body
    assert "https://social.example/anna/1" in body
    bare = make_post(1, "geheim", permalink=None)
    assert "x:1" in render.body(ticket, bare, mode="link_only")
    factors = (Factor("content", 30.0, 50.0, "„geheim“"),)
    explained = msgspec.structs.replace(ticket, factors=factors, explanation=("Content 30/50: „geheim“",))
    note = render.note(explained, mode="link_only")
    assert "geheim" not in note and "content: 30.0 von höchstens 50.0" in note
    assert render.read_marker(note) == render.read_marker(render.note(explained))


def test_a_post_without_text_shows_its_media_and_link(make_ticket: Make, make_post: Make) -> None:
    media = (Media(type="image", url="https://cdn.example/1.jpg"), Media(type="voice", ref="wamid.1"))
    post = make_post(1, None, media=media)
    body = render.body(make_ticket(post), post)
    assert "(ohne Text)" in body and "Bild: https://cdn.example/1.jpg" in body and "Sprachnachricht: wamid.1" in body


@pytest.mark.parametrize(
    ("language", "word"), [("de", "schrieb"), ("de-AT", "schrieb"), ("en", "wrote"), (None, "wrote")]
)
def test_german_for_german_and_english_for_the_rest(make_ticket: Make, language: str | None, word: str) -> None:
    ticket = make_ticket(language=language)
    assert word in render.body(ticket, ticket.posts[0])


def test_the_note_says_why_and_changes_its_digest_with_it(make_ticket: Make) -> None:
    ticket = make_ticket(explanation=("Rief zweimal an",), unknown=("purchases",), league=2, league_name="safety")
    note = render.note(ticket)
    for words in ("Rief zweimal an", "42.0/100", "purchases", "safety", "balanced"):
        assert words in note
    changed = msgspec.structs.replace(ticket, explanation=("Rief dreimal an",))
    assert render.note_digest(changed) != render.note_digest(ticket) == render.read_marker(note).revision  # type: ignore[union-attr]


def test_markers_are_read_back_as_posts(make_ticket: Make, make_post: Make) -> None:
    ticket = make_ticket(make_post(1), make_post(2, revision="7"), make_post(3, None, removed=True))
    texts = {number: render.body(ticket, post) for number, post in enumerate(ticket.posts[:2])}
    texts |= {5: render.removal(ticket, ticket.posts[2]), 6: render.note(ticket), 7: "nichts"}
    posts, note = render.standing(texts)
    held = render.named(Held(remote_id="1", posts=posts, note=note), ticket)
    assert held.posts == {"x:1": "1", "x:2": "7", "x:3": ""} and held.note == render.note_digest(ticket)


def test_the_last_marker_of_a_post_counts(make_ticket: Make, make_post: Make) -> None:
    old, new = make_post(1), make_post(1, revision="2")
    posts, _ = render.standing({9: render.marker(new), 3: render.marker(old)})
    named = render.named(Held(remote_id="1", posts=posts), make_ticket(new))
    assert named.posts == {"x:1": "2"}
    assert render.named(Held(remote_id="1", posts=posts), make_ticket(old)).posts["x:1"].startswith("#")


@given(st.text(alphabet="hf:0123456789abcdefgone note\n"))
def test_no_text_of_an_author_is_a_marker(text: str) -> None:
    assert render.read_marker(render.clean(text)) is None
    assert render.read_marker(render.clean(f"{text} hf:0123456789abcdef:01234567")) is None


@given(st.text(st.characters(codec=None, categories=("Cs", "Cc", "L", "So", "Mn"))))
def test_clean_text_can_be_stored_anywhere(text: str) -> None:
    clean = render.clean(text)
    assert "\0" not in clean and len(clean) == len(text)
    clean.encode("utf-8")


@pytest.mark.parametrize(
    ("rank", "number"), [(None, 0), (-1, 0), (float("nan"), 0), (float("inf"), 2**31 - 1), (1e9, 10**9), (12, 12)]
)
def test_rank_number(rank: float | None, number: int) -> None:
    assert render.rank_number(rank) == number
