"""The disk spool: what listeners heard while Kafka was away, in the order they heard it.

One SQLite file in the data folder. What was appended is fsynced (WAL, synchronous FULL) and is read back in the same order,
after a kill too; a row is deleted only after Kafka acknowledged it. Every method blocks, and belongs into one thread.
"""

import fcntl
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self

import structlog

from records.errors import HilferufError
from records.topics import CURSORS

log = structlog.get_logger("spool")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, topic TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS spool_cursors ON spool (key, seq) WHERE topic = 'cursors';
"""
_VERSION = 1
_ROW_BYTES = 64  # what a row costs beside its key and value


class Record(NamedTuple):
    """What goes to Kafka. topic: as in `records.topics`."""

    topic: str
    key: bytes
    value: bytes

    @property
    def size(self) -> int:
        """Bytes it takes up, about."""
        return len(self.key) + len(self.value) + _ROW_BYTES


class Entry(NamedTuple):
    """What goes in whole or not at all. `line`: entries of one line never go in past a refused one (a listener's cursor)."""

    records: Sequence[Record]
    line: str | None = None


class Row(NamedTuple):
    """A record in the spool, and its number: the order."""

    seq: int
    record: Record


class Spool:
    """See the module. `rows`, `size` (bytes): what is in it."""

    def __init__(self, connection: sqlite3.Connection, lock: IO[bytes], max_bytes: int) -> None:
        self._sql, self._lock, self._max = connection, lock, max_bytes
        self.rows, self.size = self._count()

    @classmethod
    def open(cls, path: Path, max_bytes: int) -> Self:
        """Open, and where new, create the file. Raises HilferufError: another process has it, or it cannot be used."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_name(path.name + ".lock").open("ab")
        except OSError as error:
            raise HilferufError(f"{path}: the spool cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise HilferufError(
                f"{path}: another process has this spool; give each process that listens a data folder of its own"
            ) from error
        try:
            return cls(_connect(path), lock, max_bytes)
        except (sqlite3.Error, OSError) as error:
            lock.close()
            raise HilferufError(
                f"{path}: cannot be used as the spool: {error}; it may hold what was not yet sent, so move it, do not delete it"
            ) from error

    def append(self, entries: Sequence[Entry], at: int) -> list[str | None]:
        """Append in order, in one transaction; `at`: milliseconds since 1970. Returns for each None = durable, or why not."""
        answers: list[str | None] = []
        size = self.size
        shut: set[str | None] = set()
        rows: list[tuple[int, str, bytes, bytes]] = []
        for entry in entries:
            more = sum(record.size for record in entry.records)
            if size + more > self._max or (entry.line is not None and entry.line in shut):
                shut.add(entry.line)
                answers.append(f"the spool is full ({self.rows:,} records wait for Kafka)")
                continue
            size += more
            rows += [(at, *record) for record in entry.records]
            answers.append(None)
        if not rows:
            return answers
        try:
            with self._transaction():
                self._sql.executemany("INSERT INTO spool (at, topic, key, value) VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:  # a full disk, most likely
            return [f"the spool cannot be written: {error}"] * len(entries)
        self.rows, self.size = self.rows + len(rows), size
        return answers

    def oldest(self, limit: int, max_bytes: int) -> list[Row]:
        """The rows that come first: at most `limit`, and at least one if there is one. Raises sqlite3.Error."""
        found: list[Row] = []
        size = 0
        for seq, *record in self._sql.execute(
            "SELECT seq, topic, key, value FROM spool ORDER BY seq LIMIT ?", (limit,)
        ):
            row = Row(seq, Record(*record))
            size += row.record.size
            if found and size > max_bytes:
                break
            found.append(row)
        return found

    def remove(self, last: int) -> None:
        """Delete all rows up to this one. Raises sqlite3.Error (a full disk): then they are still there."""
        self._delete("seq <= ?", last)

    def replace(self, seq: int, record: Record) -> None:
        """Put another record in a row's place. Raises sqlite3.Error."""
        with self._transaction():
            self._sql.execute("UPDATE spool SET topic = ?, key = ?, value = ? WHERE seq = ?", (*record, seq))
        self.rows, self.size = self._count()

    def cursor(self, key: bytes) -> bytes | None:
        """The newest cursor under this key. Raises sqlite3.Error."""
        row = self._sql.execute(
            "SELECT value FROM spool WHERE topic = 'cursors' AND key = ? ORDER BY seq DESC LIMIT 1", (key,)
        ).fetchone()
        return bytes(row[0]) if row else None

    def expire(self, before: int) -> int:
        """Delete what was spooled before this time (milliseconds since 1970), cursors excepted: they are nobody's data, and
        without them its listener would ask for the same posts again. Says so first; returns how many. Raises sqlite3.Error."""
        count, since = self._sql.execute(
            "SELECT count(*), min(at) FROM spool WHERE at < ? AND topic <> ?", (before, CURSORS)
        ).fetchone()
        if not count:
            return 0
        log.error(
            "spooled records are dropped: older than retention.log_days, Kafka still away", count=count, since=since
        )
        self._delete("at < ? AND topic <> ?", before, CURSORS)
        return int(count)

    def close(self) -> None:
        """Close the file and let others have it."""
        self._sql.close()
        self._lock.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._sql)

    def _delete(self, which: str, *values: object) -> None:
        rows, size = self._count(which, *values)
        with self._transaction():
            self._sql.execute(f"DELETE FROM spool WHERE {which}", values)  # noqa: S608 - our own words
        self.rows, self.size = self.rows - rows, self.size - size
        if not self.rows:  # nobody's text lingers in the write-ahead log, and the disk gets its room back
            try:
                self._sql.execute("VACUUM")
                self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                log.warning("the empty spool could not be shrunk", error=str(error))

    def _count(self, which: str = "1", *values: object) -> tuple[int, int]:
        what = f"SELECT count(*), sum(length(key) + length(value)) FROM spool WHERE {which}"  # noqa: S608 - our own words
        rows, size = self._sql.execute(what, values).fetchone()
        return int(rows), int(size or 0) + int(rows) * _ROW_BYTES


class _Transaction:
    """All or nothing, also when the disk is full at the commit."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql

    def __enter__(self) -> None:
        self._sql.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._sql.execute("COMMIT")
        finally:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)
    path.chmod(0o600)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError(f"written by another version (file {version}, this program {_VERSION})")
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version={_VERSION}")
    return connection
