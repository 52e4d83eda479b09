"""The local queue as an SQLite file: tickets by rank, their posts, and what people did to them. Blocking and short.

Several processes may have it open: every verb is one transaction, taken for writing from its start. A removed text is
overwritten in the file (`secure_delete`), and the write-ahead log that still holds it is emptied.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from records.errors import Permanent, Refused, Transient
from records.tickets import Held, Post, Ticket
from sinks.plan import Changes, changes, is_over, removes
from sinks.render import author, body, marker, named, note, note_digest, rank_number, read_marker, subject

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets(
  number INTEGER PRIMARY KEY AUTOINCREMENT, ticket_id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, priority TEXT NOT NULL,
  rank_key INTEGER NOT NULL, league TEXT, score REAL NOT NULL, due_at TEXT NOT NULL, opened_at TEXT NOT NULL,
  subject TEXT NOT NULL, channel TEXT NOT NULL, brand TEXT, author TEXT NOT NULL, note TEXT NOT NULL,
  note_digest TEXT NOT NULL, human TEXT NOT NULL DEFAULT '', merged_into INTEGER);
CREATE INDEX IF NOT EXISTS by_rank ON tickets(rank_key DESC, number) WHERE merged_into IS NULL;
CREATE TABLE IF NOT EXISTS posts(
  ticket INTEGER NOT NULL, key TEXT NOT NULL, revision TEXT NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY(ticket, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, ticket_id TEXT NOT NULL, at TEXT NOT NULL, what TEXT NOT NULL, value TEXT);
"""

