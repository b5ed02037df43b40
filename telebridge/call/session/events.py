"""Everything that can happen to a call, as values in the past tense.

What Twilio says over the media stream comes as the events of `telebridge.twilio.media_stream`; here is the rest: what
the speech source, the flow, the telephone network and the bridge's own operator do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from telebridge.errors import SpeechError
from telebridge.flows.steps import CallBack, Done, Play, Say, Step, Transfer, TransferStatus
from telebridge.speech.source import SpeechEvent
from telebridge.turns.barge_in import BargeInCause
from telebridge.twilio.media_stream import (
    AudioReceived,
    DigitPressed,
    MarkReturned,
    StreamStarted,
    StreamStopped,
)


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The media stream's socket closed without `stop`, or went silent: the call may still be alive."""


@dataclass(frozen=True, slots=True)
class SpeechArrived:
    """The speech source made more of an utterance."""

    utterance: str
    event: SpeechEvent


@dataclass(frozen=True, slots=True)
class TextTaken:
    """The speech source took the next token of a streamed text."""

    utterance: str
    token: str


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The speech source has made all of an utterance."""

    utterance: str


@dataclass(frozen=True, slots=True)
class SpeechFailed:
    """The speech source cannot complete an utterance; what came before is good."""

    utterance: str
    error: SpeechError


@dataclass(frozen=True, slots=True)
class AudioAsked:
    """A Python flow wants the caller's audio from now on, or no longer."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class StepAsked:
    """A Python flow asks for its next step."""

    step: Step


@dataclass(frozen=True, slots=True)
class StepCancelled:
    """A Python flow no longer waits for its step."""


@dataclass(frozen=True, slots=True)
class ErrandDone:
    """What the flow waits for was done, or failed."""

    done: Done


@dataclass(frozen=True, slots=True)
class RecordingKept:
    """What the caller said was written to a file; None when it could not be."""

    file: str | None


@dataclass(frozen=True, slots=True)
class AnnouncementAsked:
    """Somebody beside the flow wants something said or played, once nothing else is.

    Args:
        number: What they know it by.
        step: What.
    """

    number: int
    step: Say | Play


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """Somebody beside the flow connects the caller with somebody else."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class TransferBegun:
    """Twilio was told whom to dial."""


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """Twilio says how the transfer went; the caller is back."""

    status: TransferStatus


@dataclass(frozen=True, slots=True)
class HangUpAsked:
    """Somebody beside the flow ends the call, after a last word if there is one."""

    goodbye: Say | None = None


@dataclass(frozen=True, slots=True)
class JumpAsked:
    """Somebody beside the flow leads it to another of its nodes: a machine answered, and is left a message."""

    node: str


@dataclass(frozen=True, slots=True)
class OptOutAsked:
    """The caller told a Python flow that they want no further call."""


@dataclass(frozen=True, slots=True)
class CallBackAsked:
    """The caller told a Python flow when they want to be called again."""

    call_back: CallBack


@dataclass(frozen=True, slots=True)
class CheckpointAsked:
    """A Python flow says how far it is, and what it knows."""

    name: str | None
    variables: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FlowEnded:
    """A Python flow returned, or failed with an error that its author must mend."""

    error: str | None = None


@dataclass(frozen=True, slots=True)
class ClearAsked:
    """Somebody takes the floor from the running prompt, whatever its policy."""

    cause: BargeInCause = BargeInCause.API


@dataclass(frozen=True, slots=True)
class CallOver:
    """Twilio reported that the call has ended, with its last status."""

    status: str


CallEvent = (
    StreamStarted
    | AudioReceived
    | DigitPressed
    | MarkReturned
    | StreamStopped
    | StreamLost
    | SpeechArrived
    | TextTaken
    | SpeechEnded
    | SpeechFailed
    | AudioAsked
    | StepAsked
    | StepCancelled
    | ErrandDone
    | RecordingKept
    | AnnouncementAsked
    | TransferAsked
    | TransferBegun
    | TransferEnded
    | HangUpAsked
    | JumpAsked
    | OptOutAsked
    | CallBackAsked
    | CheckpointAsked
    | FlowEnded
    | ClearAsked
    | CallOver
)

Deliver = Callable[[CallEvent], None]
"""Takes an event into a call's session, and does what follows."""
