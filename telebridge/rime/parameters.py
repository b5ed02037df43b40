"""What can be asked of Rime's voices: every documented parameter, typed, and which model takes which.

Follows Rime's pages of the models Arcana, Coda, Mist, Mist v2 and Mist v3, and "WebSockets": all parameters are fixed
when a connection is opened, in its query. Audio is always asked for as mu-law at 8000 Hz, because Rime's own defaults
differ by model and a format it does not know is answered with WAV.

Speakers known to exist, by model and language: an extract of Rime's catalogue, for warnings and for the stand-in.

Source: Rime, "Voices" (the live list is `/data/voices/all-v2.json`). A name missing here may exist all the same.

How Rime is reached: where, by which protocol, with which patience.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telebridge.errors import ConfigurationError

LANGUAGES: Mapping[str, str] = {
    "en": "eng", "es": "spa", "fr": "fra", "fre": "fra", "de": "ger", "deu": "ger", "pt": "por", "ja": "jpn",
    "ar": "ara", "hi": "hin", "it": "ita", "he": "heb", "ta": "tam", "si": "sin", "spa-mx": "spa",
}  # fmt: skip

SPEAKERS: Mapping[str, Mapping[str, str]] = {
    "mist": {
        "eng": "abbie allison ally colin cove creek elena eva hank joy juan kendra marge marsh rex river selena spore "
        "tibur zion",
    },
    "mistv2": {
        "eng": "abbie allison astra brook cove elena hank joy kendra marge moon peak rex river spore tibur wolf",
        "spa": "diego dolores isa jose lucia mari mateo pablo sofia",
        "fra": "alois juliette marguerite simone",
        "ger": "amalia frieda karolina klaus maximilian",
    },
    "mistv3": {
        "eng": "alpine astra bayou cove ember estelle falcon luna moon peak pearl river sirius talon vespera willow",
        "spa": "diego dolores isa jose lucia mari mateo pablo sofia pola seraphina sirius",
        "fra": "alois juliette marguerite simone",
        "ger": "amalia frieda karolina klaus maximilian",
    },
    "arcana": {
        "eng": "albion andromeda astra bond celeste cupola eucalyptus luna lyra marlu masonry orion parapet sirius",
        "spa": "aurelio celestino", "ger": "liesel lorelei", "fra": "aurelie destin", "hin": "anaya anil arya",
        "ara": "batin layla", "heb": "aviva ori", "jpn": "raiden ren yukiko", "por": "celso isadora",
    },
    "coda": {
        "eng": "albion astra bancroft beatty celeste clementine cupola eyre godfrey hesse lawton lintel luna lyra "
        "marlu masonry parapet vespera wawona",
        "spa": "celestino isla luz", "jpn": "akari ren sakura", "por": "alzira sol", "ger": "liesel runa",
        "fra": "aurelie destin", "ara": "layla zahir", "hin": "nadi taru",
    },
}  # fmt: skip


def speakers(model: str, lang: str) -> frozenset[str]:
    """The speakers known for a model and a language, whatever its spelling; none where nothing is known."""
    return frozenset(SPEAKERS.get(model, {}).get(LANGUAGES.get(lang, lang), "").split())


Model = Literal["arcana", "coda", "mistv3", "mistv2", "mist"]
Segment = Literal["immediate", "never", "bySentence"]

ALIASES = {"arcanav2": "arcana", "arcanav3": "arcana"}
_MIST = frozenset({"speed_alpha", "inline_speed_alpha", "pause_between_brackets", "phonemize_between_brackets"})
_OLDER_MIST = _MIST | {"no_text_normalization", "reduce_latency", "save_oovs"}
_SAMPLING = frozenset({"temperature", "top_p", "repetition_penalty", "max_tokens"})
TAKES: Mapping[str, frozenset[str]] = {
    "arcana": _SAMPLING | {"speed_alpha", "time_scale_factor"},
    "coda": _SAMPLING | {"speed_alpha", "time_scale_factor"},
    "mistv3": _MIST | {"time_scale_factor"},
    "mistv2": _OLDER_MIST,
    "mist": _OLDER_MIST,
}
"""The parameters of each model beside those that all take."""

FOR_ALL = frozenset({"speaker", "model", "lang", "segment"})
WIRE_NAMES = {
    "model": "modelId",
    "speed_alpha": "speedAlpha",
    "time_scale_factor": "timeScaleFactor",
    "inline_speed_alpha": "inlineSpeedAlpha",
    "pause_between_brackets": "pauseBetweenBrackets",
    "phonemize_between_brackets": "phonemizeBetweenBrackets",
    "no_text_normalization": "noTextNormalization",
    "reduce_latency": "reduceLatency",
    "save_oovs": "saveOovs",
}
"""Where a parameter is called otherwise in a query."""


class SpeechParameters(BaseModel):
    """Parameters of one connection; what is None is not sent, and Rime's own default holds.

    Args:
        speaker: Whose voice; must exist for the model and language.
        model: Which model speaks.
        lang: Language, two or three letters.
        segment: When buffered text is spoken; None leaves it to the protocol.
        speed_alpha: Speed; below 1 is faster on mist and mistv2, above 1 is faster on all others.
        time_scale_factor: Length of the speech, above 1 is slower; Rime clamps it to 0.4 to 2.5.
        inline_speed_alpha: Comma list, one value for each `[bracketed]` stretch; below 1 is faster.
        pause_between_brackets: Whether `<300>` in the text is a pause of 300 ms.
        phonemize_between_brackets: Whether `{k1Ast0xm}` in the text is spoken as phonemes.
        no_text_normalization: Leave numbers and the like as they are written.
        reduce_latency: The older name of it.
        save_oovs: Log unknown words at Rime.
        temperature: How freely the model speaks.
        top_p: How much of the likelihood is drawn from.
        repetition_penalty: How much repeating itself is punished.
        max_tokens: The most that is generated in one go.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    speaker: Annotated[str, Field(min_length=1)] = "astra"
    model: Model = "arcana"
    lang: Annotated[str, Field(min_length=2)] = "eng"
    segment: Segment | None = None
    speed_alpha: Annotated[float, Field(gt=0)] | None = None
    time_scale_factor: Annotated[float, Field(gt=0)] | None = None
    inline_speed_alpha: Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?(\s*,\s*\d+(\.\d+)?)*\s*$")] | None = None
    pause_between_brackets: bool | None = None
    phonemize_between_brackets: bool | None = None
    no_text_normalization: bool | None = None
    reduce_latency: bool | None = None
    save_oovs: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=1, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=200, le=5000)] | None = None

    def query(self) -> str:
        """The query of the connection's address."""
        told = {WIRE_NAMES.get(name, name): _written(value) for name, value in self.given().items()}
        return urlencode({**told, "audioFormat": "mulaw", "samplingRate": "8000"})

    def given(self) -> dict[str, Any]:
        """The parameters that are set."""
        return self.model_dump(exclude_none=True)

    def warnings(self) -> list[str]:
        """What is probably wrong but not certainly: Rime may have voices that are not known here."""
        known = speakers(self.model, self.lang)
        if self.speaker in known:
            return []
        near = f"; known are {', '.join(sorted(known)[:6])}, …" if known else ""
        return [f"rime.speaker: '{self.speaker}' is not known for {self.model} in '{self.lang}'{near}"]


