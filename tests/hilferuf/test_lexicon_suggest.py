"""`hilferuf lexicon suggest`: from files of outcomes, and from what people did in the local queue."""

import json
from pathlib import Path

import pytest

from config.settings import load_settings
from config.yaml_file import ConfigError
from hilferuf.commands.lexicon_suggest import Finder, propose
from hilferuf.commands.lexicon_test import test_examples as run_examples
from hilferuf.engine_file import opened
from lexicons.format import read_lexicon, read_lexicons
from lexicons.suggest import Limits
from listeners.clock import SystemClock
from records import codec
from records.errors import HilferufError
from records.events import Helpdesk
from records.times import from_ms
from records.topics import AUTHOR_EVENTS
from tests.hilferuf.test_cli import hilferuf

AT = "2026-03-01T10:00:00Z"
BRAND = """\
lexicon: 1
language: de
brands: [{id: acme, names: [Acme], handles: ["@acme"]}]
triggers:
  - {id: acme.help, phrases: [Hilfe], weight: 30}
"""
OPENINGS = ("Moin", "Guten Tag", "Also", "Tja", "Leute", "Servus", "Puh", "Na toll")


def mention(number: int, text: str, author: str | None = None) -> dict:
    who = author or f"a{number}"
    return {"id": f"x:{number}", "text": text, "occurred_at": AT, "author": {"id": who, "handle": f"{who}_handle"}}


def ndjson(*lines: dict) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


PAYOUT = [
    f"@acme {word}, die Auszahlung an mich fehlt, Nr. 47{n} (IBAN DE89 3704) frag @zora{n} https://t.co/z{n}"
    for n, word in enumerate(OPENINGS)
]
COURSE = [f"@acme {word}, der Kurs in erste Hilfe war gut" for word in OPENINGS]
NEED = [f"@acme {word}, ich brauche Hilfe mit dem Router" for word in OPENINGS]
CAKE = [f"@acme {word}, der Kuchen ist gebacken und die Sonne scheint" for word in OPENINGS * 6]


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "acme.yaml").write_text(BRAND)
    (tmp_path / "hilferuf.yaml").write_text(
        "lexicons: [de, acme.yaml]\nlisteners:\n  files: [{path: heard.ndjson, kind: mentions}]\nserver: {port: 0}\n"
    )
    posts = [mention(n, text) for n, text in enumerate([*PAYOUT, *COURSE, *NEED, *CAKE])]
    (tmp_path / "heard.ndjson").write_text(ndjson(*posts))
    outcomes = [{"id": f"x:{n}", "outcome": "opened_by_hand"} for n in range(8)]
    outcomes += [{"id": f"x:{n}", "outcome": "no_need"} for n in range(8, 16)]
    outcomes += [{"id": f"x:{n}", "outcome": "solved"} for n in range(16, 24)]
    (tmp_path / "outcomes.ndjson").write_text(ndjson(*outcomes))
    return tmp_path


@pytest.fixture
def suggest(desk, capfd):
    """The command in this process: what it writes to standard output and standard error."""

    def run(*files: str, as_json: bool = False, **limits: int) -> tuple[str, str]:
        outcomes = [desk / file for file in files]
        over = [str(desk / "heard.ndjson")] if "outcomes.ndjson" in files else []
        assert propose(desk / "hilferuf.yaml", outcomes, over, None, Limits(**limits), as_json) == 0
        return capfd.readouterr()

    return run


def kinds(run: tuple[str, str]) -> list[str]:
    return [json.loads(line)["kind"] for line in run[0].splitlines()]


def test_the_patch_is_a_lexicon_whose_examples_hold_and_that_plan_takes(desk, suggest):
    file = desk / "suggested.de.yaml"
    file.write_text(suggest("outcomes.ndjson")[0])
    content = read_lexicon(file).content
    assert any("Auszahlung" in phrase for trigger in content.triggers for phrase in trigger.phrases)
    assert run_examples([str(file)], desk / "hilferuf.yaml", as_json=False) == 0
    plan = hilferuf("lexicon", "plan", file.name, "--over", "heard.ndjson", "--json", cwd=desk)
    assert plan.returncode == 2, plan.stderr.decode()
    assert any("suggested" in line.get("trigger", "") for line in map(json.loads, plan.stdout.splitlines()))


def test_ids_can_only_be_looked_up_in_a_log(desk):
    run = hilferuf("lexicon", "suggest", "--outcomes", "outcomes.ndjson", "--posts", "50", cwd=desk)
    assert run.returncode == 1 and b"hilferuf run" in run.stderr, "ids must be looked up, and nothing has run yet"


