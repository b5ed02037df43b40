"""Messages between server and worker survive the pipe."""

import pytest

from telebridge.speech_server.voices.messages import (
    LENGTH,
    PhraseFailed,
    PhraseFinished,
    PhraseSamples,
    SayPhrase,
    WorkerReady,
    decode_message,
    decode_request,
    encode,
)


def body(encoded):
    (length,) = LENGTH.unpack(encoded[: LENGTH.size])
    assert len(encoded) == LENGTH.size + length
    return encoded[LENGTH.size :]


@pytest.mark.parametrize(
    "message",
    [WorkerReady(), PhraseSamples(b"\x00\xff"), PhraseFinished([(0, 0.0), (4, 0.5)], 1.25), PhraseFailed("no voice")],
)
def test_a_workers_message_comes_back_as_it_was(message):
    assert decode_message(body(encode(message))) == message


def test_a_phrase_comes_back_as_it_was():
    phrase = SayPhrase("Grüß Gott", "de+f1", 170, 50, 8000, phonetic=False, pause_after=True)
    assert decode_request(body(encode(phrase))) == phrase
