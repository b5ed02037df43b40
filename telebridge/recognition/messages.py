"""What the protocols of recognizers have in common: the two ends, and what each hears of the other.

One rule: these are values; the protocols that read and write them have a module each.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from telebridge.errors import LocalProtocolError
from telebridge.recognition.source import FinalTranscript, PartialTranscript

Frame = str | bytes
"""A message of a WebSocket: text, or binary."""


class RecognitionSide(Enum):
    """Which end of the connection we are."""

    BRIDGE = auto()
    RECOGNIZER = auto()

    def require(self, sender: "RecognitionSide") -> None:
        """Check that this side is the one that sends a message.

        Raises:
            LocalProtocolError: The other one does.
        """
        if self is not sender:
            raise LocalProtocolError(f"this message is not for the {self.name.lower()} to send")


# What the bridge does.


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send this message."""

    frame: Frame


ProtocolAnswer = SendFrame | PartialTranscript | FinalTranscript


class RecognitionProtocol(Protocol):
    """The bridge's end of one connection to a recognizer. Answers are performed in order.

    Attributes:
        one_utterance: Whether a connection takes one utterance alone, and ends with its final transcript.
        keep_alive_seconds: How long the connection may be without audio before `keep_alive` is sent; None for ever.
    """

    one_utterance: bool
    keep_alive_seconds: float | None

    def address(self) -> str:
        """Where the connection is opened, with everything in the query that belongs there."""
        ...

    def headers(self) -> dict[str, str]:
        """The headers of its handshake."""
        ...

    def open(self) -> list[ProtocolAnswer]:
        """The connection is open."""
        ...

    def begin_speech(self, utterance: int) -> list[ProtocolAnswer]:
        """The utterance of this number begins."""
        ...

    def feed(self, mulaw: bytes) -> list[ProtocolAnswer]:
        """Take the next audio of the utterance in progress."""
        ...

    def end_speech(self) -> list[ProtocolAnswer]:
        """The utterance is over."""
        ...

    def keep_alive(self) -> list[ProtocolAnswer]:
        """No audio was sent for `keep_alive_seconds`."""
        ...

    def close(self) -> list[ProtocolAnswer]:
        """Nothing more is wanted."""
        ...

    def receive(self, message: Frame) -> list[ProtocolAnswer]:
        """Take a message of the recognizer's.

        Raises:
            RemoteProtocolError: It cannot be read, or says that the recognizer gives up; the connection is of no use.
        """
        ...

    def receive_close(self) -> list[ProtocolAnswer]:
        """The recognizer has closed the connection; the utterances that it leaves without an answer fail."""
        ...

    def give_up(self, utterance: int) -> FinalTranscript:
        """Waiting for the final transcript of an utterance was too long: make one of what was heard so far."""
        ...


# What a recognizer hears.


@dataclass(frozen=True, slots=True)
class AudioHeard:
    """The next audio, in the format that was agreed."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class FlushHeard:
    """The final transcript of what was sent so far is wanted."""


@dataclass(frozen=True, slots=True)
class EndHeard:
    """No more audio follows: the rest of the transcripts, then the end of the connection."""


@dataclass(frozen=True, slots=True)
class KeepAliveHeard:
    """The connection is to stay open."""


@dataclass(frozen=True, slots=True)
class SetupHeard:
    """How to listen: the settings as the client sent them, and the type of the message where there are several."""

    settings: dict[str, object]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class DropHeard:
    """What was sent since the last flush is to be forgotten."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A message that cannot be understood, and why."""

    problem: str


HeardByRecognizer = AudioHeard | FlushHeard | EndHeard | KeepAliveHeard | SetupHeard | DropHeard | NotUnderstood
