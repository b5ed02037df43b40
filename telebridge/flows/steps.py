"""The steps that a flow asks of a call, and their results. Flow files and Python flows use the same.

One rule: a flow has one step in progress. The next one begins when the result of the one before is known.
"""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from telebridge.answering.phrases import Answerer
from telebridge.speech.source import VoiceOverrides
from telebridge.turns.barge_in import BargeIn, BargeInCause, BargeInPolicy
from telebridge.turns.digits import DigitRules, Ending
from telebridge.unicode_text import repaired


@dataclass(frozen=True, slots=True)
class Say:
    """Say something; over when the caller has heard or interrupted it. Its result is `Said`.

    Args:
        text: A whole text, or a stream of tokens that contain their own spaces.
        voice: Synthesis parameters for this utterance only.
        barge_in: What may interrupt it; None for the policy of the settings.
    """

    text: str | AsyncIterable[str]
    voice: VoiceOverrides | None = None
    barge_in: BargeInPolicy | None = None

    def __post_init__(self) -> None:
        """Repair half characters of the text; those of a stream are repaired as its tokens come.

        Raises:
            TypeError: The text is neither a str nor an asynchronous iterable.
        """
        if isinstance(self.text, str):
            if not self.text.isascii():
                object.__setattr__(self, "text", repaired(self.text))
        elif not isinstance(self.text, AsyncIterable):
            raise TypeError(f"a text is a str or an asynchronous iterable of str, not {type(self.text).__name__}")

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to say."""
        return isinstance(self.text, str) and not self.text.strip()

    def yields_to(self, cause: BargeInCause, default: BargeInPolicy) -> bool:
        """Whether `cause` interrupts it, by its own policy, or by `default` when it has none."""
        return (default if self.barge_in is None else self.barge_in).yields_to(cause)


@dataclass(frozen=True, slots=True)
class WordRules:
    """The words that answer a question, beside keys.

    Args:
        choices: The phrases that stand for each key.
        free: Whether any words answer.
        digits: Whether spoken digits count as keys.
        hints: Words that are likely, beside the phrases.
        language: The language that is spoken, such as "en"; empty for that of the settings.
        silence_seconds: Free speech is over after so much silence.
        longest_seconds: What the caller says is over after this time.
        prompt: The question where words are heard; None for the same as where only keys are.
        confirmed: Whether the caller is asked if an answer was heard right, where that is doubtful.
    """

    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    free: bool = False
    digits: bool = False
    hints: tuple[str, ...] = ()
    language: str = ""
    silence_seconds: float = 1.0
    longest_seconds: float = 30.0
    prompt: Say | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Collect:
    """Ask for keys, or words; over when the entry is complete or the wait for it has ended. Its result is `Gathered`.

    Args:
        prompt: The question; None for silence.
        rules: The keys that are expected, and when they are complete.
        words: The words that answer too; None where only keys do.
        secret: Whether the answer is kept out of records and events.
    """

    prompt: Say | None = None
    rules: DigitRules = field(default_factory=DigitRules)
    words: WordRules | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    """Play audio; over when the caller has heard or interrupted it. Its result is `Said`.

    Args:
        audio: Mu-law at 8000 Hz.
        name: What it is, for the call record.
        barge_in: What may interrupt it; None for the policy of the settings.
    """

    audio: bytes = field(repr=False)
    name: str
    barge_in: BargeInPolicy | None = BargeInPolicy.NONE


@dataclass(frozen=True, slots=True)
class Wait:
    """Be silent for some time. Its result is `Said`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Record:
    """Record the caller after a prompt and a beep; over when the recording is stored, or there is none.

    Its result is `Recorded`.

    Args:
        prompt: Said before the beep; None for nothing.
        beep: Whether a tone tells the caller to speak.
        longest_seconds: The recording ends after this time.
        silence_seconds: The recording ends after this much silence.
        finish_on_key: A key that ends the recording; "" for none.
        mail_to: Addresses that get the recording by e-mail, with commas between; None where the settings say.
    """

    prompt: Say | None = None
    beep: bool = True
    longest_seconds: float = 120.0
    silence_seconds: float = 5.0
    finish_on_key: str = "#"
    mail_to: str | None = None


