"""WebSocket frames as a client writes them (RFC 6455, section 5.2)."""

TEXT, CONTINUATION, PING = 1, 0, 9


def masked_payload(payload, mask):
    """A payload with or without its mask: the same operation."""
    masks = mask * (len(payload) // 4 + 1)
    return (int.from_bytes(payload) ^ int.from_bytes(masks[: len(payload)])).to_bytes(len(payload))


def client_frame(payload, mask=b"\x00\x00\x00\x00", *, opcode=TEXT, final=True):
    """A WebSocket frame of a client."""
    first = bytes((0x80 * final | opcode,))
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | size,))
    elif size < 1 << 16:
        head = b"\xfe" + size.to_bytes(2)
    else:
        head = b"\xff" + size.to_bytes(8)
    return first + head + mask + masked_payload(payload, mask)
