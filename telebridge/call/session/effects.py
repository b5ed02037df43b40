"""Everything a call can do to the world, as values in the imperative; the runner performs them in order."""

from dataclasses import dataclass
from typing import Any

from telebridge.call.record import SpokenUtterance
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import Action, CallBack, Say, StepResult
from telebridge.playback.writer import SendAudio, SendMark


@dataclass(frozen=True, slots=True)
class ClearPlayback:
    """Tell Twilio to drop what it has not played; what waits to be sent is dropped before."""


@dataclass(frozen=True, slots=True)
class StartSpeech:
    """Have the speech source speak this utterance."""

    utterance: str
    say: Say


@dataclass(frozen=True, slots=True)
class ClearSpeech:
    """Tell the speech source to drop the rest of this utterance."""

    utterance: str


@dataclass(frozen=True, slots=True)
class ForwardAudio:
    """Hand the caller's audio to the Python flow that takes it."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """Tell a Python flow how its step went; an error is raised where the flow waits."""

    outcome: StepResult | TelebridgeError


@dataclass(frozen=True, slots=True)
class ReportAnnouncement:
    """Tell who announced something how it went."""

    number: int
    outcome: SpokenUtterance | TelebridgeError


@dataclass(frozen=True, slots=True)
class StartAction:
    """Perform a web request or a function of the flow; its end comes as `ActionDone`."""

    action: Action


@dataclass(frozen=True, slots=True)
class SaveMessage:
    """Write what the caller said to a file, and say where; mu-law at 8000 Hz."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class SaveCheckpoint:
    """Keep where the call stands, so that another process can go on with it; what was kept before is replaced."""

    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class SaveOptOut:
    """Put the number at the other end on the do-not-call list, at once."""


@dataclass(frozen=True, slots=True)
class SaveCallBack:
    """Keep when the person at the other end wants to be called again, at once; what was kept before is replaced."""

    call_back: CallBack


@dataclass(frozen=True, slots=True)
class PublishEvent:
    """Tell who watches the call what happened, in plain values."""

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CloseStream:
    """Close the media stream; Twilio then asks what follows."""


@dataclass(frozen=True, slots=True)
class ReleaseCall:
    """The call is over for us: release what it holds and keep its record."""


CallEffect = (
    SendAudio
    | SendMark
    | ClearPlayback
    | StartSpeech
    | ClearSpeech
    | ForwardAudio
    | ReportOutcome
    | ReportAnnouncement
    | StartAction
    | SaveMessage
    | SaveCheckpoint
    | SaveOptOut
    | SaveCallBack
    | PublishEvent
    | CloseStream
    | ReleaseCall
)
