"""A proxy that loses answers after the server did the work: the failure that makes duplicates.

It reads a whole request, passes it on, reads the whole answer, and then either hands it over or cuts the connection.
`lose` is the chance of a cut (seeded, so a run can be repeated); `lose_next` cuts the next request that fits.
"""

import asyncio
import random
import threading
from collections.abc import Callable

Chosen = Callable[[str, str], bool]


class LosingProxy:
    """Listens on a free port of 127.0.0.1. `log`: method, path, and whether the answer was lost, of every request."""

    def __init__(
        self, port: int, *, lose: float = 0.0, seed: int = 0, methods: tuple[str, ...] = ("POST", "PUT", "DELETE")
    ) -> None:
        self._upstream = port
        self._lose = lose
        self._methods = methods
        self._random = random.Random(seed)
        self._next: list[Chosen] = []
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.log: list[tuple[str, str, bool]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lose_next(self, chosen: Chosen) -> None:
        """Lose the answer of the next request for which `chosen(method, path)` is true."""
        self._next.append(chosen)

    def calm(self) -> None:
        """Lose nothing from now on."""
        self._lose = 0.0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            while (head := await _head(reader)) is not None:
                method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
                body = await _body(head, reader)
                answer = await self._ask(head, body)
                lost = self._is_lost(method, path)
                self.log.append((method, path, lost))
                if lost:
                    writer.transport.abort()
                    return
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self._open.pop(task)
            writer.close()

    def _is_lost(self, method: str, path: str) -> bool:
        for chosen in self._next:
            if chosen(method, path):
                self._next.remove(chosen)
                return True
        return method in self._methods and self._random.random() < self._lose

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream, limit=2**26)
        try:
            writer.write(head + body)
            await writer.drain()
            answer = await _head(reader)
            if answer is None:
                raise ConnectionResetError("no answer")
            return answer + (b"" if b" 204 " in answer[:20] or b" 304 " in answer[:20] else await _body(answer, reader))
        finally:
            writer.close()


class ThreadedProxy:
    """The same proxy with an event loop of its own, for tests that kill whole processes."""

    def __init__(self, proxy: LosingProxy) -> None:
        self.proxy = proxy
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> LosingProxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.proxy.start(), self._loop).result(10)
        return self.proxy

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.proxy.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    headers = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        parts = []
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            parts += [line, await reader.readexactly(size + 2)]
            if size == 0:
                return b"".join(parts)
    return await reader.readexactly(int(headers.get(b"content-length", b"0")))
