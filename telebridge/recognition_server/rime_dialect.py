"""How Rime's speech-to-text says what the local recognizer has heard.

One rule: a stream takes one utterance, and ends with `done`, `cancelled` or `error`.
"""

from typing_extensions import override

from telebridge.recognition.messages import (
    AudioHeard,
    Frame,
    HeardByRecognizer,
    NotUnderstood,
    RecognitionSide,
    SetupHeard,
)
from telebridge.recognition.protocols.rime import LANGUAGES, RATE, TranscriptionMessages
from telebridge.recognition_server.dialects import ServerDialect
from telebridge.recognition_server.formats import SentFormat

START_SECONDS, AUDIO_SECONDS = 5.0, 15.0
CONTRACTS = frozenset({"STREAMING_OUTPUT_CONTRACT_REVISED_HYPOTHESES", "STREAMING_OUTPUT_CONTRACT_APPEND_FRAGMENTS"})


class RimeDialect(ServerDialect):
    """Rime's WebSocket: `start` within 5 s, audio every 15 s."""

    one_utterance = True
    format = SentFormat("linear16", RATE)

    def __init__(self) -> None:
        self.idle_seconds: float | None = START_SECONDS
        self._messages = TranscriptionMessages(RecognitionSide.RECOGNIZER)
        self._appends = False
        self._sent = ""
        self._language = ""

    @override
    def hear(self, frame: Frame) -> HeardByRecognizer:
        heard = self._messages.receive_from_bridge(frame)
        if isinstance(heard, AudioHeard) and not self._language:
            return NotUnderstood("audio before start")
        if isinstance(heard, SetupHeard) and (problem := self._problem(heard.settings)):
            return NotUnderstood(problem)
        return heard

    def _problem(self, settings: dict[str, object]) -> str:
        if self._language:
            return "start was sent already"
        if settings.get("outputContract") not in CONTRACTS:
            return "outputContract has no default"
        return "" if settings.get("language") in LANGUAGES else "language is not supported"

    @override
    def set_up(self, setup: SetupHeard) -> list[str]:
        self._language = str(setup.settings["language"])
        self._appends = str(setup.settings["outputContract"]).endswith("APPEND_FRAGMENTS")
        self.idle_seconds = AUDIO_SECONDS
        return [self._messages.send_event("started", requestId="local", accepted=setup.settings)]

    @override
    def refuse(self, problem: str) -> list[str]:
        return [self._messages.send_event("error", kind="invalid_input", message=problem, requestId="local")]

    @override
    def dropped(self) -> list[str]:
        return [self._messages.send_event("cancelled")]

    @override
    def partial(self, utterance: int, text: str, begins_ms: float, ends_ms: float) -> list[str]:
        added, self._sent = text[len(self._sent) :], text
        if self._appends:
            return [self._messages.send_event("delta", text=added)]
        return [self._messages.send_event("hypothesis", text=text, revision=len(text.split()))]

    @override
    def final(self, utterance: int, text: str, begins_ms: float, ends_ms: float, confidence: float) -> list[str]:
        return [self._messages.send_event("done", text=text, language=self._language, revision=len(text.split()) + 1)]
