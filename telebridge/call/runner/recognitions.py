"""The recognitions of one call: gives the caller's audio to the recognizer, and delivers to the session what it heard.

One rule: a recognizer that fails costs a call nothing but words.
"""

from functools import partial

from telebridge.call.session.effects import RecognizeAudio, StartRecognition, StopRecognition
from telebridge.call.session.events import EventSink, WordsHeard
from telebridge.logs import logger
from telebridge.recognition.source import Recognition, RecognitionResult, Recognizer

log = logger(__name__)


class Recognitions:
    """The recognitions in progress: that of the question, and that of who answered, which has the number 0.

    Args:
        recognizer: Hears; None where nobody does.
    """

    __slots__ = ("_in_progress", "_recognizer")

    def __init__(self, recognizer: Recognizer | None) -> None:
        self._recognizer = recognizer
        self._in_progress: dict[int, Recognition] = {}

    def perform(self, effect: StartRecognition | RecognizeAudio | StopRecognition, deliver: EventSink) -> None:
        """Start, feed or stop a recognition; `deliver` takes what was heard, never before this returns."""
        number = effect.number
        try:
            match effect:
                case StartRecognition(_, request):
                    self._close([other for other in self._in_progress if other == number or (other and number)])
                    if self._recognizer is not None:
                        self._in_progress[number] = self._recognizer.listen(request, partial(_deliver, deliver, number))
                case RecognizeAudio(_, payload, begins, ends):
                    if (recognition := self._in_progress.get(number)) is not None:
                        _feed(recognition, payload, begins=begins, ends=ends)
                case StopRecognition():
                    self._close([number])
        except Exception:  # a fault of ours, or of who made the recognizer: the call goes on with keys
            log.exception("a recognizer cannot be used")
            self._in_progress.pop(number, None)

    def close(self) -> None:
        """Nobody needs words any more."""
        self._close(list(self._in_progress))

    def _close(self, numbers: list[int]) -> None:
        for number in numbers:
            recognition = self._in_progress.pop(number, None)
            if recognition is not None:
                recognition.close()


def _feed(recognition: Recognition, payload: bytes, *, begins: bool, ends: bool) -> None:
    if begins:
        recognition.begin_speech()
    if payload:
        recognition.feed(payload)
    if ends:
        recognition.end_speech()


def _deliver(deliver: EventSink, number: int, result: RecognitionResult) -> None:
    deliver(WordsHeard(number, result))
