"""The load of a process, looked at on virtual time."""

import asyncio

from structlog.testing import capture_logs
from support.virtual_time import virtually

from telebridge import metrics
from telebridge.app.load_watch import LoadWatch
from telebridge.call.overload import Overload
from telebridge.timing.running_time import running_time


class Process:
    """A process that uses as much of its core as it is told."""

    def __init__(self, share=0.0):
        self.share, self._used, self._at = share, 0.0, 0.0

    def processor_seconds(self):
        now = asyncio.get_running_loop().time()
        self._used += self.share * (now - self._at)
        self._at = now
        return self._used


def stall(seconds):
    asyncio.get_running_loop()._jumping.now += seconds


@virtually
async def test_an_episode_is_two_lines_however_many_calls_it_costs():
    process = Process()
    watch = LoadWatch(Overload(), lambda: 50, process.processor_seconds)
    with capture_logs() as lines:
        watch.start()
        await asyncio.sleep(2)
        assert not watch.refuses
        process.share = 0.95
        await asyncio.sleep(2)
        assert watch.refuses
        for _ in range(30):
            watch.call_refused()
        process.share = 0.5
        await asyncio.sleep(4)
        assert not watch.refuses
        watch.stop()
    assert [line["event"] for line in lines] == [
        "overload: new calls are refused",
        "the overload is over: calls are accepted",
    ]
    assert lines[1]["refused"] == 30
    assert 0.49 < metrics.CORE_SHARE._value.get() < 0.51


@virtually
async def test_a_loop_that_is_late_again_and_again_refuses_calls_and_its_time_does_not_count():
    watch = LoadWatch(Overload(), lambda: 50, Process().processor_seconds)
    watch.start()
    loop = asyncio.get_running_loop()
    began, ran = loop.time(), running_time().time()
    for _ in range(10):
        loop.call_soon(stall, 0.2)
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
    assert watch.refuses
    assert loop.time() - began > 2
    assert running_time().time() - ran < 0.5
    watch.stop()


@virtually
async def test_a_load_that_nobody_looks_at_refuses_nothing():
    watch = LoadWatch(Overload(), lambda: 500, Process(1.0).processor_seconds)
    for _ in range(1000):
        watch.call_began()
    assert not watch.refuses
    watch.stop()
