"""Deepgram's streaming recognition, `v1/listen`, for either side.

Follows Deepgram's API specification (asyncapi, *listen v1*) and its pages "Audio Keep Alive", "Finalize" and
"Endpointing". Mu-law goes through as it is. A connection without audio is closed after ten seconds (`NET-0001`), unless
`KeepAlive` comes as text. `is_final` is not the end of a turn: pieces are joined until the answer to our `Finalize`,
which says `from_finalize`. An empty binary message may end the stream, so none is sent.

One rule: a result belongs to the utterance in whose audio it lies, however late it comes.
"""

from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from typing_extensions import override

from telebridge.errors import RemoteProtocolError
from telebridge.recognition.messages import (
    AudioHeard,
    EndHeard,
    FlushHeard,
    Frame,
    HeardByRecognizer,
    KeepAliveHeard,
    NotUnderstood,
    ProtocolAnswer,
    RecognitionSide,
    SendFrame,
)
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.protocols.connection import ConnectionRecognition, decoded
from telebridge.recognition.source import PartialTranscript, RecognitionRequest, RecognizedWord
from telebridge.recognition.utterances import HeardPiece, HeardUtterance

DEEPGRAM = "Deepgram"
ADDRESS = "wss://api.deepgram.com/v1/listen"
DEFAULT_MODEL = "nova-3"
ENDPOINTING_MS = 300
KEEP_ALIVE_SECONDS = 4.0
MOST_HINTS = 100

T = TypeVar("T")


class DeepgramWord(msgspec.Struct):
    """A word of a result; times in seconds of the connection's audio."""

    word: str = ""
    start: float = 0.0
    end: float = 0.0
    confidence: float | None = None
    punctuated_word: str | None = None


class DeepgramAlternative(msgspec.Struct):
    """One reading of a result."""

    transcript: str = ""
    confidence: float | None = None
    words: list[DeepgramWord] = []


class DeepgramChannel(msgspec.Struct):
    """What was heard of one channel."""

    alternatives: list[DeepgramAlternative] = []


class DeepgramResults(msgspec.Struct, tag_field="type", tag="Results"):
    """A result about a stretch of audio, which begins at `start` and is `duration` seconds long."""

    start: float = 0.0
    duration: float = 0.0
    is_final: bool = False
    speech_final: bool = False
    from_finalize: bool = False
    channel: DeepgramChannel = msgspec.field(default_factory=DeepgramChannel)


class _AnyMessage(msgspec.Struct):
    type: str = ""
    code: object = ""
    description: str = ""


_RESULTS = msgspec.json.Decoder(DeepgramResults)
_ANY = msgspec.json.Decoder(_AnyMessage)
_COMMANDS: dict[str, HeardByRecognizer] = {
    "KeepAlive": KeepAliveHeard(),
    "Finalize": FlushHeard(),
    "CloseStream": EndHeard(),
}


def decoded_message(decoder: "msgspec.json.Decoder[T]", message: Frame, kind: str) -> T | None:
    """Decode a message of Deepgram's, of either version, if it is of a kind; None for one of another kind.

    Raises:
        RemoteProtocolError: It cannot be decoded, or says that the stream has failed.
    """
    known = decoded(_ANY, message, DEEPGRAM)
    if known.type == kind:
        return decoded(decoder, message, DEEPGRAM)
    if known.type == "Error":
        raise RemoteProtocolError(DEEPGRAM, f"gives up: {known.description or known.code or 'no reason given'}")
    return None


class DeepgramEnd:
    """Abstract: one end of a connection to Deepgram, of either version."""

    def __init__(self, side: RecognitionSide) -> None:
        self._side = side

    def send_close_stream(self) -> str:
        """Return the message that asks for the rest of the results and the end."""
        return self._encode(RecognitionSide.BRIDGE, {"type": "CloseStream"})

    def _encode(self, side: RecognitionSide, message: dict[str, object]) -> str:
        self._side.require(side)
        return msgspec.json.encode(message).decode()


