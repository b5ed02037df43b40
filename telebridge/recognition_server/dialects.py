"""How each protocol says what the local recognizer has heard.

One rule: a check is named after the fact of the vendor's documents that it holds a client to.
"""

from typing import Protocol

from typing_extensions import override

from telebridge.recognition.messages import (
    AudioHeard,
    EndHeard,
    FlushHeard,
    Frame,
    HeardByRecognizer,
    NotUnderstood,
    RecognitionSide,
    SetupHeard,
)
from telebridge.recognition.protocols.deepgram import (
    DeepgramAlternative,
    DeepgramChannel,
    DeepgramMessages,
    DeepgramResults,
    DeepgramWord,
)
from telebridge.recognition.protocols.openai_realtime import TRANSCRIPTION, RealtimeMessages
from telebridge.recognition.protocols.vosk import VoskMessages, VoskWord
from telebridge.recognition_server.formats import SentFormat, is_rate

REALTIME_FORMATS = {
    "audio/pcmu": SentFormat("mulaw"),
    "audio/pcma": SentFormat("alaw"),
    "audio/pcm": SentFormat("linear16", 24_000),
    "g711_ulaw": SentFormat("mulaw"),
    "g711_alaw": SentFormat("alaw"),
    "pcm16": SentFormat("linear16", 24_000),
}
"""By the names that clients give them."""


class ServerDialect(Protocol):
    """The recognizer's end of one protocol.

    Attributes:
        format: The format of the audio; follows from what was agreed.
        idle_seconds: How long the connection may be without a message; None for ever.
        one_utterance: Whether the connection ends with the first final transcript.
    """

    format: SentFormat
    idle_seconds: float | None
    one_utterance: bool

    def hear(self, frame: Frame) -> HeardByRecognizer:
        """Decode a message of the client's."""
        ...

    def opening(self) -> list[str]:
        """What is sent once the connection is open."""
        return []

    def set_up(self, setup: SetupHeard) -> list[str]:
        """Take the client's settings, and answer them."""
        ...

    def refuse(self, problem: str) -> list[str]:  # noqa: ARG002 - most send nothing
        """The answer to a message that cannot be understood."""
        return []

    def flushed(self, utterance: int) -> list[str]:  # noqa: ARG002 - most send nothing
        """What is sent at once when a final transcript is asked for."""
        return []

    def dropped(self) -> list[str]:
        """The answer to a client that wants nothing more of what was sent."""
        return []

    def progress(self, utterance: int, begins_ms: float, ends_ms: float, *, speech: bool) -> list[str]:  # noqa: ARG002 - most send nothing
        """What is sent as audio comes, whether it holds words or not."""
        return []

    def partial(self, utterance: int, text: str, begins_ms: float, ends_ms: float) -> list[str]:
        """A partial transcript of the audio between two positions of the connection."""
        ...

    def final(self, utterance: int, text: str, begins_ms: float, ends_ms: float, confidence: float) -> list[str]:
        """The final transcript of that audio."""
        ...

    def closing(self, position_ms: float) -> list[str]:  # noqa: ARG002 - most send nothing
        """What is sent before the connection ends."""
        return []


class DeepgramDialect(ServerDialect):
    """`v1/listen`. A connection without audio or `KeepAlive` ends after ten seconds.

    Args:
        audio_format: What the address says of the audio.
    """

    one_utterance = False

    def __init__(self, audio_format: SentFormat) -> None:
        self.format = audio_format
        self.idle_seconds: float | None = 10.0
        self._messages = DeepgramMessages(RecognitionSide.RECOGNIZER)

    @override
    def hear(self, frame: Frame) -> HeardByRecognizer:
        if frame == b"":
            return EndHeard()  # an empty binary message ends the stream
        return self._messages.receive_from_bridge(frame)

    @override
    def set_up(self, setup: SetupHeard) -> list[str]:
        return []

    @override
    def partial(self, utterance: int, text: str, begins_ms: float, ends_ms: float) -> list[str]:
        return [self._results(text, begins_ms, ends_ms, 0.5, final=False)]

    @override
    def final(self, utterance: int, text: str, begins_ms: float, ends_ms: float, confidence: float) -> list[str]:
        return [self._results(text, begins_ms, ends_ms, confidence, final=True)]

    @override
    def closing(self, position_ms: float) -> list[str]:
        return [self._messages.send_metadata(position_ms / 1000)]

    def _results(self, text: str, begins_ms: float, ends_ms: float, confidence: float, *, final: bool) -> str:
        words = [
            DeepgramWord(word, start / 1000, end / 1000, confidence)
            for word, start, end in timed(text, begins_ms, ends_ms)
        ]
        best = DeepgramAlternative(text, confidence, words)
        return self._messages.send_results(
            DeepgramResults(
                start=begins_ms / 1000,
                duration=(ends_ms - begins_ms) / 1000,
                is_final=final,
                speech_final=final,
                from_finalize=final,
                channel=DeepgramChannel([best]),
            )
        )


