"""What a flow asks of a call, and what it is told in return; flow files and Python flows speak both alike.

One rule: a flow has one step in progress. The next is asked for when the outcome of the one before is known.
"""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal

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

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to say."""
        return isinstance(self.text, str) and not self.text.strip()

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
class Record:
    """Record the caller, after a prompt and a beep; over when the recording is kept, or there is none.

    Args:
        prompt: Said before; None for nothing.
        beep: Whether a tone tells the caller to speak.
        longest_seconds: It ends after so much.
        silence_seconds: It ends when nothing was said for so long.
        finish_on_key: A key that ends it; "" for none.
    """

    prompt: Say | None = None
    beep: bool = True
    longest_seconds: float = 120.0
    silence_seconds: float = 5.0
    finish_on_key: str = "#"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect the caller with somebody else; over when they have talked, or could not.

    Args:
        to: A number in E.164, or an address that begins with `sip:` or `client:`.
        timeout_seconds: How long it rings there.
        caller_id: The number shown there; None for the caller's own.
        whisper: Said to who answers before they are connected; None for nothing.
    """

    to: str
    timeout_seconds: float = 30.0
    caller_id: str | None = None
    whisper: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Ask a web service; over when it has answered, or has not.

    Args:
        method: GET, POST, PUT, PATCH or DELETE.
        url: Where.
        headers: Sent with it.
        json: The body, as JSON; None for none.
        form: The body, as a form; None for none.
        timeout_seconds: How long all of it may take.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """Run a Python function of the application.

    Args:
        function: Its name.
        variables: What it is given.
        timeout_seconds: How long it may take.
    """

    function: str
    variables: Mapping[str, Any]
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class CallBack:
    """When the person at the other end wants to be called again.

    Args:
        in_seconds: So long from now; None when `at` tells.
        at: That instant; without a zone it is a time on the clock of the person.
    """

    in_seconds: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call; the last step of a flow."""


Spoken = Say | Collect | Play | Wait | Record
"""Steps between the caller and the bridge alone."""
Action = Request | Run
"""Steps that a web service or a Python function performs while the caller waits."""
Step = Spoken | Action | Transfer | HangUp


@dataclass(frozen=True, slots=True)
class Said:
    """A `Say`, a `Play` or a `Wait` is over."""

    interruption: BargeIn | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """A `Collect` is over."""

    digits: str
    ending: Ending


class RecordingEnd(Enum):
    """Why a recording ended."""

    FINISH_KEY = "finish key"
    SILENCE = "silence"
    LONGEST = "longest"
    HANG_UP = "hang up"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A `Record` is over.

    Args:
        file: Where the recording is; None when nothing was said, or it could not be kept.
        seconds: How long it is.
        ending: Why it ended.
    """

    file: str | None
    seconds: float
    ending: RecordingEnd


TransferStatus = Literal["completed", "busy", "no-answer", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class Transferred:
    """A `Transfer` is over, with Twilio's word for how."""

    status: TransferStatus

    @property
    def connected(self) -> bool:
        """Whether the caller talked to somebody."""
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class Done:
    """An action is over.

    Args:
        value: What came back: a decoded JSON body, a text, or what a function returned.
        problem: Why it failed; None when it did not.
    """

    value: Any = None
    problem: str | None = None


StepResult = Said | Gathered | Recorded | Transferred | Done
