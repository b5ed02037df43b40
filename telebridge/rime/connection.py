"""One WebSocket to Rime: gives each message to its receiver within the call in which the event loop gives the bytes.

`websockets` opens, closes and pings the connection, and sends. Its way to receive would cost a queue, a future and a
turn of the event loop for each message; here the bytes of messages do not reach it.

One rule: what comes while nobody has the connection on loan reaches nobody.
"""

from typing import Any, Protocol

from typing_extensions import override
from websockets.asyncio.client import ClientConnection
from websockets.frames import CloseCode
from websockets.protocol import State

from telebridge.errors import RemoteProtocolError
from telebridge.logs import logger
from telebridge.rime.frames import DATA, TEXT, FrameReader

log = logger(__name__)

LARGEST_MESSAGE_BYTES = 4 << 20
MESSAGES_A_TURN = 16
"""What is read of one connection in one turn of the event loop: a flood must not keep calls from their turns."""
_END_OF_HEAD = b"\r\n\r\n"


class MessageReceiver(Protocol):
    """Who has a connection on loan. Neither method may wait or raise."""

    def message_received(self, message: bytes, *, text: bool) -> None:
        """Take a message: UTF-8 when it is `text`, which is not checked."""
        ...

    def connection_closed(self) -> None:
        """Take the end of the connection, after its last message; `close_code` and `close_reason` say why."""
        ...


class RimeConnection(ClientConnection):
    """A connection to Rime. Made by `websockets.asyncio.client.connect`.

    Attributes:
        receiver: Who gets the messages; None drops them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.receiver: MessageReceiver | None = None
        self._head: bytes | None = b""  # the last bytes of the handshake; None after it
        self._frames: FrameReader | None = FrameReader(LARGEST_MESSAGE_BYTES)  # None: `websockets` reads the rest
        self._reading_paused = False

    @override
    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._head_received(data)
        if self._frames is None:
            super().data_received(data)
        elif data:
            self._frames.feed(data)
            self._read(self._frames, MESSAGES_A_TURN)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._reading_paused and self._frames is not None:  # what came before it was lost
            self._read(self._frames, None)
        super().connection_lost(exc)
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.connection_closed()

    def _head_received(self, data: bytes) -> bytes:
        """Pass the handshake on to `websockets`; returns what came after it."""
        before = self._head or b""
        found = (before + data).find(_END_OF_HEAD)
        if found < 0:
            self._head = (before + data)[-len(_END_OF_HEAD) + 1 :]
            super().data_received(data)
            return b""
        self._head = None
        end = found + len(_END_OF_HEAD) - len(before)
        super().data_received(data[:end])
        if self.state is not State.OPEN:  # it was refused, and the reason follows
            self._frames = None
        return data[end:]

    def _read(self, frames: FrameReader, left: int | None) -> None:
        """Pass on what is whole: so many messages in this turn of the event loop, or all of them."""
        try:
            while (frame := frames.next_frame()) is not None:
                opcode, content = frame
                if opcode in DATA:
                    if self.receiver is not None:
                        self.receiver.message_received(content, text=opcode == TEXT)
                else:
                    super().data_received(content)
                    if self.state is not State.OPEN:  # closed: nothing that follows is a message
                        self._frames = None
                        break
                if left is not None:
                    left -= 1
                    if not left:
                        self._pause_reading()
                        return
        except RemoteProtocolError as error:
            self._fail(error)
        self._resume_reading()

    def _pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()
        self.loop.call_soon(self._go_on)

    def _resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def _go_on(self) -> None:
        if self._reading_paused and self._frames is not None:
            self._read(self._frames, MESSAGES_A_TURN)

    def _fail(self, error: RemoteProtocolError) -> None:
        """Close: Rime broke the protocol of WebSockets itself."""
        log.warning("Rime broke the WebSocket protocol", error=str(error))
        self._frames = None
        self.protocol.fail(CloseCode.PROTOCOL_ERROR, error.problem[:100])
        self.send_data()
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.connection_closed()
