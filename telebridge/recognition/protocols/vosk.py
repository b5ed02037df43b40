"""The Vosk server's WebSocket protocol, for either side.

Follows vosk-server, `websocket/asr_server.py`. The first message is `config`; every binary message is answered with a
partial or a complete result; `{"eof" : 1}`, which is compared as this very text, asks for the last result, after which
the server closes. So a connection takes one utterance. A list of phrases makes a grammar, which suits menus best.

One rule: a complete result in the middle of an utterance is a piece of it; the utterance ends with our `eof` alone.
"""

import json

import msgspec
from typing_extensions import override

from telebridge.audio.mulaw import SAMPLE_RATE, to_pcm
from telebridge.recognition.messages import (
    AudioHeard,
    EndHeard,
    Frame,
    HeardByRecognizer,
    NotUnderstood,
    ProtocolAnswer,
    RecognitionSide,
    SendFrame,
    SetupHeard,
)
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.protocols.connection import ConnectionRecognition, decoded
from telebridge.recognition.source import PartialTranscript, RecognitionRequest, RecognizedWord
from telebridge.recognition.utterances import HeardPiece

ADDRESS = "ws://127.0.0.1:2700"
EOF = '{"eof" : 1}'
ANYTHING_ELSE = "[unk]"


class VoskWord(msgspec.Struct):
    """A word of a result; times in seconds of the connection's audio."""

    word: str = ""
    start: float = 0.0
    end: float = 0.0
    conf: float | None = None


class VoskAnswer(msgspec.Struct):
    """What the server answers to a message: `partial`, or `text` with its words."""

    partial: str | None = None
    text: str | None = None
    result: list[VoskWord] = []


_ANSWER = msgspec.json.Decoder(VoskAnswer)


class VoskMessages:
    """The messages of one end of a connection."""

    def __init__(self, side: RecognitionSide) -> None:
        self._side = side

    # The bridge sends.

    def send_config(self, phrases: tuple[str, ...]) -> str:
        """Return the message that describes the audio and lists the phrases; none for free speech."""
        config: dict[str, object] = {"sample_rate": SAMPLE_RATE, "words": True}
        if phrases:
            config["phrase_list"] = [*phrases, ANYTHING_ELSE]
        return self._encode(RecognitionSide.BRIDGE, {"config": config})

    def send_eof(self) -> str:
        """Return the message that asks for the last result."""
        self._side.require(RecognitionSide.BRIDGE)
        return EOF

    @staticmethod
    def receive_answer(message: Frame) -> VoskAnswer:
        """Decode an answer of the server's.

        Raises:
            RemoteProtocolError: It cannot be decoded.
        """
        return decoded(_ANSWER, message, "Vosk")

    # The server sends.

    def send_partial(self, text: str) -> str:
        """Return the answer of an utterance that goes on."""
        return self._encode(RecognitionSide.RECOGNIZER, {"partial": text})

    def send_result(self, text: str, words: list[VoskWord]) -> str:
        """Return a complete result."""
        message = {"text": text, **({"result": msgspec.to_builtins(words)} if words else {})}
        return self._encode(RecognitionSide.RECOGNIZER, message)

    @staticmethod
    def receive_from_bridge(message: Frame) -> HeardByRecognizer:
        """Decode a message of a client's."""
        if isinstance(message, bytes):
            return AudioHeard(message)
        if message == EOF:
            return EndHeard()
        try:
            config = json.loads(message)["config"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return NotUnderstood(f"neither config nor eof: {error}")
        return SetupHeard(config) if isinstance(config, dict) else NotUnderstood("config is no table")

    def _encode(self, side: RecognitionSide, message: dict[str, object]) -> str:
        self._side.require(side)
        return json.dumps(message)


class VoskRecognition(ConnectionRecognition):
    """The bridge's end of a connection.

    Args:
        options: Where the server is.
        request: What is listened for; a grammar is made of its phrases.
    """

    one_utterance = True

    def __init__(self, options: RecognizerOptions, request: RecognitionRequest) -> None:
        super().__init__(options, request)
        self._messages = VoskMessages(RecognitionSide.BRIDGE)

    @override
    def address(self) -> str:
        return self._options.url or ADDRESS

    @override
    def headers(self) -> dict[str, str]:
        return {}

    @override
    def open(self) -> list[ProtocolAnswer]:
        return [SendFrame(self._messages.send_config(self._request.grammar))]

    @override
    def feed(self, mulaw: bytes) -> list[ProtocolAnswer]:
        self._log.feed(mulaw)
        return [SendFrame(to_pcm(mulaw))] if mulaw else []

    @override
    def end_speech(self) -> list[ProtocolAnswer]:
        return [] if self._log.end() is None else [SendFrame(self._messages.send_eof())]

    @override
    def receive(self, message: Frame) -> list[ProtocolAnswer]:
        answer = self._messages.receive_answer(message)
        utterance = self._log.current or self._log.pending
        if utterance is None:
            return []
        if answer.text is None:
            utterance.partial = answer.partial or ""
            return [PartialTranscript(utterance.number, utterance.text)] if utterance.partial else []
        utterance.partial = ""
        if text := answer.text.replace(ANYTHING_ELSE, " ").strip():
            words = tuple(
                RecognizedWord(word.word, word.start * 1000, word.end * 1000, word.conf) for word in answer.result
            )
            known = [word.confidence for word in words if word.confidence is not None]
            utterance.pieces.append(HeardPiece(text, sum(known) / len(known) if known else None, words))
        return []

    @override
    def receive_close(self) -> list[ProtocolAnswer]:
        pending = self._log.pending
        return [] if pending is None else [self._log.finish(pending)]
