"""Blocking SDK calls in threads that never hold up the end of the process."""

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(call: Callable[..., T], *args: Any, name: str = "listener", **kwargs: Any) -> T:
    """The result of a blocking call, made in a daemon thread of its own.

    Not asyncio.to_thread: its pool is joined at the end of the loop, so that one hanging request would keep a stopped
    service alive until its timeout. A cancelled wait leaves the thread to its timeout; its result is dropped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        result, failure = None, None
        try:
            result = call(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - it is handed to the waiting task, whatever it is
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, future, result, failure)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future


class Lane:
    """One daemon thread that makes blocking calls in the order they are given, for one event loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def run(self, call: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """The result of `call(*args)`. A cancelled wait does not take the call back."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(partial(self._one, future, partial(call, *args)))
        return future

    def end(self) -> None:
        """No more calls; those that were given are still made."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _one(self, future: "asyncio.Future[Any]", call: Callable[[], Any]) -> None:
        result, failure = None, None
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is handed to the waiting task, whatever it is
            failure = error
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, future, result, failure)


def _settle(future: "asyncio.Future[Any]", result: Any, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