@dataclass(frozen=True, slots=True)
class Screening:
    """Tell a telephone that screens calls who calls, and wait in silence for whoever comes. Its result is `Screened`.

    Args:
        introduction: Who calls and why; said once the telephone is silent.
        longest_seconds: How long it takes in all.
    """

    introduction: Say
    longest_seconds: float = 45.0


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect the caller with somebody else; over when they have talked, or nobody answered.

    Its result is `Transferred`.

    Args:
        to: A number in E.164, or an address that begins with `sip:` or `client:`; of a queue its name.
        timeout_seconds: How long it rings there.
        caller_id: The number shown there; None for the caller's own.
        whisper: Said to whoever answers, before they are connected; None for nothing.
        queue: Whether the caller waits in Twilio's queue of that name until an agent takes the call.
        wait_url: What the caller hears in the queue; None for Twilio's music.
    """

    to: str
    timeout_seconds: float = 30.0
    caller_id: str | None = None
    whisper: str | None = None
    queue: bool = False
    wait_url: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Send a request to a web service; over when it has answered or failed. Its result is `Done`.

    Args:
        method: GET, POST, PUT, PATCH or DELETE.
        url: The address.
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
    """Run a Python function of the application. Its result is `Done`.

    Args:
        function: Its name.
        variables: The variables that it is called with.
        timeout_seconds: How long it may take.
    """

    function: str
    variables: Mapping[str, Any]
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class LoadAudio:
    """Load a recording; over when it is there as mu-law at 8000 Hz. Its result is `Done` with bytes.

    Args:
        source: The path of a WAV file, or its address on the web.
        timeout_seconds: How long it may take.
    """

    source: str
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class SendSms:
    """Send a text message; over when Twilio has taken or refused it. Its result is `Done` with `sid` and `status`.

    Args:
        body: The text.
        to: The number; None for the person at the other end.
        sender: A number of the account, or the SID of a messaging service; None for the account's number in the call.
        timeout_seconds: How long Twilio may take.
    """

    body: str
    to: str | None = None
    sender: str | None = None
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class CallBack:
    """When the person at the other end wants to be called again.

    Args:
        in_seconds: How long from now; None when `at` is given.
        at: The instant; without a zone it is the local time of the person.
    """

    in_seconds: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call; the last step of a flow, without a result."""


DialogueStep = Say | Collect | Play | Wait | Record | Screening
"""Steps between the caller and the bridge alone."""
Action = Request | Run | LoadAudio | SendSms
"""Steps that others perform while the caller waits."""
Step = DialogueStep | Action | Transfer | HangUp


@dataclass(frozen=True, slots=True)
class Said:
    """A `Say`, a `Play` or a `Wait` is over.

    Args:
        interruption: What interrupted it; None when it finished.
    """

    interruption: BargeIn | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """A `Collect` is over.

    Args:
        digits: The keys, or what words stand for; empty when there was no input.
        ending: Why it is over.
        words: What the caller said.
        confidence: How sure the recognizer is of that, from 0 to 1; None where it does not say.
    """

    digits: str
    ending: Ending
    words: str = ""
    confidence: float | None = None


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
        file: The path of the recording; None when nothing was said, or it could not be stored.
        seconds: Its length.
        ending: Why it ended.
    """

    file: str | None
    seconds: float
    ending: RecordingEnd


TransferStatus = Literal["completed", "busy", "no-answer", "failed", "canceled", "left", "full"]
"""How a transfer ended: Twilio's `DialCallStatus`; of a queue also that the caller left it, or that it was full."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """A `Transfer` is over.

    Args:
        status: How it ended.
    """

    status: TransferStatus

    @property
    def connected(self) -> bool:
        """Whether the caller talked to somebody."""
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class Done:
    """An action is over: a `Request`, a `Run`, a `LoadAudio` or a `SendSms`.

    Args:
        value: A decoded JSON body, a text, what a function returned, or audio.
        problem: Why it failed; None when it did not.
    """

    value: Any = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Screened:
    """A `Screening` is over.

    Args:
        by: Who came: a person, or a voice mailbox, whose beep is over; None for nobody.
    """

    by: Answerer | None


StepResult = Said | Gathered | Recorded | Transferred | Done | Screened
