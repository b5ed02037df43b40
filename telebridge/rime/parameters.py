"""What can be asked of Rime's voices: every documented parameter, typed, and which model takes which.

Follows Rime's pages of the models Arcana, Coda, Mist, Mist v2 and Mist v3, and "WebSockets": all parameters are fixed
when a connection is opened, in its query. Audio is always asked for as mu-law at 8000 Hz, because Rime's own defaults
differ by model and a format it does not know is answered with WAV.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telebridge.errors import ConfigurationError
from telebridge.rime.voices import speakers

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
