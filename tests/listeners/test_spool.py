"""The spool keeps order through crashes, knows its bound, and leaves nobody's text behind."""

import tempfile
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from listeners.spool import Entry, Record, Spool
from records.errors import HilferufError
from records.topics import CURSORS, MENTIONS

ROOM = 4_000


def record(text, topic=MENTIONS):
    return Record(topic, b"k", text.encode())


@pytest.fixture
def spool(tmp_path):
    opened = Spool.open(tmp_path / "spool.db", ROOM)
    yield opened
    opened.close()


def texts(spool):
    return [row.record.value.decode() for row in spool.oldest(10_000, 10**9)]


class Spooled(RuleBasedStateMachine):
    """Append, drain and crash in any order: the spool holds what was accepted and not yet removed, in order."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "spool.db"
        self.spool = Spool.open(self.path, ROOM)
        self.model, self.number = [], 0

    @rule(sizes=st.lists(st.tuples(st.integers(1, 900), st.sampled_from([None, "a", "b"])), max_size=6))
    def append(self, sizes):
        entries = []
        for size, line in sizes:
            self.number += 1
            records = [record(f"{self.number} " + "x" * size)]
            entries.append(
                Entry([*records, Record(CURSORS, line.encode(), b"%d" % self.number)] if line else records, line)
            )
        answers = self.spool.append(entries, self.number)
        shut = set()
        for entry, refusal in zip(entries, answers, strict=True):
            if entry.line is not None and refusal is not None:
                shut.add(entry.line)
            assert refusal is not None or entry.line not in shut, "passed a refused one of its line"
            self.model += [] if refusal else entry.records

    @rule(limit=st.integers(1, 5))
    def drain(self, limit):
        rows = self.spool.oldest(limit, 1_000)
        assert bool(rows) == bool(self.model)
        if rows:
            self.spool.remove(rows[-1].seq)
            del self.model[: len(rows)]

    @rule()
    def crash(self):
        """What the kernel does for a killed process: handles go, nothing is written."""
        self.spool._lock.close()
        self.spool = Spool.open(self.path, ROOM)

    @invariant()
    def holds(self):
        assert [row.record for row in self.spool.oldest(1_000, 10**9)] == self.model
        assert (self.spool.rows, self.spool.size) == (len(self.model), sum(item.size for item in self.model))
        assert self.spool.size <= ROOM
        for line in (b"a", b"b"):
            newest = [item.value for item in self.model if (item.topic, item.key) == (CURSORS, line)]
            assert self.spool.cursor(line) == (newest[-1] if newest else None)

    def teardown(self):
        self.spool.close()
        self.folder.cleanup()


TestSpooled = Spooled.TestCase
TestSpooled.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)


def test_one_process_at_a_time(spool, tmp_path):
    with pytest.raises(HilferufError, match="another process"):
        Spool.open(tmp_path / "spool.db", ROOM)


def test_a_file_that_is_no_spool_is_not_overwritten(tmp_path):
    path = tmp_path / "spool.db"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(HilferufError, match="do not delete it"):
        Spool.open(path, ROOM)
    assert path.read_bytes().startswith(b"something else")


def test_what_finds_no_room_is_refused_and_the_rest_goes_in(spool):
    large, small = record("x" * ROOM), record("small")
    answers = spool.append([Entry([large], "a"), Entry([small], "a"), Entry([small], "b"), Entry([small])], 0)
    assert [answer is None for answer in answers] == [False, False, True, True]
    assert spool.rows == 2


def test_a_full_disk_refuses_and_harms_nothing(tmp_path):
    spool = Spool.open(tmp_path / "spool.db", 10**9)
    assert spool.append([Entry([record("before")])], 0) == [None]
    pages = spool._sql.execute("PRAGMA page_count").fetchone()[0]
    spool._sql.execute(f"PRAGMA max_page_count={pages + 2}")
    (refusal,) = spool.append([Entry([record("x" * 100_000)])], 0)
    assert "full" in refusal
    assert (texts(spool), spool.rows) == (["before"], 1)
    spool._sql.execute("PRAGMA max_page_count=100000")
    assert spool.append([Entry([record("after")])], 0) == [None]
    assert texts(spool) == ["before", "after"]
    spool.close()


def test_an_emptied_spool_holds_no_text_and_no_room(tmp_path):
    spool = Spool.open(tmp_path / "spool.db", 10**9)
    spool.append([Entry([record("Geheimnis " * 500)]) for _ in range(50)], 0)
    spool.remove(spool.oldest(1_000, 10**9)[-1].seq)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Geheimnis" not in left
    assert len(left) < 100_000
    spool.close()


def test_what_is_too_old_is_dropped_with_a_word_and_cursors_stay(spool):
    spool.append([Entry([record("old"), record("mark", CURSORS)])], 1_000)
    spool.append([Entry([record("new")])], 2_000)
    with structlog.testing.capture_logs() as lines:
        assert spool.expire(2_000) == 1
    assert [(line["log_level"], line["count"]) for line in lines] == [("error", 1)]
    assert texts(spool) == ["mark", "new"]
    assert spool.rows == 2
