"""The requests and responses of the control API: each is a model that both checks and documents it.

One rule: an unknown key is refused, because a misspelt one that is silently ignored is found on a live call.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from telebridge.server.http.bodies import RequestModel, ResponseModel

LONGEST_TEXT = 5000
CONTROL = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
PLAIN = r"^[^\x00-\x1f\x7f\ufffd]*$"
E164 = r"^\+[1-9][0-9]{1,14}$"
DIALLED = r"^(\+[1-9][0-9]{1,14}|sips?:[!-~]{1,250})$"
NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
KINDS = r"^[a-z-]+(,[a-z-]+)*$"
KEYS = r"^[0-9A-D*#w]+$"
SID = r"^[A-Za-z0-9]+$"


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("holds nothing to be said")
    return text


def _of_the_caller(variables: "dict[str, Scalar]") -> "dict[str, Scalar]":
    if taken := {"from", "to"} & variables.keys():
        raise ValueError(f"'{min(taken)}' is set by the call itself; choose another name")
    return variables


SpokenText = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=CONTROL), AfterValidator(_not_blank)]
PhoneNumber = Annotated[str, Field(pattern=E164, examples=["+15551230001"])]
Destination = Annotated[str, Field(pattern=DIALLED, examples=["+15551230000"])]
RingSeconds = Annotated[int, Field(ge=5, le=600)]
Scalar = (
    Annotated[str, Field(max_length=4096)]
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | bool
    | None
)
VoiceParameter = (
    Annotated[str, Field(max_length=100, pattern=PLAIN)] | int | Annotated[float, Field(allow_inf_nan=False)] | bool
)


PhaseName = Literal["waiting", "live", "held", "transferring", "closing", "over"]


class CallsQuery(RequestModel):
    """Which calls to list."""

    state: Literal["live", "ended"] | None = Field(None, description="Only live calls, or only those that are over.")
    limit: Annotated[int, Field(ge=1, le=200, strict=False)] = Field(50, description="How many at the most.")
    cursor: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="`next` of the answer before, to go on where it ended."
    )


class EventsQuery(RequestModel):
    """Which events to follow."""

    call: Annotated[str, Field(max_length=64, pattern=SID)] | None = Field(None, description="Only this call's.")
    kinds: Annotated[str, Field(max_length=500, pattern=KINDS)] | None = Field(
        None, description="Only these kinds, with commas between.", examples=["call-started,call-ended"]
    )


class OriginateRequest(RequestModel):
    """A call to be placed."""

    to: Destination = Field(description="Whom to ring: E.164, or a SIP address.")
    from_: PhoneNumber = Field(alias="from", description="A number of the Twilio account.")
    flow: Annotated[str, Field(min_length=1, max_length=100, pattern=CONTROL)] | None = Field(
        None, description="The flow that speaks; by default the one of the number, or default_flow."
    )
    variables: Annotated[
        dict[Annotated[str, Field(pattern=NAME)], Scalar], Field(max_length=100), AfterValidator(_of_the_caller)
    ] = Field({}, description="What the flow is to know. Twilio's call logs show it.", examples=[{"name": "Ada"}])
    timeout: RingSeconds = Field(60, description="Seconds it may ring.")
    machine_detection: Literal["Enable", "DetectMessageEnd"] | None = Field(
        None, description="Have Twilio tell people from machines before the flow speaks."
    )


class SayRequest(RequestModel):
    """A text to be said to the caller as soon as nothing else is being said."""

    text: SpokenText = Field(description="What to say.", examples=["Your taxi is here."])
    barge_in: Literal["any", "speech", "keys", "none"] | None = Field(
        None, description="What may interrupt it; by default what the settings say."
    )
    voice: Annotated[dict[Annotated[str, Field(pattern=NAME)], VoiceParameter], Field(max_length=30)] | None = Field(
        None, description="Synthesis parameters for this text only.", examples=[{"speaker": "luna"}]
    )
    wait: bool = Field(default=False, description="Answer when the caller has heard or interrupted it.")


class SendDigitsRequest(RequestModel):
    """Keys to be pressed into the call."""

    digits: Annotated[str, Field(min_length=1, max_length=100, pattern=KEYS)] = Field(
        description="0 to 9, A to D, * and #; w is half a second of silence.", examples=["1w234#"]
    )
    wait: bool = Field(default=False, description="Answer when they have been played.")


class TransferRequest(RequestModel):
    """The party to connect the caller with."""

    to: Destination = Field(description="Whom to ring: E.164, or a SIP address.")
    timeout: RingSeconds = Field(30, description="Seconds it may ring.")
    caller_id: PhoneNumber | None = Field(None, description="Shown to them; by default the number that was called.")
    whisper: SpokenText | None = Field(None, description="Said to them before the two are connected.")
    now: bool = Field(default=False, description="Cut off what `say` was accepted for; otherwise it is heard first.")


class HangUpRequest(RequestModel):
    """The end of a call."""

    say: SpokenText | None = Field(None, description="Said before.", examples=["Goodbye."])


class UtteranceResponse(ResponseModel):
    """One utterance as the caller experienced it."""

    text: str
    audio_ms: float
    pauses: int = 0
    interrupted_by: Literal["speech", "key", "api", "hang-up"] | None = None
    heard_text: str | None = None
    heard_ms: float | None = None
    exact: bool | None = Field(None, description="Whether heard_text follows from word timings, not from proportion.")
    stop_ms: float | None = None
    reason: str | None = Field(None, description="Why speech took the floor, where words may judge it.")
    resumed_for: list[str] = Field([], description="Why it went on after each pause, where words may judge it.")


class CallResponse(ResponseModel):
    """One call. Calls from the database may have further fields."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    call_sid: str
    flow: str
    from_: str = Field(alias="from")
    to: str
    direction: str
    started_at: str = Field(json_schema_extra={"format": "date-time"})
    utterances: list[UtteranceResponse]
    digits: list[str]
    first_audio_ms: float | None
    end_reason: str | None
    result: dict[str, Any]
    phase: PhaseName = Field(
        description="`waiting` for its media stream, `live`, `held` (Twilio stopped the stream, and may bring the call"
        " back), `transferring` (the caller is being connected with somebody else, and may come back), `closing` (its"
        " flow is over), or `over`."
    )
    saying: str | None = Field(description="What is being said.")


class CallsResponse(ResponseModel):
    """Calls, newest first."""

    calls: list[CallResponse]
    next: str | None = Field(description="The cursor of the calls after these; null when there are none.")


class OriginateResponse(ResponseModel):
    """A call that Twilio has queued, nothing more: whether it is answered is in its events."""

    call_sid: str


class QueuedResponse(ResponseModel):
    """An announcement that waits to be said."""

    utterance: str = Field(examples=["a7"], description="Its name in the events `announced`.")


class HeardResponse(QueuedResponse):
    """An announcement as the caller heard it."""

    interrupted: bool
    heard_text: str
    heard_ms: float


class ClearResponse(ResponseModel):
    """Whether something was being said."""

    cleared: bool


class AcceptedResponse(ResponseModel):
    """A request that was accepted; its outcome is in the call's events."""

    call_sid: str
