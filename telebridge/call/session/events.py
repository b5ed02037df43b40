"""The events of a call: what the peers of its session did, as values in the past tense.

The media stream's own events come from `telebridge.twilio.media_stream`; here are those of the speech source, of the
flow and of the telephone network. `CallSession.handle` takes them all.

One rule: an event says what happened. What somebody wants of a call is a method of `CallSession`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from telebridge.errors import SpeechError
from telebridge.flows.steps import Done, TransferStatus
from telebridge.recognition.source import RecognitionResult
from telebridge.speech.source import SpeechEvent
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
class StreamRequested:
    """Twilio asks what follows: the call is alive, and is to have a stream again."""


class SpeechArrived(msgspec.Struct, frozen=True, gc=False):
    """The speech source made more of an utterance. A struct, because one is made for each chunk."""

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
class WordsHeard:
    """The recognizer has heard something of what the caller said.

    Args:
        number: In which recognition.
        result: What it has heard.
    """

    number: int
    result: RecognitionResult


@dataclass(frozen=True, slots=True)
class JudgeAnswered:
    """The judge of the settings has said what words over a prompt mean.

    Args:
        number: The question that it answers.
        takes_floor: Whether they take the floor; None where it does not know, was too late, or failed.
    """

    number: int
    takes_floor: bool | None


@dataclass(frozen=True, slots=True)
class ActionDone:
    """What the flow waits for was done, or failed."""

    done: Done


@dataclass(frozen=True, slots=True)
class MessageSaved:
    """What the caller said was written to a file; None when it could not be."""

    file: str | None


@dataclass(frozen=True, slots=True)
class TransferBegun:
    """Twilio has taken the `<Dial>` of a transfer."""


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """Twilio says how the transfer went; the caller is back.

    Args:
        status: Twilio's `DialCallStatus`.
        seconds: How long the two talked, its `DialCallDuration`; None where there is none.
    """

    status: TransferStatus
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class FlowEnded:
    """A Python flow returned, or failed with an error that its author must mend."""

    error: str | None = None


@dataclass(frozen=True, slots=True)
class CallOver:
    """Twilio reported that the call has ended.

    Args:
        status: Its last status.
        transfer: How the transfer went during which the caller hung up; None where Twilio has not said it.
    """

    status: str
    transfer: TransferEnded | None = None


CallEvent = (
    StreamStarted
    | AudioReceived
    | DigitPressed
    | MarkReturned
    | StreamStopped
    | StreamLost
    | StreamRequested
    | SpeechArrived
    | TextTaken
    | SpeechEnded
    | SpeechFailed
    | WordsHeard
    | JudgeAnswered
    | ActionDone
    | MessageSaved
    | TransferBegun
    | TransferEnded
    | FlowEnded
    | CallOver
)

EventSink = Callable[[CallEvent], None]
"""Takes an event into a call's session, and does what follows."""
