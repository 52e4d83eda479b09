"""Waiting, and work in threads, that a stop ends at once."""

import asyncio
import threading

import pytest

from listeners.clock import Stopped, SystemClock, pause, unless_stopped
from listeners.threads import in_thread


async def answer(after: asyncio.Event | None = None):
    if after is not None:
        await after.wait()
    return 42


async def test_work_that_ended_counts_though_stop_is_set():
    stop = asyncio.Event()
    stop.set()
    assert await unless_stopped(answer(), stop, grace=1.0) == 42


async def test_work_gets_its_grace_after_stop():
    stop, go = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(unless_stopped(answer(go), stop, grace=5.0))
    await asyncio.sleep(0)
    stop.set()
    asyncio.get_running_loop().call_later(0.05, go.set)
    assert await task == 42


async def test_work_is_cancelled_after_its_grace():
    stop, never = asyncio.Event(), asyncio.Event()
    stop.set()
    cancelled = []

    async def work():
        try:
            await never.wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(Stopped):
        await unless_stopped(work(), stop, grace=0.05)
    assert cancelled == [True]


async def test_a_pause_ends_with_stop():
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, stop.set)
    with pytest.raises(Stopped):
        await asyncio.wait_for(pause(SystemClock(), 3600, stop), 2)


async def test_a_call_in_a_thread_gives_its_result_or_its_error():
    assert await in_thread(sum, [1, 2]) == 3
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)


async def test_a_hanging_call_is_left_behind_in_a_daemon_thread():
    release, threads = threading.Event(), []

    def hang():
        threads.append(threading.current_thread())
        release.wait(10)

    task = asyncio.create_task(in_thread(hang))
    while not threads:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threads[0].daemon
    release.set()
