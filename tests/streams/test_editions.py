"""Which edition is in force: the newest decision, and the way back."""

import pytest

from lexicons.edition import Edition
from records.errors import HilferufError
from streams.editions import KEPT, Step, StoredEditions, decided, rolled_back
from streams.store import Store, connect


def edition(text: str) -> Edition:
    return Edition(names=("de", "acme.yaml"), files={"acme.yaml": text})


def step(edition_id: str, how="apply") -> Step:
    return Step(edition=edition_id, lexicon_version=f"v{edition_id}", at="2026-03-17T12:00:00.000Z", how=how)


def history(*ids: str):
    held = None
    for each in ids:
        held = decided(held, step(each), "f")
    return held


@pytest.fixture
def editions(tmp_path):
    connection = connect(tmp_path / "e.db")
    yield StoredEditions(Store(connection))
    connection.close()


def test_an_edition_is_its_names_and_texts_and_nothing_else():
    assert edition("a").id == edition("a").id != edition("b").id
    assert edition("a").id != Edition(names=("en", "acme.yaml"), files={"acme.yaml": "a"}).id


def test_what_was_before_is_kept_newest_first_and_bounded():
    held = history(*(str(number) for number in range(KEPT + 5)))
    assert held.now.edition == str(KEPT + 4)
    assert [s.edition for s in held.before] == [str(number) for number in range(KEPT + 3, 3, -1)]


def test_a_decision_for_what_is_in_force_only_learns_the_files():
    held = decided(history("1", "2"), step("2", "files"), "g")
    assert (held.now.how, held.files, [s.edition for s in held.before]) == ("apply", "g", ["1"])


def test_rolling_back_goes_one_back_and_then_further():
    once = rolled_back(history("1", "2", "3"), "2026-03-18T12:00:00.000Z")
    assert (once.now.edition, once.now.how, once.files) == ("2", "rollback", "f")
    assert rolled_back(once, once.now.at).now.edition == "1"
    with pytest.raises(HilferufError, match="nothing to go back to"):
        rolled_back(rolled_back(once, once.now.at), once.now.at)


def test_nothing_decided_is_nothing_in_force(editions):
    assert editions.in_force() is None
    with pytest.raises(HilferufError, match="nothing to go back to"):
        rolled_back(None, "2026-03-18T12:00:00.000Z")


def test_what_can_be_gone_back_to_is_kept_and_the_rest_forgotten(editions):
    held = None
    for number in range(KEPT + 3):
        new = edition(str(number))
        held = decided(held, step(new.id), "f")
        editions.decide(held, new)
    assert editions.in_force() == held
    assert editions.edition(edition("2").id) == edition("2")
    with pytest.raises(HilferufError, match="is not known"):
        editions.edition(edition("1").id)
