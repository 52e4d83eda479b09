"""What docs/lexicons.md shows is what happens."""

import re
from pathlib import Path
from typing import get_args

from lexicons.compiler import load_lexicon
from lexicons.findings import find
from lexicons.judgement import OPENS_WHEN_NAMED, OPENS_WHEN_SPOKEN_TO
from lexicons.model.training import LEAST_FOR_POINTS
from lexicons.text import cut
from records.verdict import Dropped

DOCS = (Path(__file__).parents[2] / "docs" / "lexicons.md").read_text("utf-8")


def test_worked_example_loads_and_its_examples_hold(tmp_path) -> None:
    example = next(block for block in re.findall(r"```yaml\n(.*?)```", DOCS, re.S) if "nordfunk.yaml\n" in block[:20])
    (tmp_path / "nordfunk.yaml").write_text(example, "utf-8")
    lexicon = load_lexicon(["de", "en", "nordfunk.yaml"], base=tmp_path)
    trigger = lexicon.trigger("nordfunk.box")
    assert trigger is not None
    assert trigger.examples.hits
    for texts, hits in ((trigger.examples.hits, True), (trigger.examples.misses, False)):
        for text in texts:
            assert any(finding.trigger is trigger for finding in find(lexicon, cut(text))[0]) is hits


def test_every_number_of_need_stands_in_the_docs() -> None:
    told = DOCS.partition("## How `need`")[2].partition("## Why")[0]
    for number in (OPENS_WHEN_NAMED, OPENS_WHEN_SPOKEN_TO, LEAST_FOR_POINTS):
        assert f"{number}" in told, number


def test_every_reason_for_dropping_is_explained() -> None:
    assert all(f"| `{reason}` |" in DOCS for reason in get_args(Dropped))
