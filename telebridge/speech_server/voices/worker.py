"""The process of one voice: reads phrases from standard input, writes samples to standard output.

One rule: it ends when standard input does, so it can never outlive the server, however that one ended.
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
    Answer,
    Failed,
    Finished,
    Ready,
    Samples,
    Say,
    decode_request,
    encode,
)

# The first samples leave at once; after that a message for each buffer of the synthesizer would only cost time.
_FIRST_SECONDS = 0.04
_LATER_SECONDS = 0.5
_BYTES_PER_SAMPLE = 2
_WARM_UP = Say("Ready.", "en-us", 170, 50, 8000, phonetic=False, pause_after=False)


class _Delivery:
    """One phrase on its way out: resampled, and gathered into messages of a good size."""

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

    def finish(self) -> Finished:
        self._waiting += self._resample(b"", last=True)
        self._send()
        return Finished(self.starts, self._sent_bytes / _BYTES_PER_SAMPLE / self._rate)

    def _resample(self, data: bytes, *, last: bool) -> bytes:
        if self._resampler is None:
            return data
        samples = numpy.frombuffer(data, dtype="<i2")
        resampled: bytes = self._resampler.resample_chunk(samples, last=last).astype("<i2").tobytes()
        return resampled

    def _send(self) -> None:
        if self._waiting:
            self._sent_bytes += len(self._waiting)
            write(self._out, Samples(bytes(self._waiting)))
            self._waiting.clear()


def write(out: BinaryIO, answer: Answer) -> None:
    """Send one answer, now."""
    rest = memoryview(encode(answer))
    while rest:
        rest = rest[out.write(rest) :]


def say(espeak: Espeak, request: Say, out: BinaryIO) -> Finished | Failed:
    """Say one phrase; what is returned comes last on the pipe."""
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
        return Failed(str(error))
    return delivery.finish()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Say what is asked for, one phrase after the other, until the requests end."""
    espeak = Espeak()
    # The first phrase of a process pays for loading dictionaries and the resampler's tables: not a caller's.
    say(espeak, _WARM_UP, io.BytesIO())
    write(answers, Ready())
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        write(answers, say(espeak, decode_request(requests.read(length)), answers))


def main() -> None:
    """Run until the server closes the pipe. A Ctrl-C at the terminal is the server's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers_fd = os.dup(sys.stdout.fileno())
    # Whatever a C library prints must not end up between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(answers_fd, "wb", buffering=0) as answers:
        try:
            serve(sys.stdin.buffer, answers)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
