"""The words of whoever answered: which audio the recognizer gets, and what it has heard so far.

One rule: the words of the first two seconds are known after two seconds. What goes on for longer is cut, and the
recognizer asked for a final transcript, because some give no partial ones.
"""

from telebridge.answering.other_side import OtherSide, OtherSideChange
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.call.session.effects import CallEffect, RecognizeAudio, StartRecognition, StopRecognition
from telebridge.recognition.source import FinalTranscript, RecognitionRequest, RecognitionResult

FIRST_CUT_MS = 1500.0
CUT_MS = 2500.0
HINTS = ("record your name and reason for calling", "leave a message after the tone")


class HeardWords:
    """The recognition of whoever answered.

    Args:
        number: Of the recognition.
        language: What they speak; empty for that of the settings.

    Attributes:
        number: As above.
        failed: Whether the recognizer did not answer lately.
    """

    def __init__(self, number: int, language: str) -> None:
        self.number = number
        self._language = language
        self._utterance = 0
        self._in_utterance = False
        self._fed_ms = 0.0
        self._from = 1  # the first utterance that matters
        self._texts: dict[int, str] = {}
        self._unfinished: set[int] = set()
        self.failed = False

    @property
    def text(self) -> str:
        """What was said so far."""
        return " ".join(self._texts[number] for number in sorted(self._texts))

    @property
    def settled(self) -> bool:
        """Whether all that was said is known."""
        return not self._in_utterance and not self._unfinished

    def start(self) -> list[CallEffect]:
        """Let the recognizer listen."""
        return [StartRecognition(self.number, RecognitionRequest(self._language, HINTS))]

    def stop(self) -> list[CallEffect]:
        """Nobody needs the words any more."""
        self._in_utterance = False
        return [StopRecognition(self.number)]

    def forget(self) -> None:
        """What was said so far does not matter any more, and what is still to be heard of it neither."""
        self._from = self._utterance + (0 if self._in_utterance else 1)
        self._texts = {number: text for number, text in self._texts.items() if number >= self._from}
        self._unfinished = {number for number in self._unfinished if number >= self._from}

    def receive_frame(self, payload: bytes, change: OtherSideChange, side: OtherSide) -> list[CallEffect]:
        """Take a frame, and what changed with it."""
        if change.began and not self._in_utterance:
            return [self._begin(side.lead)]
        if not self._in_utterance:
            return []
        self._fed_ms += len(payload) / BYTES_PER_MS
        effects: list[CallEffect] = [RecognizeAudio(self.number, payload, ends=change.ended)]
        if change.ended:
            self._in_utterance = False
        elif self._fed_ms >= (FIRST_CUT_MS if self._utterance == 1 else CUT_MS):
            effects = [RecognizeAudio(self.number, payload, ends=True), self._begin(b"")]
        return effects

    def _begin(self, audio: bytes) -> CallEffect:
        self._in_utterance = True
        self._utterance += 1
        self._fed_ms = 0.0
        self._unfinished.add(self._utterance)
        return RecognizeAudio(self.number, audio, begins=True)

    def receive(self, result: RecognitionResult) -> None:
        """Take what the recognizer has heard."""
        if isinstance(result, FinalTranscript):
            self._unfinished.discard(result.utterance)
            self.failed = bool(result.failure)
        elif result.utterance not in self._unfinished:
            return
        if result.text and result.utterance >= self._from:
            self._texts[result.utterance] = result.text
