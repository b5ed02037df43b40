"""Reads the frames of a caller's audio where they arrive, before aiohttp's queue and the task that reads from it.

A frame comes 50 times a second in each call. On the ordinary way, aiohttp's parser puts its message into a queue, wakes
the task of the connection, and that task takes it out: a third of what it costs to receive a frame. So a protocol
stands in front of aiohttp's: it takes whole messages with audio itself, and hands everything else on.

One rule: no message overtakes another. While anything that was handed on has not been read by the task, all is.
"""

import asyncio
from collections.abc import Callable

from typing_extensions import override

from telebridge.server.twilio.reading_pace import UNIT_BYTES, ReadingPace
from telebridge.twilio.messages import MAX_MEDIA_BYTES

try:
    from websockets.speedups import apply_mask
except ImportError:  # its wheel has none for this machine
    from websockets.utils import apply_mask

WHOLE_TEXT = b"\x81\xfe"
"""How a masked text message of 126 to 65,535 bytes begins that is not in fragments (RFC 6455, section 5.2)."""
HEAD_BYTES = 8
"""Its head: these two, the length in two bytes, the mask in four."""
FINAL, OPCODE, MASKED, LENGTH = 0x80, 0x0F, 0x80, 0x7F
FIRST_CONTROL_OPCODE = 8
MOST_FRAMES = 1000
"""Of a piece with more frames than that nothing is followed any more: no call sends it, and it would take long."""


class FrameBoundaries:
    """Follows WebSocket frames through bytes that come in pieces.

    Attributes:
        messages: How many messages have begun to end: their last frame has begun. A control frame is a message, too.
        between_messages: Whether what came so far is known to end with a message.
    """

    __slots__ = ("_fragmented", "_head", "_lost", "_missing", "between_messages", "messages")

    def __init__(self) -> None:
        self.messages = 0
        self.between_messages = True
        self._lost = False  # whether there were too many to follow
        self._head = b""  # of a frame whose length is not known yet
        self._missing = 0  # bytes of a frame that are to come
        self._fragmented = False  # whether more fragments of a message are to come

    def receive(self, data: bytes) -> None:
        """Follow the next piece."""
        self._follow(data)
        self.between_messages = not (self._head or self._missing or self._fragmented or self._lost)

    def _follow(self, data: bytes) -> None:
        data, self._head = self._head + data, b""
        at, frames = self._missing, 0
        while at < len(data) and not self._lost:
            length = _frame_length(data[at : at + 14])
            if length is None:
                self._head, self._missing = data[at:], 0
                return
            final = bool(data[at] & FINAL)
            self.messages += final
            if data[at] & OPCODE < FIRST_CONTROL_OPCODE:
                self._fragmented = not final
            at += length
            frames += 1
            self._lost = frames > MOST_FRAMES
        self._missing = at - len(data)


def _frame_length(head: bytes) -> int | None:
    """The length of the frame that begins so, with its head; None while the head is too short to tell."""
    if len(head) < 2:
        return None
    length, size = head[1] & LENGTH, 2
    if length >= 126:
        size = 4 if length == 126 else 10
        if len(head) < size:
            return None
        length = int.from_bytes(head[2:size])
    return size + (4 if head[1] & MASKED else 0) + length


class MediaReader(asyncio.Protocol):
    """Stands in front of aiohttp's protocol while its connection carries a media stream.

    For each message that the task reads from aiohttp's WebSocket, call `wait_seconds` when the task has done what
    follows from it, wait, and call `message_read`; call `stop` when it reads no more.

    Args:
        served: aiohttp's protocol.
        receive_frame: Takes a text message if it is a frame of the caller's audio in its time; otherwise changes
            nothing and returns False.
    """

    __slots__ = ("_boundaries", "_direct", "_loop", "_messages_read", "_pace", "_receive_frame", "_served", "_stopped")

    def __init__(self, served: asyncio.Protocol, receive_frame: Callable[[bytes], bool]) -> None:
        self._served = served
        self._receive_frame = receive_frame
        self._loop = asyncio.get_running_loop()
        self._pace = ReadingPace(now=self._loop.time())
        self._boundaries = FrameBoundaries()
        self._messages_read = 0
        self._direct = True  # whether all that was handed on is read
        self._stopped = False

    @override
    def data_received(self, data: bytes) -> None:
        """Take the frames that the data begins with, as far as the pace allows, and hand the rest on.

        What is done for each frame is written out here: a call of a function for each part would be felt.
        """
        if self._direct:
            pace, at, size = self._pace, 0, len(data)
            if pace.left <= 0 and pace.is_slow(now=(now := self._loop.time())):
                pace.wait_seconds(now=now)
            while at < size:
                start = at + HEAD_BYTES
                length = int.from_bytes(data[at + 2 : at + 4])
                end = start + length
                if end > size or length > MAX_MEDIA_BYTES or pace.left <= 0 or not data.startswith(WHOLE_TEXT, at):
                    break
                if not self._receive_frame(apply_mask(data[start:end], data[at + 4 : start])):
                    break
                pace.left -= 1 + length // UNIT_BYTES
                at = end
            if at == size:
                return
            data = data[at:] if at else data
        if not self._stopped:
            self._direct = False
            self._boundaries.receive(data)
        self._served.data_received(data)

    @override
    def eof_received(self) -> bool | None:
        return self._served.eof_received()

    @override
    def pause_writing(self) -> None:
        self._served.pause_writing()

    @override
    def resume_writing(self) -> None:
        self._served.resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._served.connection_lost(exc)

    def wait_seconds(self, size: int) -> float | None:
        """Count a message of so many bytes that the task has read.

        Returns:
            How long to wait before the next one, at least until the next turn of the event loop; None for not at all.
        """
        self._pace.left -= 1 + size // UNIT_BYTES
        return None if self._pace.left > 0 else self._pace.wait_seconds(now=self._loop.time())

    def message_read(self) -> None:
        """The task has read a message that was handed on, and done what follows from it."""
        self._messages_read += 1
        boundaries = self._boundaries
        self._direct = self._messages_read == boundaries.messages and boundaries.between_messages

    def stop(self) -> None:
        """From now on only hand on."""
        self._stopped = True
        self._direct = False
