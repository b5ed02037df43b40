"""Reads the settings: `telebridge.toml` or `config/telebridge.toml`, overridden by the environment.

Environment names are `TELEBRIDGE_<SECTION>__<KEY>` and, for keys of no section, `TELEBRIDGE_<KEY>`; besides them the
conventional `RIME_API_KEY`, `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`.

One rule: an unknown key is an error, because a misspelt setting that is ignored would be noticed only in a live call.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import override

from telebridge.bundled import BUNDLED_FLOWS
from telebridge.errors import ConfigurationError
from telebridge.private_files import FILE_MODE, make_private, make_private_folder

DEFAULT_FILES = (Path("telebridge.toml"), Path("config/telebridge.toml"))
DEFAULT_FLOWS = Path("config/flows")
PREFIX = "TELEBRIDGE_"
CONVENTIONAL = {
    "RIME_API_KEY": ("rime", "api_key"),
    "TWILIO_ACCOUNT_SID": ("twilio", "account_sid"),
    "TWILIO_AUTH_TOKEN": ("twilio", "auth_token"),
}

TOML_HINT = 'a text stands in quotes, as in name = "text"'
SECRET = re.compile(r"(key|token|secret|url|password)(?!s)$(?<!public_url)")
"""Keys whose values are never shown."""
OWN_MISTAKES = frozenset({"public_address", "network", "reserved", "judge"})
"""The mistakes that are worded here."""
PLAIN = {
    "int_parsing": "is no whole number",
    "int_from_float": "is no whole number",
    "float_parsing": "is no number",
    "bool_parsing": "is neither true nor false",
}
"""What pydantic says of the format of a value, in the words of this page."""

Port = Annotated[int, Field(ge=0, le=65535)]
PositiveSeconds = Annotated[float, Field(gt=0)]


ADDRESS = re.compile(r"https?://[^\s/?#]+(/\S*)?")
PUBLIC_ADDRESS = re.compile(r"https?://[^\s/?#{}]+(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")


def _public_address(url: str) -> str:
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


def _called_numbers(numbers: dict[str, str]) -> dict[str, str]:
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
    max_calls: Annotated[int, Field(ge=1)] = 250
    overload_lag_ms: Annotated[float, Field(gt=0)] = 20.0
    overload_core_share: Annotated[float, Field(gt=0, le=1)] = 0.78
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


class RecognitionSettings(_Section):
    """Who hears what callers say; nobody unless a provider is named."""

    provider: Literal["", "deepgram", "deepgram-flux", "openai", "openai-http", "rime", "vosk", "local"] = ""
    url: Annotated[str, AfterValidator(_recognizer_address)] = ""
    api_key: str = ""
    model: str = ""
    language: str = "en"
    hints: tuple[str, ...] = ()
    dialect: Literal["ga", "beta"] = "ga"
    audio: Literal["mulaw", "pcm"] = "mulaw"
    answer_seconds: Annotated[float, Field(gt=0, le=3)] = 1.5
    keep: bool = True
    fallback_provider: Literal["", "deepgram", "deepgram-flux", "openai", "openai-http", "rime", "vosk", "local"] = ""
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


class Settings(BaseSettings):
    """All settings. The environment overrides the conventional variables, and those override the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    public_url: Annotated[str, AfterValidator(_public_address)] = ""
    default_flow: str = "front-desk"
    flows_dir: Path = DEFAULT_FLOWS
    app: str = ""
    secret: str = ""
    state_dir: Path = Path("var")
    server: ServerSettings = ServerSettings()
    twilio: TwilioSettings = TwilioSettings()
    rime: RimeSettings = RimeSettings()
    speech: SpeechSettings = SpeechSettings()
    recognition: RecognitionSettings = RecognitionSettings()
    answering: AnsweringSettings = AnsweringSettings()
    playback: PlaybackSettings = PlaybackSettings()
    barge_in: BargeInSettings = BargeInSettings()
    calls: CallSettings = CallSettings()
    database: DatabaseSettings = DatabaseSettings()
    prompts: PromptSettings = PromptSettings()
    campaigns: CampaignSettings = CampaignSettings()
    transfers: TransferSettings = TransferSettings()
    sms: SmsSettings = SmsSettings()
    pages: PageSettings = PageSettings()
    traces: TraceSettings = TraceSettings()
    mail: MailSettings = MailSettings()
    numbers: Annotated[dict[str, str], AfterValidator(_called_numbers)] = {}

    @property
    def database_url(self) -> str:
        """The address of the database; by default a file in the state folder."""
        return self.database.url or f"sqlite:///{self.state_dir}/telebridge.db"

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        conventional = InitSettingsSource(settings_cls, init_kwargs=_conventional_environment())
        return env_settings, conventional, init_settings

    def prompts_dir(self) -> Path:
        """The folder of the prompt cache; by default in the state folder."""
        return Path(self.prompts.cache_dir) if self.prompts.cache_dir else self.state_dir / "prompts"

    def stream_secret(self) -> str:
        """The secret that signs addresses. When none is set, one is made and stored in the state folder.

        Raises:
            ConfigurationError: It cannot be stored in the state folder, or its file there is empty.
        """
        if self.secret:
            return self.secret
        kept = self.state_dir / "secret"
        try:
            if not kept.exists():
                make_private_folder(self.state_dir)
                _write_once(kept, secrets.token_urlsafe(32))
            make_private(kept)
            secret = kept.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "the file 'secret' is no text"
            problem = f"'{self.state_dir}' cannot hold the secret ({why})"
            raise ConfigurationError("state_dir", problem, "choose another folder, or set 'secret'") from error
        if not secret:
            raise ConfigurationError(
                str(kept), "is empty: anybody could sign addresses", "remove it, and one is made; or set 'secret'"
            )
        return secret


