"""Lets time pass on an open line: the one timer that a call's media has.

This is a shell. One rule: deadlines come from the line and are absolute; a late wake-up makes up for what it missed.
"""

import asyncio
from collections.abc import Callable

from telebridge.simulator.http.client import MediaSocket
from telebridge.simulator.media.line import Line
from telebridge.simulator.media.stream import StreamLeg


class LineDriver:
    """Wakes the line when it wants to be, carries its messages to the stream's socket, and reports keys and ends.

    Attributes:
        line: What is driven.
        keys: The keys pressed, for `<Gather>`.
        far_hung_up: Set when the person that `<Dial>` connected hangs up.
    """

    def __init__(self, line: Line, *, on_hung_up: Callable[[], None]) -> None:
        self.line = line
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.far_hung_up = asyncio.Event()
        self._on_hung_up = on_hung_up
        self._socket: MediaSocket | None = None
        self._loop = asyncio.get_running_loop()
        self._due = line.next_deadline()  # kept here, because not every event loop's timers can tell it
        self._timer = self._loop.call_at(self._due, self._wake)
        self._stopped = False

    def now(self) -> float:
        """Monotonic seconds."""
        return self._loop.time()

    def attach(self, leg: StreamLeg, socket: MediaSocket) -> None:
        """A stream begins."""
        self.line.stream, self._socket = leg, socket

    def detach(self) -> None:
        """The stream is over; audio that was not heard is lost."""
        self.line.stream, self._socket = None, None
        self.line.playout.clear(now=self.now())

    def mute(self) -> None:
        """Send nothing more to the stream's socket, and do not close it."""
        self._socket = None

    def send(self, messages: list[bytes]) -> None:
        """Send to the stream's socket what came of a message of the bridge, and see whether a mark is due earlier."""
        self._carry(messages)
        if not self._stopped:
            self._arm()

    def stop(self) -> None:
        """The line closes."""
        self._stopped = True
        self._timer.cancel()
        self.line.close(now=self.now())

    def _arm(self) -> None:
        self._timer.cancel()
        self._due = self.line.next_deadline()
        self._timer = self._loop.call_at(self._due, self._wake)

    def _wake(self) -> None:
        # asyncio wakes up to one clock tick early; the deadline itself is what has come.
        passed = self.line.handle_timeout(now=max(self.now(), self._due))
        self._carry(passed.messages)
        for key in passed.keys:
            self.keys.put_nowait(key)
        if passed.far_hung_up:
            self.far_hung_up.set()
        if passed.hung_up:
            self._on_hung_up()
        if not self._stopped:
            self._arm()

    def _carry(self, messages: list[bytes]) -> None:
        socket, stream = self._socket, self.line.stream
        if socket is None or stream is None:
            return
        for message in messages:
            if not socket.send(message):
                stream.warn(31930, "a message", now=self.now())
