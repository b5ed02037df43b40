"""The wire of one call: the socket of its media stream, while there is one, and the protocol spoken over it.

One rule: what is sent without a socket is dropped, for the session knows what a lost stream cut, and says it again.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from telebridge.twilio.media_stream import BridgeEvent, MediaStream, Side, StreamState


class StreamSocket(Protocol):
    """The way out of one media stream. Nothing here waits."""

    def send(self, message: bytes) -> None:
        """Queue a message for Twilio."""
        ...

    def drop_queued(self) -> None:
        """Forget the messages that have not left yet."""
        ...

    def close(self) -> None:
        """Close the socket once what is queued has left."""
        ...


class MediaLine:
    """The line to the caller.

    Attributes:
        stream: The protocol, as far as the socket there is has come in it.
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
        """That socket is gone; whether it was the one of this line."""
        if self._socket is not socket:
            return False
        self._socket = None
        return True

    def send_audio(self, payload: bytes) -> None:
        """Send audio.

        Raises:
            LocalProtocolError: The stream has not started.
        """
        self._send(self.stream.send_media(payload))

    def send_mark(self, name: str) -> None:
        """Ask to be told when the audio before it was played.

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

    def close_after(self, keep: Callable[[], Awaitable[None]]) -> Coroutine[Any, Any, None]:
        """Do something else, then close the socket that there is now."""
        return _closed_after(self._socket, keep)

    def _send(self, message: bytes) -> None:
        if self._socket is not None:
            self._socket.send(message)


async def _closed_after(socket: StreamSocket | None, keep: Callable[[], Awaitable[None]]) -> None:
    await keep()
    if socket is not None:
        socket.close()
