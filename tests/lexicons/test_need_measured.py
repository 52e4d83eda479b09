"""`need` on labelled posts that lie beside the checkout. They were used for tuning: this guards against falling back."""

import csv
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lexicons.judgement import judge

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def average_precision(scores: list[float], labels: list[int]) -> float:
    """Mean of the precision at every post that needs an answer; equal scores count as one step."""
    steps: dict[float, list[int]] = {}
    for score, label in zip(scores, labels, strict=True):
        steps.setdefault(score, []).append(label)
    seen = right = 0
    total = 0.0
    for score in sorted(steps, reverse=True):
        seen += len(steps[score])
        right += sum(steps[score])
        total += sum(steps[score]) * right / seen
    return total / right


def labelled() -> list[tuple[str, int]]:
    if not FOLDER.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{FOLDER} is missing")
        pytest.skip("the labelled posts are not beside the checkout")
    texts = {
        document.get("id"): document.findtext("text") or ""
        for file in sorted((FOLDER / "mobasa").glob("*.xml"))
        for document in ET.parse(file).getroot()
    }
    with (FOLDER / "need" / "mobasa.tsv").open(encoding="utf-8") as rows:
        return [(texts[row["id"]], int(row["need"])) for row in csv.DictReader(rows, delimiter="\t")]


@pytest.mark.shared
def test_need_ranks_far_better_than_a_handle_or_the_word_help(mention, brandless) -> None:
    posts = labelled()
    labels = [label for _, label in posts]
    need = average_precision([judge(mention(text), brandless).need or 0.0 for text, _ in posts], labels)
    handle = average_precision([float("@" in text) for text, _ in posts], labels)
    assert need > 0.5
    assert need > 2 * handle
