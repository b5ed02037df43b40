"""Two ends of a connection in memory, as asyncio transports.

What is written at one end is received at the other on the next turn of the event loop, as over TCP: pieces that wait
are joined, and a reader that pauses makes the writer pause.

One rule: no callback of a protocol runs inside a call of the other protocol.
"""

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

from typing_extensions import override

HIGH_WATER_BYTES = 64 * 1024

Address = tuple[str, int]


class MemorySocket:
    """What libraries ask of the socket below a transport: options are ignored, and a shutdown cuts the connection."""

    family = socket.AF_INET

    def __init__(self, transport: "MemoryTransport") -> None:
        self._transport = transport

    def setsockopt(self, *_: object) -> None:
        """Do nothing."""

    def shutdown(self, _how: int) -> None:
        """Cut the connection, as a network that fails."""
        self._transport.abort()


class MemoryTransport(asyncio.Transport):
    """One end of a connection.

    Args:
        loop: The event loop.
        protocol: Receives what the other end writes.
        own: The address of this end.
        peer: The address of the other end.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, *, own: Address, peer: Address
    ) -> None:
        super().__init__({"sockname": own, "peername": peer})
        self._loop = loop
        self._protocol = protocol
        self._peer: MemoryTransport | None = None
        self._inbox: list[bytes] = []
        self._inbox_bytes = 0
        self._eof = False  # the other end writes no more
        self._delivering = False
        self._reading = True
        self._writer_paused = False
        self._closing = False
        self._over = False

    def join(self, peer: "MemoryTransport") -> None:
        """Connect both ends, and tell their protocols; call it once, on one of them."""
        self._peer, peer._peer = peer, self
        for end in (self, peer):
            self._loop.call_soon(end._protocol.connection_made, end)

    # What the protocol of this end calls.

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return MemorySocket(self) if name == "socket" else super().get_extra_info(name, default)

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._closing and self._peer is not None:
            self._peer._receive(bytes(data))

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    @override
    def write_eof(self) -> None:
        if self._peer is not None:
            self._peer._receive_eof()

    @override
    def can_write_eof(self) -> bool:
        return True

    @override
    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.write_eof()
            self._loop.call_soon(self._lose, None)

    @override
    def abort(self) -> None:
        self._closing = True
        self._loop.call_soon(self._lose, None)
        if self._peer is not None:
            self._peer._inbox.clear()
            self._loop.call_soon(self._peer._lose, ConnectionResetError("the connection was cut"))

    @override
    def is_closing(self) -> bool:
        return self._closing

    @override
    def is_reading(self) -> bool:
        return self._reading and not self._closing

    @override
    def pause_reading(self) -> None:
        self._reading = False

    @override
    def resume_reading(self) -> None:
        self._reading = True
        self._schedule()

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: the limit is fixed."""

    @override
    def get_write_buffer_size(self) -> int:
        return 0 if self._peer is None else self._peer._inbox_bytes

    # What the other end does.

    def _receive(self, data: bytes) -> None:
        if self._over:
            return
        self._inbox.append(data)
        self._inbox_bytes += len(data)
        self._schedule()
        peer = self._peer
        if self._inbox_bytes > HIGH_WATER_BYTES and peer is not None and not peer._writer_paused:
            peer._writer_paused = True
            peer._tell("pause_writing")

    def _receive_eof(self) -> None:
        self._eof = True
        self._schedule()

    def _schedule(self) -> None:
        if not self._delivering and not self._over and self._reading and (self._inbox or self._eof):
            self._delivering = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivering = False
        if self._over or not self._reading:
            return
        if self._inbox:
            data = self._inbox[0] if len(self._inbox) == 1 else b"".join(self._inbox)
            self._inbox.clear()
            self._inbox_bytes = 0
            peer = self._peer
            if peer is not None and peer._writer_paused:
                peer._writer_paused = False
                peer._tell("resume_writing")
            if not self._closing and isinstance(self._protocol, asyncio.Protocol):
                self._protocol.data_received(data)
            self._schedule()
        elif self._eof:
            if isinstance(self._protocol, asyncio.Protocol) and not self._closing and self._protocol.eof_received():
                return
            self.close()

    def _tell(self, what: str) -> None:
        if not self._over:
            self._loop.call_soon(getattr(self._protocol, what))

    def _lose(self, error: Exception | None) -> None:
        if not self._over:
            self._over = self._closing = True
            self._inbox.clear()
            self._protocol.connection_lost(error)
