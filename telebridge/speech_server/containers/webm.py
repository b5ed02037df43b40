"""Writes WebM files with one track of Opus.

Follows RFC 9559 (Matroska), RFC 8794 (EBML) and "WebM Container Guidelines" (webmproject.org).
"""

import struct
from collections.abc import Iterator

from telebridge.speech_server.containers.opus import FULL_RATE, OpusPacket, OpusStream

CLUSTER_MS = 5000
"""A block's time is counted from its cluster's in 16 bits, so a cluster is short."""
SEEK_PRE_ROLL_NS = 80_000_000
"""How much audio a decoder of Opus needs before the position of a seek (RFC 7845, 4.6)."""
MS_IN_NS = 1_000_000
APPLICATION = b"telebridge"

EBML = 0x1A45DFA3
SEGMENT, INFO, TRACKS, CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
HEADER_FIELDS = ((0x4286, 1), (0x42F7, 1), (0x42F2, 4), (0x42F3, 8), (0x4282, b"webm"), (0x4287, 4), (0x4285, 2))
"""Versions, the longest identifier and length, and the kind of document."""
TIMESTAMP_SCALE, DURATION, MUXING_APP, WRITING_APP = 0x2AD7B1, 0x4489, 0x4D80, 0x5741
TRACK_ENTRY, TRACK_NUMBER, TRACK_UID, TRACK_TYPE, CODEC_ID = 0xAE, 0xD7, 0x73C5, 0x83, 0x86
CODEC_PRIVATE, CODEC_DELAY, SEEK_PRE_ROLL, AUDIO = 0x63A2, 0x56AA, 0x56BB, 0xE1
SAMPLING_FREQUENCY, CHANNELS = 0xB5, 0x9F
TIMESTAMP, SIMPLE_BLOCK = 0xE7, 0xA3
AUDIO_TRACK = 2
KEY_FRAME = 0x80


def webm_file(stream: OpusStream) -> bytes:
    """Return a WebM file of a stream of Opus."""
    header = _element(EBML, b"".join(_element(name, value) for name, value in HEADER_FIELDS))
    return header + _element(SEGMENT, _info(stream) + _tracks(stream) + b"".join(_clusters(stream.packets)))


def _info(stream: OpusStream) -> bytes:
    return _element(
        INFO,
        _element(TIMESTAMP_SCALE, MS_IN_NS)
        + _element(DURATION, struct.pack(">d", stream.samples * 1000 / FULL_RATE))
        + _element(MUXING_APP, APPLICATION)
        + _element(WRITING_APP, APPLICATION),
    )


def _tracks(stream: OpusStream) -> bytes:
    audio = _element(SAMPLING_FREQUENCY, struct.pack(">d", FULL_RATE)) + _element(CHANNELS, 1)
    entry = (
        _element(TRACK_NUMBER, 1)
        + _element(TRACK_UID, 1)
        + _element(TRACK_TYPE, AUDIO_TRACK)
        + _element(CODEC_ID, b"A_OPUS")
        + _element(CODEC_PRIVATE, stream.head)
        + _element(CODEC_DELAY, stream.pre_skip * 1_000_000_000 // FULL_RATE)
        + _element(SEEK_PRE_ROLL, SEEK_PRE_ROLL_NS)
        + _element(AUDIO, audio)
    )
    return _element(TRACKS, _element(TRACK_ENTRY, entry))


def _clusters(packets: tuple[OpusPacket, ...]) -> Iterator[bytes]:
    began, at, blocks = 0.0, 0.0, b""
    for packet in packets:
        if at - began >= CLUSTER_MS:
            yield _element(CLUSTER, _element(TIMESTAMP, round(began)) + blocks)
            began, blocks = at, b""
        place = struct.pack(">BhB", 0x81, round(at) - round(began), KEY_FRAME)  # of the first track
        blocks += _element(SIMPLE_BLOCK, place + packet.data)
        at += packet.ms
    yield _element(CLUSTER, _element(TIMESTAMP, round(began)) + blocks)


def _element(name: int, value: int | bytes) -> bytes:
    """An element of EBML: its identifier, the length of its value, and the value."""
    data = value if isinstance(value, bytes) else value.to_bytes(max(1, (value.bit_length() + 7) // 8))
    return name.to_bytes((name.bit_length() + 7) // 8) + _length(len(data)) + data


def _length(size: int) -> bytes:
    """A length in as few bytes as it needs; one of all ones would mean that it is not known (RFC 8794, 6)."""
    width = next(width for width in range(1, 9) if size < (1 << (7 * width)) - 1)
    return (size | 1 << (7 * width)).to_bytes(width)
