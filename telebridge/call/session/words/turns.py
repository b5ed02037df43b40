"""The turns of the caller's as a Python flow gets them: partial and final words, and what they interrupted.

One rule: a turn is final once, after it is known whether it has interrupted us.
"""

from dataclasses import dataclass

from telebridge.call.session.effects import ForwardTurn
from telebridge.recognition.source import FinalTranscript, RecognitionResult
from telebridge.turns.barge_in import BargeIn
from telebridge.turns.caller_turn import CallerTurn

LATELY_SECONDS = 3.0
"""What was said so lately before the flow takes turns is the first of them."""


@dataclass(slots=True)
class OverheardUtterance:
    """An utterance of the caller's.

    Args:
        prompt: Over which prompt it began; 0 over none.
        saying: What we said meanwhile.
        language: The language that is spoken.
        began_at: When it began, in monotonic seconds.
        ended_at: When it was over; None while the caller speaks.
        interruption: What it has interrupted.
        partial: Its last partial words.
        shown: Whether the flow has had a turn of it.
    """

    prompt: int
    saying: str
    language: str
    began_at: float
    ended_at: float | None = None
    interruption: BargeIn | None = None
    partial: str = ""
    shown: bool = False


@dataclass(frozen=True, slots=True)
class _Heard:
    """Words of an utterance that the flow has not had yet."""

    utterance: OverheardUtterance
    words: str
    final: bool
    confidence: float | None
    heard: bool
    leaves_floor: bool


class CallerTurns:
    """The turns of one call, in order.

    Attributes:
        wanted: Whether the flow takes them.
        call_began_at: When the call began, in monotonic seconds.
    """

    __slots__ = ("_heard", "_taking", "call_began_at", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        self.call_began_at = 0.0
        self._taking = False  # whether the flow had turns since it wants them
        self._heard: list[_Heard] = []

    def heard(
        self, utterance: OverheardUtterance, words: str, result: RecognitionResult, *, leaves_floor: bool
    ) -> None:
        """Take a transcript; without words it is of interest only where a turn was begun, or was not understood.

        Args:
            utterance: Of what.
            words: Its words; empty for sounds that are none, and for our own voice.
            result: The transcript.
            leaves_floor: Whether these words leave the floor to a prompt that they are said over.
        """
        final = isinstance(result, FinalTranscript)
        failed = isinstance(result, FinalTranscript) and bool(result.failure) and not words
        if not final and words in ("", utterance.partial):
            return
        utterance.partial = words
        confidence = result.confidence if isinstance(result, FinalTranscript) else None
        self._keep(_Heard(utterance, words, final, confidence, not failed, leaves_floor))

    def stop(self) -> None:
        """The flow takes no turns any more."""
        self.wanted = self._taking = False
        self._heard.clear()

    def unheard(self, utterance: OverheardUtterance) -> None:
        """An utterance is over of which nobody has heard words."""
        self._keep(_Heard(utterance, "", final=True, confidence=None, heard=False, leaves_floor=False))

    def _keep(self, heard: _Heard) -> None:
        """Keep it for the flow, which may be about to take turns because of it."""
        if not self.wanted:
            self._heard.clear()
        self._heard.append(heard)

    def forward(self, *, contested: bool, now: float) -> list[ForwardTurn]:
        """The turns that can be passed on; a final one waits as long as it is contested whether it interrupts."""
        turns: list[ForwardTurn] = []
        if not self.wanted:
            return turns
        if not self._taking:
            self._taking = True
            self._heard = [each for each in self._heard if now - (each.utterance.ended_at or now) <= LATELY_SECONDS]
        while self._heard and not (contested and self._heard[0].final):
            heard = self._heard.pop(0)
            utterance = heard.utterance
            known = heard.words or not heard.heard or utterance.interruption is not None or utterance.shown
            if known:
                turns.append(ForwardTurn(self._turn(heard)))
            utterance.shown = True
        return turns

    def _turn(self, heard: _Heard) -> CallerTurn:
        utterance = heard.utterance
        ended_at = utterance.ended_at if heard.final else None
        over_prompt = utterance.prompt != 0 and utterance.interruption is None
        return CallerTurn(
            heard.words,
            heard.final,
            round(utterance.began_at - self.call_began_at, 3),
            None if ended_at is None else round(ended_at - self.call_began_at, 3),
            utterance.interruption,
            heard.final and over_prompt and heard.leaves_floor,
            heard.confidence,
            heard.heard,
        )
