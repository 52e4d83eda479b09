"""What people see of a deployment on Kafka: the queue and its deliveries, built of the topics `tickets` and `deliveries`, never
of a worker's memory.

A cache in an SQLite file (the embedded engine's tables) spares reading both topics whole at every look: each command reads on
from where the last one stopped. It is only a cache. It is built anew

- where the topics are others than those it was made of (made again, another prefix, other brokers);
- where a position is outside the log;
- after half a day: tombstones leave a compacted topic one day after they came (`delete.retention.ms`), and a reader that comes
  later would keep what they deleted.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from config.kafka import KafkaSettings
from records import codec
from records.errors import HilferufError, Poison
from records.tickets import Delivery, TicketOperation
from records.times import HOUR
from records.topics import DELIVERIES, TICKETS, WHOLE
from streams.kafka.reading import Reader, Record
from streams.store import Store, connect

FILE = "view.db"
MAX_AGE = 12 * HOUR
_MADE_OF, _READ_AT = "made_of", "read_at"


class _Kind(msgspec.Struct):
    schema: str


_kind = msgspec.json.Decoder(_Kind)
_operation: codec.Codec[TicketOperation] = codec.Codec("ticket operation", TicketOperation)


@contextmanager
def viewed(
    kafka: KafkaSettings, folder: Path, clock: Callable[[], int], tell: Callable[[str], None]
) -> Iterator[Store]:
    """The view as the topics stand now, in one reading transaction. `folder`: where the cache lies; `clock`: milliseconds since
    1970, UTC; `tell` is told in a line what could not be used. Raises HilferufError, Transient where the brokers do not
    answer."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with _alone(path.with_suffix(".lock")) as lock:
        connection = _connect(path, tell)
        try:
            with Reader(kafka) as reader:
                _catch_up(connection, reader, clock(), tell)
            connection.execute("BEGIN")
            connection.execute(
                "SELECT count(*) FROM meta"
            ).fetchone()  # from here on, another command's work is not seen
            fcntl.flock(lock, fcntl.LOCK_UN)
            yield Store(connection)
        finally:
            connection.close()


@contextmanager
def _alone(path: Path) -> Iterator[IO[str]]:
    """One command at a time catches up; the others wait, and find the work done."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle


def _connect(path: Path, tell: Callable[[str], None]) -> sqlite3.Connection:
    """The cache, for its owner's eyes only. One that cannot be used is made anew."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    try:
        return connect(path)
    except HilferufError as error:
        tell(f"{error}; it is only a cache, and is made anew")
        for part in (path, path.with_name(FILE + "-wal"), path.with_name(FILE + "-shm")):
            part.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        return connect(path)


def _catch_up(connection: sqlite3.Connection, reader: Reader, now: int, tell: Callable[[str], None]) -> None:
    """Everything up to where the topics end now, in bounded transactions that each keep records and positions together."""
    store = Store(connection)
    places = [*reader.places(TICKETS), *reader.places(DELIVERIES)]
    made_of = f"{reader.identity(TICKETS)}, {reader.identity(DELIVERIES)}"
    starts, ends = reader.starts(places), reader.ends(places)
    positions = {place: store.position(str(place)) for place in places}
    if (
        store.note(_MADE_OF) != made_of
        or not 0 <= now - int(store.note(_READ_AT) or 0) < MAX_AGE
        or any(positions[place] > ends[place] or 0 < positions[place] < starts[place] for place in places)
    ):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for table in ("tickets", "ticket_posts", "deliveries", "positions"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            store.set_note(_MADE_OF, made_of)
            store.set_note(_READ_AT, str(now))  # of the first record: what was read first may be deleted first
        positions = starts
    for records in reader.read(positions, ends):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for record in records:
                _take(store, record, tell)
                store.set_position(str(record.place), record.offset + 1)
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for place in places:
            store.set_position(str(place), max(positions[place], ends[place]))
        store.set_note(_READ_AT, str(now))


def _take(store: Store, record: Record, tell: Callable[[str], None]) -> None:
    if record.key is None or record.key == WHOLE:
        return
    try:
        if record.place.topic == TICKETS:
            _take_ticket(store, record.key, record)
        else:
            _take_delivery(store, record.key, record.value)
    except Poison as error:
        # The deliverer makes a dead letter of it; here it is only not seen.
        tell(f"{record.place}/{record.offset} passed over: {error}")


def _take_ticket(store: Store, key: str, record: Record) -> None:
    if record.value is None:  # its author was forgotten
        for table in ("tickets", "ticket_posts"):
            store.sql.execute(f"DELETE FROM {table} WHERE ticket = ?", (key,))  # noqa: S608 - our own names
        return
    try:
        kind = _kind.decode(record.value).schema
    except msgspec.DecodeError as error:
        raise codec.poison(error, "record of tickets") from error
    if kind.startswith("ticket-operation/"):
        store.put_ticket(_operation.decode(record.value), record.at)


def _take_delivery(store: Store, key: str, value: bytes | None) -> None:
    sink, _, ticket = key.partition("|")
    if ticket == WHOLE:  # what the deliverer itself keeps there
        return
    if value is None:
        store.sql.execute("DELETE FROM deliveries WHERE sink = ? AND ticket = ?", (sink, ticket))
        return
    delivery: Delivery = codec.deliveries.decode(value)
    store.put_delivery(delivery, 0)
