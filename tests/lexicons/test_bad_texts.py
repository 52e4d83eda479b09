"""Whatever is written, and whatever a lexicon asks for: places in the text, twice the same, in time linear in its length."""

from itertools import pairwise
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.compiler import load_lexicon
from lexicons.findings import find
from lexicons.text import cut

EVERYTHING = """
lexicon: 1
language: de
lists: {geraet: [Router, Modem]}
brands:
  - {id: bahn, names: [Nordbahn], aliases: [Bahn], contexts: [Zug, Gleis], exclusions: [Bahn … Autobahn]}
triggers:
  - {id: own.code, regex: ['fehler \\d+', '(a|aa)+$'], weight: 3}
  - {id: own.order, phrases: ['{$geraet … kaputt … schon}', 'nicht … an/kommen'], weight: 3}
  - {id: own.other, phrases: ['geht gar? nicht', '*ausfall … heute'], weight: 3}
"""
PIECES = {
    "word": "Hilfe ",
    "sentence": "Hilfe, es geht immer noch nicht. ",
    "supposed": "falls es kaputt ist, ",
    "quoted": '"ab cd ef gh kaputt" ',
    "quotes": '"',
    "low quotes": "\u201e",
    "quoted lines": "> kaputt\n",
    "marks": ">",
    "tags": "#aB",
    "camel": "#keinNetzHeute ",
    "stretched": "Hiiilfe ",
    "one letter": "i",
    "cyrillic": "\u041dilfe ",
    "separable": "kommt nicht an ",
    "nearly": "kommt nicht x x x x x x x ",
    "any order": "Router kaputt schon ",
    "optional": "geht gar ",
    "aliases": "Bahn Zug ",
    "excluded": "Bahn x Autobahn ",
    "expression": "Fehler 12 ",
    "typos": "Rechnugn Stoehrung ",
    "mixed": "a\u0431",
    "digits": "1e3 ",
    "open": "xausfall ",
    "override": "\u202eHilfe\u202c ",
    "joiners": "H\u200di\u200dl\u200df\u200de ",
    "family": "\U0001f469\U0001f3fd\u200d\U0001f467\U0001f3ff",
    "handles": "@abc ",
    "links": "https://a.example/x ",
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    folder = tmp_path_factory.mktemp("everything")
    (folder / "own.yaml").write_text(EVERYTHING, "utf-8")
    return load_lexicon(["de", "en", "own.yaml"], base=folder)


@given(
    st.one_of(st.text(max_size=200), st.lists(st.sampled_from([*PIECES.values(), " ", "."]), max_size=60).map("".join))
)
def test_every_place_lies_in_the_text_and_is_found_again(everything, text) -> None:
    pieces = cut(text)
    findings = find(everything, pieces)[0]
    for finding in findings:
        for first, last in finding.places:
            assert 0 <= first <= last < len(pieces.raw)
    names = everything.brands.names_in(pieces)[0]
    assert all(0 <= name.first <= name.last < len(pieces.raw) for name in names)
    assert [f.places for f in findings] == [f.places for f in find(everything, cut(text))[0]]


@given(st.lists(st.sampled_from([*PIECES.values(), "#KeinNetz", "\u2764\ufe0f", " "]), max_size=30).map("".join))
def test_offsets_are_those_of_the_pieces_as_written(text) -> None:
    pieces = cut(text)
    spans = pieces.spans(len(pieces.raw) - 1) if pieces.raw else []
    assert [text[start:end] for start, end in spans] == pieces.raw
    assert all(end <= after for (_, end), (after, _) in pairwise(spans))


@pytest.mark.parametrize("name", PIECES)
def test_work_grows_no_faster_than_the_text(everything, name) -> None:
    """Two sizes are compared with each other, the best of many turns each: what a busy machine adds goes to single turns."""

    def work(length: int) -> float:
        text = PIECES[name] * (length // len(PIECES[name]) + 1)
        begin = thread_time()
        pieces = cut(text[:length])
        find(everything, pieces)
        everything.brands.names_in(pieces)
        return thread_time() - begin

    work(1000)
    short = long = float("inf")
    for _ in range(25):
        short, long = min(short, work(25_000)), min(long, work(100_000))
        if long < 8 * short or long < 0.001:  # four times the text: linear is 4, quadratic 16
            return
    raise AssertionError(f"four times the text took {long / short:.1f} times the work")
