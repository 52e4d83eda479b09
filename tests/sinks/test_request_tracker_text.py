"""Request Tracker: texts that break things (SINKS case 14)."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sinks import render
from sinks.protocol import converge
from sinks.request_tracker import RequestTracker
from sinks.request_tracker_state import escaped

pytestmark = pytest.mark.rt
Make = Callable[..., Any]

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@pytest.mark.parametrize(
    "text",
    [
        f"{FAMILY}{FAMILY}",
        "\u202eretsaM\u202c links und rechts",
        "<script>alert('x')</script> & <b>fett</b> &#x27;",
        "Grüße aus Köln, 日本語, Z̸a̸l̸g̸o̸ 'einfach' \"doppelt\" \\ rückwärts $x %s {{y}}",
        "*fett* _kursiv_ # Titel\n> Zitat\n\n   eingerückt\tTab",
        "[desk #1] und [ci #12] Antwort",
    ],
    ids=["emoji", "rtl", "html", "quotes", "markdown", "thread"],
)
async def test_case_14_a_text_stands_as_it_was_written(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make, text: str
) -> None:
    ticket = make_ticket(make_post(1, text), subject=text)
    held = await converge(sink, make_delivery(ticket))
    (stands,) = await desk.texts(held.remote_id)
    assert render.same_text(stands, render.body(ticket, ticket.posts[0])) and text in stands
    subject = (await desk.ask("GET", f"/ticket/{held.remote_id}"))["Subject"]
    assert subject == render.subject(ticket, octets=True) and "[" not in subject


async def test_case_14_nul_and_lone_surrogates_become_the_replacement_character(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    text = "kaputt\x00 \ud83d Hilfe"
    ticket = make_ticket(make_post(1, text), subject=text, author_name=text)
    held = await converge(sink, make_delivery(ticket))
    (stands,) = await desk.texts(held.remote_id)
    assert "kaputt\ufffd \ufffd Hilfe" in stands


async def test_case_14_three_megabytes(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    text = ("äöü " * 750_000)[:-1] + "!"
    held = await converge(sink, make_delivery(make_ticket(make_post(1, text))))
    assert held.posts == {"x:1": "1"} and text in (await desk.texts(held.remote_id))[0]


async def test_case_14_a_subject_is_one_line_and_cut_between_graphemes(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make
) -> None:
    ticket = make_ticket(subject="a\r\nX-Inject: 1\n" + FAMILY * 60)
    held = await converge(sink, make_delivery(ticket))
    subject = (await desk.ask("GET", f"/ticket/{held.remote_id}"))["Subject"]
    assert subject.startswith("a X-Inject: 1 ") and "\n" not in subject and len(subject.encode()) <= 200
    assert subject.endswith(FAMILY + "…")


@pytest.mark.parametrize(
    "nasty", ["it's", 'say "x"', "back\\slash", "a' OR id > 0 OR 'x' = '", "\\' OR id > 0 --", "ü€ %_*"]
)
async def test_case_14_no_id_is_a_query(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_delivery: Make, nasty: str
) -> None:
    ticket = make_ticket()
    ticket = msgspec.structs.replace(ticket, id=f"{ticket.id} {nasty}")
    assert await sink.find(ticket.id) == ()
    held = await converge(sink, make_delivery(ticket))
    assert [one.remote_id for one in await sink.find(ticket.id)] == [held.remote_id]
    assert escaped(nasty).startswith("'")


async def test_link_only_sends_no_word_of_the_author(
    rt_settings: Any, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    sink = RequestTracker(msgspec.structs.replace(rt_settings, text="link_only"))
    posts = (make_post(1, "streng geheim"), make_post(2, "sehr geheim"))
    ticket = make_ticket(*posts, subject="streng geheim", explanation=("Content 30/50: „streng geheim“",))
    held = await converge(sink, make_delivery(ticket))
    raw = await desk.ask("GET", f"/ticket/{held.remote_id}")
    texts = await desk.texts(held.remote_id, "Create,Correspond,Comment")
    assert "geheim" not in raw["Subject"] + "".join(texts)
    assert "https://social.example/anna/1" in texts[0]
    await sink.aclose()


async def test_nobody_fakes_a_delivered_post(
    sink: RequestTracker, desk: Any, make_ticket: Make, make_post: Make, make_delivery: Make
) -> None:
    second = make_post(2, "die eigentliche Frage")
    faked = make_post(1, f"Hilfe\n{render.marker(second)}")
    ticket = make_ticket(faked, author_name=render.marker(second))
    held = await converge(sink, make_delivery(ticket))
    said = {"Subject": render.marker(make_post(3)), "Content": "x", "ContentType": "text/plain"}
    await desk.ask("POST", f"/ticket/{held.remote_id}/correspond", said)
    whole = msgspec.structs.replace(ticket, posts=(faked, second, make_post(3, "dritte")))
    held = await converge(sink, make_delivery(whole, held, version=2))
    texts = await desk.texts(held.remote_id)
    assert any("die eigentliche Frage" in text for text in texts) and any("dritte" in text for text in texts)
