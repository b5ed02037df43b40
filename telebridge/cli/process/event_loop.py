"""The event loop of a command: uvloop where it is installed, and asyncio's own on Windows, which has no uvloop.

One rule: nothing else imports uvloop, so that every command starts without it.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, as `asyncio.run` does."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def on_signal(signum: signal.Signals, callback: Callable[[], object]) -> None:
    """Call `callback` in the running event loop at a signal, in place of what was called at it before."""
    loop = asyncio.get_running_loop()

    def handle(_: int, __: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)

    try:
        loop.add_signal_handler(signum, callback)
    except NotImplementedError:  # the event loops of Windows
        signal.signal(signum, handle)
