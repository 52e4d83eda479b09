"""The industries' lexicons: their examples hold, alone and all together, and they name no brand."""

from pathlib import Path

import pytest

from lexicons.compiler import compile_lexicon
from lexicons.examples import Outcome, check_examples
from lexicons.format import industry_names, packaged_names, read_lexicons

TOGETHER = read_lexicons([*packaged_names(), *industry_names()], Path())


def outcomes() -> list[Outcome]:
    return [
        outcome
        for name in industry_names()
        for sources in [read_lexicons([name], Path())]
        for outcome in check_examples(compile_lexicon(sources), sources[-1:])
    ]


@pytest.mark.parametrize("outcome", outcomes(), ids=lambda each: f"{each.trigger}: {each.text}")
def test_example_is_hit_or_missed_as_its_trigger_says(outcome: Outcome) -> None:
    assert outcome.ok, (outcome.expected, outcome.matched, outcome.silenced)


def test_all_of_them_together_break_no_example_of_a_language() -> None:
    wrong = [each for each in check_examples(compile_lexicon(TOGETHER), TOGETHER) if not each.ok]
    assert not wrong


@pytest.mark.parametrize("name", industry_names())
def test_industry_extends_its_language_and_says_what_hits_and_misses(name: str) -> None:
    sources = read_lexicons([name], Path())
    language = name.rpartition(".")[2]
    assert [Path(source.document.file).stem for source in sources] == [language, name]
    assert not compile_lexicon(sources).brands.configured
    for trigger in sources[-1].content.triggers:
        assert trigger.id.startswith(name.partition(".")[0])
        assert trigger.examples.hits
        assert trigger.examples.misses