def test_no_handle_link_number_or_single_persons_word_leaves(suggest):
    told = "".join((*suggest("outcomes.ndjson"), *suggest("outcomes.ndjson", as_json=True)))
    assert "Auszahlung" in told
    assert not any(word in told for word in ("zora", "_handle", "t.co", "DE89", "3704", "47", "Servus"))


def test_json_gives_each_proposal_with_its_evidence(suggest):
    found = [json.loads(line) for line in suggest("outcomes.ndjson", as_json=True)[0].splitlines()]
    (phrase,) = [one for one in found if one["kind"] == "phrase"]
    (exception,) = [one for one in found if one["kind"] == "exception"]
    assert (phrase["evidence"]["hits"], phrase["evidence"]["against"], phrase["evidence"]["authors"]) == (8, 0, 8)
    assert exception["trigger"] == "acme.help" and "hilfe" in exception["phrase"].casefold()
    assert exception["evidence"]["hits"] == 8


def test_a_phrase_is_looked_for_as_the_service_would_do_it():
    finder = Finder("de", read_lexicons(["de"], Path()), ())
    assert finder.holds("Auszahlung", "wo sind die Auszahlungen")
    assert not finder.holds("kaputt", "zum Glück nicht kaputt")


def test_the_order_of_lines_changes_no_byte(desk, suggest):
    before = suggest("outcomes.ndjson")
    for name in ("outcomes.ndjson", "heard.ndjson"):
        lines = (desk / name).read_text().splitlines(keepends=True)
        (desk / name).write_text("".join(reversed(lines)) + lines[0])
    assert suggest("outcomes.ndjson") == before


def test_texts_need_no_log_and_their_authors_are_counted(desk, suggest):
    lines = [{"text": text, "outcome": "opened_by_hand", "author": f"w{n % 2}"} for n, text in enumerate(PAYOUT)]
    lines += [{"text": text, "outcome": "no_need", "author": f"n{n}"} for n, text in enumerate(CAKE)]
    (desk / "o.ndjson").write_text(ndjson(*lines))
    assert kinds(suggest("o.ndjson", as_json=True)) == []
    assert kinds(suggest("o.ndjson", as_json=True, authors=2)) == ["phrase"]


def test_posts_that_the_log_does_not_hold_are_told(desk, suggest):
    lines = {"id": "x:1", "outcome": "solved"}, {"id": "x:9999", "outcome": "solved"}
    (desk / "outcomes.ndjson").write_text(ndjson(*lines))
    assert "1 posts left out: not in the log, or taken back" in suggest("outcomes.ndjson")[1]


@pytest.mark.parametrize("op", ["delete", "hide"])
def test_posts_that_their_source_took_back_teach_nothing(desk, suggest, op):
    (desk / "heard.ndjson").open("a").write(ndjson(*({"id": f"x:{n}", "op": op, "text": None} for n in range(8))))
    out, err = suggest("outcomes.ndjson", as_json=True)
    assert kinds((out, err)) == ["exception"] and "8 posts left out" in err


def test_a_wrong_line_is_named(desk, suggest):
    (desk / "outcomes.ndjson").write_text('{"id": "x:1", "outcome": "no_need"}\n{"id": "x:2", "outcom": "solved"}\n')
    with pytest.raises(ConfigError, match=r"outcomes\.ndjson:2.*did you mean `outcome`"):
        suggest("outcomes.ndjson")


def test_without_a_file_it_learns_from_what_people_did_in_the_helpdesk(desk, suggest):
    assert hilferuf("run", "--drain", cwd=desk).returncode == 0
    with opened(load_settings(desk / "hilferuf.yaml"), write=True) as store:
        tickets = {post.id: ticket for ticket in store.tickets(("open",), 500) for post in ticket.posts}
        events = [(f"x:{n}", "solved") for n in range(8, 24)] + [(f"x:{n}", "answered") for n in range(16, 24)]
        now = SystemClock().now()
        for number, (post, what) in enumerate(events):  # as the ledger does with what a helpdesk tells
            ticket = tickets[post]
            event = Helpdesk(sink="queue", id=str(number), ticket_id=ticket.id, at=from_ms(now), what=what)
            store.append(AUTHOR_EVENTS, [(ticket.author_key, codec.encode(event))], now)
    assert hilferuf("run", "--drain", cwd=desk).returncode == 0
    out, err = suggest(as_json=True)
    assert "8 solved, 8 closed as no need" in err
    assert json.loads(out.splitlines()[0])["trigger"] == "acme.help"


def test_before_anybody_did_anything_it_says_what_to_do(desk, suggest):
    with pytest.raises(HilferufError, match="--outcomes"):
        suggest()
