"""Examples as tests: what fails says what matched instead."""

import pytest

from lexicons.compiler import compile_lexicon
from lexicons.examples import check_examples
from lexicons.format import read_files, read_lexicon, resolve

OWN = """\
lexicon: 1
language: de
triggers:
  - id: own.box
    phrases: [Funkbox … tot]
    weight: 20
    exceptions: [tot schick]
    examples:
      hits:
        - Funkbox tot
        - Die Funkbox ist tot schick
        - Hilfe, Router defekt
      misses:
        - Funkbox lebt
        - Funkbox ist tot
  - id: own.light
    phrases: [Funkbox]
    weight: 5
    examples: {hits: [Funkbox ist tot]}
"""


@pytest.fixture
def outcomes(tmp_path):
    (tmp_path / "own.yaml").write_text(OWN, "utf-8")
    sources = [read_lexicon(resolve(name, tmp_path)) for name in ("de", "own.yaml")]
    return list(check_examples(compile_lexicon(sources), sources[1:]))


def test_examples_come_in_the_order_of_the_file_with_their_lines(outcomes) -> None:
    assert [(each.line, each.expected, each.ok) for each in outcomes] == [
        (10, "hit", True),
        (11, "hit", False),
        (12, "hit", False),
        (14, "miss", True),
        (15, "miss", False),
        (19, "hit", True),
    ]


def test_a_missed_hit_says_what_switched_it_off(outcomes) -> None:
    (silenced,) = outcomes[1].silenced
    assert (silenced.text, silenced.why, silenced.by) == ("Funkbox ist tot", "exception", "tot schick")


def test_a_missed_hit_says_what_matched_instead(outcomes) -> None:
    assert {(hit.id, hit.text, hit.start) for hit in outcomes[2].matched} >= {
        ("de.help", "Hilfe", 0),
        ("de.broken", "defekt", 14),
    }


def test_a_wrong_hit_says_where(outcomes) -> None:
    hit = outcomes[4].matched[0]
    assert (hit.id, hit.start, hit.end, hit.weight) == ("own.box", 0, 15, 20)


def test_a_hit_inside_a_longer_one_is_a_hit_and_the_own_trigger_comes_first(outcomes) -> None:
    assert outcomes[5].ok
    assert [hit.id for hit in outcomes[5].matched][:2] == ["own.light", "own.box"]


def test_a_trigger_that_a_later_file_switches_off_has_no_tests(tmp_path) -> None:
    (tmp_path / "own.yaml").write_text(OWN, "utf-8")
    (tmp_path / "team.yaml").write_text(
        "lexicon: 1\nextends: [own.yaml]\nchanges: [{id: own.box, off: true}]\n", "utf-8"
    )
    sources = read_files([tmp_path / "team.yaml"])
    assert {each.trigger for each in check_examples(compile_lexicon(sources), sources)} == {"own.light"}
