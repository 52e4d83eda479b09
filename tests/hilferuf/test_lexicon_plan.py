"""`hilferuf lexicon plan` as a support lead and a CI job meet it."""

import json

import pytest

from config.yaml_file import ConfigError
from hilferuf.commands.lexicon_plan import Over, plan
from hilferuf.editions import from_files
from hilferuf.rules import settings_of

BRAND = """\
lexicon: 1
language: de
brands: [{id: acme, names: [Acme], handles: [acme], hashtags: [acme]}]
"""
BRAND += "triggers:\n  - {id: acme.help, phrases: [Hilfe], weight: 30}\n"  # instead of a packaged lexicon, which takes its time
NEW = "  - {id: acme.cake, phrases: [Kuchen], weight: 30}\n"
CAKE = BRAND + NEW
MORE = "lexicon: 1\nlanguage: de\ntriggers:\n" + NEW
HEARD = """\
{"id": "x:1", "text": "@acme Hilfe, kein Netz!", "author": {"id": "7", "handle": "anna"}}
{"id": "x:2", "text": "@acme Kuchen gebacken", "author": {"id": "8"}}
"""


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hilferuf.yaml").write_text("lexicons: [acme.yaml]\n")
    (tmp_path / "acme.yaml").write_text(BRAND)
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "acme.yaml").write_text(CAKE)
    (tmp_path / "heard.ndjson").write_text(HEARD)
    return tmp_path


def planned(desk, capfd, new="draft/acme.yaml", over="heard.ndjson", as_json=True, facts=()) -> tuple[int, str]:
    code = plan(None, new and desk / new, Over([str(desk / over)], facts, None), 10, as_json)
    return code, capfd.readouterr().out


def test_a_draft_takes_the_place_of_the_file_of_its_name_and_what_changes_is_told_with_exit_code_2(desk, capfd):
    code, out = planned(desk, capfd)
    whole, trigger, ticket = map(json.loads, out.splitlines())
    assert code == 2
    assert (whole["mentions"], whole["open"], whole["gained"]) == (2, {"before": 1, "after": 2}, 1)
    assert (trigger["trigger"], trigger["hits"], trigger["gained"]) == ("acme.cake", {"before": 0, "after": 1}, 1)
    assert (ticket["change"], ticket["mentions"], ticket["triggers"]) == ("gained", ["x:2"], ["acme.cake"])


def test_the_same_run_twice_gives_the_same_bytes(desk, capfd):
    assert planned(desk, capfd) == planned(desk, capfd)


def test_where_nothing_changes_the_exit_code_is_0(desk, capfd):
    code, out = planned(desk, capfd, new=None, as_json=False)
    assert code == 0 and "nothing changes" in out


def test_people_see_samples_by_rank(desk, capfd):
    _, out = planned(desk, capfd, as_json=False)
    assert "open tickets 1 -> 2: gained 1, lost 0, moved 0" in out
    assert "@acme Kuchen gebacken  [acme.cake]" in out and "0 -> 1" in out


def test_a_lexicon_that_is_wrong_ends_with_1_and_its_own_place(desk, capfd):
    (desk / "draft" / "acme.yaml").write_text(BRAND + "triggerz: []\n")
    code = plan(None, desk / "draft" / "acme.yaml", Over([str(desk / "heard.ndjson")], [], None), 10, False)
    said = capfd.readouterr().err
    assert code == 1 and f"{desk / 'draft' / 'acme.yaml'}:6: triggerz" in said and "did you mean `triggers`?" in said


def test_a_draft_of_another_name_stands_beside_the_others(desk):
    (desk / "draft" / "more.yaml").write_text(MORE)
    edition, lexicon = from_files(settings_of(None), desk / "draft" / "more.yaml")
    assert edition.names == ("acme.yaml", "more.yaml") and set(edition.files) == {"acme.yaml", "more.yaml"}
    assert lexicon.trigger("acme.cake") is not None and lexicon.trigger("acme.help") is not None


def test_a_file_of_a_packaged_name_takes_its_place(desk):
    (desk / "hilferuf.yaml").write_text("lexicons: [de, acme.yaml]\n")
    (desk / "draft" / "de.yaml").write_text(MORE)
    edition, lexicon = from_files(settings_of(None), desk / "draft" / "de.yaml")
    assert edition.names == ("de.yaml", "acme.yaml") and len(lexicon.triggers) == 2


def test_a_draft_that_is_missing_is_told(desk):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        from_files(settings_of(None), desk / "none.yaml")


def test_who_is_a_customer_is_known_from_the_facts(desk, capfd):
    (desk / "draft" / "acme.yaml").write_text(BRAND + NEW.replace("30}", "30, when: {customer: true}}"))
    (desk / "facts.ndjson").write_text(
        '{"kind": "link", "customer": "c1", "id": "l1", "author": "x:8", "evidence": "verified", '
        '"at": "2026-03-01T00:00:00Z"}\n{"fact": 1}\n'
    )
    assert planned(desk, capfd)[0] == 0
    code = plan(
        None,
        desk / "draft" / "acme.yaml",
        Over([str(desk / "heard.ndjson")], [str(desk / "facts.ndjson")], None),
        10,
        True,
    )
    out, err = capfd.readouterr()
    assert code == 2 and json.loads(out.splitlines()[-1])["mentions"] == ["x:2"]
    assert "facts.ndjson:2" in err
