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
    """The recognition in progress, if one is.

    Args:
        recognizer: Hears; None where nobody does.
    """

    __slots__ = ("_number", "_recognition", "_recognizer")

    def __init__(self, recognizer: Recognizer | None) -> None:
        self._recognizer = recognizer
        self._number = 0
        self._recognition: Recognition | None = None

    def perform(self, effect: StartRecognition | RecognizeAudio | StopRecognition, deliver: EventSink) -> None:
        """Start, feed or stop a recognition; `deliver` takes what was heard, never before this returns."""
        try:
            match effect:
                case StartRecognition(number, request):
                    self.close()
                    if self._recognizer is not None:
                        self._number = number
                        self._recognition = self._recognizer.listen(request, partial(_deliver, deliver, number))
                case RecognizeAudio(number, payload, begins, ends):
                    if self._recognition is not None and number == self._number:
                        _feed(self._recognition, payload, begins=begins, ends=ends)
                case StopRecognition(number):
                    if number == self._number:
                        self.close()
        except Exception:  # a fault of ours, or of who made the recognizer: the call goes on with keys
            log.exception("a recognizer cannot be used")
            self._recognition = None

    def close(self) -> None:
        """Nobody needs words any more."""
        recognition, self._recognition = self._recognition, None
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
