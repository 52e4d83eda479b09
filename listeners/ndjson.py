"""Lines of newline-delimited JSON out of a byte stream: pure, streaming, and bounded whatever comes.

A line ends with LF or CR LF; a byte order mark at the start and empty lines are passed over. A line longer than `MAX_LINE`
comes with its beginning only (`size` tells), so that one endless line cannot fill the memory.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_LINE = 4 * 1024 * 1024  # bytes
KEPT = 64 * 1024  # bytes kept of a longer line, for the dead letter
CHUNK = 256 * 1024

_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line. `number` counts from 1, empty lines too; `data` is without the line's end; `end`: offset of the byte behind
    the line, where reading goes on; `size`: bytes of the whole line, more than `data` has where it was cut."""

    number: int
    data: bytes
    end: int
    size: int

    @property
    def too_long(self) -> bool:
        """Whether only the beginning is here."""
        return self.size > MAX_LINE


class Splitter:
    """Cuts chunks of bytes into lines. `offset` and `number`: where the first chunk stands, and how many lines lie before it.
    Keeps at most MAX_LINE bytes between two calls."""

    def __init__(self, offset: int = 0, number: int = 0) -> None:
        self._offset = offset  # of the first byte of `_rest`, or of the line whose beginning is in `_head`
        self._number = number
        self._rest = bytearray()
        self._head: bytes | None = None
        self._dropped = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that this chunk completes."""
        lines: list[Line] = []
        searched = len(self._rest)
        self._rest += chunk
        start = 0
        while (end := self._rest.find(b"\n", max(start, searched))) >= 0:
            self._take(bytes(self._rest[start:end]), 1, lines)
            start = end + 1
        del self._rest[:start]
        if len(self._rest) > MAX_LINE or (self._head is not None and self._rest):
            if self._head is None:
                self._head = bytes(self._rest[:KEPT])
            self._dropped += len(self._rest)
            self._rest.clear()
        return lines

    def finish(self) -> list[Line]:
        """The last line, where the stream ends without a line end."""
        lines: list[Line] = []
        if self._rest or self._head is not None:
            rest = bytes(self._rest)
            self._rest.clear()
            self._take(rest, 0, lines)
        return lines

    def _take(self, data: bytes, ending: int, lines: list[Line]) -> None:
        size = self._dropped + len(data)
        at_start = self._offset == 0
        self._number += 1
        self._offset += size + ending
        if self._head is not None or size > MAX_LINE:
            data = self._head if self._head is not None else data[:KEPT]
        self._head, self._dropped = None, 0
        if at_start and data.startswith(_BOM):
            data = data[len(_BOM) :]
        data = data.removesuffix(b"\r")
        if data.strip():
            lines.append(Line(self._number, data, self._offset, size))


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of a stream to its end. From a pipe they come as they are written, not when a block is full."""
    splitter = Splitter()
    read = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK):
        yield from splitter.feed(chunk)
    yield from splitter.finish()
