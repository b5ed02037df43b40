"""What the local recognizer hears for itself, where nobody has told it what the caller says.

One rule: an utterance begins with the first audio after the last one, and ends when its final transcript is asked for.
"""

import asyncio
from collections.abc import Callable

from telebridge.recognition.pauses import SpeechPauses
from telebridge.recognition.source import (
    FinalTranscript,
    PartialTranscript,
    Recognition,
    RecognitionRequest,
    RecognitionResult,
    Recognizer,
)


class HeardUtterances:
    """The utterances of one client, heard by a recognizer.

    Args:
        recognizer: Hears.
        partial: Takes the words of a partial transcript of the utterance in progress.
    """

    def __init__(self, recognizer: Recognizer, partial: Callable[[str], None] = lambda _: None) -> None:
        self._recognition: Recognition = recognizer.listen(RecognitionRequest(), self._take)
        self._partial = partial
        self._count = 0
        self._pauses: SpeechPauses | None = None  # of the utterance in progress
        self._wanted: dict[int, asyncio.Future[FinalTranscript]] = {}

    @property
    def spoken(self) -> bool:
        """Whether the utterance in progress holds sounds that may be speech."""
        return self._pauses is not None and self._pauses.spoken

    def feed(self, mulaw: bytes) -> None:
        """Take the next audio."""
        if self._pauses is None:
            self._pauses = SpeechPauses()
            self._count += 1
            self._recognition.begin_speech()
        self._pauses.receive(mulaw)
        self._recognition.feed(mulaw)

    def end(self) -> asyncio.Future[FinalTranscript]:
        """The utterance is over; returns its final transcript, once that is known."""
        wanted: asyncio.Future[FinalTranscript] = asyncio.get_running_loop().create_future()
        if self._pauses is None:
            wanted.set_result(FinalTranscript(0, ""))
        else:
            self._wanted[self._count] = wanted
            self.drop()
        return wanted

    def drop(self) -> None:
        """The utterance is over, and nobody wants to know what it says."""
        if self._pauses is not None:
            self._pauses = None
            self._recognition.end_speech()

    def close(self) -> None:
        """Hear nothing more."""
        self._recognition.close()

    def _take(self, transcript: RecognitionResult) -> None:
        if isinstance(transcript, PartialTranscript):
            if self._pauses is not None and transcript.utterance == self._count and transcript.text:
                self._partial(transcript.text)
            return
        wanted = self._wanted.pop(transcript.utterance, None)
        if wanted is not None and not wanted.done():
            wanted.set_result(transcript)
