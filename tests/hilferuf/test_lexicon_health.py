"""`hilferuf lexicon health`, over recorded mentions and over what a service has heard."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hilferuf.commands.lexicon_health import health as command
from records.errors import HilferufError
from tests.hilferuf.test_cli import hilferuf

TODAY = datetime(2026, 3, 31, 12, tzinfo=UTC)
BRAND = """\
lexicon: 1
language: de
brands: [{id: acme, names: [Acme], handles: ["@acme"]}]
triggers:
  - {id: acme.box, phrases: [Funkbox], weight: 12}
  - {id: acme.song, phrases: [Sommerlied], weight: 12}
"""


def days_of(texts_by_day: dict[int, list[str]]) -> str:
    """Recorded mentions; days count back from TODAY."""
    lines = []
    for ago, texts in texts_by_day.items():
        for number, text in enumerate(texts):
            at = (TODAY - timedelta(days=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
            lines.append({"id": f"x:{ago}-{number}", "text": text, "occurred_at": at, "author": {"id": str(number)}})
    return "".join(json.dumps(line) + "\n" for line in lines)


BOX, SONG, CAKE = "@acme die Funkbox ist defekt", "@acme das Sommerlied nervt mich", "@acme Kuchen gebacken"


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "acme.yaml").write_text(BRAND)
    (tmp_path / "hilferuf.yaml").write_text(
        "lexicons: [acme.yaml]\nlisteners:\n  files: [{path: heard.ndjson, kind: mentions}]\nserver: {port: 0}\n"
    )
    heard = {ago: [BOX] * 3 + [CAKE] * 20 for ago in range(9, 20)} | {
        ago: [SONG] * 2 + [CAKE] * 21 for ago in range(1, 9)
    }
    (tmp_path / "log.ndjson").write_text(days_of(heard | {0: [SONG] * 25 + [CAKE]}))
    return tmp_path


@pytest.fixture
def health(desk, capfd, monkeypatch):
    """The command in this process: exit code, standard output, standard error."""
    monkeypatch.chdir(desk)

    def run(*over: str, counts: str | None = None, until: str | None = None, as_json: bool = False, given: str = ""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        code = command(desk / "hilferuf.yaml", list(over), counts and Path(counts), until, 7, as_json)
        return code, *capfd.readouterr()

    return run


def test_it_tells_the_dead_and_the_exploding_and_ends_with_1(desk):
    run = hilferuf("lexicon", "health", "--over", "log.ndjson", cwd=desk)
    out = run.stdout.decode()
    assert run.returncode == 1, run.stderr.decode()
    assert "dead       trigger acme.box: no hit since 2026-03-22" in out
    assert "exploding  trigger acme.song: 25 hits on 2026-03-31, usually " in out


def test_json_tells_every_trigger_and_group(desk, health):
    code, out, _ = health("log.ndjson", as_json=True)
    found = {(line["kind"], line["name"]): line["state"] for line in map(json.loads, out.splitlines())}
    assert code == 1
    assert found == {
        ("trigger", "acme.box"): "dead",
        ("trigger", "acme.song"): "exploding",
        ("lexicon", "acme.yaml"): "well",
        ("language", "de"): "well",
        ("brand", "acme"): "well",
    }


def test_the_same_lines_in_another_order_say_the_same(desk, health):
    text = (desk / "log.ndjson").read_text()
    turned = "\n".join(reversed(text.splitlines()))
    assert health("-", as_json=True, given=turned) == health("log.ndjson", as_json=True)


def test_all_well_ends_with_0(desk, health):
    code, out, _ = health("-", given=days_of({ago: [BOX, SONG, CAKE] for ago in range(12)}))
    assert code == 0 and "2 well" in out


def test_counts_of_earlier_runs_outlive_the_log(desk, health):
    old = {ago: [BOX] * 3 + [CAKE] * 20 for ago in range(9, 20)}
    new = {ago: [CAKE] * 23 for ago in range(8)}
    assert health("-", counts="days.ndjson", given=days_of(old))[0] == 0
    assert health("-", until="2026-03-31T12:00:00Z", given=days_of(new))[0] == 0
    code, out, _ = health("-", counts="days.ndjson", given=days_of(new))
    assert code == 1 and "dead       trigger acme.box" in out
    assert "Kuchen" not in (desk / "days.ndjson").read_text() and "x:" not in (desk / "days.ndjson").read_text()


def test_a_counts_file_that_is_none_is_named_with_its_line(desk, health):
    (desk / "days.ndjson").write_text('{"day": "2026-03-01", "mentions": 1, "hits": {}, "groups": {}}\nnonsense\n')
    with pytest.raises(HilferufError, match=r"days\.ndjson:2"):
        health("log.ndjson", counts="days.ndjson")
    assert "nonsense" in (desk / "days.ndjson").read_text()


def test_without_over_what_the_service_has_heard_is_judged(desk, health):
    (desk / "heard.ndjson").write_text(days_of({0: [BOX, CAKE]}))
    assert hilferuf("run", "--drain", cwd=desk).returncode == 0
    code, out, _ = health(until="2026-03-31T23:00:00Z", as_json=True)
    (box,) = [line for line in map(json.loads, out.splitlines()) if line["name"] == "acme.box"]
    assert code == 0 and (box["hits"], box["last"], box["state"]) == (1, "2026-03-31", "young")


def test_before_the_first_run_it_says_what_to_do(desk, health):
    with pytest.raises(HilferufError, match="--over"):
        health()


def test_a_line_that_cannot_be_read_is_told_and_the_rest_counts(desk, health):
    code, out, err = health("-", given=days_of({0: [BOX]}) + "nonsense\n")
    assert code == 0 and "stdin:2" in err and "1 mention of 1 day" in out
