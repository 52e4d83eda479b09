"""`hilferuf lexicon lint`, `test`, `try` and `schema` as a support lead and a CI meet them."""

import io
import json
import re
import sys

import msgspec
import pytest

from hilferuf.cli import main
from hilferuf.lexicon_choice import choose
from hilferuf.rules import judging_rules
from lexicons.judgement import judge
from listeners.replay import read_mentions

BRANDS = """\
lexicon: 1
language: de
brands: [{id: acme, names: [Acme], handles: [acme]}]
triggers:
  - id: acme.box
    phrases: [Acmebox … tot]
    weight: 20
    exceptions: [tot schick]
    examples:
      hits: [Meine Acmebox ist tot]
      misses: [Die Acmebox lebt]
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with settings and a lexicon in which nothing is wrong."""
    (tmp_path / "acme.yaml").write_text(BRANDS)
    (tmp_path / "hilferuf.yaml").write_text("lexicons: [de, en, acme.yaml]\n")
    return tmp_path


def spoil(folder, old, new):
    assert old in BRANDS
    (folder / "acme.yaml").write_text(BRANDS.replace(old, new))


@pytest.fixture
def run(monkeypatch, capsys):
    """`hilferuf lexicon …` in a folder, in this process: exit code, standard output, standard error."""

    monkeypatch.setattr(
        "lexicons.lint.packaged_posts", tuple
    )  # thousands; tests/lexicons/lint holds lexicons against them

    def command(folder, *arguments, given=""):
        monkeypatch.chdir(folder)
        monkeypatch.delenv("HILFERUF_CONFIG", raising=False)
        monkeypatch.setattr(sys, "argv", ["hilferuf", "lexicon", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capsys.readouterr())

    return command


def test_lint_of_a_sound_file_says_so(run, folder):
    assert run(folder, "lint", "acme.yaml", "--strict") == (0, "0 errors, 0 warnings\n", "")


def test_lint_names_place_severity_rule_and_trigger(run, folder):
    spoil(folder, "tot schick", "tot")
    code, out, _ = run(folder, "lint", "acme.yaml")
    assert code == 1
    assert out.startswith("acme.yaml:6: error unreachable acme.box: `Acmebox … tot` never counts")
    assert out.endswith("1 error, 0 warnings\n")


def test_lint_gives_the_same_as_json(run, folder):
    spoil(folder, "tot schick", "tot")
    code, out, _ = run(folder, "lint", "--json", "acme.yaml")
    (remark,) = map(json.loads, out.splitlines())
    assert code == 1
    assert set(remark) == {"file", "line", "rule", "severity", "trigger", "field", "message", "todo"}
    assert (remark["rule"], remark["line"], remark["field"]) == ("unreachable", 6, "triggers[0].phrases[0]")


def test_a_warning_fails_only_when_strict(run, folder):
    spoil(folder, "misses: [Die Acmebox lebt]", "misses: []")
    assert run(folder, "lint", "acme.yaml")[0] == 0
    code, out, _ = run(folder, "lint", "acme.yaml", "--strict")
    assert code == 1 and "warning untested" in out


def test_a_misspelt_key_is_an_error_and_a_file_that_is_none_is_exit_code_2(run, folder):
    spoil(folder, "weight", "wieght")
    code, out, _ = run(folder, "lint")
    assert code == 1 and "acme.yaml:7: error unknown-key acme.box" in out and "write `weight`" in out
    spoil(folder, "lexicon: 1", "lexicon: 9")
    assert run(folder, "lint")[0] == 2
    assert run(folder, "lint", "none.yaml")[0] == 2


def test_a_fault_that_the_compiler_finds_is_told_in_the_same_form(run, folder):
    spoil(folder, "Acmebox … tot", "Acmebox …")
    code, out, _ = run(folder, "lint")
    assert code == 2 and out.startswith("acme.yaml:6: error invalid triggers[0].phrases[0]: ")


def test_recorded_mentions_show_what_is_too_broad(run, folder):
    posts = [json.dumps({"id": f"x:{n}", "text": "Acmebox tot" if n % 5 == 0 else "Kuchen"}) for n in range(100)]
    (folder / "posts.ndjson").write_text("\n".join(posts))
    code, out, _ = run(folder, "lint", "acme.yaml", "--over", "posts.ndjson", "--strict")
    assert code == 1 and "too-broad acme.box: hits 20.0% of 100 ordinary posts" in out


def test_examples_that_hold_are_counted(run, folder):
    assert run(folder, "test", "acme.yaml") == (0, "2 examples of 1 trigger: 0 fail\n", "")


def test_a_failing_example_says_what_matched_instead(run, folder):
    spoil(folder, "[Meine Acmebox ist tot]", "[Hilfe das Modem, Acmebox tot schick]")
    code, out, _ = run(folder, "test", "acme.yaml")
    assert code == 1
    assert "acme.yaml:10: acme.box must be hit and is not: Hilfe das Modem" in out
    assert re.search(r"hit by de\.help \(\d+ points\): 'Hilfe' at 0-5", out)
    assert "does not count: 'Acmebox tot' at 0-11, it overlaps the exception `tot schick`" in out


def test_examples_as_json_tell_each_one(run, folder):
    spoil(folder, "Meine Acmebox ist tot", "Meine Acmebox ist tot schick")
    code, out, _ = run(folder, "test", "acme.yaml", "--json")
    first, second = map(json.loads, out.splitlines())
    assert code == 1
    assert (first["ok"], first["expected"], first["line"]) == (False, "hit", 10)
    assert "acme.box" not in {hit["id"] for hit in first["matched"]}
    assert first["silenced"] == [
        {"id": "acme.box", "text": "Acmebox ist tot", "start": 6, "end": 21, "why": "exception", "by": "tot schick"}
    ]
    assert (second["ok"], second["expected"]) == (True, "miss")


def test_a_lexicon_that_cannot_be_read_is_no_failing_test(run, folder):
    spoil(folder, "weight", "wieght")
    code, _, err = run(folder, "test")
    assert code == 2 and "acme.yaml:7" in err


def test_another_version_of_a_file_stands_in_its_place(run, folder):
    (folder / "new").mkdir()
    (folder / "new" / "acme.yaml").write_text(BRANDS.replace("Acmebox … tot", "Acmebox … tot|rot"))
    (folder / "draft.yaml").write_text(BRANDS)
    assert run(folder, "test", "new/acme.yaml")[0] == 0
    assert run(folder, "test", "draft.yaml")[0] == 0
    new, draft = choose(["new/acme.yaml"], None), choose(["draft.yaml"], None)
    assert [path.parent.name + "/" + path.name for path in new.files][2:] == ["new/acme.yaml"]
    assert [path.name for path in draft.files] == ["de.yaml", "en.yaml", "draft.yaml"]


def test_try_shows_hits_numbers_and_what_did_not_count(run, folder):
    code, out, _ = run(folder, "try", "@acme keine Hilfe, aber die Acmebox ist tot")
    assert code == 0
    assert "kept" in out and "not kept" not in out
    assert re.search(r"need 0\.\d\d \(kept from 0\.5\), urgency \d\.\d, anger \d\.\d", out)
    assert "acme.box  'Acmebox ist tot' at 28-43" in out
    assert "de.help  'Hilfe' at 12-17: negated by 'keine'" in out


def test_try_says_why_a_text_would_be_dropped(run, folder):
    assert "not kept (no_brand): speaks to no brand of yours" in run(folder, "try", "Acmebox tot")[1]
    assert "not kept (no_need): asks for nothing" in run(folder, "try", "Danke @acme")[1]


def test_try_as_json_is_the_verdict_of_screen(run, folder):
    text = "@acme Hilfe, die Acmebox ist tot"
    tried = json.loads(run(folder, "try", "--json", text)[1])
    rules = judging_rules(folder / "hilferuf.yaml")
    (mention,) = read_mentions(
        io.BytesIO(json.dumps({"id": tried["id"], "text": text}).encode()), observed_at="2026-03-01T10:00:00.000Z"
    )
    assert tried == json.loads(msgspec.json.encode(judge(mention, rules.lexicon)))


def test_try_reads_texts_and_mentions_from_standard_input(run, folder):
    given = '@acme Hilfe\n\n{"id":"x:7","text":"Hilfe","kind":"direct_message"}\n'
    code, out, _ = run(folder, "try", "--json", given=given)
    first, second = map(json.loads, out.splitlines())
    assert code == 0
    assert (first["addressed"], second["id"], second["addressed"]) == ("handle", "x:7", "direct_message")


def test_a_line_that_cannot_be_read_is_told_and_the_rest_goes_on(run, folder):
    code, out, err = run(folder, "try", given='{"id":\n@acme Hilfe\n')
    assert code == 1 and "line 1" in err and "kept" in out


def test_try_shows_markup_in_a_text_as_it_is(run, folder):
    assert "@acme [bold]Hilfe[/]" in run(folder, "try", "@acme [bold]Hilfe[/]")[1]


def test_try_shows_what_would_confuse_a_terminal(run, folder):
    shown = run(folder, "try", json.dumps({"id": "x:1", "text": "\x1b[2J\r@acme Hilfe \u202edrawkcab"}))[1]
    assert "␛[2J␍@acme Hilfe \ufffddrawkcab" in shown
    assert not {"\x1b", "\r", "\u202e"} & set(shown)


@pytest.mark.parametrize("text", ["", "🙂", "@acme", "https://acme.example", "\udcff", "\u200d" * 5, "Hilfe " * 5_000])
def test_try_judges_any_text(run, folder, text):
    assert run(folder, "try", text)[0] == 0
    assert run(folder, "try", "--json", text)[0] == 0


def test_without_settings_the_packaged_lexicons_are_used(run, tmp_path):
    code, out, _ = run(tmp_path, "try", "Hilfe, mein Router ist kaputt")
    assert code == 0 and "de.help" in out


def test_the_schema_is_printed(run, tmp_path):
    assert json.loads(run(tmp_path, "schema")[1])["$id"] == "urn:hilferuf:lexicon"
