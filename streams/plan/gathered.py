"""Where a plan keeps what it found: one scratch SQLite file, so that a year of mentions needs no more memory than a day."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from records import codec
from streams.plan.difference import Change, Stands
from streams.plan.judging import Heard
from streams.plan.known import Told
from streams.plan.rules import Both

_SCHEMA = """
CREATE TABLE heard (id TEXT NOT NULL, author TEXT, parent TEXT, mention BLOB NOT NULL, old BLOB, new BLOB);
CREATE TABLE authors (id TEXT PRIMARY KEY, author TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE known (author TEXT NOT NULL, event BLOB NOT NULL);
CREATE INDEX known_author ON known (author);
CREATE TABLE standing (side INTEGER NOT NULL, rank_key INTEGER NOT NULL, score REAL NOT NULL, ticket TEXT NOT NULL);
CREATE TABLE changes (kind TEXT NOT NULL, rank_key INTEGER NOT NULL, ticket TEXT NOT NULL, value BLOB NOT NULL);
"""
_change: "msgspec.json.Decoder[Change]" = msgspec.json.Decoder(Change)


class Group(NamedTuple):
    """What concerns one author. said: mentions with their verdicts by the old and the new lexicon (None: the same, or none at
    all); known: author events that no lexicon has a say in. All encoded."""

    author: str
    said: list[tuple[bytes, bytes | None, bytes | None]]
    known: list[bytes]


class Gathered:
    """See the module. Nothing of it is to last: it is never synced to the disk."""

    def __init__(self, path: Path) -> None:
        self._sql = sqlite3.connect(path, isolation_level=None)
        self._sql.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32000;" + _SCHEMA)
        self._sql.execute("BEGIN")

    def close(self) -> None:
        """The file is of no use any more."""
        self._sql.close()

    # mentions

    def hear(self, heard: Sequence[Heard]) -> None:
        """Keep mentions, in the order in which they were recorded."""
        self._sql.executemany(
            "INSERT INTO heard VALUES (?, ?, ?, ?, ?, ?)",
            [(h.id, h.author, h.parent, h.mention, *_encoded(h.verdicts)) for h in heard],
        )
        self._sql.executemany(
            "INSERT OR IGNORE INTO authors VALUES (?, ?)",
            [(h.id, h.author) for h in heard if h.author is not None and h.verdicts is not None],
        )

    def know(self, told: Iterable[Told]) -> None:
        """Keep what is known of authors."""
        self._sql.executemany("INSERT INTO known VALUES (?, ?)", told)

    def groups(self) -> Iterator[Group]:
        """The mentions of each author, or of each mention without one; in a fixed order. A delete may name another author than
        its post did, and an answer names none: both belong where the post is."""
        self._sql.execute(
            "INSERT OR IGNORE INTO authors SELECT h.id, COALESCE(a.author, h.parent) FROM heard h "
            "LEFT JOIN authors a ON a.id = h.parent WHERE h.author IS NULL AND h.parent IS NOT NULL ORDER BY h.rowid"
        )
        rows = self._sql.cursor().execute(
            "SELECT COALESCE(a.author, h.author, h.id) AS belongs, h.mention, h.old, h.new FROM heard h "
            "LEFT JOIN authors a ON a.id = h.id ORDER BY belongs, h.rowid"
        )
        name: str | None = None
        said: list[tuple[bytes, bytes | None, bytes | None]] = []
        for group, *record in rows:
            if group != name:
                if name is not None:
                    yield Group(name, said, self._known(name))
                name, said = group, []
            said.append(tuple(record))
        if name is not None:
            yield Group(name, said, self._known(name))

    def _known(self, author: str) -> list[bytes]:
        rows = self._sql.execute("SELECT event FROM known WHERE author = ? ORDER BY rowid", (author,))
        return [row[0] for row in rows]

    # tickets

    def stand(self, stands: Iterable[Stands]) -> None:
        """Keep where open tickets stand."""
        self._sql.executemany("INSERT INTO standing VALUES (?, ?, ?, ?)", stands)

    def change(self, changes: Iterable[Change]) -> None:
        """Keep changes."""
        self._sql.executemany(
            "INSERT INTO changes VALUES (?, ?, ?, ?)",
            [(c.change, c.shown.rank_key, c.ticket, codec.encode(c)) for c in changes],
        )

    def place(self) -> None:
        """All is here: number the places of both queues."""
        self._sql.executescript(
            "CREATE TABLE places AS SELECT side, ticket, ROW_NUMBER() OVER "
            "(PARTITION BY side ORDER BY rank_key DESC, score DESC, ticket) AS place FROM standing; "
            "CREATE INDEX by_ticket ON places (side, ticket)"
        )

    def open_tickets(self) -> tuple[int, int]:
        """How many stand open by the old and by the new lexicon."""
        counts = dict(self._sql.execute("SELECT side, count(*) FROM standing GROUP BY side").fetchall())
        return counts.get(0, 0), counts.get(1, 0)

    def changes(self) -> Iterator[Change]:
        """All changes: gained, lost, moved, each by rank."""
        rows = self._sql.cursor().execute(
            "SELECT value FROM changes ORDER BY CASE kind WHEN 'gained' THEN 0 WHEN 'lost' THEN 1 ELSE 2 END, "
            "rank_key DESC, ticket"
        )
        for (value,) in rows:
            change = _change.decode(value)
            old = change.old and msgspec.structs.replace(change.old, rank=self._rank(0, change.old.ticket))
            new = change.new and msgspec.structs.replace(change.new, rank=self._rank(1, change.new.ticket))
            yield msgspec.structs.replace(change, old=old, new=new)

    def _rank(self, side: int, ticket: str) -> int | None:
        row = self._sql.execute("SELECT place FROM places WHERE side = ? AND ticket = ?", (side, ticket)).fetchone()
        return row[0] if row else None


def _encoded(verdicts: Both | None) -> tuple[bytes | None, bytes | None]:
    if verdicts is None:
        return None, None
    old = codec.encode(verdicts.old)
    return old, None if verdicts.new is verdicts.old else codec.encode(verdicts.new)