class DeepgramMessages(DeepgramEnd):
    """The messages of one end of a connection."""

    # The bridge sends.

    def send_keep_alive(self) -> str:
        """Return the message that keeps a connection without audio open."""
        return self._encode(RecognitionSide.BRIDGE, {"type": "KeepAlive"})

    def send_finalize(self) -> str:
        """Return the message that asks for the final result of what was sent so far."""
        return self._encode(RecognitionSide.BRIDGE, {"type": "Finalize"})

    @staticmethod
    def receive_results(message: Frame) -> DeepgramResults | None:
        """Decode a message of Deepgram's; None for one that is no result.

        Raises:
            RemoteProtocolError: It cannot be decoded, or says that the stream has failed.
        """
        return decoded_message(_RESULTS, message, "Results")

    # Deepgram sends.

    def send_results(self, results: DeepgramResults) -> str:
        """Return the message with a result."""
        self._side.require(RecognitionSide.RECOGNIZER)
        fields: dict[str, object] = {"channel_index": [0, 1], "metadata": {"request_id": "local"}}
        return msgspec.json.encode({**msgspec.to_builtins(results), **fields}).decode()

    def send_metadata(self, duration: float) -> str:
        """Return the message that ends a stream of so many seconds."""
        fields = {"request_id": "local", "duration": duration, "channels": 1}
        return self._encode(RecognitionSide.RECOGNIZER, {"type": "Metadata", **fields})

    def receive_from_bridge(self, message: Frame) -> HeardByRecognizer:
        """Decode a message of a client's."""
        if isinstance(message, bytes):
            return AudioHeard(message)
        try:
            kind = _ANY.decode(message).type
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return NotUnderstood(str(error))
        return _COMMANDS.get(kind) or NotUnderstood(f"unknown message type: {kind}")


class DeepgramConnection(ConnectionRecognition):
    """Abstract: the bridge's end of a connection to Deepgram, of either version."""

    keep_alive_seconds: float | None = KEEP_ALIVE_SECONDS

    @override
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self._options.api_key}"} if self._options.api_key else {}

    @override
    def feed(self, mulaw: bytes) -> list[ProtocolAnswer]:
        self._log.feed(mulaw)
        return [SendFrame(mulaw)] if mulaw else []

    def _address_with(self, usual: str, wanted: list[tuple[str, str]]) -> str:
        """The address of the settings, or the usual one, with what is wanted and not given there."""
        base = self._options.url or usual
        given = {part.partition("=")[0] for part in urlsplit(base).query.split("&") if part}
        query = urlencode([(name, value) for name, value in wanted if name not in given])
        return f"{base}{'&' if '?' in base else '?'}{query}"


class DeepgramRecognition(DeepgramConnection):
    """The bridge's end of a connection.

    Args:
        options: Where Deepgram is and what it is to do.
        request: What is listened for.
    """

    def __init__(self, options: RecognizerOptions, request: RecognitionRequest) -> None:
        super().__init__(options, request)
        self._messages = DeepgramMessages(RecognitionSide.BRIDGE)

    @override
    def address(self) -> str:
        options = self._options
        model = options.model or DEFAULT_MODEL
        wanted: list[tuple[str, str]] = [
            ("encoding", "mulaw"),
            ("sample_rate", "8000"),
            ("channels", "1"),
            ("model", model),
            ("interim_results", "true"),
            ("endpointing", str(ENDPOINTING_MS)),
        ]
        if language := self._request.language or options.language:
            wanted.append(("language", language))
        if self._request.digits:
            wanted.append(("numerals", "true"))
        hint = "keyterm" if model.startswith("nova-3") else "keywords"
        wanted += [(hint, phrase) for phrase in options.all_hints(self._request)[:MOST_HINTS]]
        return self._address_with(ADDRESS, wanted)

    @override
    def end_speech(self) -> list[ProtocolAnswer]:
        return [] if self._log.end() is None else [SendFrame(self._messages.send_finalize())]

    @override
    def keep_alive(self) -> list[ProtocolAnswer]:
        return [SendFrame(self._messages.send_keep_alive())]

    @override
    def close(self) -> list[ProtocolAnswer]:
        return [SendFrame(self._messages.send_close_stream())]

    @override
    def receive(self, message: Frame) -> list[ProtocolAnswer]:
        results = self._messages.receive_results(message)
        if results is None:
            return []
        ended_ms = (results.start + results.duration) * 1000
        utterance = self._log.at((results.start + results.duration / 2) * 1000)
        heard: list[ProtocolAnswer] = []
        if utterance is not None:
            heard += self._heard(utterance, results)
        pending = self._log.pending
        if results.from_finalize and pending is not None and ended_ms > pending.begins_ms:
            partial = [] if utterance is pending else heard  # it says nothing that the final one does not
            return [*partial, self._log.finish(pending)]
        return heard

    @staticmethod
    def _heard(utterance: HeardUtterance, results: DeepgramResults) -> list[ProtocolAnswer]:
        """Note a result, which says what is certain of a stretch, or what it may be."""
        best = next(iter(results.channel.alternatives), DeepgramAlternative())
        if not results.is_final:
            utterance.partial = best.transcript
        else:
            utterance.partial = ""
            if best.transcript.strip():
                words = tuple(
                    RecognizedWord(
                        word.punctuated_word or word.word,
                        word.start * 1000 - utterance.begins_ms,
                        word.end * 1000 - utterance.begins_ms,
                        word.confidence,
                    )
                    for word in best.words
                )
                utterance.pieces.append(HeardPiece(best.transcript, best.confidence, words))
        return [PartialTranscript(utterance.number, utterance.text)] if best.transcript.strip() else []
