"""A worker process: it reads phrases from standard input, synthesizes them, and writes samples to standard output.

One rule: it ends when standard input does, so that it never outlives the server, however the server ended.
"""

import io
import os
import signal
import sys
from typing import BinaryIO

import numpy
import soxr

from telebridge.speech_server.voices.espeak import Espeak, EspeakFailed, Manner
from telebridge.speech_server.voices.messages import (
    LENGTH,
    PhraseFailed,
    PhraseFinished,
    PhraseSamples,
    SayPhrase,
    WorkerMessage,
    WorkerReady,
    decode_request,
    encode,
)

# The first samples leave at once; later samples are gathered, because each message costs time.
_FIRST_SECONDS = 0.04
_LATER_SECONDS = 0.5
_BYTES_PER_SAMPLE = 2
_WARM_UP = SayPhrase("Ready.", "en-us", 170, 50, 8000, phonetic=False, pause_after=False)


class _Delivery:
    """The output of one phrase: resampled, and gathered into messages of a suitable size."""

    def __init__(self, from_rate: int, to_rate: int, out: BinaryIO) -> None:
        self.starts: list[tuple[int, float]] = []
        self._resampler = None if from_rate == to_rate else soxr.ResampleStream(from_rate, to_rate, 1, dtype="int16")
        self._rate = to_rate
        self._out = out
        self._waiting = bytearray()
        self._sent_bytes = 0

    def receive_samples(self, data: bytes) -> None:
        self._waiting += self._resample(data, last=False)
        seconds = _LATER_SECONDS if self._sent_bytes else _FIRST_SECONDS
        if len(self._waiting) >= seconds * self._rate * _BYTES_PER_SAMPLE:
            self._send()

    def receive_word(self, character: int, seconds: float) -> None:
        self.starts.append((character, seconds))

    def finish(self) -> PhraseFinished:
        self._waiting += self._resample(b"", last=True)
        self._send()
        return PhraseFinished(self.starts, self._sent_bytes / _BYTES_PER_SAMPLE / self._rate)

    def _resample(self, data: bytes, *, last: bool) -> bytes:
        if self._resampler is None:
            return data
        samples = numpy.frombuffer(data, dtype="<i2")
        resampled: bytes = self._resampler.resample_chunk(samples, last=last).astype("<i2").tobytes()
        return resampled

    def _send(self) -> None:
        if self._waiting:
            self._sent_bytes += len(self._waiting)
            write(self._out, PhraseSamples(bytes(self._waiting)))
            self._waiting.clear()


def write(out: BinaryIO, message: WorkerMessage) -> None:
    """Write one message."""
    rest = memoryview(encode(message))
    while rest:
        rest = rest[out.write(rest) :]


def say(espeak: Espeak, request: SayPhrase, out: BinaryIO) -> PhraseFinished | PhraseFailed:
    """Synthesize one phrase, and return the message that ends it."""
    delivery = _Delivery(espeak.sample_rate, request.sample_rate, out)
    manner = Manner(request.voice, request.words_per_minute, request.pitch)
    try:
        espeak.say(
            request.text,
            manner,
            phonetic=request.phonetic,
            pause_after=request.pause_after,
            on=(delivery.receive_samples, delivery.receive_word),
        )
    except EspeakFailed as error:
        return PhraseFailed(str(error))
    return delivery.finish()


def serve(requests: BinaryIO, messages: BinaryIO) -> None:
    """Synthesize one phrase after the other, until the requests end."""
    espeak = Espeak()
    # The first phrase of a process also loads dictionaries and the resampler's tables: do that before a caller waits.
    say(espeak, _WARM_UP, io.BytesIO())
    write(messages, WorkerReady())
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        write(messages, say(espeak, decode_request(requests.read(length)), messages))


def main() -> None:
    """Run until the server closes the pipe. A Ctrl-C at the terminal is handled by the server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    messages_fd = os.dup(sys.stdout.fileno())
    # What a C library prints must not end up between the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(messages_fd, "wb", buffering=0) as messages:
        try:
            serve(sys.stdin.buffer, messages)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
