"""TwiML verbs as values: what one element of a document asks for, with Twilio's defaults.

Follows Twilio's "TwiML for Programmable Voice". `telebridge.simulator.twiml.document` reads them from a document.

One rule: a value holds only what is performed; what Twilio knows and the simulator does not is a warning of the parser.
"""

from dataclasses import dataclass

from telebridge.errors import TelebridgeError

FOR_EVER = 0
"""The `loop` of a prompt that is repeated until the caller hangs up."""


class TwimlError(TelebridgeError):
    """A document cannot be executed.

    Args:
        code: Twilio's error code.
        problem: What is wrong.
    """

    def __init__(self, code: int, problem: str) -> None:
        super().__init__(code, problem)
        self.code = code
        self.problem = problem


@dataclass(frozen=True, slots=True)
class SayVerb:
    """Speak a text."""

    text: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class PlayVerb:
    """Play a file, or the tones of `digits`."""

    url: str = ""
    digits: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class PauseVerb:
    """Wait in silence."""

    length_seconds: int = 1


PromptVerb = SayVerb | PlayVerb | PauseVerb


@dataclass(frozen=True, slots=True)
class GatherVerb:
    """Collect keys, and words when `speech` is set, while prompts play."""

    prompts: tuple[PromptVerb, ...] = ()
    action: str | None = None
    method: str = "POST"
    timeout_seconds: float = 5.0
    num_digits: int | None = None
    finish_on_key: str = "#"
    action_on_empty_result: bool = False
    keys: bool = True
    speech: bool = False
    speech_timeout_seconds: float = 5.0
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class EventCallback:
    """Where the application is told about events of a resource; empty `url` for nobody."""

    url: str = ""
    method: str = "POST"
    events: tuple[str, ...] = ()


NO_CALLBACK = EventCallback()


@dataclass(frozen=True, slots=True)
class Party:
    """A party that is dialed. The document at `url` is played to that party alone before the two are connected."""

    number: str
    url: str | None = None
    method: str = "POST"
    send_digits: str = ""
    status: EventCallback = NO_CALLBACK


@dataclass(frozen=True, slots=True)
class ConferenceNoun:
    """`<Conference>`: the room that the caller enters, and how."""

    name: str
    muted: bool = False
    beep: str = "true"
    start_on_enter: bool = True
    end_on_exit: bool = False
    wait_url: str | None = None
    wait_method: str = "POST"
    max_participants: int = 250
    record: bool = False
    label: str = ""
    status: EventCallback = NO_CALLBACK
    recording: EventCallback = NO_CALLBACK


@dataclass(frozen=True, slots=True)
class QueueNoun:
    """`<Dial><Queue>`: the queue whose first caller is connected, after the document at `url` was played to them."""

    name: str
    url: str | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class DialVerb:
    """Connect the caller to the first of `parties` that answers, to a conference, or to a queue."""

    parties: tuple[Party, ...]
    action: str | None = None
    method: str = "POST"
    timeout_seconds: float = 30.0
    time_limit_seconds: float = 14_400.0
    caller_id: str | None = None
    hangup_on_star: bool = False
    sequential: bool = False
    record: str = "do-not-record"
    trim: bool = False
    recording: EventCallback = NO_CALLBACK
    conference: ConferenceNoun | None = None
    queue: QueueNoun | None = None


@dataclass(frozen=True, slots=True)
class StreamVerb:
    """`<Connect><Stream>`: a bidirectional media stream until the other end closes it."""

    url: str
    name: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    status_callback: str | None = None
    status_callback_method: str = "POST"
    action: str | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class StartStreamVerb:
    """`<Start><Stream>`: a media stream to the application only, beside the verbs that follow.

    Args:
        stream: Where it goes.
        tracks: Which audio it carries: `inbound`, `outbound`.
    """

    stream: StreamVerb
    tracks: tuple[str, ...] = ("inbound",)


@dataclass(frozen=True, slots=True)
class StopStreamVerb:
    """`<Stop><Stream>`: end the stream of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class StartRecordingVerb:
    """`<Start><Recording>`: record the call beside the verbs that follow."""

    channels: int = 1
    track: str = "both"
    trim: bool = True
    recording: EventCallback = NO_CALLBACK


@dataclass(frozen=True, slots=True)
class RecordVerb:
    """Record a message of the caller, after a beep."""

    action: str | None = None
    method: str = "POST"
    timeout_seconds: float = 5.0
    finish_on_key: str = "1234567890*#"
    max_length_seconds: float = 3600.0
    play_beep: bool = True
    trim: bool = True
    recording: EventCallback = NO_CALLBACK


@dataclass(frozen=True, slots=True)
class EnqueueVerb:
    """Let the caller wait in a queue, where the document at `wait_url` is performed over and over."""

    name: str
    action: str | None = None
    method: str = "POST"
    wait_url: str | None = None
    wait_method: str = "POST"
    max_size: int = 1000


@dataclass(frozen=True, slots=True)
class LeaveVerb:
    """Leave the queue; allowed in its `wait_url` document."""


@dataclass(frozen=True, slots=True)
class ReferVerb:
    """Hand the caller's SIP leg to another address."""

    target: str
    action: str | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class SmsVerb:
    """Send a text message in mid-call; empty `to` and `from_` are those of the call."""

    body: str
    to: str = ""
    from_: str = ""
    action: str | None = None
    method: str = "POST"
    status_callback: str | None = None


@dataclass(frozen=True, slots=True)
class EchoVerb:
    """Let callers hear themselves until they hang up."""


@dataclass(frozen=True, slots=True)
class RedirectVerb:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class HangupVerb:
    """End the call."""


@dataclass(frozen=True, slots=True)
class RejectVerb:
    """Refuse the call without answering it."""

    reason: str = "rejected"


PerformedVerb = (
    SayVerb
    | PlayVerb
    | PauseVerb
    | GatherVerb
    | DialVerb
    | StreamVerb
    | StartStreamVerb
    | StopStreamVerb
    | StartRecordingVerb
    | RecordVerb
    | EnqueueVerb
    | ReferVerb
    | SmsVerb
    | EchoVerb
)
"""The verbs that take part in the call; the other ones only lead the interpreter."""

Verb = PerformedVerb | LeaveVerb | RedirectVerb | HangupVerb | RejectVerb
