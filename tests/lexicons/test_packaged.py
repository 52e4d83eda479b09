"""The examples in the packaged lexicons are their tests, run as `hilferuf lexicon test` runs them."""

from pathlib import Path

import pytest

from lexicons.compiler import compile_lexicon
from lexicons.examples import Outcome, check_examples
from lexicons.format import packaged_names, read_lexicon, resolve

SOURCES = [read_lexicon(resolve(name, Path())) for name in packaged_names()]
PACKAGED = compile_lexicon(SOURCES)


@pytest.mark.parametrize(
    "outcome", list(check_examples(PACKAGED, SOURCES)), ids=lambda each: f"{each.trigger}: {each.text}"
)
def test_example_is_hit_or_missed_as_its_trigger_says(outcome: Outcome) -> None:
    assert outcome.ok, (outcome.expected, outcome.matched, outcome.silenced)


@pytest.mark.parametrize("compiled", PACKAGED.triggers, ids=lambda compiled: compiled.trigger.id)
def test_every_packaged_trigger_has_examples_of_both_kinds(compiled) -> None:
    assert compiled.trigger.examples.hits
    assert compiled.trigger.examples.misses


def test_packaged_lexicons_name_no_brand() -> None:
    assert not PACKAGED.brands.configured


def test_danger_law_and_particular_care_have_their_leagues() -> None:
    for language in ("de", "en"):
        for name, league in (("danger", "safety"), ("legal", "legal"), ("vulnerable", "vulnerable")):
            trigger = PACKAGED.trigger(f"{language}.{name}")
            assert trigger is not None
            assert trigger.league == league
