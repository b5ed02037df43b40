"""Tests on a clock that jumps: ten minutes of a call take as long as its messages take."""

import asyncio
import functools

import aiosqlite

from telebridge.simulator.setup.clock import VirtualTimeLoop, run_virtual


def virtually(test):
    """Run an asynchronous test on virtual time."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        return run_virtual(test(*args, **kwargs))

    return run


def _held(work):
    """SQLite works in threads of its own; the clock stands still meanwhile."""

    @functools.wraps(work)
    async def waited(*args, **kwargs):
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualTimeLoop):
            return await work(*args, **kwargs)
        with loop.outside_work():
            return await work(*args, **kwargs)

    return waited


for name in ("_execute", "_connect"):
    setattr(aiosqlite.Connection, name, _held(getattr(aiosqlite.Connection, name)))
