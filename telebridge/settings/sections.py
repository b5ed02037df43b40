"""The sections of the settings, and which values they take.

One rule: a value that cannot be right is refused where it is written, with what to write instead.
"""

import re
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

Port = Annotated[int, Field(ge=0, le=65535)]
PositiveSeconds = Annotated[float, Field(gt=0)]


ADDRESS = re.compile(r"https?://[^\s/?#]+(/\S*)?")
PUBLIC_ADDRESS = re.compile(r"https?://[^\s/?#{}]+(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")


def public_address(url: str) -> str:
    """Check the address at which Twilio reaches the bridge; it may be empty."""
    if url and not PUBLIC_ADDRESS.fullmatch(url):
        problem = "is no http or https address with a plain path and without a query"
        completed = f"https://{url}"
        if PUBLIC_ADDRESS.fullmatch(completed) and "://" not in url:
            raise PydanticCustomError("public_address", problem, {"hint": f"write '{completed}'"})
        raise PydanticCustomError("public_address", problem)
    return url.rstrip("/")


def _address_or_empty(url: str) -> str:
    if url and not ADDRESS.fullmatch(url):
        raise PydanticCustomError("address", "is no http or https address")
    return url


RECOGNIZER_ADDRESS = re.compile(r"(https?|wss?)://[^\s/?#]+(/\S*)?")


def _recognizer_address(url: str) -> str:
    if url and not RECOGNIZER_ADDRESS.fullmatch(url):
        raise PydanticCustomError("address", "is no address that begins with wss://, ws://, https:// or http://")
    return url


US_DIGITS = 10
CALLED_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}|sips?:[!-~]+|client:[!-~]+|[0-9]{3,6}", re.ASCII)
"""What Twilio sends as the called number: E.164, an address, or a short code."""


def called_numbers(numbers: dict[str, str]) -> dict[str, str]:
    """Check the numbers that are called, each with its flow."""
    for number in numbers:
        if CALLED_NUMBER.fullmatch(number):
            continue
        digits = "".join(each for each in number if each.isascii() and each.isdigit())
        digits = f"+1{digits}" if len(digits) == US_DIGITS else f"+{digits}"
        problem = "'{number}' is no number as Twilio sends it, so that no call would have this flow"
        hint = f"write it with + and the country's code, as in '{digits}'"
        raise PydanticCustomError("called_number", problem, {"number": number, "hint": hint})
    return numbers


def _networks(written: tuple[str, ...]) -> tuple[str, ...]:
    for network in written:
        try:
            ip_network(network)
        except ValueError:
            problem = "'{network}' is no network such as 10.0.0.0/8, and no address"
            raise PydanticCustomError("network", problem, {"network": network}) from None
    return written


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """Where the bridge listens, and how many calls it accepts."""

    host: str = "127.0.0.1"
    port: Port = 8080
    api_token: str = ""
    max_calls: Annotated[int, Field(ge=1)] = 480
    overload_lag_ms: Annotated[float, Field(gt=0)] = 20.0
    overload_core_share: Annotated[float, Field(gt=0, le=1)] = 0.9
    overflow_url: Annotated[str, AfterValidator(_address_or_empty)] = ""
    max_waiting_calls: Annotated[int, Field(ge=1)] = 500
    max_connections_per_address: Annotated[int, Field(ge=1)] = 100
    drain_seconds: PositiveSeconds = 60.0
    trusted_proxies: Annotated[tuple[str, ...], AfterValidator(_networks)] = ()


class TwilioSettings(_Section):
    """The Twilio account."""

    account_sid: str = ""
    auth_token: str = ""
    api_key_sid: str = ""
    api_key_secret: str = ""
    api_base_url: str = ""
    validate_signatures: bool = True


class RimeSettings(_Section):
    """How Rime is reached, by which protocol, and which voice speaks."""

    url: str = ""
    fallback_urls: tuple[str, ...] = ()
    protocol: Literal["ws", "ws2", "ws3"] = "ws3"
    api_key: str = ""
    warm_sockets: Annotated[int, Field(ge=0, le=100)] = 2
    first_audio_seconds: PositiveSeconds = 3.0
    stall_seconds: PositiveSeconds = 5.0
    most_audio: Annotated[float, Field(ge=1, le=100)] = 2.0
    local_fallback: bool = True
    speaker: str = "astra"
    model: str = "arcana"
    lang: str = "eng"
    segment: Literal["immediate", "never", "bySentence"] | None = None
    speed_alpha: float | None = None
    time_scale_factor: float | None = None
    inline_speed_alpha: str | None = None
    pause_between_brackets: bool | None = None
    phonemize_between_brackets: bool | None = None
    no_text_normalization: bool | None = None
    reduce_latency: bool | None = None
    save_oovs: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None

    def parameters(self) -> dict[str, Any]:
        """The synthesis parameters that are set. Whether the model takes them is checked when they are used."""
        return self.model_dump(exclude_none=True, exclude=REACHING)


REACHING = {
    "url", "fallback_urls", "protocol", "api_key", "warm_sockets", "first_audio_seconds", "stall_seconds",
    "most_audio", "local_fallback",
}  # fmt: skip
"""The keys that say how Rime is reached; the others are synthesis parameters."""


class SpeechSettings(_Section):
    """Texts on their way to a voice: whether they are cleaned of markup, and how long a slow author is waited for."""

    clean: Literal["streams", "all", "none"] = "streams"
    stalled_seconds: PositiveSeconds = 1.0


RecognizerName = Literal["deepgram", "deepgram-flux", "openai", "openai-http", "rime", "vosk", "local"]
"""The recognizers that can be named; `telebridge.recognition` has the same names, and a test that they agree."""


