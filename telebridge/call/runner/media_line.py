"""The media stream of one call: its socket, while there is one, the queue before it, and the protocol spoken over it.

One rule: what is sent without a socket is dropped, for the session knows what a lost stream cut, and says it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from aiohttp import WSMsgType, web
from typing_extensions import override

from telebridge.twilio.media_stream import BridgeEvent, MediaStream, Side, StreamState

MOST_UNSENT_BYTES = 16 << 10
"""While more waits in the transport, messages wait in the queue, where a clear can drop them: about 1.5 s of audio."""


class StreamSocket(Protocol):
    """The outbound side of one media stream's socket. No method waits."""

    def send(self, message: bytes) -> None:
        """Queue a message for Twilio."""
        ...

    def drop_queued(self) -> None:
        """Forget the messages that have not left yet."""
        ...

    def close(self) -> None:
        """Close the socket once what is queued has left."""
        ...


class QueuedSocket(StreamSocket):
    """The outbound side of one WebSocket: its transport, and a queue for what the peer does not take at once.

    Args:
        socket: After its handshake; without compression.
        transport: Of its connection; None when that is lost already. A message is written to it within `send` while the
            peer takes what is sent.
    """

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._socket = socket
        self._transport = transport
        self._queue: list[bytes] = []
        self._writer: asyncio.Future[None] | None = None
        self._writing = False  # whether a message out of the queue is on its way
        self._closing = False

    @override
    def send(self, message: bytes) -> None:
        transport = self._transport
        if (
            transport is None
            or self._queue
            or self._writing
            or self._closing
            or transport.is_closing()
            or self._socket.closed
            or transport.get_write_buffer_size() > MOST_UNSENT_BYTES
        ):
            self._queue.append(message)
            self._wake()
        else:
            transport.write(_text_frame(message))

    @override
    def drop_queued(self) -> None:
        self._queue.clear()

    @override
    def close(self) -> None:
        self._closing = True
        self._wake()

    async def write(self) -> None:
        """Write what is queued, until `close` was called or the peer is gone. Run it as a task."""
        try:
            while True:
                if not self._queue and not self._closing:
                    self._writer = asyncio.get_running_loop().create_future()
                    await self._writer
                self._writing = True
                while self._queue:
                    await self._socket.send_frame(self._queue.pop(0), WSMsgType.TEXT)
                self._writing = False
                if self._closing:
                    await self._socket.close()
                    return
        except ConnectionError:
            return  # the reader sees it too, and detaches the socket

    def _wake(self) -> None:
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)


def _text_frame(message: bytes) -> bytes:
    """A server's frame with a whole text message (RFC 6455, section 5.2)."""
    size = len(message)
    if size < 126:
        return b"\x81%c%b" % (size, message)
    if size < 1 << 16:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), message)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), message)


class MediaLine:
    """The line to the caller.

    Attributes:
        stream: The protocol state of the current socket.
    """

    __slots__ = ("_socket", "stream")

    def __init__(self) -> None:
        self._socket: StreamSocket | None = None
        self.stream: MediaStream[BridgeEvent] = MediaStream(Side.BRIDGE)

    @property
    def connected(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None

    def attach(self, socket: StreamSocket) -> None:
        """Take a socket that Twilio opened, in place of one before."""
        self._socket = socket
        self.stream = MediaStream(Side.BRIDGE)

    def detach(self, socket: StreamSocket) -> bool:
        """Forget a socket that is gone; returns whether it was the current one."""
        if self._socket is not socket:
            return False
        self._socket = None
        return True

    def send_audio(self, payload: bytes) -> None:
        """Send audio.

        Raises:
            LocalProtocolError: The stream has not started.
        """
        message = self.stream.send_media(payload)
        if self._socket is not None:
            self._socket.send(message)

    def send_mark(self, name: str) -> None:
        """Send a mark, which Twilio returns once the audio before it was played.

        Raises:
            LocalProtocolError: The stream has not started.
        """
        self._send(self.stream.send_mark(name))

    def clear(self) -> None:
        """Drop what has not left yet, and have Twilio drop what it has not played."""
        if self._socket is not None and self.stream.state is StreamState.STREAMING:
            self._socket.drop_queued()
            self._socket.send(self.stream.send_clear())

    def close(self) -> None:
        """Close the socket; Twilio then asks what follows."""
        if self._socket is not None:
            self._socket.close()

    def close_after(self, wait: Callable[[], Awaitable[None]]) -> Coroutine[Any, Any, None]:
        """Return a coroutine that awaits something, then closes the socket that there is now."""
        return _close_after(self._socket, wait)

    def _send(self, message: bytes) -> None:
        if self._socket is not None:
            self._socket.send(message)


async def _close_after(socket: StreamSocket | None, wait: Callable[[], Awaitable[None]]) -> None:
    await wait()
    if socket is not None:
        socket.close()
