"""The examples in the packaged lexicons are their tests."""

from pathlib import Path

import pytest

from lexicons.compiler import CompiledTrigger, load_lexicon
from lexicons.findings import find
from lexicons.text import cut

PACKAGED = load_lexicon(["de", "en"], base=Path())
CASES = [
    pytest.param(compiled, text, hits, id=f"{compiled.trigger.id}: {text}")
    for compiled in PACKAGED.triggers
    for texts, hits in ((compiled.trigger.examples.hits, True), (compiled.trigger.examples.misses, False))
    for text in texts
]


@pytest.mark.parametrize(("compiled", "text", "hits"), CASES)
def test_example_is_hit_or_missed_as_its_trigger_says(compiled: CompiledTrigger, text: str, hits: bool) -> None:
    found = find(PACKAGED, cut(text), frozenset([compiled.language]), contained=True)[0]
    assert (compiled.trigger.id in {finding.trigger.id for finding in found}) is hits


@pytest.mark.parametrize("compiled", PACKAGED.triggers, ids=lambda compiled: compiled.trigger.id)
def test_every_packaged_trigger_has_examples_of_both_kinds(compiled: CompiledTrigger) -> None:
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
