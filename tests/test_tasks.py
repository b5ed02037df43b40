"""Background tasks are held until they are done, and end together."""

import asyncio
import threading

import pytest
from support.flows import alive

from telebridge.tasks import Tasks, in_daemon_thread


async def test_all_that_runs_ends_with_the_call_but_who_ends_it():
    ended = []

    async def wait(name):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    tasks = Tasks("call")

    async def end():
        tasks.cancel()
        await asyncio.sleep(0)
        ended.append("the end")

    tasks.start(wait("one"))
    tasks.start(wait("two"))
    await asyncio.sleep(0)
    assert len(alive()) == 2
    await tasks.start(end())
    assert sorted(ended) == ["one", "the end", "two"]
    assert alive() == []


async def test_waiting_is_bounded_and_says_whether_all_is_done():
    tasks = Tasks("test")
    assert await tasks.wait(0)
    done = asyncio.Event()
    tasks.start(done.wait())
    assert len(tasks) == 1
    assert not await tasks.wait(0)
    done.set()
    assert await tasks.wait()
    assert len(tasks) == 0


async def test_work_in_a_daemon_thread_returns_and_raises():
    def work():
        thread = threading.current_thread()
        return thread.name, thread.daemon

    assert await in_daemon_thread("adding", work) == ("adding", True)
    with pytest.raises(ZeroDivisionError):
        await in_daemon_thread("dividing", lambda: 1 // 0)


async def test_who_waits_for_a_daemon_thread_may_be_cancelled():
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        go_on.wait(10)
        ended.set()

    waiting = asyncio.create_task(in_daemon_thread("waiting", work))
    await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    assert await asyncio.to_thread(ended.wait, 10), "the thread goes on"
