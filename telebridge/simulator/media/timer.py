"""The only timer of a call's media: it wakes the line at its deadlines.

This is a shell. One rule: deadlines come from the line and are absolute; a late wake-up processes all that was missed.
"""

import asyncio
from collections.abc import Callable

from telebridge.simulator.caller.caller import CallerStep
from telebridge.simulator.http.client import MediaSocketClient
from telebridge.simulator.media.line import Passed, PhoneLine
from telebridge.simulator.media.stream import StreamLeg


class LineDriver:
    """Wakes the line at its deadlines, sends its messages to the stream's socket, and reports keys and hang-ups.

    Attributes:
        line: The line that is driven.
        keys: The keys that the caller pressed, for `<Gather>`.
        far_hung_up: Set when the party that `<Dial>` connected hangs up.
    """

    def __init__(self, line: PhoneLine, *, on_hung_up: Callable[[], None]) -> None:
        self.line = line
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.far_hung_up = asyncio.Event()
        self._on_hung_up = on_hung_up
        self._socket: MediaSocketClient | None = None
        self._loop = asyncio.get_running_loop()
        self._due = line.next_deadline()  # kept here, because not every event loop's timer handles have `when()`
        self._timer = self._loop.call_at(self._due, self._wake)
        self._stopped = False

    def now(self) -> float:
        """Return the loop's time in monotonic seconds."""
        return self._loop.time()

    def act(self, step: CallerStep) -> None:
        """Let the caller do something further."""
        self._take(self.line.act(step, now=self.now()))

    def attach(self, leg: StreamLeg, socket: MediaSocketClient) -> None:
        """Connect a stream that begins."""
        self.line.stream, self._socket = leg, socket

    def detach(self) -> None:
        """Disconnect the stream that ended; audio that was not heard is dropped."""
        self.line.stream, self._socket = None, None
        self.line.playout.clear(now=self.now())

    def mute(self) -> None:
        """Send no more messages to the stream's socket, and leave it open."""
        self._socket = None

    async def drop(self) -> None:
        """Cut the stream's socket, as a network that fails; without a stream nothing happens."""
        if self._socket is not None:
            await self._socket.abort()

    def send(self, messages: list[bytes]) -> None:
        """Send messages to the stream's socket, and re-arm the timer, since a mark may be due earlier now."""
        self._send(messages)
        if not self._stopped:
            self._arm()

    def stop(self) -> None:
        """Close the line."""
        self._stopped = True
        self._timer.cancel()
        self.line.close(now=self.now())

    def _arm(self) -> None:
        self._timer.cancel()
        self._due = self.line.next_deadline()
        self._timer = self._loop.call_at(self._due, self._wake)

    def _wake(self) -> None:
        # asyncio wakes up to one clock tick early; the deadline itself is what has come.
        self._take(self.line.handle_timeout(now=max(self.now(), self._due)))

    def _take(self, passed: Passed) -> None:
        self._send(passed.messages)
        for key in passed.keys:
            self.keys.put_nowait(key)
        if passed.far_hung_up:
            self.far_hung_up.set()
        if passed.hung_up:
            self._on_hung_up()
        if not self._stopped:
            self._arm()

    def _send(self, messages: list[bytes]) -> None:
        socket, stream = self._socket, self.line.stream
        if socket is None or stream is None:
            return
        for message in messages:
            if not socket.send(message):
                stream.warn(31930, "a message", now=self.now())
