"""`hilferuf model train` and `eval` as a support lead meets them."""

import io
import json
import re
import sys

import numpy as np
import pytest

from config.yaml_file import ConfigError
from hilferuf.cli import main
from hilferuf.commands import model as command
from hilferuf.rules import judging_rules
from lexicons.judgement import judge
from lexicons.model import corpora, training
from listeners.replay import read_mentions

OWN = [
    {"text": text % thing, "to": "handle", "handles": ["@acme"], "brand": "Acme", "need": need, "urgency": 2 * need}
    for thing in ("Router", "Koffer", "Zug", "Vertrag", "Zähler")
    for text, need in (
        ("@acme mein %s ist seit gestern kaputt, wann kommt jemand?", 1),
        ("@acme der %s ist toll, danke", 0),
        ("@acme warum geht mein %s nicht?", 1),
        ("@acme hat jetzt auch einen %s https://a.example", 0),
    )
]


def lines(posts) -> str:
    return "".join(json.dumps(post) + "\n" for post in posts)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """`hilferuf model …` in this process, with few packaged posts: exit code, standard output, standard error."""
    few = corpora.posts()[::200]
    monkeypatch.setattr(corpora, "posts", lambda: list(few))
    monkeypatch.setattr(training, "FOLDS", 2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HILFERUF_CONFIG", raising=False)

    def told(*arguments):
        monkeypatch.setattr(sys, "argv", ["hilferuf", "model", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capsys.readouterr())

    return told


def verdict(folder, text="@acme hat jetzt neue Koffer im Laden"):
    line = io.BytesIO(json.dumps({"id": "x:1", "text": text}).encode())
    (mention,) = read_mentions(line, observed_at="2026-03-01T10:00:00.000Z")
    return judge(mention, judging_rules(folder / "hilferuf.yaml").lexicon)


def test_own_posts_make_a_model_that_the_settings_name(run, tmp_path) -> None:
    (tmp_path / "hilferuf.yaml").write_text("lexicons: [de]\n")
    (tmp_path / "own.ndjson").write_text(lines(OWN))
    packaged = verdict(tmp_path)
    code, out, _ = run("train", "own.ndjson", "--out", "own.model")
    assert code == 0
    assert re.fullmatch(r"own\.model: \d+ posts, \d+ of them need an answer; digest [0-9a-f]{12}\n", out)
    (tmp_path / "hilferuf.yaml").write_text("lexicons: [de]\nmodel: own.model\n")
    own = verdict(tmp_path)
    assert own.need != packaged.need
    assert own.lexicon_version != packaged.lexicon_version


def test_bad_line_of_own_posts_is_told_and_nothing_is_written(run, tmp_path) -> None:
    (tmp_path / "own.ndjson").write_text(lines([*OWN, {"text": "Hilfe", "urgency": 1}]))
    code, out, err = run("train", "own.ndjson")
    assert (code, out) == (1, "")
    assert "own.ndjson:21: Object missing required field `need`; form: lexicons/posts/README.md" in err
    assert not (tmp_path / "need.model").exists()


def test_missing_file_of_own_posts_is_one_line(run) -> None:
    code, _, err = run("train", "nowhere.ndjson")
    assert code != 0
    assert "nowhere.ndjson" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("content", [None, b"", b"lexicon: 1\n"], ids=["missing", "empty", "foreign"])
def test_settings_that_name_no_model_are_refused_with_what_to_do(tmp_path, content) -> None:
    (tmp_path / "hilferuf.yaml").write_text("lexicons: [de]\nmodel: own.model\n")
    if content is not None:
        (tmp_path / "own.model").write_bytes(content)
    with pytest.raises(ConfigError, match=r"own\.model.*hilferuf model train"):
        verdict(tmp_path)


def test_eval_needs_the_corpora(run, tmp_path) -> None:
    code, _, err = run("eval", "--shared", str(tmp_path))
    assert code == 1
    assert "--shared names the folder of the corpora" in err


def test_figures_are_a_table_or_json(monkeypatch, run) -> None:
    monkeypatch.setattr(command, "_figures", lambda *_: [command.Figure("need: AP", "0.900", ">= .90")])
    assert run("eval", "--shared", "here")[:2] == (0, "need: AP  0.900  >= .90\n")
    code, out, _ = run("eval", "--shared", "here", "--json")
    assert (code, json.loads(out)) == (0, {"what": "need: AP", "figure": "0.900", "aim": ">= .90"})


def test_locked_posts_are_looked_at_only_when_told_so(monkeypatch, run) -> None:
    asked = []

    def figures(_shared, _lexicon, locked):
        asked.append(locked)
        return [command.Figure("need: AP", "0.900", "")]

    monkeypatch.setattr(command, "_figures", figures)
    run("eval", "--shared", "here")
    run("eval", "--shared", "here", "--locked")
    assert asked == [False, True]


def test_chances_are_moved_until_their_mean_is_the_share() -> None:
    chances = np.array([0.1, 0.2, 0.6, 0.9])
    moved = command._shifted(chances, [0, 0, 0, 1])
    assert moved.mean() == pytest.approx(0.25)
    assert list(np.argsort(moved)) == [0, 1, 2, 3]
    odds = np.log(moved / (1 - moved)) - np.log(chances / (1 - chances))
    assert np.ptp(odds) == pytest.approx(0, abs=1e-6)
