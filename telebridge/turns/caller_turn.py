"""A turn of the caller's in a conversation: what they say from one silence to the next."""

from dataclasses import dataclass

from telebridge.turns.barge_in import BargeIn


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """What the caller says, so far or altogether.

    Args:
        words: Their words; each turn replaces the partial ones before it.
        final: Whether it is over, and the words will not change any more.
        began_seconds: When they began to speak, in seconds since the call began.
        ended_seconds: When they fell silent; None while they speak.
        interruption: What they interrupted, and what they had heard of it; None when they interrupted nothing.
        back_channel: Whether it was said over a prompt that went on, as "mm-hm" is; nobody expects an answer.
        confidence: How sure the recognizer is of the words, from 0 to 1; None where it does not say.
        heard: Whether anybody has heard words; False where no recognizer did, so that only their times are known.
    """

    words: str
    final: bool
    began_seconds: float
    ended_seconds: float | None = None
    interruption: BargeIn | None = None
    back_channel: bool = False
    confidence: float | None = None
    heard: bool = True
