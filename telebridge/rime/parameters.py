"""The synthesis parameters of Rime's models, the speakers known to exist, and the options of a connection.

Parameters follow Rime's pages of the models Arcana, Coda, Mist, Mist v2 and Mist v3, and "WebSockets", *Variable
Parameters*: they are fixed when a connection is opened. The audio format is always mu-law at 8000 Hz, because Rime's
defaults differ by model, and a format that it does not know is answered with WAV. Speakers are an extract of Rime,
"Voices" (the live list is `/data/voices/all-v2.json`); a name missing here may exist all the same.

One rule: a wrong name, type or range is an error before anything is connected; an unknown speaker is a warning.
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
    """Return the speakers known for a model and a language, in two or three letters; empty when none is known."""
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
"""The parameters of each model beside those of all models."""

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
"""The names of parameters in a query, where they differ."""


class SpeechParameters(BaseModel):
    """Parameters of one connection. Those that are None are not sent; Rime's defaults hold.

    Args:
        speaker: The voice; it must exist for the model and language.
        model: The model.
        lang: Language, two or three letters.
        segment: When buffered text is spoken; None for the protocol's default.
        speed_alpha: Speed; below 1 is faster on mist and mistv2, above 1 is faster on all others.
        time_scale_factor: Length of the speech, above 1 is slower; Rime clamps it to 0.4 to 2.5.
        inline_speed_alpha: Comma list, one value for each `[bracketed]` stretch; below 1 is faster.
        pause_between_brackets: Whether `<300>` in the text is a pause of 300 ms.
        phonemize_between_brackets: Whether `{k1Ast0xm}` in the text is spoken as phonemes.
        no_text_normalization: Do not expand numbers, dates and the like.
        reduce_latency: The older name of `no_text_normalization`.
        save_oovs: Log unknown words at Rime.
        temperature: Randomness of sampling.
        top_p: The share of probability that is sampled from.
        repetition_penalty: The penalty of repeated tokens.
        max_tokens: The most tokens of one synthesis.
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
        """Return the query of the connection's address."""
        query = {WIRE_NAMES.get(name, name): _written(value) for name, value in self.given().items()}
        return urlencode({**query, "audioFormat": "mulaw", "samplingRate": "8000"})

    def changes_speed(self) -> bool:
        """Whether the voice may be faster or slower than usual."""
        return bool(self.speed_alpha or self.time_scale_factor or self.inline_speed_alpha)

    def given(self) -> dict[str, Any]:
        """Return the parameters that are not None, by name."""
        return self.model_dump(exclude_none=True)

    def warnings(self) -> list[str]:
        """Return what may be wrong: Rime may have speakers that are not known here."""
        known = speakers(self.model, self.lang)
        if self.speaker in known:
            return []
        near = f"; known are {', '.join(sorted(known)[:6])}, …" if known else ""
        return [f"rime.speaker: '{self.speaker}' is not known for {self.model} in '{self.lang}'{near}"]


def speech_parameters(values: Mapping[str, Any], *, where: str = "rime") -> SpeechParameters:
    """Check the parameters of settings, or of an utterance.

    Args:
        values: By the names of the settings.
        where: For errors, which name `where.<parameter>`.

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
    """Where Rime is, and how it is used.

    Args:
        url: `ws://` or `wss://` and a host; the protocol's path is added unless the address has a path, even if only a
            slash (as Rime's on-premises containers require).
        protocol: `ws` is plain; `ws2` (mist and mistv2 only) and `ws3` are JSON.
        api_key: Sent as a bearer token; empty for none.
        parameters: Of the voice, unless an utterance overrides them.
        warm_sockets: How many spare connections each address in use has.
        max_characters: The most text in one request (Rime, "WebSockets": 500).
        connect_seconds: Time-out of a handshake.
        first_audio_seconds: Time-out from a request to its first audio: the connection is dead.
        between_audio_seconds: Time-out between two chunks of audio; and how much less audio than would have been played
            may come in all.
        most_audio: What exceeds so many times the most that a text can take is cut.
        max_idle_seconds: How long a spare may be idle.
        ping_seconds: Interval of pings; idle connections were seen to die within seconds without them.
        stalled_text_seconds: How long a sentence that has begun waits for its author's next token.
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
    most_audio: float = 2.0
    max_idle_seconds: float = 240.0
    ping_seconds: float = 5.0
    stalled_text_seconds: float = 1.0

    def address(self, parameters: SpeechParameters) -> str:
        """Return the address of a connection with these parameters.

        Raises:
            ConfigurationError: The address is no WebSocket's, or the protocol does not serve the model.
        """
        try:
            parts = urlsplit(self.url)
            _ = parts.port  # the port is only checked when it is read
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
