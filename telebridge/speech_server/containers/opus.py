"""Opus: encoding into Ogg by libsndfile, and the packets of an Ogg stream.

Follows RFC 6716 (Opus), RFC 3533 (Ogg) and RFC 7845 (Opus in Ogg).
"""

import audioop
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from telebridge.audio.mulaw import PCM_WIDTH

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
"""Hz. Opus has no others; audio of another rate is converted to the highest."""
FULL_RATE = 48000
PAGE_HEADER = struct.Struct("<4sBBqIIIB")
LACING_FULL = 255
PRE_SKIP = struct.Struct("<8sBBH")
FRAME_MS = {"silk": (10.0, 20.0, 40.0, 60.0), "hybrid": (10.0, 20.0), "celt": (2.5, 5.0, 10.0, 20.0)}
FIRST_HYBRID, FIRST_CELT = 12, 16


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """A packet of Opus, and how long it sounds."""

    data: bytes
    ms: float


@dataclass(frozen=True, slots=True)
class OpusStream:
    """The contents of an Ogg stream.

    Args:
        head: The identification header of RFC 7845.
        packets: The packets of audio, in order.
        samples: How many samples at 48,000 Hz sound, without those that are skipped.
    """

    head: bytes
    packets: tuple[OpusPacket, ...]
    samples: int

    @property
    def pre_skip(self) -> int:
        """How many samples at 48,000 Hz are skipped at the beginning."""
        return int(PRE_SKIP.unpack_from(self.head)[3])


def ogg_opus(pcm: bytes, sample_rate: int) -> bytes:
    """Encode samples as an Ogg stream; needs `telebridge[voice]`.

    Args:
        pcm: Signed 16-bit little-endian samples.
        sample_rate: In Hz.
    """
    import numpy as np  # an optional extra
    import soundfile

    if sample_rate not in OPUS_RATES:
        pcm, _ = audioop.ratecv(pcm, PCM_WIDTH, 1, sample_rate, FULL_RATE, None)
        sample_rate = FULL_RATE
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(pcm, "<i2"), sample_rate, format="OGG", subtype="OPUS")
    return file.getvalue()


def opus_stream(ogg: bytes) -> OpusStream:
    """Take the packets out of an Ogg stream.

    Raises:
        ValueError: It is no Ogg stream.
    """
    granule, packets = 0, []
    unfinished = b""
    for position, ended, pieces in _pages(ogg):
        granule = max(granule, position)
        for number, piece in enumerate(pieces):
            unfinished += piece
            if number < len(pieces) - 1 or ended:
                packets.append(unfinished)
                unfinished = b""
    head, audio = packets[0], packets[2:]  # the second packet has comments
    stream = OpusStream(head, tuple(OpusPacket(packet, packet_ms(packet)) for packet in audio), granule)
    return OpusStream(head, stream.packets, granule - stream.pre_skip)


def packet_ms(packet: bytes) -> float:
    """How long a packet sounds, from its first bytes (RFC 6716, 3.1)."""
    config, count = packet[0] >> 3, packet[0] & 3
    if config < FIRST_HYBRID:
        frame = FRAME_MS["silk"][config % 4]
    elif config < FIRST_CELT:
        frame = FRAME_MS["hybrid"][config % 2]
    else:
        frame = FRAME_MS["celt"][config % 4]
    frames = (1, 2, 2)[count] if count < 3 else packet[1] & 0x3F
    return frame * frames


def _pages(ogg: bytes) -> Iterator[tuple[int, bool, list[bytes]]]:
    """Yield of each page its position, whether its last packet ends in it, and the pieces of packets."""
    at = 0
    while at < len(ogg):
        magic, _, _, position, _, _, _, segments = PAGE_HEADER.unpack_from(ogg, at)
        if magic != b"OggS":
            raise ValueError("not an Ogg stream")
        at += PAGE_HEADER.size
        lacing = ogg[at : at + segments]
        at += segments
        pieces, size = [], 0
        for length in lacing:
            size += length
            if length < LACING_FULL:
                pieces.append(ogg[at : at + size])
                at, size = at + size, 0
        if size:
            pieces.append(ogg[at : at + size])
            at += size
        yield position, not size, pieces
