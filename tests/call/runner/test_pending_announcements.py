"""Whoever announced something is told how it went, if they still want to know."""

import asyncio

import pytest

from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.pending_announcements import PendingAnnouncements
from telebridge.errors import NotLive
from telebridge.flows.steps import Say

NEWS = Say("Your table is ready.")
HEARD = SpokenUtterance(NEWS.text, 1000.0, None)
OVER = NotLive("CA1", "is over")


async def test_each_has_a_number_of_its_own_and_its_own_outcome():
    announced = PendingAnnouncements()
    first, heard = announced.open(NEWS)
    second, failed = announced.open(NEWS)
    assert first.step is second.step is NEWS
    assert first.number != second.number
    announced.finish(second.number, OVER)
    announced.finish(first.number, HEARD)
    assert await heard is HEARD
    with pytest.raises(NotLive):
        await failed


async def test_all_that_wait_are_refused_together():
    announced = PendingAnnouncements()
    waiting = [announced.open(NEWS)[1] for _ in range(3)]
    announced.fail_all(OVER)
    assert await asyncio.gather(*waiting, return_exceptions=True) == [OVER] * 3
    announced.fail_all(OVER)


@pytest.mark.parametrize("outcome", [HEARD, OVER])
async def test_nobody_has_to_wait(outcome):
    announced = PendingAnnouncements()
    asked, waiting = announced.open(NEWS)
    waiting.cancel()
    announced.finish(asked.number, outcome)
    assert waiting.cancelled()


async def test_an_error_that_nobody_waited_for_is_no_complaint_of_the_loop():
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    announced = PendingAnnouncements()
    asked, waiting = announced.open(NEWS)
    announced.finish(asked.number, OVER)
    del waiting
    await asyncio.sleep(0)
    assert told == []
