"""OpenAI's Realtime API for transcription, for either side, in two dialects.

Follows OpenAI, "Realtime transcription" and the events of its API reference. The present dialect sends `session.update`
with the audio's settings inside, and no `model` in the address, which would open a conversation. The dialect of the
beta sends `transcription_session.update` with flat settings and the header `OpenAI-Beta`; Azure and speaches speak it.

Turns are ours: `turn_detection` is null, and we commit where the caller stops. Audio waits for `session.updated`,
because before that it would be read in another format. Transcripts of later items may overtake earlier ones.

One rule: a transcript belongs to the utterance whose commit made its item, in whatever order it comes.
"""

import math
from collections import deque
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from telebridge.errors import RemoteProtocolError
from telebridge.recognition.messages import (
    AudioHeard,
    DropHeard,
    FlushHeard,
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
from telebridge.recognition.source import FinalTranscript, PartialTranscript, RecognitionRequest
from telebridge.recognition.utterances import HeardPiece, HeardUtterance

ADDRESS = "wss://api.openai.com/v1/realtime"
DEFAULT_MODEL = "gpt-4o-transcribe"
PCM_RATE = 24_000
KEYWORD_MODELS = ("gpt-transcribe", "gpt-live-transcribe")
"""Models that take a list of keywords; the others take a prompt."""
NO_PROMPT = "gpt-realtime-whisper"
ENDED = frozenset({"session_expired", "invalid_api_key", "insufficient_quota", "model_not_found"})
"""Codes of errors after which the session is of no use."""
TRANSCRIPTION = "conversation.item.input_audio_transcription."

Dialect = Literal["ga", "beta"]


class RealtimeProblem(msgspec.Struct):
    """Why something failed."""

    type: str = ""
    code: str | None = None
    message: str = ""


class RealtimeLogprob(msgspec.Struct):
    """How likely a token of a transcript is, as the natural logarithm."""

    logprob: float = 0.0


class RealtimeEvent(msgspec.Struct):
    """An event of the server; fields that its kind has not are empty."""

    type: str = ""
    item_id: str = ""
    delta: str = ""
    transcript: str = ""
    error: RealtimeProblem | None = None
    logprobs: list[RealtimeLogprob] | None = None


class _FromClient(msgspec.Struct):
    type: str = ""
    audio: bytes = b""
    session: dict[str, Any] = {}


_EVENT = msgspec.json.Decoder(RealtimeEvent)
_FROM_CLIENT = msgspec.json.Decoder(_FromClient)


class RealtimeMessages:
    """The messages of one end of a session.

    Args:
        side: Which end this is.
        dialect: How settings are written.
    """

    def __init__(self, side: RecognitionSide, dialect: Dialect = "ga") -> None:
        self._side = side
        self._dialect = dialect

    # The bridge sends.

    def send_settings(self, transcription: dict[str, object], audio: Literal["mulaw", "pcm"]) -> str:
        """Return the message that sets the session up: the model and its hints, and the format of the audio."""
        if self._dialect == "beta":
            return self._encode(
                RecognitionSide.BRIDGE,
                {
                    "type": "transcription_session.update",
                    "session": {
                        "input_audio_format": "g711_ulaw" if audio == "mulaw" else "pcm16",
                        "input_audio_transcription": transcription,
                        "turn_detection": None,
                    },
                },
            )
        known = {"type": "audio/pcmu"} if audio == "mulaw" else {"type": "audio/pcm", "rate": PCM_RATE}
        listening = {"format": known, "transcription": transcription, "turn_detection": None}
        include = ["item.input_audio_transcription.logprobs"]
        session = {"type": "transcription", "audio": {"input": listening}, "include": include}
        return self._encode(RecognitionSide.BRIDGE, {"type": "session.update", "session": session})

    def send_audio(self, audio: bytes) -> str:
        """Return the message with the next audio."""
        return self._encode(RecognitionSide.BRIDGE, {"type": "input_audio_buffer.append", "audio": audio})

    def send_commit(self) -> str:
        """Return the message that makes an item of the audio sent so far; an empty one would be an error."""
        return self._encode(RecognitionSide.BRIDGE, {"type": "input_audio_buffer.commit"})

    @staticmethod
    def receive_event(message: Frame) -> RealtimeEvent:
        """Decode an event of the server's.

        Raises:
            RemoteProtocolError: It cannot be decoded.
        """
        return decoded(_EVENT, message, "OpenAI")

    # The recognizer sends.

    def send_event(self, kind: str, **fields: object) -> str:
        """Return an event of that kind."""
        return self._encode(RecognitionSide.RECOGNIZER, {"type": kind, **fields})

    @staticmethod
    def receive_from_bridge(message: Frame) -> HeardByRecognizer:
        """Decode an event of a client's."""
        try:
            event = _FROM_CLIENT.decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return NotUnderstood(str(error))
        match event.type:
            case "input_audio_buffer.append":
                return AudioHeard(event.audio)
            case "input_audio_buffer.commit":
                return FlushHeard()
            case "input_audio_buffer.clear":
                return DropHeard()
            case "session.update" | "transcription_session.update":
                return SetupHeard(event.session, event.type)
            case other:
                return NotUnderstood(f"unknown event type: {other}")

    def _encode(self, side: RecognitionSide, message: dict[str, object]) -> str:
        self._side.require(side)
        return msgspec.json.encode(message).decode()


class RealtimeRecognition(ConnectionRecognition):
    """The bridge's end of a session.

    Args:
        options: Where the recognizer is and what it is to do.
        request: What is listened for.
    """

    def __init__(self, options: RecognizerOptions, request: RecognitionRequest) -> None:
        super().__init__(options, request)
        self._messages = RealtimeMessages(RecognitionSide.BRIDGE, options.dialect)
        self._converter = ResampledAudio(PCM_RATE) if options.audio == "pcm" else None
        self._ready = False
        self._waiting: list[str] = []  # what was to be sent before the session was set up
        self._committed: deque[int] = deque()  # utterances whose commit was not confirmed
        self._items: dict[str, int] = {}  # the number of an item's utterance
        self._spoken_bytes = 0  # of the utterance in progress

    @override
    def address(self) -> str:
        base = self._options.url or ADDRESS
        return base if urlsplit(base).query else f"{base}?intent=transcription"

    @override
    def headers(self) -> dict[str, str]:
        headers = {"OpenAI-Beta": "realtime=v1"} if self._options.dialect == "beta" else {}
        if not self._options.api_key:
            return headers
        if ".azure.com" in (urlsplit(self._options.url).hostname or ""):
            return {**headers, "api-key": self._options.api_key}
        return {**headers, "Authorization": f"Bearer {self._options.api_key}"}

    @override
    def open(self) -> list[ProtocolAnswer]:
        return [SendFrame(self._messages.send_settings(self._transcription(), self._options.audio))]

    def _transcription(self) -> dict[str, object]:
        options, model = self._options, self._options.model or DEFAULT_MODEL
        transcription: dict[str, object] = {"model": model}
        if language := (self._request.language or options.language):
            transcription["language"] = language.partition("-")[0]
        hints = options.all_hints(self._request)
        if hints and model.startswith(KEYWORD_MODELS):
            transcription["keywords"] = list(hints)
        elif hints and not model.startswith(NO_PROMPT):
            transcription["prompt"] = f"Words: {', '.join(hints)}."
        return transcription

    @override
    def begin_speech(self, utterance: int) -> list[ProtocolAnswer]:
        self._log.begin(utterance)
        self._spoken_bytes = 0
        return []

    @override
    def feed(self, mulaw: bytes) -> list[ProtocolAnswer]:
        self._log.feed(mulaw)
        self._spoken_bytes += len(mulaw)
        audio = mulaw if self._converter is None else self._converter.convert(mulaw)
        return self._send(self._messages.send_audio(audio)) if audio else []

    @override
    def end_speech(self) -> list[ProtocolAnswer]:
        utterance = self._log.end()
        if utterance is None:
            return []
        if not self._spoken_bytes:
            return [self._log.finish(utterance)]
        rest = b"" if self._converter is None else self._converter.convert(b"", last=True)
        self._committed.append(utterance.number)
        last = self._send(self._messages.send_audio(rest)) if rest else []
        return [*last, *self._send(self._messages.send_commit())]

    def _send(self, message: str) -> list[ProtocolAnswer]:
        if self._ready:
            return [SendFrame(message)]
        self._waiting.append(message)
        return []

    @override
    def receive(self, message: Frame) -> list[ProtocolAnswer]:
        event = self._messages.receive_event(message)
        match event.type:
            case "session.updated" | "transcription_session.updated":
                self._ready = True
                waiting, self._waiting = self._waiting, []
                return [SendFrame(each) for each in waiting]
            case "input_audio_buffer.committed":
                if self._committed:
                    self._items[event.item_id] = self._committed.popleft()
            case "error":
                self._check(event.error or RealtimeProblem())
            case kind if kind.startswith(TRANSCRIPTION):
                return self._transcript(event, kind.removeprefix(TRANSCRIPTION))
            case _:
                pass  # kinds are added now and then
        return []

    def _transcript(self, event: RealtimeEvent, kind: str) -> list[ProtocolAnswer]:
        utterance = self._utterance_of(event.item_id)
        if utterance is None:
            return []
        match kind:
            case "delta":
                utterance.partial += event.delta
                return [PartialTranscript(utterance.number, utterance.text)] if utterance.text else []
            case "completed":
                utterance.partial = ""
                utterance.pieces = [HeardPiece(event.transcript, _confidence(event.logprobs))]
                return [self._finish(event.item_id, utterance)]
            case "failed":
                why = event.error.message if event.error is not None else "no reason given"
                final = self._finish(event.item_id, utterance)
                return [FinalTranscript(final.utterance, "", failure=f"not transcribed: {why}")]
            case _:
                return []

    def _finish(self, item: str, utterance: HeardUtterance) -> FinalTranscript:
        self._items.pop(item, None)
        return self._log.finish(utterance)

    def _utterance_of(self, item: str) -> HeardUtterance | None:
        """The utterance of an item; of one that is not committed yet, that which is being spoken."""
        number = self._items.get(item)
        return self._log.current if number is None else self._log.find(number)

    def _check(self, problem: RealtimeProblem) -> None:
        """Most errors are of one message and leave the session as it is."""
        if problem.code in ENDED or problem.type == "authentication_error":
            raise RemoteProtocolError("OpenAI", f"gives up: {problem.message or problem.code or problem.type}")


def _confidence(logprobs: list[RealtimeLogprob] | None) -> float | None:
    """The mean likelihood of the tokens; None where they were not sent."""
    if not logprobs:
        return None
    return math.exp(sum(each.logprob for each in logprobs) / len(logprobs))
