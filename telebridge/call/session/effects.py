"""The effects of a call: what its session wants done, as imperative values. The runner performs them in order."""

from dataclasses import dataclass
from typing import Any

from telebridge.call.record import SpokenUtterance
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import Action, CallBack, Say, StepResult
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.recognition.source import RecognitionRequest
from telebridge.turns.caller_turn import CallerTurn
from telebridge.turns.interjection import Interjection


@dataclass(frozen=True, slots=True)
class ClearPlayback:
    """Tell Twilio to drop what it has not played; what waits to be sent is dropped before."""


@dataclass(frozen=True, slots=True)
class StartSpeech:
    """Have the speech source make speech of this utterance."""

    utterance: str
    say: Say


@dataclass(frozen=True, slots=True)
class ClearSpeech:
    """Tell the speech source to drop the rest of this utterance."""

    utterance: str


@dataclass(frozen=True, slots=True)
class ForwardAudio:
    """Forward the caller's audio to the Python flow that takes it; mu-law at 8000 Hz."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class ForwardTurn:
    """Forward what the caller says to the Python flow that takes their turns."""

    turn: CallerTurn


@dataclass(frozen=True, slots=True)
class StartRecognition:
    """Have the recognizer listen to the caller; its results come as `WordsHeard` of the same number."""

    number: int
    request: RecognitionRequest


@dataclass(frozen=True, slots=True)
class RecognizeAudio:
    """Give the recognizer audio of the caller's, mu-law at 8000 Hz.

    Args:
        number: Of which recognition.
        payload: The audio.
        begins: Whether an utterance begins with it.
        ends: Whether the utterance is over after it.
    """

    number: int
    payload: bytes
    begins: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class StopRecognition:
    """Nobody needs the words any more."""

    number: int


@dataclass(frozen=True, slots=True)
class AskJudge:
    """Ask the judge of the settings what words over a prompt mean; the answer comes as `JudgeAnswered`.

    Args:
        number: Identifies the question; unique in its call.
        interjection: The words.
    """

    number: int
    interjection: Interjection


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """Report the outcome of its step to a Python flow; an error is raised where the flow waits."""

    outcome: StepResult | TelebridgeError


@dataclass(frozen=True, slots=True)
class ReportAnnouncement:
    """Report the outcome of an announcement."""

    number: int
    outcome: SpokenUtterance | TelebridgeError


@dataclass(frozen=True, slots=True)
class StartAction:
    """Perform a web request or a function of the flow; its end comes as `ActionDone`."""

    action: Action


@dataclass(frozen=True, slots=True)
class SaveMessage:
    """Write the caller's message to a file, mu-law at 8000 Hz; its end comes as `MessageSaved`.

    Args:
        audio: The message.
        mail_to: To whom the flow sends it by e-mail; None where the settings say.
    """

    audio: bytes
    mail_to: str | None = None


@dataclass(frozen=True, slots=True)
class SaveCheckpoint:
    """Save the checkpoint of the call in place of the one before, so that another process can resume it."""

    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class SaveProgress:
    """Save within a while how far the call is then: the caller has heard more, and nothing else has changed."""


@dataclass(frozen=True, slots=True)
class SaveOptOut:
    """Put the number at the other end on the do-not-call list, at once."""


@dataclass(frozen=True, slots=True)
class SaveCallBack:
    """Save at once when the person at the other end wants to be called again, in place of an earlier wish."""

    call_back: CallBack


@dataclass(frozen=True, slots=True)
class PublishEvent:
    """Publish what happened to who follows the call, in plain values."""

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
    | ForwardTurn
    | StartRecognition
    | RecognizeAudio
    | StopRecognition
    | AskJudge
    | ReportOutcome
    | ReportAnnouncement
    | StartAction
    | SaveMessage
    | SaveCheckpoint
    | SaveProgress
    | SaveOptOut
    | SaveCallBack
    | PublishEvent
    | CloseStream
    | ReleaseCall
)
