"""How Deepgram's Flux (`v2/listen`) says what the local recognizer has heard.

One rule: a turn begins with the first audio that holds words, and ends by `ForceEndTurn` alone.
"""

from typing_extensions import override

from telebridge.recognition.messages import Frame, HeardByRecognizer, RecognitionSide, SetupHeard
from telebridge.recognition.protocols.deepgram_flux import FluxMessages, FluxTurn, FluxWord
from telebridge.recognition_server.dialects import ServerDialect, timed
from telebridge.recognition_server.formats import SentFormat

UPDATE_MS = 250.0


class FluxDialect(ServerDialect):
    """`v2/listen`. There is no `KeepAlive` and no `Finalize`.

    Args:
        audio_format: What the address says of the audio.
    """

    one_utterance = False

    def __init__(self, audio_format: SentFormat) -> None:
        self.format = audio_format
        self.idle_seconds: float | None = 10.0
        self._messages = FluxMessages(RecognitionSide.RECOGNIZER)
        self._next_turn = 0
        self._turns: dict[int, int] = {}  # of utterances
        self._text = ""
        self._updated_ms = 0.0

    @override
    def hear(self, frame: Frame) -> HeardByRecognizer:
        return self._messages.receive_from_bridge(frame)

    @override
    def opening(self) -> list[str]:
        return [self._messages.send_event("Connected")]

    @override
    def set_up(self, setup: SetupHeard) -> list[str]:
        thresholds = setup.settings.get("thresholds")
        return [self._messages.send_event("ConfigureSuccess", thresholds=thresholds or {}, keyterms=[])]

    @override
    def refuse(self, problem: str) -> list[str]:
        return [self._messages.send_event("Error", code="UNPARSABLE_CLIENT_MESSAGE", description=problem)]

    @override
    def progress(self, utterance: int, begins_ms: float, ends_ms: float, *, speech: bool) -> list[str]:
        if speech and utterance not in self._turns:
            return [self._begin(utterance, begins_ms, ends_ms)]
        if ends_ms - self._updated_ms < UPDATE_MS:
            return []
        index = self._turns.get(utterance, self._next_turn)
        return [self._turn("Update", index, self._text if speech else "", begins_ms, ends_ms)]

    def _begin(self, utterance: int, begins_ms: float, ends_ms: float) -> str:
        self._turns[utterance] = self._next_turn
        self._next_turn += 1
        self._text = ""
        return self._turn("StartOfTurn", self._turns[utterance], "", begins_ms, ends_ms)

    @override
    def partial(self, utterance: int, text: str, begins_ms: float, ends_ms: float) -> list[str]:
        self._text = text
        return [self._turn("Update", self._turns.get(utterance, self._next_turn), text, begins_ms, ends_ms)]

    @override
    def final(self, utterance: int, text: str, begins_ms: float, ends_ms: float, confidence: float) -> list[str]:
        index = self._turns.get(utterance)
        if index is None:
            return []  # no turn was in progress
        return [self._turn("EndOfTurn", index, text, begins_ms, ends_ms, confidence)]

    def _turn(
        self, event: str, index: int, text: str, begins_ms: float, ends_ms: float, confidence: float = 0.5
    ) -> str:
        self._updated_ms = ends_ms
        words = [
            FluxWord(word, confidence, start / 1000, end / 1000) for word, start, end in timed(text, begins_ms, ends_ms)
        ]
        return self._messages.send_turn(
            FluxTurn(event, index, begins_ms / 1000, ends_ms / 1000, text, words, end_of_turn_confidence=confidence)
        )
