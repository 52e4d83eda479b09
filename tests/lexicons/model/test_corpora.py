"""Labelled posts are read as the README of lexicons/posts says; a bad line is told with file and line."""

import json

import pytest

from lexicons.model.corpora import posts, read_posts, transport
from records.errors import HilferufError

POST = {
    "text": "@acme Hilfe!",
    "source": "tweet",
    "to": "handle",
    "brand": "Acme",
    "handles": ["@Acme"],
    "need": 1,
    "urgency": 2,
    "anger": 1,
}


@pytest.fixture
def read(tmp_path):
    """Posts of a file with these lines."""

    def lines(*given):
        file = tmp_path / "own.ndjson"
        file.write_text(
            "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in given), "utf-8"
        )
        return list(read_posts(file, domain="own"))

    return lines


def test_post_is_read_with_its_labels(read) -> None:
    (post,) = read(POST)
    assert (post.text, post.domain, post.language, post.to) == ("@acme Hilfe!", "own", "de", "handle")
    assert (post.handles, post.names, post.stars) == (frozenset({"@acme"}), ("Acme",), 0)
    assert (post.need, post.urgency, post.anger) == (1, 2, 1)


def test_need_and_text_suffice(read) -> None:
    (post,) = read({"text": "Hilfe", "need": 0})
    assert (post.to, post.handles, post.names, post.urgency, post.anger) == ("none", frozenset(), (), 0, 0)


def test_line_may_name_its_own_industry_and_language(read) -> None:
    (post,) = read(POST | {"industry": "bank", "language": "en", "stars": 2})
    assert (post.domain, post.language, post.stars) == ("bank", "en", 2)


@pytest.mark.parametrize(
    ("source", "to", "spoken_to"),
    [
        ("message", "none", "direct_message"),
        ("message", "handle", "direct_message"),
        ("comment", "none", "own_page"),
        ("wall", "none", "own_page"),
        ("review", "none", "own_page"),
        ("review", "name", "name"),
        ("tweet", "none", "none"),
        ("forum", "name", "name"),
    ],
)
def test_where_it_was_written_says_whom_it_speaks_to(read, source, to, spoken_to) -> None:
    assert read(POST | {"source": source, "to": to})[0].to == spoken_to


def test_empty_lines_are_no_posts(read) -> None:
    assert len(read(POST, "", "   ", POST)) == 2


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"text"', "truncated"),
        ("[1]", "array"),
        ({"need": 1}, "field `text`"),
        ({"text": "Hilfe"}, "field `need`"),
        (POST | {"text": 5}, "$.text"),
        (POST | {"need": "yes"}, "$.need"),
        (POST | {"need": 2}, "$.need"),
        (POST | {"need": 1.7}, "$.need"),
        (POST | {"urgency": 4}, "$.urgency"),
        (POST | {"urgency": None}, "$.urgency"),
        (POST | {"anger": -1}, "$.anger"),
        (POST | {"stars": 9}, "$.stars"),
        (POST | {"to": "mars"}, "$.to"),
        (POST | {"brand": 5}, "$.brand"),
        (POST | {"handles": "@acme"}, "$.handles"),
        (POST | {"handles": ["acme"]}, "$.handles[0]"),
    ],
    ids=str,
)
def test_bad_line_is_told_with_file_line_field_and_what_to_read(read, tmp_path, bad, said) -> None:
    with pytest.raises(HilferufError) as error:
        read(POST, "", bad, POST)
    assert str(error.value).startswith(f"{tmp_path / 'own.ndjson'}:3: ")
    assert said in str(error.value)
    assert "lexicons/posts/README.md" in str(error.value)


def test_line_that_is_no_utf8_is_told_with_file_and_line(tmp_path) -> None:
    file = tmp_path / "own.ndjson"
    file.write_bytes(json.dumps(POST).encode() + b'\n{"text": "Gr\xfc\xdfe", "need": 0}\n')
    with pytest.raises(HilferufError, match=r"own\.ndjson:2: .*README"):
        list(read_posts(file))


def test_folder_is_read_in_the_order_of_its_files_without_the_locked_one(tmp_path) -> None:
    for name in ("bank.de", "airline.en", "locked"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(POST) + "\n")
    assert [(post.domain, post.language) for post in posts(tmp_path)] == [("airline", "en"), ("bank", "de")]


def test_corpus_of_transport_masks_operators_by_their_handles(tmp_path) -> None:
    xml, table = tmp_path / "a.xml", tmp_path / "a.tsv"
    said = {"1": "@BVG_Kampagne Hilfe", "2": "Die BVG streikt", "3": "@pro_bahn Moin"}
    documents = "".join(f'<Document id="{id}"><text>{text}</text></Document>' for id, text in said.items())
    xml.write_text(f"<Documents>{documents}</Documents>")
    table.write_text("id\tneed\turgency\tanger\n1\t1\t2\t0\n2\t0\t0\t0\n3\t0\t0\t0\n")
    read = transport([xml], table, "buses")
    assert [post.to for post in read] == ["handle", "name", "none"]
    assert [post.handles for post in read] == [{"@bvg_kampagne"}, set(), set()]
    assert (read[0].need, read[0].urgency, read[0].domain) == (1, 2, "buses")
