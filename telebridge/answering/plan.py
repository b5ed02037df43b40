"""What follows in a call that was placed when a machine answers it.

One rule: for a person nothing follows: the flow has begun to speak, and goes on.
"""

from dataclasses import dataclass
from enum import Enum

from telebridge.answering.phrases import Answerer


class OnAnswerer(Enum):
    """What follows when a machine is recognized."""

    CARRY_ON = "carry_on"
    HANG_UP = "hang_up"
    GO_TO = "go_to"
    """Go to a node of the flow; for a voice mailbox after its beep."""


@dataclass(frozen=True, slots=True)
class AnswerReaction:
    """What follows when one kind of machine is recognized.

    Args:
        kind: What.
        node: The node of the flow, for `GO_TO`.
    """

    kind: OnAnswerer = OnAnswerer.CARRY_ON
    node: str = ""


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """What follows for each kind of machine.

    Args:
        voicemail: For a voice mailbox.
        screen: For a telephone that screens calls.
    """

    voicemail: AnswerReaction = AnswerReaction()
    screen: AnswerReaction = AnswerReaction()

    def of(self, machine: Answerer) -> AnswerReaction:
        """What follows for this machine."""
        return self.screen if machine is Answerer.SCREEN else self.voicemail

    @property
    def leaves_message(self) -> bool:
        """Whether a message is left in a mailbox, so that its beep is listened for."""
        return self.voicemail.kind is OnAnswerer.GO_TO

    @property
    def needs_words(self) -> bool:
        """Whether anything follows from what is said."""
        return OnAnswerer.CARRY_ON is not self.voicemail.kind or OnAnswerer.CARRY_ON is not self.screen.kind

    def as_text(self) -> str:
        """The plan as one text, for a token; `read_plan` reads it."""
        return " ".join(f"{one.kind.value}:{one.node}" for one in (self.voicemail, self.screen))


def read_plan(text: str) -> AnswerPlan:
    """Read what `AnswerPlan.as_text` made.

    Raises:
        ValueError: It is no such text.
    """
    voicemail, screen = (AnswerReaction(OnAnswerer(kind), node) for kind, _, node in _parts(text))
    return AnswerPlan(voicemail, screen)


def _parts(text: str) -> list[tuple[str, str, str]]:
    return [part.partition(":") for part in text.split(" ")]
