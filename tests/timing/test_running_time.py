"""Time in which the event loop ran, and deadlines that count nothing else."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.virtual_time import virtually

from telebridge.simulator.setup.clock import run_virtual
from telebridge.timing.running_time import PUNCTUAL_SECONDS, TICK_SECONDS, RunningTime, RunningTimeout, running_time


def stall(seconds):
    """Let the event loop do nothing for a while, as a callback that takes long does."""
    asyncio.get_running_loop()._jumping.now += seconds


def ticking():
    """Look at the running loop as `LoadWatch` does."""
    loop = asyncio.get_running_loop()

    def tick():
        running_time().tick(loop.time())
        loop.call_at(loop.time() + TICK_SECONDS, tick)

    tick()


class Clock:
    """A loop that only has a time."""

    now = 0.0

    def time(self):
        return self.now


@given(st.lists(st.floats(0.0, 5.0), max_size=30))
def test_running_time_never_goes_backwards_nor_faster_than_the_clock(steps):
    clock = Clock()
    running = RunningTime(clock)
    running.tick(0.0)
    before, began = running.time(), 0.0
    for step in steps:
        clock.now += step
        assert before - 1e-9 <= running.time() <= before + step + 1e-9
        running.tick(clock.now)
        assert running.time() - before <= min(step, TICK_SECONDS + PUNCTUAL_SECONDS) + 1e-9
        before, began = running.time(), clock.now
    assert running.at(before) == pytest.approx(began, abs=2e-6)


@virtually
async def test_without_anybody_who_looks_all_time_counts():
    before = running_time().time()
    stall(10.0)
    assert running_time().time() - before == 10.0


@virtually
async def test_a_time_out_counts_the_time_in_which_the_loop_ran():
    ticking()
    loop = asyncio.get_running_loop()
    loop.call_later(1.0, stall, 30.0)
    began = loop.time()
    with pytest.raises(TimeoutError):
        async with RunningTimeout(3.0):
            await asyncio.Event().wait()
    assert 33.0 - 0.1 <= loop.time() - began <= 33.1


@given(
    stalls=st.lists(st.tuples(st.floats(0.0, 4.0), st.floats(0.0, 20.0)), max_size=12),
    answers_after=st.floats(0.1, 2.5),
    hops=st.integers(0, 6),
)
def test_a_vendor_that_answers_in_time_is_never_given_up_for_the_lag_of_the_loop(stalls, answers_after, hops):
    """The answer is in the socket in time, and is read some turns of the loop later than the time-out is looked at."""

    async def main():
        ticking()
        loop = asyncio.get_running_loop()
        answered = asyncio.Event()

        def arrive(left):
            loop.call_soon(arrive, left - 1) if left else answered.set()

        for at, seconds in stalls:
            loop.call_later(at, stall, seconds)
        loop.call_later(answers_after, arrive, hops)
        async with RunningTimeout(3.0):
            await answered.wait()

    run_virtual(main())
