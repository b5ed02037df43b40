"""Everything a call can do to the world, as values in the imperative; the runner performs them in order."""

from dataclasses import dataclass

from telebridge.errors import SpeechError
from telebridge.flows.steps import Outcome, Say
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
class HandOnAudio:
    """Hand the caller's audio to the Python flow that takes it."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """Tell a Python flow how its step went; an error is raised where the flow waits."""

    outcome: Outcome | SpeechError


@dataclass(frozen=True, slots=True)
class CloseStream:
    """Close the media stream; Twilio then asks what follows."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """The call is over for us: release what it holds and keep its record."""


Effect = (
    SendAudio
    | SendMark
    | ClearPlayback
    | StartSpeech
    | ClearSpeech
    | HandOnAudio
    | ReportOutcome
    | CloseStream
    | EndCall
)
