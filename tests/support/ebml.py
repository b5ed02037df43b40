"""Reads the blocks of a WebM file, for tests."""

from telebridge.speech_server.containers.opus import packet_ms

SEGMENT, CLUSTER, TIMESTAMP, SIMPLE_BLOCK = 0x18538067, 0x1F43B675, 0xE7, 0xA3


def elements(data):
    """Yield the identifier and the value of each element."""
    at = 0
    while at < len(data):
        width = 9 - data[at].bit_length()
        name = int.from_bytes(data[at : at + width])
        at += width
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width]) & ((1 << 7 * width) - 1)
        at += width
        yield name, data[at : at + size]
        at += size


def blocks(webm):
    """Yield the time of each block in milliseconds, and how long it sounds."""
    (segment,) = [value for name, value in elements(webm) if name == SEGMENT]
    for cluster in (value for name, value in elements(segment) if name == CLUSTER):
        began = 0
        for name, value in elements(cluster):
            if name == TIMESTAMP:
                began = int.from_bytes(value)
            elif name == SIMPLE_BLOCK:
                yield began + int.from_bytes(value[1:3], signed=True), packet_ms(value[4:])