def speech_parameters(values: Mapping[str, Any], *, where: str = "rime") -> SpeechParameters:
    """Parameters from settings or from an utterance's own voice, checked before anything is connected.

    Args:
        values: By the names of the settings.
        where: Whose they are, for errors: each names `where.<parameter>`.

    Raises:
        ConfigurationError: A name, type or range is wrong, or the model does not take the parameter.
    """
    model = values.get("model")
    given = {**values, "model": ALIASES[model]} if isinstance(model, str) and model in ALIASES else dict(values)
    try:
        parameters = SpeechParameters.model_validate(given)
    except ValidationError as error:
        mistake = error.errors()[0]
        path = ".".join(str(part) for part in mistake["loc"])
        raise ConfigurationError(f"{where}.{path}", _explained(mistake["type"], mistake["msg"])) from error
    for name in parameters.given():
        if name not in FOR_ALL and name not in TAKES[parameters.model]:
            takers = ", ".join(model for model, names in TAKES.items() if name in names)
            raise ConfigurationError(f"{where}.{name}", f"{parameters.model} does not take it", f"it is for {takers}")
    return parameters


def _explained(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is no parameter of Rime's voices"
    return message[:1].lower() + message[1:]


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


Protocol = Literal["ws", "ws2", "ws3"]

CLOUD = "wss://users-ws.rime.ai"
WS2_MODELS = frozenset({"mist", "mistv2"})


@dataclass(frozen=True, slots=True)
class RimeOptions:
    """Where Rime is and how it is spoken to.

    Args:
        url: `ws://` or `wss://`, a host; the protocol's path is added unless the address has a path of its own, if
            only a slash (as Rime's on-premises containers want it).
        protocol: Plain `ws`, or JSON `ws2` (mist and mistv2 only) or `ws3`.
        api_key: Sent as a bearer; empty for none.
        parameters: The voice, unless an utterance asks for another.
        warm_sockets: Spare connections for each address in use.
        max_characters: The most text in one request; Rime's documents say 500.
        connect_seconds: For one handshake.
        first_audio_seconds: From text to its first audio: a socket that takes text and gives nothing is dead.
        between_audio_seconds: Between two pieces of audio.
        max_idle_seconds: How long a spare may wait.
        ping_seconds: Idle connections were seen to die within seconds unless pinged.
    """

    url: str = CLOUD
    protocol: Protocol = "ws3"
    api_key: str = ""
    parameters: SpeechParameters = field(default_factory=SpeechParameters)
    warm_sockets: int = 2
    max_characters: int = 500
    connect_seconds: float = 5.0
    first_audio_seconds: float = 5.0
    between_audio_seconds: float = 5.0
    max_idle_seconds: float = 240.0
    ping_seconds: float = 5.0

    def address(self, parameters: SpeechParameters) -> str:
        """The address of a connection with these parameters.

        Raises:
            ConfigurationError: The address is no WebSocket's, or the protocol does not serve the model.
        """
        try:
            parts = urlsplit(self.url)
            _ = parts.port  # is only read, and refused, when it is asked for
        except ValueError as error:
            raise ConfigurationError("rime.url", f"'{self.url}' is no address ({error})") from error
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ConfigurationError("rime.url", f"'{self.url}' is no ws:// or wss:// address")
        if self.protocol == "ws2" and parameters.model not in WS2_MODELS:
            raise ConfigurationError("rime.protocol", f"ws2 does not serve {parameters.model}", "use ws3, or mistv2")
        if self.protocol != "ws" and parameters.segment is None:
            # Each flush is then one synthesis with one `done`, so that the end of an utterance is certain.
            parameters = parameters.model_copy(update={"segment": "never"})
        return parts._replace(path=parts.path or f"/{self.protocol}", query=parameters.query()).geturl()
