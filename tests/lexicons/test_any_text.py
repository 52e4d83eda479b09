"""Whatever is written: a verdict, offsets inside the text, and time in proportion to its length."""

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.judgement import judge
from lexicons.text import fold

PIECES = [
    "Hilfe", "geht", "nicht", "Störung", "@nordfunk", "#hilfe", "https://a.example/b", "😡", "\u202e", "\u200d", "ß", "ﷺ",
    "a\u0308", "…", "!!!", "'", "\n", "kein", "erste", "brauche", ".", "Nordfunk", "\ud800", "\0", "m/w/d", "ＨＥＬＰ",
    "e\u0301" * 20,
]  # fmt: skip


@given(
    st.one_of(
        st.text(max_size=300),
        st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
        st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    )
)
def test_any_text_gets_a_verdict_with_offsets_inside_it(mention, lexicon, text) -> None:
    verdict = judge(mention(text), lexicon)
    assert verdict.need is None or 0 <= verdict.need <= 1
    assert 0 <= verdict.urgency <= 3
    assert 0 <= verdict.anger <= 3
    assert -1 <= verdict.sentiment <= 1
    for hit in verdict.triggers:
        assert 0 <= hit.start < hit.end <= len(text)
        assert hit.text == text[hit.start : hit.end]
        assert fold(hit.text)


@pytest.mark.parametrize(
    "text",
    [
        "😡",
        "\u202e\u202d",
        "\u200d\u200d",
        "@nordfunk @kundin",
        "https://a.example https://b.example",
        "",
        "   ",
        "\n",
        "....",
        "👩\u200d👩\u200d👧",
    ],
    ids=ascii,
)
def test_texts_without_a_word_open_no_ticket(mention, lexicon, text) -> None:
    assert not judge(mention(text), lexicon).kept


def test_direction_marks_and_joiners_do_not_hide_a_call(mention, lexicon) -> None:
    assert judge(mention("@nordfunk Hil\u200dfe\u202e!"), lexicon).triggers[0].id == "de.help"


NASTY = {
    "letters": "a", "words": "a ", "help": "Hilfe ", "negated": "keine Hilfe ", "excepted": "erste Hilfe ",
    "gap": "geht nicht ", "half a gap": "geht ", "dots": ".", "dotted": "a.", "questions": "?!", "apostrophes": "a'",
    "only apostrophes": "'", "marks": "e\u0301", "bare marks": "\u0301", "mixed marks": "\u0301\u0323",
    "joiners": "\u200d", "emoji": "😡", "handles": "@a ",
    "at signs": "@", "hashes": "#", "links": "http://", "ligature": "ﷺ", "umlauts": "ä", "lines": "\n", "brand": "Nordfunk ",
    "kommt nicht an": "kommt nicht x x x x x x x ",
}  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_work_grows_no_faster_than_the_text(mention, lexicon, name) -> None:
    """Most of the work is done in C (regular expressions, Unicode), where only the processor's time counts it. So two sizes are
    compared with each other, the best of many turns each: what a busy machine adds goes to single turns."""

    def work(length: int) -> float:
        post = mention((NASTY[name] * (length // len(NASTY[name]) + 1))[:length])
        begin = thread_time()
        judge(post, lexicon)
        return thread_time() - begin

    work(1000)
    short = long = float("inf")
    for _ in range(25):
        short, long = min(short, work(25_000)), min(long, work(100_000))
        if long < 8 * short:  # four times the text: linear is 4, quadratic 16
            return
    raise AssertionError(f"four times the text took {long / short:.1f} times the work")
