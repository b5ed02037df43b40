import asyncio
import threading
from datetime import timedelta

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
