"""The embedded engine's SQLite file: log, states, positions, timers, cursors, deliveries, and the view of the queue.

Every method runs inside the caller's transaction on one connection; nothing here commits. WAL with synchronous=FULL: what
was committed survives a loss of power.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from records import codec
from records.errors import HilferufError
from records.tickets import Delivery, Ticket, TicketOperation
from streams.deliver import LONGEST_WAIT

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topics (topic TEXT PRIMARY KEY, next_offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
  topic TEXT NOT NULL, offset INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (topic, offset)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS log_key ON log (topic, key);
CREATE TABLE IF NOT EXISTS positions (stage TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS states (
  stage TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (stage, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timers (
  stage TEXT NOT NULL, key TEXT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (stage, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS timers_due ON timers (stage, due);
CREATE TABLE IF NOT EXISTS cursors (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tickets (
  ticket TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL, rank_key INTEGER NOT NULL,
  canonical TEXT NOT NULL, at INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tickets_rank ON tickets (status, rank_key DESC);
CREATE TABLE IF NOT EXISTS ticket_posts (
  mention TEXT NOT NULL, ticket TEXT NOT NULL, PRIMARY KEY (mention, ticket)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
  sink TEXT NOT NULL, ticket TEXT NOT NULL, pending INTEGER NOT NULL, rank_key INTEGER NOT NULL,
  not_before INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (sink, ticket)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (sink, pending, rank_key DESC);
"""


class Entry(NamedTuple):
    """One record of the log; `at`: when it was written, milliseconds since 1970."""

    offset: int
    key: str
    value: bytes
    at: int


def connect(path: Path) -> sqlite3.Connection:
    """Opens (and where new, creates) the file. Raises HilferufError for a file of another version or no database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # an erased text must not linger in free pages
        connection.execute("PRAGMA cache_size=-32000")
        connection.executescript(_SCHEMA)
        row = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        if row is None:  # only then a write, so that a reader does not wait for the engine
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
            row = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    except sqlite3.DatabaseError as error:
        raise HilferufError(f"{path}: cannot be used as the engine's file: {error}") from error
    if int(row[0]) != SCHEMA_VERSION:
        raise HilferufError(f"{path}: was written by another version (file {row[0]}, this program {SCHEMA_VERSION})")
    return connection


def forget(connection: sqlite3.Connection) -> None:
    """Empties the write-ahead log, which else holds deleted texts until later writes happen to reach them. Waits for nobody:
    beside a reader or another writer it does what it can, and the next time the rest."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout=0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:  # locked, or a full disk: what was committed stands in the log as before
        return
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")


