"""What runs beside a call ends with it."""

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

    tasks = Tasks()

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
