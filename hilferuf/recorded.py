"""Recorded mentions, to be judged again: of NDJSON files, of the embedded engine's log, or of the topic on Kafka."""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from config.settings import Loaded
from hilferuf.engine_file import path_of
from listeners.contract import Bad
from listeners.replay import read_mentions
from records import codec
from records.errors import HilferufError, Poison
from records.mention import Mention, Op
from records.times import from_ms
from records.topics import MENTIONS, WHOLE
from streams.store import Store, connect

STEP = 1_000  # records read at a time


def recorded(
    loaded: Loaded, over: list[str], now: int, *, ops: Collection[Op] = ("create", "update")
) -> Iterator[Mention]:
    """Created and edited mentions (or those of these `ops`), in the order in which they stand: of these files (- = standard
    input), or, where none is named, of the running log. now: milliseconds since 1970, for a mention that names no time. What
    cannot be read is left out; in a file, it is told with its place. Raises HilferufError."""
    found = _files(over, from_ms(now)) if over else _log(loaded)
    return (mention for mention in found if mention.op in ops)


def _files(names: list[str], now: str) -> Iterator[Mention]:
    for name in names:
        try:
            with sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream:
                for item in read_mentions(stream, observed_at=now, until=now, name="stdin" if name == "-" else name):
                    if isinstance(item, Bad):
                        sys.stderr.write(f"hilferuf: {item.origin}: {item.reason}\n")
                    else:
                        yield item
        except OSError as error:
            raise HilferufError(f"{name}: cannot be read: {error.strerror}") from error


def _log(loaded: Loaded) -> Iterator[Mention]:
    for value in logged(loaded):
        try:
            record = codec.mentions.decode(value)
        except Poison:
            continue  # a dead letter already
        if isinstance(record, Mention):
            yield record


def logged(loaded: Loaded) -> Iterator[bytes]:
    """The records of the running log as they stand there, mentions and look-ups. Raises HilferufError."""
    return _topic(loaded) if loaded.settings.kafka else _file(loaded)


def _file(loaded: Loaded) -> Iterator[bytes]:
    """No transaction holds all of it, so that the running service's write-ahead log does not grow meanwhile."""
    path = path_of(loaded)
    if not path.exists():
        raise HilferufError(
            f"{path} does not exist yet: `hilferuf run` makes it; or name recorded mentions with --over"
        )
    connection = connect(path)
    try:
        store, offset = Store(connection), 0
        end = store.size(MENTIONS)
        while offset < end and (entries := store.read(MENTIONS, offset, STEP)):
            offset = entries[-1].offset + 1
            yield from (entry.value for entry in entries)
    finally:
        connection.close()


def _topic(loaded: Loaded) -> Iterator[bytes]:
    from streams.kafka.reading import Reader

    assert loaded.settings.kafka is not None
    with Reader(loaded.settings.kafka) as reader:
        places = reader.places(MENTIONS)
        for records in reader.read(reader.starts(places), reader.ends(places)):
            for record in records:
                if record.key not in (None, WHOLE) and record.value is not None:
                    yield record.value
