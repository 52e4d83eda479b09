"""`hilferuf explain` of a mention with a history: edits, deletes, hidden comments, in any order of arrival."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from config.settings import load_settings
from hilferuf.commands.look import _ticket_of, explain
from hilferuf.engine_file import path_of
from hilferuf.rules import rules_of
from records.errors import HilferufError
from records.normalise import normalise_mention
from streams.embedded import EmbeddedEngine
from streams.topology import stages

NOW = "2026-03-01T12:00:00.000Z"
MILLISECONDS = 1_772_366_400_000


def told(**fields) -> dict:
    return {"id": "x:1", "occurred_at": "2026-03-01T10:00:00Z", "author": {"id": "7", "handle": "anna"}} | fields


FIRST = told(text="Kuchen gebacken")
EDITED = told(op="update", revision="1", edited_at="2026-03-01T10:05:00Z", text="Torte gegessen")
EDITED_AGAIN = told(op="update", revision="2", edited_at="2026-03-01T10:06:00Z", text="Hilfe, alles angebrannt")
DELETED = told(op="delete", text=None)  # stamped with the time of posting, as some channels do: before the edits
HIDDEN = told(op="hide", text=None, edited_at="2026-03-01T10:08:00Z")
RESTORED = told(op="restore", text=None, edited_at="2026-03-01T10:09:00Z")
COUNTED = told(op="metrics", text=None, edited_at="2026-03-01T11:00:00Z")


@pytest.fixture
def explained(tmp_path, capsys):
    """Hears these mentions, in this order, and explains `x:1`: what a person reads, and what a script reads."""
    (tmp_path / "acme.yaml").write_text("lexicon: 1\nbrands: [{id: acme, handles: [acme]}]\n")
    config = tmp_path / "hilferuf.yaml"
    config.write_text("lexicons: [de, acme.yaml]\n")

    def printed(*, as_json: bool) -> str:
        assert explain(config, "x:1", as_json) == 0
        return capsys.readouterr().out

    def run(*documents: dict) -> tuple[str, dict]:
        asyncio.run(hear(config, documents))
        return printed(as_json=False), json.loads(printed(as_json=True))

    return run


async def hear(config, documents) -> None:
    loaded = load_settings(config)
    loaded.data_dir.mkdir(exist_ok=True)
    rules = rules_of(loaded)
    flow = stages(rules.lexicon, rules.strategy, loaded.settings)
    engine = EmbeddedEngine(path_of(loaded), flow, clock=lambda: MILLISECONDS)
    engine.start()
    for document in documents:
        await engine.publish([normalise_mention(json.dumps(document).encode(), observed_at=NOW, listener="test")])
    await engine.settled()
    await asyncio.to_thread(engine.stop)


@pytest.mark.parametrize("order", [(FIRST, EDITED, EDITED_AGAIN), (EDITED_AGAIN, FIRST, EDITED)])
def test_of_an_edited_mention_the_newest_revision_is_judged(explained, order):
    text, verdict = explained(*order)
    assert "trigger de.help" in text
    assert [hit["text"] for hit in verdict["triggers"]][:1] == ["Hilfe"]


@pytest.mark.parametrize("order", [(FIRST, DELETED, EDITED_AGAIN), (DELETED, EDITED_AGAIN), (EDITED_AGAIN, DELETED)])
def test_a_delete_is_final_whatever_its_time(explained, order):
    text, verdict = explained(*order)
    assert text == "x:1 was deleted at its source, so it stands on no ticket.\n"
    assert (verdict["kept"], verdict["dropped"], verdict["triggers"]) == (False, "deleted", [])


def test_a_hidden_mention_is_said_to_be_hidden(explained):
    text, verdict = explained(FIRST, HIDDEN)
    assert text == "x:1 was hidden at its source, so it stands on no ticket.\n"
    assert verdict["dropped"] == "deleted"


def test_a_restored_mention_is_judged_by_its_text_again(explained):
    text, verdict = explained(EDITED_AGAIN, HIDDEN, RESTORED)
    assert "Judged again" in text and verdict["triggers"]


def test_counts_of_reactions_hide_no_text(explained):
    _, verdict = explained(EDITED_AGAIN, COUNTED)
    assert verdict["triggers"]


def test_counts_of_reactions_alone_are_one_clear_line(explained):
    with pytest.raises(HilferufError, match="counts of reactions only"):
        explained(COUNTED)


def test_on_a_ticket_the_newest_text_is_shown(explained):
    text, ticket = explained(told(text="@acme Hilfe, kein Netz"), EDITED | {"text": "@acme Hilfe, kein Strom"})
    assert "kein Strom" in text and "kein Netz" not in text
    assert (ticket["status"], ticket["mentions"]) == ("open", ["x:1"])


def test_a_mention_that_was_deleted_from_its_ticket_is_said_to_be_gone(explained):
    text, ticket = explained(told(text="@acme Hilfe, kein Netz"), DELETED)
    assert "taken back by its author" in text and "kein Netz" not in text
    assert (ticket["status"], ticket["mentions"]) == ("withdrawn", [])


def test_a_ticket_stands_on_with_what_is_left_of_it(explained):
    again = {"id": "x:2", "occurred_at": "2026-03-01T11:00:00Z", "text": "@acme Hilfe, kein Strom"}
    _, first = explained(told(text="@acme Hilfe, kein Netz"), told(**again))
    assert first["mentions"] == ["x:1", "x:2"]
    _, left = explained(DELETED)  # the one ticket stands on with its other post
    assert (left["status"], left["mentions"]) == ("open", ["x:2"])


@pytest.mark.parametrize("statuses", [("withdrawn", "open"), ("open", "withdrawn"), ("merged", "solved")])
def test_of_several_tickets_of_a_mention_the_standing_one_is_explained(statuses):
    tickets = [SimpleNamespace(id=f"hf-{n}", status=status) for n, status in enumerate(statuses)]
    store = SimpleNamespace(tickets_of=lambda mention: tickets)
    assert _ticket_of(store, "x:1").status not in ("withdrawn", "merged")
