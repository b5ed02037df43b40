"""The messages between the server and a worker process: a length in four bytes, then MessagePack.

One rule: a worker synthesizes one phrase at a time, so its messages always belong to the last `SayPhrase`.
"""

import struct

import msgspec

LENGTH = struct.Struct("<I")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024


class SayPhrase(msgspec.Struct, frozen=True, array_like=True, tag="say"):
    """Synthesize this phrase."""

    text: str
    voice: str
    words_per_minute: int
    pitch: int
    sample_rate: int
    phonetic: bool
    pause_after: bool


class WorkerReady(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The worker is ready for its first phrase."""


class PhraseSamples(msgspec.Struct, frozen=True, array_like=True, tag="samples"):
    """The next samples."""

    data: bytes


class PhraseFinished(msgspec.Struct, frozen=True, array_like=True, tag="finished"):
    """The phrase is complete.

    Args:
        starts: Where words begin: a character of the text from 0, and seconds.
        duration_seconds: How long the phrase is.
    """

    starts: list[tuple[int, float]]
    duration_seconds: float


class PhraseFailed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The phrase could not be synthesized; the worker is ready for the next one."""

    problem: str


WorkerMessage = WorkerReady | PhraseSamples | PhraseFinished | PhraseFailed

_encoder = msgspec.msgpack.Encoder()
_request_decoder = msgspec.msgpack.Decoder(SayPhrase)
_message_decoder: msgspec.msgpack.Decoder[WorkerMessage] = msgspec.msgpack.Decoder(WorkerMessage)


def encode(message: SayPhrase | WorkerMessage) -> bytes:
    """Encode a message for the pipe, with its length."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def decode_request(body: bytes) -> SayPhrase:
    """Decode a message of the server, without its length."""
    return _request_decoder.decode(body)


def decode_message(body: bytes) -> WorkerMessage:
    """Decode a message of a worker, without its length."""
    return _message_decoder.decode(body)
