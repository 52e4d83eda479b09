"""Blocking SDK calls in threads that never hold up the end of the process."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(call: Callable[..., T], *args: Any, name: str = "listener", **kwargs: Any) -> T:
    """The result of a blocking call, made in a daemon thread of its own.

    Not asyncio.to_thread: its pool is joined at the end of the loop, so that one hanging request would keep a stopped
    service alive until its timeout. A cancelled wait leaves the thread to its timeout; its result is dropped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = call(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - it is handed to the waiting task, whatever it is
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future
