"""What the server and a voice's process say to each other: a length in four bytes, then MessagePack.

One rule: a worker has one phrase at a time, so an answer always belongs to the last `Say`.
"""

import struct

import msgspec

LENGTH = struct.Struct("<I")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024


class Say(msgspec.Struct, frozen=True, array_like=True, tag="say"):
    """Say this phrase."""

    text: str
    voice: str
    words_per_minute: int
    pitch: int
    sample_rate: int
    phonetic: bool
    pause_after: bool


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The worker can take its first phrase."""


class Samples(msgspec.Struct, frozen=True, array_like=True, tag="samples"):
    """The next samples."""

    data: bytes


class Finished(msgspec.Struct, frozen=True, array_like=True, tag="finished"):
    """The phrase is complete.

    Args:
        starts: Where words begin: a character of the text from 0, and seconds.
        duration_seconds: How long the phrase is.
    """

    starts: list[tuple[int, float]]
    duration_seconds: float


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The phrase could not be said; the worker is ready for the next one."""

    problem: str


Answer = Ready | Samples | Finished | Failed

_encoder = msgspec.msgpack.Encoder()
_request_decoder = msgspec.msgpack.Decoder(Say)
_answer_decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def encode(message: Say | Answer) -> bytes:
    """A message as it goes over the pipe."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def decode_request(body: bytes) -> Say:
    """What the server said, without its length."""
    return _request_decoder.decode(body)


def decode_answer(body: bytes) -> Answer:
    """What a worker said, without its length."""
    return _answer_decoder.decode(body)
