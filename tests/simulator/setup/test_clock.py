import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from telebridge.simulator.setup.clock import (
    VIRTUAL_START,
    VIRTUAL_WALLCLOCK,
    VirtualTimeLoop,
    run_virtual,
    running_clock,
)


def virtual_loop() -> VirtualTimeLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return loop


def test_ten_minutes_pass_without_waiting() -> None:
    async def main() -> float:
        await asyncio.sleep(600)
        return virtual_loop().time()

    assert run_virtual(main()) == VIRTUAL_START + 600


def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    async def main() -> list[int]:
        woken: list[int] = []

        async def sleeper(seconds: int) -> None:
            await asyncio.sleep(seconds)
            woken.append(seconds)

        await asyncio.gather(*(sleeper(seconds) for seconds in (5, 1, 3)))
        return woken

    assert run_virtual(main()) == [1, 3, 5]


def test_bytes_over_loopback_arrive_before_any_timer() -> None:
    async def main() -> tuple[bytes, float]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(100):
                writer.write(data)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with asyncio.timeout(0.001):
            for _ in range(100):
                writer.write(b"x")
                data = await reader.read(1)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return data, virtual_loop().time()

    assert run_virtual(main()) == (b"x", VIRTUAL_START)


def test_the_clock_holds_still_while_a_thread_works() -> None:
    async def main() -> float:
        release = threading.Event()
        ticker = asyncio.create_task(asyncio.sleep(0.5))
        future = virtual_loop().run_in_executor(None, release.wait, 5)
        threading.Timer(0.01, release.set).start()
        await future
        before = virtual_loop().time()
        await ticker
        return before

    assert run_virtual(main()) == VIRTUAL_START


def test_the_clock_holds_still_for_declared_work() -> None:
    async def main() -> tuple[str, float]:
        with virtual_loop().outside_work():
            process = await asyncio.create_subprocess_exec("echo", "done", stdout=asyncio.subprocess.PIPE)
            async with asyncio.timeout(0.001):
                output, _ = await process.communicate()
        return output.decode(), virtual_loop().time()

    assert run_virtual(main()) == ("done\n", VIRTUAL_START)


def test_the_clock_holds_still_while_somebody_says_busy() -> None:
    async def main() -> float:
        answers = iter([True, True, False])
        virtual_loop().hold_while(lambda: next(answers, False))
        await asyncio.sleep(1)
        assert next(answers, None) is None
        return virtual_loop().time()

    assert run_virtual(main()) == VIRTUAL_START + 1


def test_the_wall_clock_goes_with_the_virtual_one() -> None:
    async def main() -> timedelta:
        clock = running_clock()
        await asyncio.sleep(90)
        return clock.wallclock() - VIRTUAL_WALLCLOCK

    assert run_virtual(main()) == timedelta(seconds=90)


async def test_the_clock_of_another_loop_is_real() -> None:
    clock = running_clock()
    assert clock.wallclock(clock.anchor + 5) - clock.anchor_wallclock == timedelta(seconds=5)


Work = Callable[[Callable[[], Any]], Awaitable[Any]]


async def in_own_pool(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return await virtual_loop().run_in_executor(pool, function)


async def by_getaddrinfo(function: Callable[[], Any]) -> Any:
    addresses, _ = await asyncio.gather(virtual_loop().getaddrinfo("localhost", 80), asyncio.to_thread(function))
    return addresses


async def in_a_thread_of_its_own(function: Callable[[], Any]) -> Any:
    loop = virtual_loop()
    answer = loop.create_future()
    work = loop.thread_work(function, answer)

    def deliver(result: Any) -> None:
        if not answer.done():
            answer.set_result(result)

    def run() -> None:
        result = work()
        time.sleep(0.002)  # the answer is on its way
        with suppress(RuntimeError):  # nobody waits, and the loop is closed
            loop.call_soon_threadsafe(deliver, result)

    threading.Thread(target=run).start()
    return await answer


KINDS: list[Any] = [asyncio.to_thread, in_own_pool, by_getaddrinfo, in_a_thread_of_its_own]


async def next_timer() -> float:
    """A timer that fires at once when the clock jumps."""
    await asyncio.sleep(1e-6)
    return virtual_loop().time()


@pytest.mark.parametrize("kind", KINDS)
def test_no_virtual_time_passes_while_any_thread_works(kind: Any) -> None:
    chance = random.Random(7)

    async def main() -> None:
        for _ in range(5):
            before = virtual_loop().time()
            timer = asyncio.create_task(next_timer())
            seconds = [chance.uniform(0, 0.01) for _ in range(3)]
            await asyncio.gather(*(kind(partial(time.sleep, each)) for each in seconds))
            assert virtual_loop().time() == before
            assert await timer > before

    run_virtual(main())


@pytest.mark.parametrize("kind", KINDS)
def test_work_that_is_not_awaited_any_more_holds_the_clock_all_the_same(kind: Any) -> None:
    async def main() -> None:
        begun, ended = threading.Event(), threading.Event()

        def function() -> None:
            begun.set()
            time.sleep(0.02)
            ended.set()

        task = asyncio.ensure_future(kind(function))
        while not begun.is_set():  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(1e-6)
        assert ended.is_set()

    run_virtual(main())


def test_work_that_is_cancelled_before_its_thread_begins_lets_the_clock_go() -> None:
    async def main() -> float:
        with ThreadPoolExecutor(1) as pool:
            first, second = (virtual_loop().run_in_executor(pool, time.sleep, 0.01) for _ in range(2))
            second.cancel()
            await first
            await asyncio.sleep(1)
        return virtual_loop().time()

    assert run_virtual(main()) == VIRTUAL_START + 1


def test_an_executor_that_takes_no_work_does_not_hold_the_clock() -> None:
    async def main() -> float:
        pool = ThreadPoolExecutor(1)
        pool.shutdown()
        with pytest.raises(RuntimeError):
            await virtual_loop().run_in_executor(pool, time.sleep, 0)
        await asyncio.sleep(1)
        return virtual_loop().time()

    assert run_virtual(main()) == VIRTUAL_START + 1