class Store:
    """The verbs over one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection

    # log

    def append(self, topic: str, records: Sequence[tuple[str, bytes]], at: int) -> None:
        """Append (key, value) records to a topic, in order."""
        if not records:
            return
        row = self.sql.execute("SELECT next_offset FROM topics WHERE topic = ?", (topic,)).fetchone()
        first = row[0] if row else 0
        self.sql.executemany(
            "INSERT INTO log VALUES (?, ?, ?, ?, ?)",
            [(topic, first + i, key, at, value) for i, (key, value) in enumerate(records)],
        )
        self.sql.execute("INSERT OR REPLACE INTO topics VALUES (?, ?)", (topic, first + len(records)))

    def read(self, topic: str, offset: int, limit: int) -> list[Entry]:
        """Records from `offset` on."""
        rows = self.sql.execute(
            "SELECT offset, key, value, at FROM log WHERE topic = ? AND offset >= ? ORDER BY offset LIMIT ?",
            (topic, offset, limit),
        )
        return [Entry(*row) for row in rows]

    def by_key(self, topic: str, key: str) -> list[Entry]:
        """All recorded versions under a key, oldest first."""
        rows = self.sql.execute(
            "SELECT offset, key, value, at FROM log WHERE topic = ? AND key = ? ORDER BY offset", (topic, key)
        )
        return [Entry(*row) for row in rows]

    def size(self, topic: str) -> int:
        """Next offset of a topic."""
        row = self.sql.execute("SELECT next_offset FROM topics WHERE topic = ?", (topic,)).fetchone()
        return int(row[0]) if row else 0

    def prune(self, topic: str, before: int, below: int, limit: int = 5_000) -> int:
        """Delete at most `limit` records written before a time and already read by everyone; returns how many."""
        cursor = self.sql.execute(
            "DELETE FROM log WHERE topic = ? AND offset IN "
            "(SELECT offset FROM log WHERE topic = ? AND at < ? AND offset < ? ORDER BY offset LIMIT ?)",
            (topic, topic, before, below, limit),
        )
        return cursor.rowcount

    def delete(self, topic: str, offset: int) -> None:
        """Delete one record (a dead letter that was dropped)."""
        self.sql.execute("DELETE FROM log WHERE topic = ? AND offset = ?", (topic, offset))

    def replace(self, topic: str, offset: int, value: bytes) -> None:
        """Replace one record's value (a dead letter that was redriven)."""
        self.sql.execute("UPDATE log SET value = ? WHERE topic = ? AND offset = ?", (value, topic, offset))

    # stages

    def position(self, stage: str) -> int:
        """Offset that the stage reads next."""
        row = self.sql.execute("SELECT offset FROM positions WHERE stage = ?", (stage,)).fetchone()
        return int(row[0]) if row else 0

    def set_position(self, stage: str, offset: int) -> None:
        """The stage has taken in everything before `offset`."""
        self.sql.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (stage, offset))

    def states(self, stage: str, keys: Iterable[str]) -> dict[str, bytes]:
        """States of the keys that have one."""
        found: dict[str, bytes] = {}
        for key in keys:
            row = self.sql.execute("SELECT value FROM states WHERE stage = ? AND key = ?", (stage, key)).fetchone()
            if row:
                found[key] = row[0]
        return found

    def all_keys(self, stage: str, after: str, limit: int) -> list[str]:
        """Keys with a state, in order, after one."""
        rows = self.sql.execute(
            "SELECT key FROM states WHERE stage = ? AND key > ? ORDER BY key LIMIT ?", (stage, after, limit)
        )
        return [row[0] for row in rows]

    def put_states(self, stage: str, states: dict[str, tuple[bytes | None, int | None]]) -> None:
        """Write (state, due) a key; a state of None deletes it."""
        put = [(stage, key, value) for key, (value, _) in states.items() if value is not None]
        gone = [(stage, key) for key, (value, _) in states.items() if value is None]
        self.sql.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?)", put)
        self.sql.executemany("DELETE FROM states WHERE stage = ? AND key = ?", gone)
        timers = [(stage, key, due) for key, (value, due) in states.items() if value is not None and due is not None]
        untimed = [(stage, key) for key, (value, due) in states.items() if value is None or due is None]
        self.sql.executemany("INSERT OR REPLACE INTO timers VALUES (?, ?, ?)", timers)
        self.sql.executemany("DELETE FROM timers WHERE stage = ? AND key = ?", untimed)

    def drop_timers(self, stage: str, keys: Iterable[str], now: int) -> None:
        """Take back timers that are due still after they fired: their step failed and would fail at every turn."""
        rows = [(stage, key, now) for key in keys]
        self.sql.executemany("DELETE FROM timers WHERE stage = ? AND key = ? AND due <= ?", rows)

    def due(self, stage: str, now: int, limit: int) -> list[str]:
        """Keys whose timer has come."""
        rows = self.sql.execute(
            "SELECT key FROM timers WHERE stage = ? AND due <= ? ORDER BY due LIMIT ?", (stage, now, limit)
        )
        return [row[0] for row in rows]

    # cursors and notes

    def cursor(self, key: str) -> dict[str, Any] | None:
        """A cursor, or None."""
        row = self.sql.execute("SELECT value FROM cursors WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def set_cursor(self, key: str, value: dict[str, Any]) -> None:
        """Write a cursor."""
        self.sql.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (key, json.dumps(value)))

    def note(self, name: str) -> str | None:
        """A value of the table meta."""
        row = self.sql.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_note(self, name: str, value: str) -> None:
        """Write a value of the table meta."""
        self.sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def notes(self, prefix: str) -> list[str]:
        """Names of the table meta that begin so."""
        rows = self.sql.execute("SELECT name FROM meta WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
        return [row[0] for row in rows]

    def drop_note(self, name: str) -> None:
        """Take a value out of the table meta."""
        self.sql.execute("DELETE FROM meta WHERE name = ?", (name,))

    # the view of the queue

    def put_ticket(self, operation: TicketOperation, at: int) -> None:
        """Take a ticket operation into the view, at this time (milliseconds since 1970); an older version changes nothing."""
        ticket = operation.ticket
        row = self.sql.execute("SELECT version FROM tickets WHERE ticket = ?", (ticket.id,)).fetchone()
        if row and row[0] >= operation.version:
            return
        self.sql.execute(
            "INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                ticket.id,
                operation.version,
                ticket.status,
                ticket.rank_key,
                ticket.canonical_id,
                at,
                msgspec.json.encode(ticket),
            ),
        )
        self.sql.executemany(
            "INSERT OR IGNORE INTO ticket_posts VALUES (?, ?)", [(post.id, ticket.id) for post in ticket.posts]
        )

    def tickets(self, statuses: Sequence[str], limit: int) -> list[Ticket]:
        """Tickets of these states, highest rank first."""
        marks = ",".join("?" * len(statuses))
        rows = self.sql.execute(
            f"SELECT value FROM tickets WHERE status IN ({marks}) ORDER BY rank_key DESC, ticket LIMIT ?",  # noqa: S608 - marks only
            (*statuses, limit),
        )
        return [_tickets.decode(row[0]) for row in rows]

    def ticket(self, ticket_id: str) -> Ticket | None:
        """A ticket by its live or canonical id."""
        row = self.sql.execute(
            "SELECT value FROM tickets WHERE ticket = ? OR canonical = ? ORDER BY ticket = ? DESC",
            (ticket_id, ticket_id, ticket_id),
        ).fetchone()
        return _tickets.decode(row[0]) if row else None

    def undelivered_to(self, sink: str, after: str, limit: int) -> list[TicketOperation]:
        """Open and answered tickets, in order after an id, that the ledger does not know for this sink: it was added later."""
        rows = self.sql.execute(
            "SELECT version, value FROM tickets t WHERE status IN ('open', 'answered') AND ticket > ? AND NOT EXISTS "
            "(SELECT 1 FROM deliveries d WHERE d.sink = ? AND d.ticket = t.ticket) ORDER BY ticket LIMIT ?",
            (after, sink, limit),
        )
        found = ((version, _tickets.decode(value)) for version, value in rows)
        return [TicketOperation(ticket_id=t.id, version=version, op="open", ticket=t) for version, t in found]

    def forget_tickets(self, before: int, limit: int) -> int:
        """Forget tickets that ended (solved, withdrawn, merged), did not change since `before`, and have no work left, with
        their posts and ledger entries; at most `limit`. Returns how many."""
        rows = self.sql.execute(
            "SELECT ticket FROM tickets t WHERE status IN ('solved', 'withdrawn', 'merged') AND at < ? AND NOT EXISTS "
            "(SELECT 1 FROM deliveries d WHERE d.ticket = t.ticket AND d.pending = 1) LIMIT ?",
            (before, limit),
        ).fetchall()
        for table in ("tickets", "ticket_posts", "deliveries"):
            self.sql.executemany(f"DELETE FROM {table} WHERE ticket = ?", rows)  # noqa: S608 - our own names
        return len(rows)

    def count_tickets(self) -> dict[str, int]:
        """How many tickets there are in each status."""
        return dict(self.sql.execute("SELECT status, count(*) FROM tickets GROUP BY status").fetchall())

    def tickets_of(self, mention_id: str) -> list[Ticket]:
        """Tickets that a mention stands or stood on."""
        rows = self.sql.execute(
            "SELECT t.value FROM ticket_posts p JOIN tickets t ON t.ticket = p.ticket WHERE p.mention = ?",
            (mention_id,),
        )
        return [_tickets.decode(row[0]) for row in rows]

    # deliveries

    def delivery(self, sink: str, ticket: str) -> Delivery | None:
        """The ledger's entry, or None."""
        row = self.sql.execute("SELECT value FROM deliveries WHERE sink = ? AND ticket = ?", (sink, ticket)).fetchone()
        return codec.deliveries.decode(row[0]) if row else None

    def put_delivery(self, delivery: Delivery, not_before: int) -> None:
        """Write an entry; `not_before` in milliseconds since 1970 (0 = at once)."""
        self.sql.execute(
            "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?)",
            (
                delivery.sink,
                delivery.ticket_id,
                int(delivery.state == "pending"),
                delivery.wanted.ticket.rank_key,
                not_before,
                codec.encode(delivery),
            ),
        )

    def due_deliveries(self, sink: str, now: int, limit: int) -> list[Delivery]:
        """Entries with work to do now, highest rank first; what lies too far ahead was written by a clock that was wrong."""
        rows = self.sql.execute(
            "SELECT value FROM deliveries WHERE sink = ? AND pending = 1 AND (not_before <= ? OR not_before > ?) "
            "ORDER BY rank_key DESC, ticket LIMIT ?",
            (sink, now, now + LONGEST_WAIT, limit),
        )
        return [codec.deliveries.decode(row[0]) for row in rows]

    def deliveries(self, sink: str | None = None) -> list[Delivery]:
        """All entries, or those of one sink."""
        rows = self.sql.execute("SELECT value FROM deliveries WHERE ? IS NULL OR sink = ?", (sink, sink))
        return [codec.deliveries.decode(row[0]) for row in rows]

    def deliveries_of(self, ticket: str) -> list[Delivery]:
        """The entries of one ticket, by sink."""
        rows = self.sql.execute("SELECT value FROM deliveries WHERE ticket = ? ORDER BY sink", (ticket,))
        return [codec.deliveries.decode(row[0]) for row in rows]

    def pending(self, sink: str) -> int:
        """How many entries have work left."""
        row = self.sql.execute("SELECT count(*) FROM deliveries WHERE sink = ? AND pending = 1", (sink,)).fetchone()
        return int(row[0])


_tickets: msgspec.json.Decoder[Ticket] = msgspec.json.Decoder(Ticket)