class RealtimeDialect(ServerDialect):
    """OpenAI's Realtime API. With a `model` in the address the session is a conversation, and takes no transcription.

    Args:
        conversation: Whether the address has a `model` and no `intent`.
    """

    one_utterance = False
    format = REALTIME_FORMATS["audio/pcm"]
    idle_seconds: float | None = None

    def __init__(self, *, conversation: bool) -> None:
        self._conversation = conversation
        self._messages = RealtimeMessages(RecognitionSide.RECOGNIZER)
        self._unflushed = False

    @override
    def hear(self, frame: Frame) -> HeardByRecognizer:
        if isinstance(frame, bytes):
            return NotUnderstood("binary messages are not understood")
        heard = self._messages.receive_from_bridge(frame)
        if isinstance(heard, FlushHeard) and not self._unflushed:
            return NotUnderstood("buffer too small: there is no audio to commit")
        if isinstance(heard, AudioHeard | FlushHeard):
            self._unflushed = isinstance(heard, AudioHeard)
        return heard

    @override
    def opening(self) -> list[str]:
        return [self._messages.send_event("session.created", session={"type": "transcription"})]

    @override
    def set_up(self, setup: SetupHeard) -> list[str]:
        settings = setup.settings
        beta = setup.kind == "transcription_session.update"
        if self._conversation and settings.get("type") == "transcription":
            return self.refuse("a conversation session takes no transcription settings")
        name = settings.get("input_audio_format") if beta else _dig(settings, "audio", "input", "format", "type")
        if name not in REALTIME_FORMATS:
            return self.refuse(f"unknown format: {name}")
        self.format = REALTIME_FORMATS[str(name)]
        kind = "transcription_session.updated" if beta else "session.updated"
        return [self._messages.send_event(kind, session=settings)]

    @override
    def refuse(self, problem: str) -> list[str]:
        error = {"type": "invalid_request_error", "code": "invalid_value", "message": problem}
        return [self._messages.send_event("error", error=error)]

    @override
    def flushed(self, utterance: int) -> list[str]:
        before = f"item_{utterance - 1}" if utterance > 1 else None
        kind = "input_audio_buffer.committed"
        return [
            self._messages.send_event(kind, item_id=f"item_{utterance}", previous_item_id=before),
            self._messages.send_event("conversation.item.added", item={"id": f"item_{utterance}"}),
        ]

    @override
    def partial(self, utterance: int, text: str, begins_ms: float, ends_ms: float) -> list[str]:
        delta = text.split()[-1:]
        if not delta:
            return []
        kind = f"{TRANSCRIPTION}delta"
        return [self._messages.send_event(kind, item_id=f"item_{utterance}", content_index=0, delta=f"{delta[0]} ")]

    @override
    def final(self, utterance: int, text: str, begins_ms: float, ends_ms: float, confidence: float) -> list[str]:
        kind = f"{TRANSCRIPTION}completed"
        usage = {"type": "duration", "seconds": (ends_ms - begins_ms) / 1000}
        item = f"item_{utterance}"
        return [self._messages.send_event(kind, item_id=item, content_index=0, transcript=text, usage=usage)]


class VoskDialect(ServerDialect):
    """The Vosk server. The last result is followed by the end of the connection."""

    one_utterance = True
    format = SentFormat("linear16")
    idle_seconds: float | None = None

    def __init__(self) -> None:
        self._messages = VoskMessages(RecognitionSide.RECOGNIZER)

    @override
    def hear(self, frame: Frame) -> HeardByRecognizer:
        return self._messages.receive_from_bridge(frame)

    @override
    def set_up(self, setup: SetupHeard) -> list[str]:
        rate = setup.settings.get("sample_rate", 8000)
        if isinstance(rate, int | float) and is_rate(rate):
            self.format = SentFormat("linear16", round(rate))
        return []

    @override
    def partial(self, utterance: int, text: str, begins_ms: float, ends_ms: float) -> list[str]:
        return [self._messages.send_partial(text)]

    @override
    def final(self, utterance: int, text: str, begins_ms: float, ends_ms: float, confidence: float) -> list[str]:
        words = [VoskWord(word, start / 1000, end / 1000, confidence) for word, start, end in timed(text, 0.0, ends_ms)]
        return [self._messages.send_result(text, words)]


def timed(text: str, begins_ms: float, ends_ms: float) -> list[tuple[str, float, float]]:
    """The words of a text, spread evenly over a stretch of audio."""
    words = text.split()
    each = (ends_ms - begins_ms) / max(1, len(words))
    return [(word, begins_ms + at * each, begins_ms + (at + 1) * each) for at, word in enumerate(words)]


def _dig(value: object, *path: str) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
