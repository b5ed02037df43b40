"""As much of the WebSocket protocol (RFC 6455) as the callers and the Rime of a benchmark need."""

import base64
import hashlib

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
NO_MASK = bytes(4)
"""A client must mask; this mask leaves the payload as it is."""


def server_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame of a server, which is not masked."""
    return head(len(payload), opcode, 0) + payload


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame of a client."""
    return head(len(payload), opcode, 0x80) + NO_MASK + payload


def head(size: int, opcode: int, masked: int) -> bytes:
    """What stands before the mask and the payload; `masked` is 0x80 in a client's frame, 0 in a server's."""
    if size < 126:
        return bytes((0x80 | opcode, masked | size))
    if size < 1 << 16:
        return bytes((0x80 | opcode, masked | 126)) + size.to_bytes(2, "big")
    return bytes((0x80 | opcode, masked | 127)) + size.to_bytes(8, "big")


def read_frames(buffer: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """All whole frames as opcode and payload, and the rest."""
    frames, at, end = [], 0, len(buffer)
    while end - at >= 2:
        size, start, masked = buffer[at + 1] & 0x7F, at + 2, buffer[at + 1] & 0x80
        if size == 126:
            size, start = int.from_bytes(buffer[start : start + 2], "big"), start + 2
        elif size == 127:
            size, start = int.from_bytes(buffer[start : start + 8], "big"), start + 8
        first = start + 4 if masked else start
        if end < first + size:
            break
        payload = buffer[first : first + size]
        if masked:
            payload = _unmasked(payload, buffer[start:first])
        frames.append((buffer[at] & 0x0F, payload))
        at = first + size
    return frames, buffer[at:]


def accepted(request: bytes) -> bytes:
    """A server's answer to a request to upgrade."""
    fields = dict(line.split(": ", 1) for line in request.decode().split("\r\n")[1:] if line)
    key = next(value for name, value in fields.items() if name.lower() == "sec-websocket-key")
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n"
    ).encode()


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
