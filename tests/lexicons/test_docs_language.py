"""The lexicon language as docs/lexicons.md shows it: every phrase finds what stands beside it, every file loads."""

import re
from pathlib import Path

import pytest

from lexicons.compiler import compile_lexicon, load_lexicon
from lexicons.findings import find
from lexicons.format import read_lexicons
from lexicons.text import cut

DOCS = (Path(__file__).parents[2] / "docs" / "lexicons.md").read_text("utf-8")
PHRASES = DOCS.partition("## How a phrase")[2].partition("## When")[0]
ROWS = [
    (phrase.replace("\\|", "|"), found)
    for phrase, says in re.findall(r"^\| `(.+?)` \| (.+) \|$", PHRASES, re.M)
    for found in re.findall(r"\*([^*]+)\*", says)
]
FILES = dict(re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", DOCS, re.S))


@pytest.mark.parametrize(("phrase", "text"), ROWS)
def test_phrase_finds_the_example_beside_it(tmp_path, phrase: str, text: str) -> None:
    (tmp_path / "own.yaml").write_text(
        "lexicon: 1\nlanguage: de\nlists: {geraet: [Router, Modem]}\n"
        f"triggers: [{{id: a, phrases: ['{phrase}'], weight: 1, negatable: false}}]\n",
        "utf-8",
    )
    (finding,) = find(load_lexicon(["own.yaml"], base=tmp_path), cut(text))[0]
    assert finding.places[0] == (0, len(cut(text).words) - 1)


@pytest.mark.parametrize("name", [name for name in FILES if name != "hilferuf.yaml"])
def test_file_in_the_docs_loads(tmp_path, name: str) -> None:
    (tmp_path / name).write_text(FILES[name], "utf-8")
    assert compile_lexicon(read_lexicons([name], tmp_path)).version


def test_the_team_changes_what_it_extends(tmp_path) -> None:
    (tmp_path / "team.yaml").write_text(FILES["team.yaml"], "utf-8")
    lexicon = load_lexicon(["team.yaml"], base=tmp_path)
    assert lexicon.trigger("de.legal") is None
    heard = {f.trigger.id for text in ("keine Glasfaser", "Funkbox ist tot") for f in find(lexicon, cut(text))[0]}
    assert {"de.no_network", "team.device"} <= heard
