"""What is set of a recognizer, whichever it is."""

from dataclasses import dataclass
from typing import Literal

from telebridge.recognition.source import RecognitionRequest

RecognitionProvider = Literal["deepgram", "deepgram-flux", "openai", "openai-http", "rime", "vosk", "local"]


@dataclass(frozen=True, slots=True)
class RecognizerOptions:
    """The options of a recognizer.

    Args:
        provider: Whose protocol it speaks.
        url: Where it is; empty for the provider's own address.
        api_key: Its key.
        model: Its model; empty for the provider's usual one.
        language: The language that callers speak; empty to leave it to the recognizer.
        hints: Words that are likely in every question.
        dialect: Of OpenAI's Realtime API: the present one, or the beta's.
        audio: What OpenAI's Realtime API is sent: mu-law as it is, or linear samples at 24 kHz.
        connect_seconds: How long connecting may take.
        answer_seconds: How long the final transcript may take after the caller has stopped.
    """

    provider: RecognitionProvider
    url: str = ""
    api_key: str = ""
    model: str = ""
    language: str = ""
    hints: tuple[str, ...] = ()
    dialect: Literal["ga", "beta"] = "ga"
    audio: Literal["mulaw", "pcm"] = "mulaw"
    connect_seconds: float = 3.0
    answer_seconds: float = 1.5

    def all_hints(self, request: RecognitionRequest) -> tuple[str, ...]:
        """The hints of a question and those of every question, each once."""
        return tuple(dict.fromkeys((*request.hints, *self.hints)))
