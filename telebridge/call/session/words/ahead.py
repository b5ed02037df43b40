"""What the caller says before the question that it answers, as keys are typed ahead.

Where a recognizer has heard an utterance already, its transcript is kept; of the others the audio is kept, and given to
the recognizer of the question.

One rule: words belong to the next question when they interrupted the prompt before it or were said after its beginning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.recognition.source import FinalTranscript
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted

MOST_UTTERANCES = 3
LONGEST_BYTES = 8000 * BYTES_PER_MS
"""So much audio of an utterance is kept, the newest."""

UtteranceKey = tuple[int, int]
"""The recognition, and the utterance in it."""


@dataclass(slots=True)
class UtteranceAhead:
    """An utterance that began before the question.

    Args:
        saying: What we said meanwhile.
        heard_by: The utterance of a recognition outside of questions that it is; None where none hears it.
        audio: The audio of it, pre-roll first; none once the transcript is known.
        final: The transcript, once it is known.
        noted: Whether that stands in the record.
        ended: Whether it is over.
        interrupted: Whether it has interrupted the prompt that played.
    """

    saying: str
    heard_by: UtteranceKey | None
    audio: bytearray = field(default_factory=bytearray)
    final: FinalTranscript | None = None
    noted: bool = False
    ended: bool = False
    interrupted: bool = False


class WordsAhead:
    """What the caller of one call said since the prompt before the next question began.

    Call `prompt_began` and `prompt_interrupted` for each prompt outside of questions, `receive_speech` with each frame
    meanwhile, and `take` when a question begins that words answer.

    Args:
        duplex: The audio of the call.
        available: Whether a recognizer listens now.

    Attributes:
        kept: The utterances; mostly there are none, and then nothing needs to be told of prompts.
        answered: Whether what the caller is saying belongs to an earlier question, which a key has answered meanwhile.
    """

    __slots__ = ("_available", "_duplex", "answered", "kept")

    def __init__(self, duplex: FullDuplex, available: Callable[[], bool]) -> None:
        self._duplex = duplex
        self._available = available
        self.kept: list[UtteranceAhead] = []
        self.answered = False

    @property
    def in_utterance(self) -> bool:
        """Whether an utterance is being kept."""
        return bool(self.kept) and not self.kept[-1].ended

    def prompt_began(self) -> None:
        """Another prompt begins: what was said before the last one is of no question to come."""
        self.kept = [each for each in self.kept if each.interrupted or not each.ended]
        for each in self.kept:
            each.interrupted = False

    def prompt_interrupted(self) -> None:
        """The last utterance has interrupted the prompt."""
        if self.kept:
            self.kept[-1].interrupted = True

    def receive_speech(
        self,
        payload: bytes,
        change: CallerSpeechStarted | CallerSpeechEnded | None,
        *,
        begins: bool,
        heard_by: UtteranceKey | None,
    ) -> None:
        """Take a frame of the caller's, and whether speech started or ended with it.

        Args:
            payload: The frame.
            change: What started or ended.
            begins: Whether an utterance may begin now.
            heard_by: The utterance of a recognition outside of questions that the frame belongs to.
        """
        if isinstance(change, CallerSpeechStarted):
            if self.in_utterance:  # nobody listened at its end
                self.kept[-1].ended = True
            if begins and self._available():
                audio = bytearray(self._duplex.speech_so_far())
                said = UtteranceAhead(self._duplex.saying_text, heard_by, audio)
                self.kept = [*self.kept[1 - MOST_UTTERANCES :], said]
            return
        if not self.in_utterance:
            return
        current = self.kept[-1]
        current.audio += payload
        del current.audio[:-LONGEST_BYTES]
        current.ended = isinstance(change, CallerSpeechEnded) or not self._duplex.caller_speaking

    def transcript_heard(self, heard_by: UtteranceKey, final: FinalTranscript, *, noted: bool) -> None:
        """A recognition outside of questions has heard an utterance; one that it failed to hear is lost."""
        for each in self.kept:
            if each.heard_by == heard_by and each.ended:
                each.final, each.noted = final, noted
                each.audio.clear()

    def take(self) -> list[UtteranceAhead]:
        """Return what was kept, for a question that begins."""
        kept, self.kept = self.kept, []
        return kept

    def restore(self, kept: Sequence[UtteranceAhead]) -> None:
        """Keep what another process had kept: its recognizer answers no more, and its prompt goes on here."""
        self.kept = [replace(each, heard_by=None, ended=True, interrupted=True) for each in kept[-MOST_UTTERANCES:]]

    def clear(self) -> None:
        """What was said so far is of no question to come."""
        self.kept.clear()
