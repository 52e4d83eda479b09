"""Reading the engine's file from a command, beside a running service: a connection of its own, one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.settings import Loaded
from records.errors import HilferufError
from streams.store import Store, connect

FILE = "hilferuf.db"


def path_of(loaded: Loaded) -> Path:
    """Where the engine's file lies."""
    return loaded.data_dir / FILE


@contextmanager
def opened(loaded: Loaded, *, write: bool = False, make: bool = False) -> Iterator[Store]:
    """The store in one transaction, committed at the end; without `write` it keeps no engine from writing, however long it
    reads. Raises HilferufError where nothing has run yet, unless the file is to be made."""
    path = path_of(loaded)
    if not make and not path.exists():
        raise HilferufError(f"{path} does not exist yet: `hilferuf run` makes it")
    connection = connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        yield Store(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.close()
