"""The file of a model: written and read without loss, never by pickle, and a bad one says what to do."""

import ast
import json
import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest

import lexicons.model
from config.yaml_file import ConfigError
from lexicons.model.training import seen_features
from lexicons.model.weights import FORMAT, PACKAGED, TABLES, Head, known_model, read_model

START = b"HILFERUF-MODEL\n"


@pytest.fixture
def file(tiny_model, tmp_path) -> Path:
    path = tmp_path / "need.model"
    path.write_bytes(tiny_model.to_bytes())
    return path


def rewritten(file: Path, change) -> Path:
    """The file with another header."""
    body = zlib.decompress(file.read_bytes()[len(START) :])
    size = int.from_bytes(body[:4], "big")
    header = json.loads(body[4 : 4 + size])
    change(header)
    first = json.dumps(header).encode()
    file.write_bytes(START + zlib.compress(len(first).to_bytes(4, "big") + first + body[4 + size :]))
    return file


def test_what_is_written_is_read(file, tiny_model) -> None:
    model = read_model(file)
    assert (model.kept, model.slope, model.shift, model.about) == (
        tiny_model.kept, tiny_model.slope, tiny_model.shift, tiny_model.about,
    )  # fmt: skip
    for head, written in (
        (model.need, tiny_model.need),
        (model.urgency, tiny_model.urgency),
        (model.anger, tiny_model.anger),
    ):
        assert (head.bias, head.acts) == (written.bias, written.acts)
        assert head.tables.keys() == written.tables.keys()
        for name, (scale, table) in head.tables.items():
            assert scale == written.tables[name][0]
            assert np.array_equal(table, written.tables[name][1])
    assert model.to_bytes() == file.read_bytes()


def test_read_model_judges_as_the_trained_one(file, tiny, tiny_model, untrained) -> None:
    model = read_model(file)
    for each in tiny:
        seen = seen_features(each, untrained, model.kept)
        assert model.need.total(seen) == tiny_model.need.total(seen)
        assert model.urgency_of(seen) == tiny_model.urgency_of(seen)


def test_digest_is_that_of_the_content(file, tmp_path) -> None:
    copy = tmp_path / "copy.model"
    copy.write_bytes(file.read_bytes())
    assert read_model(copy).digest == read_model(file).digest != ""
    assert (
        read_model(rewritten(copy, lambda header: header.update(shift=header["shift"] + 1))).digest
        != read_model(file).digest
    )


def refused(file: Path) -> str:
    with pytest.raises(ConfigError) as error:
        read_model(file)
    assert str(file) in str(error.value)
    assert "hilferuf model train" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kept", [0, 7, len(START), len(START) + 1, 100, 5_000, -1, -100])
def test_truncated_file_is_refused(file, kept) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    assert "is no model" in refused(file)


def test_file_whose_tables_are_cut_off_is_refused(file) -> None:
    body = zlib.decompress(file.read_bytes()[len(START) :])
    for missing in (1, 1_000, TABLES["words"]):
        file.write_bytes(START + zlib.compress(body[:-missing]))
        refused(file)


@pytest.mark.parametrize(
    "content",
    [
        b"lexicon: 1\n",
        pickle.dumps({"need": 1}),
        START,
        START + b"\0" * 40,
        START + zlib.compress(b""),
        START + zlib.compress(b"\0\0\0\2{}"),
        START + zlib.compress(b"\0\0\0\2[]"),
        START + zlib.compress(b"\xff\xff\xff\xff{}"),
        START + zlib.compress(b"\0\0\0\4\xff\xfe\xfd\xfc"),
    ],
    ids=["yaml", "pickle", "only its start", "zeros", "empty", "no field", "a list", "too long a header", "no utf-8"],
)
def test_foreign_file_is_refused(file, content) -> None:
    file.write_bytes(content)
    assert "is no model" in refused(file)


def test_file_of_a_later_format_is_told(file) -> None:
    assert f"format {FORMAT + 1}, this release reads {FORMAT}" in refused(
        rewritten(file, lambda header: header.update(format=FORMAT + 1))
    )


@pytest.mark.parametrize("field", ["format", "kept", "heads", "slope", "shift", "about"])
def test_file_without_one_of_its_fields_is_refused(file, field) -> None:
    assert field in refused(rewritten(file, lambda header: header.pop(field)))


def test_one_changed_byte_is_noticed(file) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    refused(file)


def test_missing_file_is_refused(tmp_path) -> None:
    assert "No such file" in refused(tmp_path / "none.model")


def test_file_is_read_again_only_when_it_changed(file) -> None:
    first = known_model(file)
    assert known_model(file) is first
    rewritten(file, lambda header: header.update(shift=9.0))
    assert known_model(file).shift == 9.0


def test_no_pickle_reads_or_writes_a_model() -> None:
    imported = set()
    for module in Path(lexicons.model.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(name.name.split(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    assert "json" in imported
    assert imported.isdisjoint({"pickle", "joblib", "marshal", "shelve", "dill", "cloudpickle"})


def test_packaged_model_is_small_and_says_what_it_learnt_from() -> None:
    assert PACKAGED.stat().st_size < 5_000_000
    about = read_model().about
    assert about["needing"] > 0
    assert set(about["posts"]) >= {"mobasa", "telecom"}


def test_act_called_like_a_table_keeps_its_own_weight(tiny, untrained, tiny_model) -> None:
    seen = seen_features(tiny[0], untrained, tiny_model.kept)._replace(acts={"words": 2.0})
    head = Head(0.0, {"words": 5.0}, {"words": (1.0, np.ones(TABLES["words"], np.int8))})
    z, moved = head.add_up(seen)
    assert z == moved["words"] == pytest.approx(10 + len(seen.words) ** 0.5) == pytest.approx(head.total(seen))


def test_weight_is_a_byte_times_a_scale_over_the_root_of_the_number(tiny, untrained, tiny_model) -> None:
    seen = seen_features(tiny[0], untrained, tiny_model.kept)
    table = np.zeros(TABLES["words"], np.int8)
    table[seen.words[0]] = 100
    times = int((seen.words == seen.words[0]).sum())
    z, moved = Head(-1.0, {"exclaims": 5.0}, {"words": (0.01, table)}).add_up(seen._replace(acts={"asks": 1.0}))
    assert moved == {"words": pytest.approx(times * 100 * 0.01 / len(seen.words) ** 0.5)}
    assert z == pytest.approx(-1 + moved["words"])