def load_settings(file: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        file: Their file; by default the first of `DEFAULT_FILES` that exists, if one does.

    Returns:
        The settings. Where no `flows_dir` is set and its default does not exist, it is the bundled flows.

    Raises:
        ConfigurationError: The file cannot be read, or a key or value in it or in the environment is wrong.
    """
    source = file or settings_file() or DEFAULT_FILES[0]
    values = _read(source, must_exist=file is not None)
    _check_environment()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _explained(error, values, source) from error
    except SettingsError as error:
        raise ConfigurationError("environment", str(error), "values of lists and tables are JSON") from error
    if "flows_dir" in settings.model_fields_set or DEFAULT_FLOWS.is_dir():
        return settings
    return settings.model_copy(update={"flows_dir": BUNDLED_FLOWS})


def settings_file() -> Path | None:
    """Return the settings file of the working directory; None when there is none."""
    return next((file for file in DEFAULT_FILES if file.exists()), None)


def _write_once(file: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically; a file that exists already is kept."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.touch(mode=FILE_MODE)
    draft.write_text(text)
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def _read(file: Path, *, must_exist: bool) -> dict[str, Any]:
    if not must_exist and not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))  # Windows begins a text with a byte order mark
    except OSError as error:
        raise ConfigurationError(str(file), f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(file), f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(str(file), f"is not TOML: {error}", TOML_HINT) from error


def _conventional_environment() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, (section, key) in CONVENTIONAL.items():
        if os.environ.get(name):
            values.setdefault(section, {})[key] = os.environ[name]
    return values


def _check_environment() -> None:
    """Refuse unknown variables with our prefix, which pydantic-settings would ignore."""
    known = {f"{PREFIX}{path.upper().replace('.', '__')}" for path in _paths()}
    for name in os.environ:
        if name.startswith(PREFIX) and name.upper() not in known:
            raise ConfigurationError(name, "is no setting", _nearest(name, known))


def _paths() -> Iterator[str]:
    """Every key, with its section and a dot before it."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{key}" for key in field.annotation.model_fields)
        yield name


def _explained(error: ValidationError, values: dict[str, Any], file: Path) -> ConfigurationError:
    """The first mistake, at the key of the file or at the variable that it comes from."""
    mistake = error.errors()[0]
    path = ".".join(str(part) for part in mistake["loc"])
    in_file = f"{file}: {path}" if _is_in(values, mistake["loc"]) else PREFIX + path.upper().replace(".", "__")
    where = _variable(path) or in_file
    if mistake["type"] == "extra_forbidden":
        return ConfigurationError(where, "is no setting", _nearest(path, set(_paths())))
    problem = PLAIN.get(mistake["type"], mistake["msg"][:1].lower() + mistake["msg"][1:])
    own = mistake.get("ctx", {})
    if "number" not in own and not SECRET.search(path) and isinstance(mistake["input"], str | int | float):
        problem += (
            f", not {mistake['input']!r}"
            if mistake["type"] not in {*OWN_MISTAKES, *PLAIN}
            else f": {mistake['input']!r}"
        )
    return ConfigurationError(where, problem, str(own.get("hint", "")))


def _is_in(values: Any, path: tuple[int | str, ...]) -> bool:
    for part in path[:2]:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _variable(path: str) -> str | None:
    """The variable of the environment that sets this key, whatever the file has; None when none does."""
    own = PREFIX + path.upper().replace(".", "__")
    conventional = [name for name, key in CONVENTIONAL.items() if ".".join(key) == path and os.environ.get(name)]
    return next((name for name in [*os.environ, *conventional] if name.upper() == own or name in conventional), None)


def _nearest(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else ""
