"""What is supposed, quoted or told of others does not count; what an author says beside it does."""

import pytest

from lexicons.compiler import load_lexicon
from lexicons.findings import find
from lexicons.text import cut

FILE = """
lexicon: 1
language: de
supposed: ["=falls", "=angenommen", "=wenn … =wäre|=würde|=hätte"]
of_others: ["bei meinem Nachbarn", "andere Kunden"]
shown: [Fehlermeldung, Meldung, steht]
triggers:
  - {id: t.broken, phrases: [kaputt], weight: 10}
  - {id: t.fire, phrases: ["=brennt"], weight: 30, league: safety}
  - {id: t.refund, phrases: [Erstattung], weight: 10, even_if: [supposed, quoted, of_others]}
  - {id: t.locked, phrases: [Konto … gesperrt], weight: 10}
"""


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asides")
    (folder / "own.yaml").write_text(FILE, "utf-8")
    return load_lexicon(["own.yaml"], base=folder)


def heard(lexicon, text):
    return {finding.trigger.id for finding in find(lexicon, cut(text))[0]}


@pytest.mark.parametrize(
    "text",
    [
        "Falls der Router kaputt ist, wen rufe ich an?",
        "Angenommen, der Router ist kaputt",
        "Was mache ich, wenn er kaputt wäre?",
        "Bei meinem Nachbarn ist er kaputt",
        "> der Router ist kaputt\nwie bitte?",
        "Die Zeitung schreibt: „Der Router ist wieder kaputt gegangen“, na ja",
        "«Mein Router ist leider kaputt» – so wirbt man heute nicht mehr",
    ],
)
def test_aside_does_not_count(lexicon, text) -> None:
    assert heard(lexicon, text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Falls ihr es nicht wisst: der Router ist kaputt",
        "Falls das hilft, der Router ist kaputt",
        "Wenn ich anrufe, ist er immer kaputt",
        "Falls ja. Router kaputt",
        "Ja, falls. Der Router ist kaputt",
        "Im Status: „Router kaputt“ und das seit Tagen",
        "Heute lese ich „der Router ist leider kaputt“ und bin ratlos",
        "Bei meinem Nachbarn geht es, meiner ist kaputt",
        "Mein „Router“ ist kaputt",
        "„Der Router ist wieder kaputt gegangen“",
        "> alles gut\nder Router ist kaputt",
        'Mein "neuer" Router ist wieder "kaputt"',
    ],
)
def test_what_stands_beside_it_counts(lexicon, text) -> None:
    assert heard(lexicon, text) == {"t.broken"}


def test_message_of_a_device_is_the_authors_own(lexicon) -> None:
    assert heard(lexicon, 'Bekomme die Fehlermeldung: "Ihr Konto wurde leider gesperrt" – was nun?') == {"t.locked"}


def test_danger_to_others_is_danger_but_supposed_danger_is_not(lexicon) -> None:
    assert heard(lexicon, "Bei meinem Nachbarn brennt es") == {"t.fire"}
    assert heard(lexicon, "Falls es brennt, wen rufe ich an?") == set()


def test_trigger_may_count_all_the_same(lexicon) -> None:
    assert heard(lexicon, "Falls ich eine Erstattung bekomme") == {"t.refund"}
