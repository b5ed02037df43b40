"""The only timer of a call's media: it wakes the line at its deadlines.

This is a shell. One rule: deadlines come from the line and are absolute; a late wake-up processes all that was missed.
"""

import asyncio
from collections.abc import Callable

from telebridge.simulator.caller.caller import CallerStep
from telebridge.simulator.http.client import MediaSocketClient
from telebridge.simulator.media.fork import ForkLeg
from telebridge.simulator.media.line import CallerInput, FarEnd, Passed, PhoneLine
from telebridge.simulator.media.stream import StreamLeg


class LineDriver:
    """Wakes the line at its deadlines, sends its messages to the sockets, and reports the caller's input and hang-ups.

    Attributes:
        line: The line that is driven.
        inputs: What the caller pressed and said, for whichever verb waits for it.
        far_hung_up: Set when whoever is connected with the caller hangs up.
    """

    def __init__(self, line: PhoneLine, *, on_hung_up: Callable[[], None]) -> None:
        self.line = line
        self.inputs: asyncio.Queue[CallerInput] = asyncio.Queue()
        self.far_hung_up = asyncio.Event()
        self._on_hung_up = on_hung_up
        self._socket: MediaSocketClient | None = None
        self._forks: dict[ForkLeg, MediaSocketClient] = {}
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

    def attach_fork(self, leg: ForkLeg, socket: MediaSocketClient) -> None:
        """Connect a one-way stream that begins."""
        self._take(self.line.catch_up(now=self.now()))
        self._forks[leg] = socket
        self.line.forks.append(leg)
        self._rearm()

    def detach_fork(self, leg: ForkLeg) -> None:
        """Disconnect a one-way stream that ended."""
        if self._forks.pop(leg, None) is not None:
            self.line.forks.remove(leg)

    def connect(self, far: FarEnd | None) -> None:
        """Connect the caller with somebody, or with nobody."""
        self._take(self.line.catch_up(now=self.now()))
        self.line.far = far
        self.far_hung_up.clear()
        self._rearm()

    def drop_inputs(self) -> None:
        """Forget what the caller gave before: Twilio knows no type-ahead."""
        while not self.inputs.empty():
            self.inputs.get_nowait()

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
        self._rearm()

    def stop(self) -> None:
        """Close the line."""
        self._stopped = True
        self._timer.cancel()
        self.line.close(now=self.now())

    def _rearm(self) -> None:
        if not self._stopped:
            self._arm()

    def _arm(self) -> None:
        self._timer.cancel()
        self._due = self.line.next_deadline()
        self._timer = self._loop.call_at(self._due, self._wake)

    def _wake(self) -> None:
        # asyncio wakes up to one clock tick early; the deadline itself is what has come.
        self._take(self.line.handle_timeout(now=max(self.now(), self._due)))

    def _take(self, passed: Passed) -> None:
        self._send(passed.messages)
        for leg, message in passed.forked:
            socket = self._forks.get(leg)
            if socket is not None:
                socket.send(message)
        for given in passed.inputs:
            self.inputs.put_nowait(given)
        if passed.far_hung_up:
            self.far_hung_up.set()
        if passed.hung_up:
            self._on_hung_up()
        self._rearm()

    def _send(self, messages: list[bytes]) -> None:
        socket, stream = self._socket, self.line.stream
        if socket is None or stream is None:
            return
        for message in messages:
            if not socket.send(message):
                stream.warn(31930, "a message", now=self.now())