WAL_ATTEMPTS, WAL_PAUSE = 50, 0.02  # the pause in seconds


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket of the queue as a person sees it. score 0-100; due_at, opened_at UTC; posts: texts by time of posting."""

    number: int
    ticket: str
    status: str
    priority: str
    rank_key: int
    league: str | None
    score: float
    due_at: str
    opened_at: str
    subject: str
    channel: str
    brand: str | None
    author: str
    note: str
    posts: tuple[str, ...] = ()


class Done(msgspec.Struct, frozen=True):
    """Something a person did; `seq` grows."""

    seq: int
    ticket_id: str
    at: str
    what: str
    value: str | None


class QueueStore:
    """The file. `mode`: `full` or `link_only`. Raises Transient while another process holds the file too long, Refused where
    it cannot be used at all."""

    def __init__(self, path: Path, *, mode: str = "full", rerank_minutes: float = 0.0) -> None:
        self.path = path
        self._mode = mode
        self._rerank = rerank_minutes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # --- the sink's verbs ------------------------------------------------------------------------------------------

    def find(self, ticket_id: str) -> Held | None:
        """The ticket with this id of ours, unless it was merged away or deleted."""
        with self._transaction() as db:
            row = db.execute("SELECT number FROM tickets WHERE ticket_id=? AND merged_into IS NULL", (ticket_id,))
            found = row.fetchone()
            return _held(db, found[0]) if found else None

    def read(self, number: int) -> Held | None:
        """The ticket of this number, or the one it was merged into; `gone` after a delete; None: no such number yet."""
        with self._transaction() as db:
            return _held(db, _followed(db, number))

    def create(self, ticket: Ticket) -> int:
        """The number of the new ticket; of the one that is there, where our id is taken."""
        with self._transaction() as db:
            known = db.execute("SELECT number FROM tickets WHERE ticket_id=?", (ticket.id,)).fetchone()
            if known:
                return int(known[0])
            columns = {
                **self._shown(ticket),
                "ticket_id": ticket.id,
                "status": ticket.status,
                "priority": ticket.priority,
                "rank_key": rank_number(ticket.rank_key),
                "opened_at": ticket.opened_at,
            }
            names, marks = ",".join(columns), ",".join("?" * len(columns))
            number = db.execute(f"INSERT INTO tickets({names}) VALUES({marks})", tuple(columns.values())).lastrowid
            for post in ticket.posts:
                self._put(db, int(number or 0), ticket, post, edited=False)
            return int(number or 0)

    def write(self, number: int, human: frozenset[str], ticket: Ticket) -> Held:
        """Bring the ticket to the wanted one in one transaction; what a person set stays."""
        with self._transaction() as db:
            now = _held(db, number)
            if now is None or now.gone:
                raise Transient(f"queue: ticket {number} was deleted while it was written; looking again")
            held = named(msgspec.structs.replace(now, human=tuple({*now.human, *human})), ticket)
            todo = changes(held, ticket, ("status", "priority", "rank_key", "note"), self._rerank)
            if todo or held.status != ticket.status:
                self._apply(db, number, held, ticket, todo)
            after = _held(db, number)
        if removes(ticket):
            self.forget()
        return named(after or now, ticket)

    def merge(self, loser: int, winner: int) -> None:
        """The loser's number leads to the winner from now on, and its texts go: the winner is wanted with all posts."""
        with self._transaction() as db:
            source, target = _followed(db, loser), _followed(db, winner)
            if source == target:
                return
            db.execute("DELETE FROM posts WHERE ticket=?", (source,))
            db.execute(
                "UPDATE tickets SET merged_into=?, status='solved', note='', subject='', author='' WHERE number=?",
                (target, source),
            )
        self.forget()

    def forget(self) -> None:
        """Empty the write-ahead log, which may hold removed texts; where a reader hinders it, the next call does it."""
        with self._guarded() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def done_since(self, seq: int | None) -> tuple[list[Done], int]:
        """What people did after `seq`, oldest first, and the seq to go on from; None = nothing, from now on."""
        with self._transaction() as db:
            last = int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0])
            if seq is None:
                return [], last
            rows = db.execute("SELECT seq, ticket_id, at, what, value FROM events WHERE seq>? ORDER BY seq", (seq,))
            return [Done(*row) for row in rows], last

    # --- people ----------------------------------------------------------------------------------------------------

    def top(self, limit: int, *, over: bool = False) -> list[QueueEntry]:
        """The first tickets by rank; `over`: also those that are solved or withdrawn."""
        where = "" if over else "AND status NOT IN ('solved', 'withdrawn', 'closed')"
        with self._transaction() as db:
            rows = db.execute(
                f"{_SELECT} WHERE merged_into IS NULL {where} ORDER BY rank_key DESC, ticket_id LIMIT ?",
                (limit,),
            ).fetchall()
            return [_entry(db, row) for row in rows]

    def show(self, ticket: int | str) -> QueueEntry | None:
        """One ticket by number or by our id; a merged one is followed."""
        with self._transaction() as db:
            number = _number(db, ticket)
            row = db.execute(f"{_SELECT} WHERE number=?", (number,)).fetchone() if number is not None else None
            return _entry(db, row) if row else None

    def act(self, ticket: int | str, at: str, what: str, value: str | None = None) -> None:
        """What a person does: `solved`, `reopened`, `answered`, `priority`. Recorded, and the field is the person's now.
        Raises Permanent where there is no such ticket."""
        column = {"solved": "status", "reopened": "status", "answered": "status", "priority": "priority"}[what]
        stored = {"solved": "solved", "reopened": "open", "answered": "answered"}.get(what, value)
        with self._transaction() as db:
            number = _number(db, ticket)
            if number is None:
                raise Permanent(f"the queue has no ticket {ticket!r}; `hilferuf queue` lists them")
            row = db.execute("SELECT ticket_id, human FROM tickets WHERE number=?", (number,)).fetchone()
            human = {*filter(None, row[1].split(",")), column} - ({"status"} if what == "answered" else set())
            db.execute(
                f"UPDATE tickets SET {column}=?, human=? WHERE number=?",  # noqa: S608 - one of two names of ours
                (stored, ",".join(sorted(human)), number),
            )
            db.execute("INSERT INTO events(ticket_id, at, what, value) VALUES(?,?,?,?)", (row[0], at, what, value))

    def delete(self, ticket: int | str) -> None:
        """Remove a ticket with all its texts."""
        with self._transaction() as db:
            number = _number(db, ticket)
            if number is None:
                return
            db.execute("DELETE FROM posts WHERE ticket=?", (number,))
            db.execute("DELETE FROM tickets WHERE number=?", (number,))
        self.forget()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _apply(self, db: sqlite3.Connection, number: int, held: Held, ticket: Ticket, todo: Changes) -> None:
        for post in todo.posts:
            self._put(db, number, ticket, post, edited=post in todo.correct)
        status = todo.status or held.status or "open"
        if not is_over(status) and ticket.status in ("open", "answered") and "status" not in held.human:
            status = ticket.status
        # A person's decision that is wanted by now needs no protection any more, nor one that a new post has overtaken.
        agreed = todo.reopen or is_over(status) == is_over(ticket.status)
        human = {*held.human} - ({"status"} if agreed else set())
        columns: dict[str, Any] = {
            "status": status,
            "priority": todo.priority or held.priority,
            "rank_key": held.rank_key if todo.rank_key is None else todo.rank_key,
            "human": ",".join(sorted(human & {"status", "priority", "rank_key"})),
        }
        if todo.note is not None or todo.posts:
            columns |= self._shown(ticket)
        names = ",".join(f"{name}=?" for name in columns)
        db.execute(f"UPDATE tickets SET {names} WHERE number=?", (*columns.values(), number))  # noqa: S608 - names are ours

    def _shown(self, ticket: Ticket) -> dict[str, Any]:
        return {
            "league": ticket.league_name if ticket.league else None,
            "score": ticket.score,
            "due_at": ticket.due_at,
            "subject": subject(ticket, mode=self._mode),
            "channel": ticket.channel,
            "brand": ticket.brand,
            "author": author(ticket),
            "note": note(ticket, mode=self._mode),
            "note_digest": note_digest(ticket),
        }

    def _put(self, db: sqlite3.Connection, number: int, ticket: Ticket, post: Post, *, edited: bool) -> None:
        mark = read_marker(marker(post))
        if mark is None:
            raise Permanent(f"queue: post {post.id} has no marker")
        text = "" if post.removed else body(ticket, post, mode=self._mode, edited=edited)
        db.execute(
            "INSERT INTO posts(ticket, key, revision, at, text) VALUES(?,?,?,?,?) ON CONFLICT(ticket, key)"
            " DO UPDATE SET revision=excluded.revision, at=excluded.at, text=excluded.text",
            (number, mark.key, mark.revision, post.occurred_at, text),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                yield self._connection
            except sqlite3.OperationalError as error:
                if "locked" in str(error) or "busy" in str(error):
                    raise Transient(f"queue: {self.path.name} is held by another process", retry_after=1.0) from error
                raise Refused(f"queue: {self.path} cannot be used ({error}); check folder, rights and space") from error
            except sqlite3.DatabaseError as error:
                raise Refused(f"queue: {self.path} is no queue of ours or is damaged ({error})") from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=10.0, isolation_level=None, check_same_thread=False)
        try:
            _to_wal(db)
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA secure_delete=ON")
            db.executescript(_SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        return db


def _to_wal(db: sqlite3.Connection) -> None:
    """Turn on the write-ahead log. While a new file is turned by several at once, SQLite answers `locked` without waiting."""
    for attempt in range(WAL_ATTEMPTS):
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == WAL_ATTEMPTS - 1:
                raise
            time.sleep(WAL_PAUSE)
        else:
            return


_SELECT = (
    "SELECT number, ticket_id, status, priority, rank_key, league, score, due_at, opened_at, subject, channel, brand,"
    " author, note FROM tickets"
)


def _entry(db: sqlite3.Connection, row: tuple[Any, ...]) -> QueueEntry:
    texts = db.execute("SELECT text FROM posts WHERE ticket=? AND text<>'' ORDER BY at, key", (row[0],))
    names = QueueEntry.__struct_fields__[: len(row)]
    return QueueEntry(**dict(zip(names, row, strict=True)), posts=tuple(text for (text,) in texts))


def _number(db: sqlite3.Connection, ticket: int | str) -> int | None:
    """The number of a ticket given by number or by our id, a merged one followed."""
    column = "number" if str(ticket).isdecimal() else "ticket_id"
    row = db.execute(f"SELECT number FROM tickets WHERE {column}=?", (ticket,)).fetchone()  # noqa: S608 - two names of ours
    return _followed(db, row[0]) if row else None


def _followed(db: sqlite3.Connection, number: int) -> int:
    """Where a merge led. A merge never makes a circle: see `merge`."""
    while (row := db.execute("SELECT merged_into FROM tickets WHERE number=?", (number,)).fetchone()) and row[0]:
        number = row[0]
    return number


def _held(db: sqlite3.Connection, number: int) -> Held | None:
    row = db.execute(
        "SELECT ticket_id, status, priority, rank_key, note_digest, human FROM tickets WHERE number=?", (number,)
    ).fetchone()
    if row is None:
        given = db.execute("SELECT seq FROM sqlite_sequence WHERE name='tickets'").fetchone()
        return Held(remote_id=str(number), gone=True) if given and 0 < number <= given[0] else None
    posts: dict[str, str] = dict(db.execute("SELECT key, revision FROM posts WHERE ticket=?", (number,)).fetchall())
    return Held(
        remote_id=str(number),
        ticket_id=row[0],
        status=row[1],
        priority=row[2],
        rank_key=row[3],
        note=row[4],
        human=tuple(filter(None, row[5].split(","))),
        posts=posts,
    )
