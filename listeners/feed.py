"""The bounded queue between a socket's thread and the event loop.

When it is full the connection is dropped deliberately and the gap caught up later: memory stays bounded, and the other
side learns of nothing but a reconnect.
"""

import asyncio
import threading
from collections import deque
from typing import Final

ALIVE: Final = None  # stands in the queue for a keep-alive


class Feed:
    """One connection's items. `opened`, `put` and `alive` may be called from any thread, the rest from the event loop."""

    def __init__(self, limit: int = 1000) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._items: deque[bytes | None] = deque()
        self._lock = threading.Lock()
        self._wake = asyncio.Event()
        self.is_open = False
        self.overflowed = False

    def opened(self) -> None:
        """The other side accepted the connection; items follow."""
        self.is_open = True
        self._notify()

    def put(self, item: bytes) -> bool:
        """Takes an item. False: it is full, nothing more is taken, the caller closes the connection."""
        with self._lock:
            if self.overflowed or len(self._items) >= self._limit:
                self.overflowed = True
            else:
                self._items.append(item)
        self._notify()
        return not self.overflowed

    def alive(self) -> None:
        """The other side showed that it lives, without an item."""
        with self._lock:
            if not self._items or self._items[-1] is not ALIVE:
                self._items.append(ALIVE)
        self._notify()

    def take(self, most: int) -> list[bytes | None]:
        """Up to `most` items, oldest first; empty when there is none."""
        with self._lock:
            return [self._items.popleft() for _ in range(min(most, len(self._items)))]

    async def changed(self) -> None:
        """Returns when something was put, opened or ended since `take` last found nothing."""
        await self._wake.wait()
        self._wake.clear()

    def notify(self) -> None:
        """Wakes `changed`, for the end of a connection."""
        self._wake.set()

    def _notify(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)
