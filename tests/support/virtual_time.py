"""Tests on a clock that jumps: ten minutes of a call take as long as its messages take."""

import functools

import aiosqlite

from telebridge.simulator.setup.clock import VirtualTimeLoop, run_virtual


def virtually(test):
    """Run an asynchronous test on virtual time."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        return run_virtual(test(*args, **kwargs))

    return run


class _DeclaredWork:
    """The queue of a connection of aiosqlite, whose thread does what is put here; the clock stands still meanwhile."""

    def __init__(self, queue):
        self._queue = queue

    def put_nowait(self, item):
        future, function = item
        loop = None if future is None else future.get_loop()
        if isinstance(loop, VirtualTimeLoop):
            function = loop.thread_work(function, future)
        self._queue.put_nowait((future, function))


def _declaring(begin):
    @functools.wraps(begin)
    def begun(connection, *args, **kwargs):
        begin(connection, *args, **kwargs)
        connection._tx = _DeclaredWork(connection._tx)

    return begun


aiosqlite.Connection.__init__ = _declaring(aiosqlite.Connection.__init__)
