"""What a command works on: the embedded engine's file, or the brokers where the settings name some. Nothing else in a command
knows which."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import NamedTuple

from config.settings import Loaded
from hilferuf.engine_file import opened, path_of
from hilferuf.progress import progress
from listeners.clock import SystemClock
from records.errors import HilferufError
from records.topics import MENTIONS
from streams.editions import Editions, StoredEditions
from streams.letters import Letters, StoredLetters
from streams.refeed import Log, StoredLog
from streams.store import Store, connect


class View(NamedTuple):
    """store: tickets and deliveries. history: all recorded versions of a mention, oldest first."""

    store: Store
    history: Callable[[str], list[bytes]]


@contextmanager
def view_of(loaded: Loaded) -> Iterator[View]:
    """The queue as it stands now. Raises HilferufError."""
    kafka = loaded.settings.kafka
    if kafka is None:
        with opened(loaded) as store:
            yield View(store, lambda mention: [entry.value for entry in store.by_key(MENTIONS, mention)])
        return
    from streams.kafka.history import history
    from streams.kafka.view import viewed

    def look(mention: str) -> list[bytes]:
        with progress() as line:
            return history(
                kafka, mention, lambda count: line.say(f"looking for {mention} in the log: {count:,} records")
            )

    with viewed(kafka, loaded.data_dir, SystemClock().now, _tell) as store:
        yield View(store, look)


@contextmanager
def letters_of(loaded: Loaded, *, write: bool = False) -> Iterator[Letters]:
    """The dead letters; what was done counts when this ends. Raises HilferufError."""
    kafka = loaded.settings.kafka
    now = SystemClock().now
    if kafka is None:
        with opened(loaded, write=write) as store:
            yield StoredLetters(store, now())
        return
    from streams.kafka.letters import KafkaLetters
    from streams.kafka.reading import Reader
    from streams.kafka.sending import sending
    from streams.kafka.view import viewed

    with (
        Reader(kafka) as reader,
        ExitStack() as opened_later,
    ):  # listing needs neither the right to write nor the ledger
        sender = cache(lambda: opened_later.enter_context(sending(kafka)))
        ledger = cache(lambda: opened_later.enter_context(viewed(kafka, loaded.data_dir, now, _tell)))
        yield KafkaLetters(reader, sender, ledger)


@contextmanager
def editions_of(loaded: Loaded, *, write: bool = False) -> Iterator[Editions]:
    """The editions of the lexicons; what was decided counts when this ends. Raises HilferufError where nothing has run yet."""
    if loaded.settings.kafka is not None:
        from streams.kafka.editions import looking

        with looking(loaded.settings.kafka) as found:
            yield found
        return
    with opened(loaded, write=write) as store:
        yield StoredEditions(store)


@contextmanager
def log_of(loaded: Loaded) -> Iterator[Log]:
    """The log, to be fed again. Raises HilferufError."""
    kafka = loaded.settings.kafka
    if kafka is not None:
        from streams.kafka.reading import Reader
        from streams.kafka.reprocess import KafkaLog
        from streams.kafka.sending import sending

        with Reader(kafka) as reader, sending(kafka) as sender:
            yield KafkaLog(reader, sender)
        return
    path = path_of(loaded)
    if not path.exists():
        raise HilferufError(f"{path} does not exist yet: `hilferuf run` makes it")
    connection = connect(path)
    try:
        yield StoredLog(Store(connection))
    finally:
        connection.close()


def _tell(text: str) -> None:
    sys.stderr.write(f"hilferuf: {text}\n")
