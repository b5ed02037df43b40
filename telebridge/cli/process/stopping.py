"""When a server ends that was told to stop: draining has a bound, closing has one, and then the process is ended.

    first signal ── drain_seconds ──▶ closing ── at most CLOSE_SECONDS ──▶ the process is ended
    second signal ──────────────────▶ closing ── at most CLOSE_SECONDS ──▶ the process is ended

The process ends by itself as soon as everything is closed. `StopTimes` decides; `Stop` is the shell with the thread
that ends the process when the event loop, a thread or a peer would keep it.

One rule: once a signal has come, no wait of any part can put off the end.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

CLOSE_SECONDS = 0.7
"""How long connections and the database may take to close, after draining."""
CUT_SHORT = 1
"""The exit code of a process that was ended before everything was closed."""


def end_process(code: int) -> NoReturn:
    """End the process, with its output written: the interpreter takes seconds to take itself apart when it is busy."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


class StopTimes:
    """The times of a server that is told to stop; pure.

    Args:
        drain_seconds: How long draining may take after the first signal.

    Attributes:
        closes_at: When draining ends at the latest, in monotonic seconds; None before the first signal.
    """

    def __init__(self, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self.closes_at: float | None = None

    def begin(self, now: float) -> None:
        """Take a request to stop; a further one changes nothing."""
        if self.closes_at is None:
            self.closes_at = now + self._drain_seconds

    def hurry(self, now: float) -> None:
        """Take a request to stop now, without draining any longer."""
        if self.closes_at is None or now < self.closes_at:
            self.closes_at = now

    @property
    def ends_at(self) -> float | None:
        """When the process is ended, whatever it is at; None before the first signal."""
        return None if self.closes_at is None else self.closes_at + CLOSE_SECONDS


class Stop:
    """Ends the process in time once it was told to stop.

    Args:
        drain_seconds: How long draining may take after the first signal.
        end: Ends the process with an exit code; called from a thread.
    """

    def __init__(self, drain_seconds: float = 0.0, end: Callable[[int], None] = os._exit) -> None:
        self._times = StopTimes(drain_seconds)
        self._end = end
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._dismissed = False
        self._code = CUT_SHORT

    def begin(self) -> None:
        """Stop: drain, then close; a further call changes nothing."""
        self._change(self._times.begin)

    def hurry(self) -> None:
        """Stop now: drain no longer."""
        self._change(self._times.hurry)

    def seconds_left(self) -> float | None:
        """How long draining may still take, never below 0; None when the process was not told to stop."""
        if self._times.closes_at is None:
            return None
        return max(0.0, self._times.closes_at - time.monotonic())

    @property
    def begun(self) -> bool:
        """Whether the process was told to stop."""
        return self._times.closes_at is not None

    def closed(self) -> None:
        """Everything is closed: what may still keep the process is a thread whose result nobody waits for."""
        self._code = 0
        if self.begun:
            self.hurry()

    def dismiss(self) -> None:
        """Let the process live: it was not told to stop, or it is no process of its own, as in a test."""
        with self._changed:
            self._dismissed = True
            self._changed.notify()

    def _change(self, change: Callable[[float], None]) -> None:
        with self._changed:
            change(time.monotonic())
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._end_in_time, name="end of the process", daemon=True)
            self._thread.start()

    def _end_in_time(self) -> None:
        with self._changed:
            while not self._dismissed:
                ends_at = self._times.ends_at
                left = 0.0 if ends_at is None else ends_at - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if self._dismissed:
                return
        if self._code:
            sys.stderr.write("telebridge: ended before everything was closed; what was not written is lost\n")
            sys.stderr.flush()
        self._end(self._code)
