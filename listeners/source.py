"""Where lines come from: a file, once or followed as it grows, or a stream that cannot be read twice."""

import os
from abc import ABC, abstractmethod
from asyncio import Event
from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from listeners.clock import pause, unless_stopped
from listeners.contract import Clock
from listeners.ndjson import CHUNK, Line, Splitter
from listeners.status import Status
from listeners.threads import in_thread
from records.errors import Refused

POLL_SECONDS = 0.5
HEAD = 1024  # bytes at a file's beginning that tell it from another one


class Source(ABC):
    """Gives lines. `seekable`: it can be read from a position again."""

    seekable: bool

    @abstractmethod
    def read(self, cursor: dict[str, Any] | None, stop: Event) -> AsyncGenerator[list[Line]]:
        """Lines from behind the cursor on, some at a time. Raises Stopped; Refused where it cannot be read at all."""

    @abstractmethod
    def position(self, line: Line) -> dict[str, Any] | None:
        """The cursor behind this line, None where there can be none."""

    async def close(self) -> None:  # noqa: B027 - a source may have nothing to close
        """Give it back."""


class StreamSource(Source):
    """Standard input, or any other stream. What was read and not made durable is gone with the process."""

    seekable = False

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)

    async def read(self, cursor: dict[str, Any] | None, stop: Event) -> AsyncGenerator[list[Line]]:
        """Lines as they are written into the stream, to its end."""
        splitter = Splitter()
        while True:
            try:
                chunk = await unless_stopped(in_thread(self._read, CHUNK), stop)
            except (OSError, ValueError) as error:
                raise Refused(f"standard input cannot be read: {error}") from error
            if not chunk:
                break
            yield splitter.feed(chunk)
        yield splitter.finish()

    def position(self, line: Line) -> dict[str, Any] | None:
        """None: a stream cannot be read twice."""
        return None


class _Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A cursor: `line` lines and `offset` bytes of the file with this inode are done; `head`: SHA-256 over the first
    `head_bytes` bytes, at most HEAD, so that a file written anew under an old inode is noticed."""

    offset: int
    line: int
    inode: int
    head: str
    head_bytes: int


class FileSource(Source):
    """A file. A replaced or truncated one is read from its beginning: an id known already is harmless, a lost line is not.

    Followed, it may also not be there yet; a line without its end is waited for. What was written into the old file after a
    rotation, while the service was down, is not found again.
    """

    seekable = True

    def __init__(self, path: str, clock: Clock, status: Status, *, follow: bool) -> None:
        self._path, self._clock, self._status, self._follow = Path(path), clock, status, follow
        self._file: BinaryIO | None = None
        self._inode = 0
        self._last: dict[str, Any] | None = None

    async def read(self, cursor: dict[str, Any] | None, stop: Event) -> AsyncGenerator[list[Line]]:
        """Lines of the file, and of those that take its place while it is followed."""
        while True:
            file = await self._open(stop)
            try:
                async for lines in self._lines(file, cursor, stop):
                    yield lines
                cursor = None
            except OSError as error:
                reason = f"{self._path}: cannot be read: {error.strerror}"
                if not self._follow:
                    raise Refused(reason) from error
                self._status.say("reconnecting", reason)
                self._status.reconnected()
                cursor = self._last or cursor
                await pause(self._clock, POLL_SECONDS, stop)
            await self.close()
            if not self._follow:
                return

    async def _lines(self, file: BinaryIO, cursor: dict[str, Any] | None, stop: Event) -> AsyncGenerator[list[Line]]:
        """Lines of one file, to its end; followed, until another file stands in its place. Raises OSError."""
        splitter = await in_thread(self._resume, file, cursor)
        replaced = False
        while True:
            chunk = await unless_stopped(in_thread(file.read, CHUNK), stop, grace=1.0)
            if chunk:
                yield splitter.feed(chunk)
            elif not self._follow or replaced:
                break
            elif not (replaced := await in_thread(self._replaced, file)):
                # Once replaced it is read to its end first: something may have been written since the last read.
                await pause(self._clock, POLL_SECONDS, stop)
        yield splitter.finish()

    def position(self, line: Line) -> dict[str, Any] | None:
        """Offset, line, inode and head."""
        assert self._file is not None
        size = min(HEAD, line.end)
        head = os.pread(self._file.fileno(), size, 0)
        mark = _Mark(
            offset=line.end, line=line.number, inode=self._inode, head=sha256(head).hexdigest(), head_bytes=len(head)
        )
        self._last = msgspec.to_builtins(mark)
        return self._last

    async def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _open(self, stop: Event) -> BinaryIO:
        while True:
            try:
                file = await in_thread(lambda: self._path.open("rb"))
            except OSError as error:
                reason = f"{self._path}: cannot be read: {error.strerror}"
                if not self._follow:
                    raise Refused(reason) from error
                self._status.say("reconnecting", reason)
                await pause(self._clock, POLL_SECONDS, stop)
            else:
                self._file = file
                self._inode = os.fstat(file.fileno()).st_ino
                self._status.say("live")
                return file

    def _resume(self, file: BinaryIO, cursor: dict[str, Any] | None) -> Splitter:
        """Puts the file where reading goes on."""
        try:
            mark = msgspec.convert(cursor, _Mark) if cursor is not None else None
        except msgspec.ValidationError:
            mark = None  # written by another version: reading twice is harmless
        if mark is None or not self._holds(file, mark):
            return Splitter()
        file.seek(mark.offset)
        return Splitter(mark.offset, mark.line)

    def _holds(self, file: BinaryIO, mark: _Mark) -> bool:
        status = os.fstat(file.fileno())
        head = os.pread(file.fileno(), mark.head_bytes, 0)
        return status.st_ino == mark.inode and status.st_size >= mark.offset and sha256(head).hexdigest() == mark.head

    def _replaced(self, file: BinaryIO) -> bool:
        """Whether another file stands at the path now, or this one was cut."""
        try:
            status = self._path.stat()
        except OSError:
            return False  # moved away; its successor is not there yet
        return status.st_ino != self._inode or status.st_size < file.tell()
