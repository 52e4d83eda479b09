"""Runs a channel's own code so that no fault of the other side, foreseen or not, ends a listener or leaks a secret."""

from asyncio import Event
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from listeners.clock import Stopped, unless_stopped
from listeners.status import origin
from records.errors import HilferufError, Transient

log = structlog.get_logger(__name__)
T = TypeVar("T")


async def guarded(listener: str, work: Coroutine[Any, Any, T], stop: Event) -> T:
    """The result of `work`. Raises Stopped, HilferufError as it is, and everything else as Transient that names only the
    kind of the fault and its place: its own text may hold a token or a post."""
    try:
        return await unless_stopped(work, stop)
    except (HilferufError, Stopped):
        raise
    except Exception as error:  # noqa: BLE001 - a dead listener is worse than one that retries
        where = origin(error)
        log.debug("unforeseen fault", listener=listener, kind=type(error).__name__, where=where)
        raise Transient(f"{listener}: unforeseen {type(error).__name__} at {where}; it is tried again") from None
