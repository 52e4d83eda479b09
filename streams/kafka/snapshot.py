"""A partition's states as one local file, so that a restart reads the tail of the changelog and not all of it.

A snapshot is a prefix of the changelog: position and states. It is a cache: lost, damaged or too old it costs a longer start,
never a wrong state. Too old means older than the changelog keeps tombstones, or keys that were deleted would come back.

File: the header as a JSON line, then chunks of rows as msgpack (each with its length before it), then a checksum of all of it.
"""

import os
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger("snapshot")

Row = tuple[str, int | None, bytes]  # key, due (milliseconds since 1970), state
FORMAT = 1
CHUNK = 10_000  # rows
MAX_AGE_SECONDS = 20 * 3600  # the changelogs keep tombstones for a day


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """position: of the changelog, the first record that is not in. at: seconds since 1970, when the position was reached.
    topic: the changelog's id on the brokers: one that was made anew has another."""

    format: int = FORMAT
    stage: str
    partition: int
    topic: str
    position: int
    rows: int
    at: float


class Snapshot(msgspec.Struct, frozen=True):
    """What a file held."""

    header: Header
    rows: list[Row]


def write(path: Path, header: Header, rows: Sequence[Row]) -> None:
    """Write the file whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    check = 0
    with open(scratch, "wb", opener=_private) as file:
        for piece in _pieces(header, rows):
            check = zlib.crc32(piece, check)
            file.write(piece)
        file.write(check.to_bytes(4, "big"))
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _pieces(header: Header, rows: Sequence[Row]) -> Iterator[bytes]:
    yield msgspec.json.encode(header) + b"\n"
    encoder = msgspec.msgpack.Encoder()
    for at in range(0, len(rows), CHUNK):
        piece = encoder.encode(rows[at : at + CHUNK])
        yield len(piece).to_bytes(4, "big") + piece
        time.sleep(0)  # let the event loop have the interpreter


def read(path: Path, *, stage: str, partition: int, topic: str, now: float) -> Snapshot | None:
    """The snapshot, or None where there is none that may be used; `now`: seconds since 1970."""
    try:
        data = path.read_bytes()
        snapshot = _parsed(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        log.warning("snapshot not usable; the changelog is read instead", file=str(path), error=str(error))
        return None
    header = snapshot.header
    if (header.stage, header.partition, header.topic) != (stage, partition, topic):
        log.warning("snapshot of another changelog; it is read instead", file=str(path))
        return None
    if not 0 <= now - header.at < MAX_AGE_SECONDS:
        log.info("snapshot too old; the changelog is read instead", file=str(path))
        return None
    return snapshot


def _parsed(data: bytes) -> Snapshot:
    body, check = memoryview(data)[:-4], data[-4:]
    if zlib.crc32(body).to_bytes(4, "big") != check:
        raise ValueError("the checksum is wrong")
    end = data.index(b"\n")
    header = msgspec.json.decode(data[:end], type=Header)
    if header.format != FORMAT:
        raise ValueError(f"format {header.format} is not {FORMAT}")
    decoder: msgspec.msgpack.Decoder[list[Row]] = msgspec.msgpack.Decoder(list[Row])
    rows: list[Row] = []
    at = end + 1
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        rows += decoder.decode(body[at + 4 : at + 4 + size])
        at += 4 + size
    if len(rows) != header.rows:
        raise ValueError(f"{len(rows)} rows instead of {header.rows}")
    return Snapshot(header, rows)
