"""A snapshot is a cache: whatever is wrong with the file, it is left alone, and never an error."""

import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kafka import snapshot
from streams.kafka.snapshot import MAX_AGE_SECONDS, Header

NOW = 1_790_000_000.0
HEADER = Header(stage="screen", partition=3, topic="an id", position=77, rows=3, at=NOW)
ROWS = [("a", None, b"{}"), ("ä\n", 5, b"\x00\xff\n"), ("", -1, b"")]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "made" / "screen-3.snapshot"
    snapshot.write(path, HEADER, ROWS)
    return path


def found(path, **more):
    wanted = {"stage": "screen", "partition": 3, "topic": "an id", "now": NOW + 60}
    return snapshot.read(path, **(wanted | more))


def test_what_was_written_is_read(path):
    held = found(path)
    assert held is not None and held.header == HEADER and held.rows == ROWS


def test_nobody_else_may_read_it_and_nothing_else_is_left(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_many_rows_are_written_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "CHUNK", 7)
    rows = [(str(number), number, b"x" * number) for number in range(100)]
    path = tmp_path / "many.snapshot"
    snapshot.write(path, Header(stage="screen", partition=3, topic="an id", position=1, rows=100, at=NOW), rows)
    held = found(path)
    assert held is not None and held.rows == rows


def test_no_rows_at_all(tmp_path):
    path = tmp_path / "none.snapshot"
    snapshot.write(path, Header(stage="screen", partition=3, topic="an id", position=0, rows=0, at=NOW), [])
    held = found(path)
    assert held is not None and held.rows == []


def test_a_file_that_was_cut_anywhere_is_left_alone(path):
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert found(path) is None


@settings(max_examples=300)
@given(data=st.data())
def test_a_file_with_a_changed_byte_is_left_alone(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flipped") / "one.snapshot"
    snapshot.write(path, HEADER, ROWS)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert found(path) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_left_alone(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "one.snapshot"
    path.write_bytes(content)
    assert found(path) is None


def test_a_right_checksum_over_nonsense_is_left_alone(tmp_path):
    path = tmp_path / "one.snapshot"
    for body in (b"", b"\n", b"{}\n", b"\xff\n", b'{"format": 1}\nxxxx'):
        path.write_bytes(body + snapshot.zlib.crc32(body).to_bytes(4, "big"))
        assert found(path) is None


def test_another_format_or_another_count_of_rows_is_left_alone(tmp_path):
    path = tmp_path / "one.snapshot"
    for more in ({"format": 2, "rows": 3}, {"rows": 2}):
        snapshot.write(path, Header(stage="screen", partition=3, topic="an id", position=1, at=NOW, **more), ROWS)
        assert found(path) is None


@pytest.mark.parametrize("other", [{"stage": "assess"}, {"partition": 2}, {"topic": "made anew"}])
def test_a_snapshot_of_something_else_is_left_alone(path, other):
    assert found(path, **other) is None


def test_one_that_is_too_old_or_of_the_future_is_left_alone(path):
    assert found(path, now=NOW + MAX_AGE_SECONDS - 1) is not None
    assert found(path, now=NOW + MAX_AGE_SECONDS) is None
    assert found(path, now=NOW - 1) is None


def test_the_greatest_age_is_below_what_the_changelogs_keep_tombstones_for():
    from config.settings import Retention
    from streams.kafka.catalogue import catalogue
    from tests.streams.kafka.desk_rig import settings_for

    kept = [
        int(topic.config["delete.retention.ms"]) / 1000
        for topic in catalogue(settings_for(["127.0.0.1:1"], "t."), Retention())
        if topic.name.endswith("-state") or topic.name == "deliveries"
    ]
    assert len(kept) == 4 and min(kept) >= MAX_AGE_SECONDS + 3600


def test_none_there_and_none_that_may_be_read(tmp_path):
    assert found(tmp_path / "missing.snapshot") is None
    (tmp_path / "folder.snapshot").mkdir()
    assert found(tmp_path / "folder.snapshot") is None


def test_a_write_that_fails_leaves_the_old_one(path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        snapshot.write(path, Header(stage="screen", partition=3, topic="an id", position=99, rows=0, at=NOW), [])
    held = found(path)
    assert held is not None and held.header.position == 77
