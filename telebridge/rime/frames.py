"""Splits what a WebSocket server sends into whole messages and control frames.

Follows RFC 6455, section 5.2 (frames) and 5.4 (fragments). No extension is in use, and a server masks nothing. What a
message says is no business of this module: text is not checked to be UTF-8, because its decoder does that.

One rule: bytes may come in pieces of any length; what comes out does not depend on them.
"""

from telebridge.errors import RemoteProtocolError

TEXT, BINARY = 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA
DATA = frozenset({TEXT, BINARY})

_FINAL = 0x80
_CONTINUATION = 0x0
_WHOLE = (_FINAL | TEXT, _FINAL | BINARY)
_CONTROL = frozenset({_FINAL | CLOSE, _FINAL | PING, _FINAL | PONG})
_SIZE_IN_TWO_BYTES = 126
_MASKED = 0x80


class FrameReader:
    """Takes bytes with `feed`, then gives what is whole by `next_frame`, until that returns None.

    Args:
        most_bytes: A message may be so long, with all its fragments.
    """

    __slots__ = (
        "_at",
        "_buffer",
        "_fragments",
        "_fragments_bytes",
        "_fragments_opcode",
        "_missing",
        "_most",
        "_waiting",
    )

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._buffer = b""
        self._at = 0  # where in it the next frame begins
        self._waiting: list[bytes] = []  # pieces of a frame that is not whole
        self._missing = 0  # how many bytes are to come before it may be
        self._fragments: list[bytes] = []
        self._fragments_bytes = 0
        self._fragments_opcode = 0  # of the message whose fragments come; 0 for none

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._waiting:
            self._waiting.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._waiting)
            self._waiting.clear()
        elif self._at < len(self._buffer):
            data = self._buffer[self._at :] + data
        self._buffer, self._at = data, 0

    def next_frame(self) -> tuple[int, bytes] | None:
        """Take out the next frame.

        Returns:
            The opcode and the payload of a message, joined of its fragments; the opcode and all bytes of a control
            frame; None when more bytes must be fed before.

        Raises:
            RemoteProtocolError: The server broke the protocol; nothing that follows can be read.
        """
        while True:
            buffer, at = self._buffer, self._at
            if len(buffer) - at < 2:
                self._wait(2 - len(buffer) + at)
                return None
            first, size, body = buffer[at], buffer[at + 1], at + 2
            if size >= _SIZE_IN_TWO_BYTES:
                size, body = self._long_size(size, body)
            end = body + size
            if end > len(buffer):
                self._wait(end - len(buffer))
                return None
            self._at = end
            if first in _WHOLE and not self._fragments_opcode:
                return first & ~_FINAL, buffer[body:end]
            if first in _CONTROL:
                return first & ~_FINAL, buffer[at:end]
            if (message := self._joined(first, buffer[body:end])) is not None:
                return message

    def _long_size(self, code: int, at: int) -> tuple[int, int]:
        """Read a size that does not fit into its first byte. Returns it, and where the payload begins.

        Where its bytes have not come, it is 0, and the payload begins after all that came.
        """
        if code & _MASKED:
            raise RemoteProtocolError("Rime", "sent a frame with a mask")
        body = at + (2 if code == _SIZE_IN_TWO_BYTES else 8)
        if body > len(self._buffer):
            return 0, body
        size = int.from_bytes(self._buffer[at:body], "big")
        if size > self._most:
            raise RemoteProtocolError("Rime", f"sent a message of {size} bytes, over {self._most}")
        return size, body

    def _wait(self, missing: int) -> None:
        """Keep what there is until so many bytes more have come."""
        if self._at < len(self._buffer):
            self._waiting.append(self._buffer[self._at :])
            self._missing = missing
        self._buffer, self._at = b"", 0

    def _joined(self, first: int, payload: bytes) -> tuple[int, bytes] | None:
        """Take a fragment; returns the message of which it is the last."""
        opcode, final = first & ~_FINAL, bool(first & _FINAL)
        begins = opcode in DATA and not self._fragments_opcode
        goes_on = opcode == _CONTINUATION and self._fragments_opcode
        if not begins and not goes_on:
            raise RemoteProtocolError("Rime", f"sent a frame that begins with {first:#04x} where none may be")
        self._fragments.append(payload)
        self._fragments_bytes += len(payload)
        if self._fragments_bytes > self._most:
            raise RemoteProtocolError("Rime", f"sent a message in fragments of over {self._most} bytes")
        if begins:
            self._fragments_opcode = opcode
        if not final:
            return None
        message = self._fragments_opcode, b"".join(self._fragments)
        self._fragments, self._fragments_bytes, self._fragments_opcode = [], 0, 0
        return message