class RecognitionSettings(_Section):
    """Who hears what callers say; nobody unless a provider is named."""

    provider: Literal["", RecognizerName] = ""
    url: Annotated[str, AfterValidator(_recognizer_address)] = ""
    api_key: str = ""
    model: str = ""
    language: str = "en"
    hints: tuple[str, ...] = ()
    dialect: Literal["ga", "beta"] = "ga"
    audio: Literal["mulaw", "pcm"] = "mulaw"
    answer_seconds: Annotated[float, Field(gt=0, le=3)] = 1.5
    keep: bool = True
    fallback_provider: Literal["", RecognizerName] = ""
    fallback_url: Annotated[str, AfterValidator(_recognizer_address)] = ""
    fallback_api_key: str = ""
    fallback_model: str = ""


class AnsweringSettings(_Section):
    """Who answers the calls of campaigns: a person, a voice mailbox, or a telephone that screens calls."""

    enabled: bool = True
    screens: tuple[Annotated[str, Field(min_length=3)], ...] = ()
    mailboxes: tuple[Annotated[str, Field(min_length=3)], ...] = ()


class PromptSettings(_Section):
    """The cache of prompts."""

    enabled: bool = True
    cache_dir: str = ""
    max_bytes: Annotated[int, Field(ge=1_000_000)] = 1_000_000_000


class PlaybackSettings(_Section):
    """How audio is cut into messages for Twilio."""

    message_ms: Annotated[int, Field(ge=20, le=200, multiple_of=20)] = 200
    mark_interval_ms: Annotated[int, Field(ge=200, le=10_000)] = 1000


Milliseconds = Annotated[float, Field(ge=0, le=60_000)]
JUDGE = re.compile(r"sound|words|[\w./-]+:[A-Za-z_]\w*")


def _judge(judge: str, info: ValidationInfo) -> str:
    if not JUDGE.fullmatch(judge):
        raise PydanticCustomError("judge", "is neither sound nor words, nor a function as in judges:takes_floor")
    if judge != "sound" and info.data.get("resume") is False:
        problem = "lets a prompt go on after a back-channel, and barge_in.resume is false"
        raise PydanticCustomError("judge", problem, {"hint": "set barge_in.resume to true, or the judge to sound"})
    return judge


Likelihood = Annotated[float, Field(gt=0, lt=1)]


class BargeInSettings(_Section):
    """When the caller interrupts a prompt."""

    policy: Literal["any", "speech", "keys", "none"] = "any"
    detector: Literal["silero", "webrtc", "level"] = "silero"
    threshold: Likelihood = 0.35
    pause_after_ms: Milliseconds = 0.0
    commit_after_ms: Milliseconds = 500.0
    resume: bool = True
    resume_after_ms: Milliseconds = 400.0
    grace_ms: Milliseconds = 0.0
    longest_wait_ms: Milliseconds = 10_000.0
    pre_roll_ms: Annotated[float, Field(ge=0, le=1000)] = 300.0
    judge: Annotated[str, AfterValidator(_judge)] = "sound"
    judge_wait_ms: Annotated[float, Field(ge=100, le=3000)] = 600.0
    min_words: Annotated[int, Field(ge=1, le=20)] = 1
    back_channels: tuple[str, ...] = ()
    interrupting_words: tuple[str, ...] = ()


def _leaves_calls(reserved: int, info: ValidationInfo) -> int:
    most = info.data.get("max_live", reserved + 1)
    if reserved >= most:
        problem = "leaves campaigns no call of their own: set it below campaigns.max_live, which is {most}"
        raise PydanticCustomError("reserved", problem, {"most": most})
    return reserved


class CampaignSettings(_Section):
    """Whether this process dials campaigns, how fast all processes of the account dial together, and what is kept."""

    dial: bool = True
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] = 1.0
    max_live: Annotated[int, Field(ge=1, le=100_000)] = 10
    reserved: Annotated[int, Field(ge=0), AfterValidator(_leaves_calls)] = 0
    keep_attempts_days: Annotated[int, Field(ge=60, le=36_500)] = 1825


class DatabaseSettings(_Section):
    """The database of calls and campaigns, and whether calls are answered only when it can record them."""

    url: str = ""
    required: bool = True


Prefix = Annotated[str, Field(pattern=r"^(\+[0-9]*|sips?:[!-~]*|client:[!-~]*)$")]


class TransferSettings(_Section):
    """Where calls may be transferred to."""

    allowed: tuple[Prefix, ...] | None = None


class SmsSettings(_Section):
    """Where text messages may be sent to."""

    allowed: tuple[Annotated[str, Field(pattern=r"^\+[0-9]*$")], ...] | None = None


class PageSettings(_Section):
    """The pages for people."""

    enabled: bool = True


class TraceSettings(_Section):
    """Where traces of calls go."""

    endpoint: Annotated[str, Field(pattern=r"^(https?://[^\s/]+\S*)?$")] = ""


MailAddress = Annotated[str, Field(pattern=r"^[^\s@,]+@[^\s@,]+$")]


Sender = Annotated[str, Field(pattern=r"^([^\s@,]+@[^\s@,]+)?$")]


def _has_sender(sender: str, info: ValidationInfo) -> str:
    if info.data.get("host") and not sender:
        raise PydanticCustomError("sender", "is not set, and servers take no e-mail without: write an address of yours")
    return sender


class MailSettings(_Section):
    """The SMTP server that sends the messages of callers by e-mail; without a host none is sent."""

    host: str = ""
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    sender: Annotated[Sender, AfterValidator(_has_sender), Field(validate_default=True)] = ""
    to: tuple[MailAddress, ...] = ()


class CallSettings(_Section):
    """How long calls wait, and what is stored of them beside their records."""

    record: bool = False
    held_seconds: Annotated[float, Field(ge=1, le=86400)] = 60.0
