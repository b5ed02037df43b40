"""One timer fires for the earliest deadline, however often it moves."""

import asyncio

import pytest
from support.virtual_time import virtually

from telebridge.timing.timer import DeadlineTimer


class Clock:
    """A timer, and when it fired."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.timer = DeadlineTimer(self.loop)
        self.began = self.loop.time()
        self.times = []

    def set(self, *deadlines):
        for deadline in deadlines:
            self.timer.set(None if deadline is None else self.began + deadline, self.fired)

    def fired(self):
        self.times.append(pytest.approx(self.loop.time() - self.began))

    def handles(self):
        return [each for each in self.loop._scheduled if not each.cancelled()]


@virtually
async def test_it_fires_once_at_its_deadline():
    clock = Clock()
    clock.set(2.0)
    await asyncio.sleep(9)
    assert clock.times == [2.0]


@virtually
async def test_a_deadline_that_moves_away_leaves_the_timer_alone():
    clock = Clock()
    clock.set(2.0)
    handles = clock.handles()
    clock.set(3.0, 4.0, 5.0)
    assert clock.handles() == handles
    await asyncio.sleep(9)
    assert clock.times == [2.0], "too early, and the callback sets the next"


@virtually
async def test_a_deadline_that_comes_nearer_is_kept():
    clock = Clock()
    clock.set(5.0, 1.0)
    await asyncio.sleep(9)
    assert clock.times == [1.0]


@virtually
async def test_without_a_deadline_it_does_not_fire():
    clock = Clock()
    clock.set(None)
    clock.set(1.0, None)
    await asyncio.sleep(9)
    assert clock.times == []


@virtually
async def test_a_callback_may_set_it_again():
    clock = Clock()
    clock.set(1.0)
    await asyncio.sleep(1.5)
    clock.set(2.0)
    await asyncio.sleep(9)
    assert clock.times == [1.0, 2.0]


@virtually
async def test_a_cancelled_timer_does_not_fire():
    clock = Clock()
    clock.set(1.0)
    clock.timer.cancel()
    clock.timer.cancel()
    await asyncio.sleep(9)
    assert clock.times == []
