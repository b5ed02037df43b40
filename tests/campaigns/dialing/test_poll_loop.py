"""The poll loop: how long it waits between two calls of its work, what wakes it and what ends it."""

import asyncio

import pytest
from support.virtual_time import virtually

from telebridge.campaigns.dialing.poll_loop import PollLoop


class Work:
    """Notes when each round began; the first ones fail."""

    def __init__(self, failing=0):
        self.failing = failing
        self.begun = asyncio.get_running_loop().time()
        self.rounds = []

    async def __call__(self):
        self.rounds.append(asyncio.get_running_loop().time() - self.begun)
        if len(self.rounds) <= self.failing:
            raise OSError("away")


def started(work):
    rounds = PollLoop(every_seconds=1, trouble_seconds=5)
    return rounds, asyncio.create_task(rounds.run(work, failed="it failed"))


@virtually
async def test_a_round_begins_at_once_and_then_again_and_again():
    work = Work()
    rounds, task = started(work)
    await asyncio.sleep(2.5)
    rounds.drain()
    await task
    assert work.rounds == pytest.approx([0, 1, 2])


@virtually
async def test_after_a_round_that_failed_the_next_one_comes_later():
    work = Work(failing=2)
    rounds, task = started(work)
    await asyncio.sleep(11.5)
    rounds.drain()
    await task
    assert work.rounds == pytest.approx([0, 5, 10, 11])


@virtually
async def test_whoever_wakes_it_does_not_wait_for_the_next_round():
    work = Work()
    rounds, task = started(work)
    await asyncio.sleep(0.5)
    rounds.wake()
    await asyncio.sleep(1.2)
    rounds.drain()
    await task
    assert work.rounds == pytest.approx([0, 0.5, 1.5])


@virtually
async def test_a_wake_in_the_middle_of_a_round_is_not_lost():
    begun = []

    async def woken_meanwhile():
        begun.append(asyncio.get_running_loop().time())
        if len(begun) == 1:
            rounds.wake()

    rounds, task = started(woken_meanwhile)
    await asyncio.sleep(0.5)
    rounds.drain()
    await task
    assert begun == pytest.approx([begun[0]] * 2)


@virtually
async def test_a_drain_lets_the_round_under_way_end_and_none_begin():
    ended = []

    async def long():
        await asyncio.sleep(3)
        ended.append(rounds.draining)

    rounds, task = started(long)
    await asyncio.sleep(1)
    rounds.drain()
    await task
    assert ended == [True]
