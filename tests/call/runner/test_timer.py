"""One timer rings for the earliest deadline, however often it moves."""

import asyncio

import pytest
from support.virtual_time import virtually

from telebridge.call.runner.timer import DeadlineTimer


class Rung:
    """An alarm, and when it rang."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.alarm = DeadlineTimer(self.loop)
        self.began = self.loop.time()
        self.times = []

    def set(self, *deadlines):
        for deadline in deadlines:
            self.alarm.set(None if deadline is None else self.began + deadline, self.ring)

    def ring(self):
        self.times.append(pytest.approx(self.loop.time() - self.began))

    def timers(self):
        return [each for each in self.loop._scheduled if not each.cancelled()]


@virtually
async def test_it_rings_once_at_its_deadline():
    rung = Rung()
    rung.set(2.0)
    await asyncio.sleep(9)
    assert rung.times == [2.0]


@virtually
async def test_a_deadline_that_moves_away_leaves_the_timer_alone():
    rung = Rung()
    rung.set(2.0)
    timers = rung.timers()
    rung.set(3.0, 4.0, 5.0)
    assert rung.timers() == timers
    await asyncio.sleep(9)
    assert rung.times == [2.0], "too early, and whoever is rung sets the next"


@virtually
async def test_a_deadline_that_comes_nearer_is_kept():
    rung = Rung()
    rung.set(5.0, 1.0)
    await asyncio.sleep(9)
    assert rung.times == [1.0]


@virtually
async def test_without_a_deadline_it_does_not_ring():
    rung = Rung()
    rung.set(None)
    rung.set(1.0, None)
    await asyncio.sleep(9)
    assert rung.times == []


@virtually
async def test_who_is_rung_may_set_it_anew():
    rung = Rung()
    rung.set(1.0)
    await asyncio.sleep(1.5)
    rung.set(2.0)
    await asyncio.sleep(9)
    assert rung.times == [1.0, 2.0]


@virtually
async def test_one_that_is_cancelled_does_not_ring():
    rung = Rung()
    rung.set(1.0)
    rung.alarm.cancel()
    rung.alarm.cancel()
    await asyncio.sleep(9)
    assert rung.times == []
