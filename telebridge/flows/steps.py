"""What a flow asks of a call, and what it is told in return; flow files and Python flows speak both alike.

One rule: a flow has one step in progress. The next is asked for when the outcome of the one before is known.
"""

from collections.abc import AsyncIterable
from dataclasses import dataclass, field

from telebridge.speech.source import Voice
from telebridge.turns.barge_in import BargeIn, BargeInCause, BargeInPolicy
from telebridge.turns.digits import DigitRules, Ending


@dataclass(frozen=True, slots=True)
class Say:
    """Say something; over when the caller has heard or interrupted it.

    Args:
        text: A whole, or a stream of tokens that carry their own spaces.
        voice: Synthesis parameters for this utterance only.
        barge_in: What may interrupt it; None for what the settings say.
    """

    text: str | AsyncIterable[str]
    voice: Voice | None = None
    barge_in: BargeInPolicy | None = None

    def yields_to(self, cause: BargeInCause, default: BargeInPolicy) -> bool:
        """Whether `cause` interrupts it, by its own policy or else the default."""
        return (default if self.barge_in is None else self.barge_in).yields_to(cause)


@dataclass(frozen=True, slots=True)
class Collect:
    """Ask for keys; over when they are in or the wait for them has ended. Without a prompt the line stays silent."""

    prompt: Say | None = None
    rules: DigitRules = field(default_factory=DigitRules)


@dataclass(frozen=True, slots=True)
class Play:
    """Play audio; over when the caller has heard it. Nothing but the call's owner and its end interrupts it.

    Args:
        audio: Mu-law at 8000 Hz.
        name: What it is, for the record.
    """

    audio: bytes = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Be silent for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call; the last step of a flow."""


Step = Say | Collect | Play | Wait | HangUp


@dataclass(frozen=True, slots=True)
class Said:
    """A `Say`, a `Play` or a `Wait` is over."""

    interruption: BargeIn | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """A `Collect` is over."""

    digits: str
    ending: Ending


Outcome = Said | Gathered
