"""Rime's own speech-to-text, for either side.

Follows Rime, "Speech-to-text" and its API reference of the WebSocket. A connection takes one utterance, whose end the
client decides. A message has one field: `start`, `audio` in base64, `end` or `cancel`; `started`, `hypothesis`, `done`,
`cancelled` or `error`. Audio is 16-bit at 16 kHz. `outputContract` has no default, `language` is required, and is
English or Spanish. `start` is wanted within 5 s, audio every 15 s, and the whole stream within 120 s.

One rule: a connection that ends without `done` has failed, however much was heard; it is no empty transcript.
"""

import base64
import binascii
import json

import msgspec
from typing_extensions import override

from telebridge.audio.mulaw import silence
from telebridge.errors import ConfigurationError, RemoteProtocolError
from telebridge.recognition.messages import (
    AudioHeard,
    DropHeard,
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
from telebridge.recognition.resampling import ResampledAudio
from telebridge.recognition.source import PartialTranscript, RecognitionRequest
from telebridge.recognition.utterances import HeardPiece

ADDRESS = "wss://stt.api.rime.ai/ws"
RATE = 16_000
LANGUAGES = frozenset({"en", "es"})
CONTRACT = "STREAMING_OUTPUT_CONTRACT_REVISED_HYPOTHESES"
VERBATIM = "TRANSCRIPTION_MODE_VERBATIM"
"""Rime's advice for numbers on the telephone; the other mode writes them tidily."""
LARGEST_AUDIO_BYTES = 32_000
"""Half of what a message may hold."""
KEEP_ALIVE_SECONDS = 10.0
KEEP_ALIVE = silence(100)


class TranscribedText(msgspec.Struct):
    """A hypothesis, which replaces the one before it, or the final text."""

    text: str = ""
    revision: int = 0


class TranscriptionProblem(msgspec.Struct):
    """Why the stream has failed."""

    kind: str = ""
    message: str = ""


class TranscriptionEvent(msgspec.Struct):
    """A message of Rime's; one field is set."""

    started: dict[str, object] | None = None
    hypothesis: TranscribedText | None = None
    done: TranscribedText | None = None
    error: TranscriptionProblem | None = None


_EVENT = msgspec.json.Decoder(TranscriptionEvent)


class TranscriptionMessages:
    """The messages of one end of a connection."""

    def __init__(self, side: RecognitionSide) -> None:
        self._side = side

    # The bridge sends.

    def send_start(self, language: str, terms: tuple[str, ...], *, verbatim: bool) -> str:
        """Return the message that opens the stream."""
        start: dict[str, object] = {"language": language, "outputContract": CONTRACT}
        if verbatim:
            start["mode"] = VERBATIM
        if terms:
            start["contextTerms"] = list(terms)
        return self._encode(RecognitionSide.BRIDGE, {"start": start})

    def send_audio(self, pcm: bytes) -> list[str]:
        """Return the messages with audio."""
        pieces = (pcm[at : at + LARGEST_AUDIO_BYTES] for at in range(0, len(pcm), LARGEST_AUDIO_BYTES))
        return [self._encode(RecognitionSide.BRIDGE, {"audio": base64.b64encode(piece).decode()}) for piece in pieces]

    def send_end(self) -> str:
        """Return the message that asks for the final text."""
        return self._encode(RecognitionSide.BRIDGE, {"end": {}})

    def send_cancel(self) -> str:
        """Return the message that gives up the stream."""
        return self._encode(RecognitionSide.BRIDGE, {"cancel": {}})

    @staticmethod
    def receive_event(message: Frame) -> TranscriptionEvent:
        """Decode a message of Rime's.

        Raises:
            RemoteProtocolError: It cannot be decoded, or says that the stream has failed.
        """
        event = decoded(_EVENT, message, "Rime")
        if event.error is not None:
            raise RemoteProtocolError("Rime", f"gives up: {event.error.message or event.error.kind or 'no reason'}")
        return event

    # Rime sends.

    def send_event(self, name: str, **fields: object) -> str:
        """Return the message that has this field."""
        return self._encode(RecognitionSide.RECOGNIZER, {name: fields})

    @staticmethod
    def receive_from_bridge(message: Frame) -> HeardByRecognizer:
        """Decode a message of a client's."""
        try:
            fields = msgspec.json.decode(message, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return NotUnderstood(str(error))
        match fields:
            case {"start": dict(settings)}:
                return SetupHeard(settings, "start")
            case {"audio": str(encoded)}:
                return _audio(encoded)
            case {"end": _}:
                return EndHeard()
            case {"cancel": _}:
                return DropHeard()
            case _:
                return NotUnderstood("no field that is known")

    def _encode(self, side: RecognitionSide, message: dict[str, object]) -> str:
        self._side.require(side)
        return json.dumps(message)


def _audio(encoded: str) -> HeardByRecognizer:
    try:
        audio = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        return NotUnderstood(f"audio is no base64: {error}")
    return NotUnderstood("audio has half a sample") if len(audio) % 2 else AudioHeard(audio)


class RimeRecognition(ConnectionRecognition):
    """The bridge's end of a connection.

    Args:
        options: Where Rime is and what it is to do.
        request: What is listened for.

    Raises:
        ConfigurationError: Rime does not hear the language of the settings, or soxr is not installed.
    """

    one_utterance = True
    keep_alive_seconds: float | None = KEEP_ALIVE_SECONDS

    def __init__(self, options: RecognizerOptions, request: RecognitionRequest) -> None:
        if options.language.partition("-")[0] not in LANGUAGES:
            known = " and ".join(sorted(LANGUAGES))
            problem = f"is {options.language!r}, which Rime does not transcribe"
            raise ConfigurationError("recognition.language", problem, f"Rime has {known}; take another provider")
        super().__init__(options, request)
        self._messages = TranscriptionMessages(RecognitionSide.BRIDGE)
        self._converter = ResampledAudio(RATE)

    @override
    def address(self) -> str:
        return self._options.url or ADDRESS

    @override
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._options.api_key}"} if self._options.api_key else {}

    @override
    def open(self) -> list[ProtocolAnswer]:
        request = self._request
        language = (request.language or self._options.language).partition("-")[0]
        terms = self._options.all_hints(request)
        return [SendFrame(self._messages.send_start(language, terms, verbatim=request.digits))]

    @override
    def feed(self, mulaw: bytes) -> list[ProtocolAnswer]:
        self._log.feed(mulaw)
        return self._send(self._converter.convert(mulaw))

    @override
    def end_speech(self) -> list[ProtocolAnswer]:
        if self._log.end() is None:
            return []
        return [*self._send(self._converter.convert(b"", last=True)), SendFrame(self._messages.send_end())]

    def _send(self, pcm: bytes) -> list[ProtocolAnswer]:
        return [SendFrame(each) for each in self._messages.send_audio(pcm)]

    @override
    def keep_alive(self) -> list[ProtocolAnswer]:
        return [] if self._log.pending is not None else self._send(self._converter.convert(KEEP_ALIVE))

    @override
    def close(self) -> list[ProtocolAnswer]:
        return [SendFrame(self._messages.send_cancel())]

    @override
    def receive(self, message: Frame) -> list[ProtocolAnswer]:
        event = self._messages.receive_event(message)
        utterance = self._log.current or self._log.pending
        if utterance is None:
            return []
        if event.hypothesis is not None:
            utterance.partial = event.hypothesis.text
            return [PartialTranscript(utterance.number, utterance.text)] if utterance.text else []
        if event.done is None or utterance.ends_ms is None:
            return []
        utterance.partial = ""
        utterance.pieces = [HeardPiece(event.done.text)]
        return [self._log.finish(utterance)]
