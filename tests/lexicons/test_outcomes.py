"""The form of an outcomes file, and how several outcomes of one post become one side."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.yaml_file import ConfigError
from lexicons.outcomes import Outcome, read_outcomes, settle


def read(*lines: dict | str) -> list[Outcome]:
    data = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return read_outcomes(((number, line.encode()) for number, line in enumerate(data, 1)), "o.ndjson")


def test_a_line_names_a_post_by_its_id_or_brings_its_text():
    by_id, by_text = read({"id": "x:1", "outcome": "no_need"}, "", {"text": "Hilfe", "outcome": "opened_by_hand"})
    assert (by_id.key, by_text.key[:5]) == ("x:1", "file:")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"id": "x:1", "outcom": "solved"}, "did you mean `outcome`?"),
        ({"id": "x:1", "outcome": "no_ned"}, "did you mean `no_need`?"),
        ({"outcome": "solved"}, "give `id` of a recorded mention, or `text`"),
        ({"text": "  ", "outcome": "solved"}, "names no post"),
        ("[]", "o.ndjson:2"),
        ("{", "is no JSON"),
    ],
)
def test_a_wrong_line_is_named_with_what_to_do(line, says):
    with pytest.raises(ConfigError) as error:
        read({"id": "x:0", "outcome": "solved"}, line)
    assert "o.ndjson:2" in str(error.value) and says in str(error.value)


def test_what_a_person_opened_or_raised_counts_before_how_it_ended():
    settled = settle(read({"id": "x:1", "outcome": "solved"}, {"id": "x:1", "outcome": "opened_by_hand"}))
    assert settled.posts["x:1"][1] == "missed"


def test_where_people_did_not_agree_the_post_teaches_nothing():
    settled = settle(read({"id": "x:1", "outcome": "solved"}, {"id": "x:1", "outcome": "no_need"}))
    assert settled.posts == {} and settled.unclear == 1


def test_one_text_of_one_author_is_one_post():
    line = {"text": "Hilfe", "author": "a", "outcome": "solved"}
    assert len(settle(read(line, line, {**line, "author": "b"})).posts) == 2


LINES = [
    {"id": f"x:{n % 3}", "outcome": what} for n, what in enumerate(("solved", "raised", "no_need", "solved", "no_need"))
]


@given(st.permutations(LINES))
def test_the_order_of_the_lines_changes_nothing(lines):
    assert settle(read(*lines)) == settle(read(*LINES))
