"""What the callers of a test say, told beside their audio, and what the recognizer does wrong with it.

One rule: words that were told and not heard in time are forgotten, so that they never answer a later question.
"""

from dataclasses import dataclass
from typing import Literal

HEARD_WITHIN_SECONDS = 2.0
"""So long after it was said a text may be heard by who was opened or asked late."""

RecognitionFault = Literal["", "hangs", "twice", "overtaken", "garbage", "closes"]
"""What goes wrong with one utterance: no answer, two of them, one after the next one's, one that cannot be read, or a
connection that is closed in the middle of it."""


@dataclass(frozen=True, slots=True)
class ScriptedWords:
    """Something that a caller says.

    Args:
        text: The words; empty for a sound that is none.
        confidence: How sure the recognizer is.
        delay_seconds: How long after the end of the audio it answers.
        partials: Whether partial transcripts come while the caller speaks.
        fault: What goes wrong.
        at: When it is said, in the server's time; None for whenever the next audio comes.
    """

    text: str
    confidence: float = 0.97
    delay_seconds: float = 0.0
    partials: bool = True
    fault: RecognitionFault = ""
    at: float | None = None


class CallerWords:
    """What was told and not heard yet.

    Attributes:
        refuse_status: The HTTP status with which connections are refused; 0 to accept them.
        heard: The texts that were heard, in order.
    """

    def __init__(self) -> None:
        self.refuse_status = 0
        self.heard: list[str] = []
        self._told: list[ScriptedWords] = []

    def say(self, words: ScriptedWords) -> None:
        """Tell what is said next."""
        self._told.append(words)

    def take(self, *, now: float) -> ScriptedWords | None:
        """What is said in audio that begins now; None when nothing was told."""
        self._told = [each for each in self._told if each.at is None or each.at >= now - HEARD_WITHIN_SECONDS]
        ready = next((each for each in self._told if each.at is None or each.at <= now), None)
        if ready is not None:
            self._told.remove(ready)
        return ready

    def take_rest(self, *, now: float) -> list[str]:
        """What was said after that in the same audio."""
        rest = [each for each in self._told if each.at is not None and each.at <= now and not each.fault]
        self._told = [each for each in self._told if each not in rest]
        return [each.text for each in rest]
