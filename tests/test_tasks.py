"""Background tasks are held until they are done, and end together."""

import asyncio

from support.flows import alive

from telebridge.tasks import Tasks


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
