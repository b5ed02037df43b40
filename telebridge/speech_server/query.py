"""The parameters of a synthesis, read from a connection's query or a request's JSON, as tolerantly as Rime does.

Follows Rime's parameter tables: unknown names are ignored, booleans count in any case, and an unknown audio
format becomes WAV.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from telebridge.speech_server.voices.espeak_names import canonical

FORMATS = {
    "mulaw": "mulaw", "pcmu": "mulaw", "wav": "wav", "mp3": "mp3", "mpeg": "mp3", "ogg": "ogg", "webm": "webm",
    "pcm": "pcm", "l16": "pcm",
}  # fmt: skip
MODELS = {"arcanav2": "arcana", "arcanav3": "arcana"}
KNOWN_MODELS = frozenset({"arcana", "coda", "mistv3", "mistv2", "mist"})
DEFAULT_MODEL = "mistv3"
OLDER_MODELS = frozenset({"mist", "mistv2"})
"""The models that have JSON and events, fewer types of audio, and the older meaning of `speedAlpha`."""
OLDER_DEFAULT_RATE = 22050
DEFAULT_RATE = 24000
MIST = OLDER_MODELS | {"mistv3"}
RATES = {True: range(4000, 44_101), False: range(8000, 96_001)}
"""The sampling rates of the Mist models, and of the others, in Hz."""
SEGMENTS = frozenset({"immediate", "never", "bySentence"})


@dataclass(frozen=True, slots=True)
class RequestedSpeech:
    """The parameters of one connection's syntheses.

    Args:
        speaker: As given; empty when it is missing, which Rime refuses.
        model: One of the five; the default where none or an unknown one was given.
        lang: As given.
        audio_format: "mulaw", "pcm", "wav", "mp3", "ogg" or "webm".
        sampling_rate: In Hz.
        segment: "immediate", "never" or "bySentence".
        speed: How much faster than usual, 1 for as usual, whatever direction the model's parameter has.
    """

    speaker: str
    model: str = DEFAULT_MODEL
    lang: str = "eng"
    audio_format: str = "wav"
    sampling_rate: int = DEFAULT_RATE
    segment: str = "bySentence"
    speed: float = 1.0
    pauses: bool = False
    phonemes: bool = False
    inline_speeds: tuple[float, ...] = ()
    normalize: bool = True


def requested_by_query(query: str, *, default_model: str = DEFAULT_MODEL) -> RequestedSpeech:
    """Return the parameters of a query string, in which raw blanks and commas are allowed."""
    return requested(dict(parse_qsl(query, keep_blank_values=True)), default_model=default_model)


def requested(values: Mapping[str, object], *, default_model: str = DEFAULT_MODEL) -> RequestedSpeech:
    """Return the parameters from their names on the wire. Values of wrong types count as not given."""
    texts = {name: str(value) for name, value in values.items() if value is not None}
    model = MODELS.get(texts.get("modelId", ""), texts.get("modelId", ""))
    model = model if model in KNOWN_MODELS else default_model
    return RequestedSpeech(
        speaker=texts.get("speaker", ""),
        model=model,
        lang=texts.get("lang", "") or "eng",
        audio_format=FORMATS.get(texts.get("audioFormat", "").lower(), "wav"),
        sampling_rate=_default_rate(model) if (rate := given_rate(texts)) is None else rate,
        segment=_segment(texts),
        speed=_speed(texts, model),
        pauses=_flag(texts, "pauseBetweenBrackets"),
        phonemes=_flag(texts, "phonemizeBetweenBrackets"),
        inline_speeds=tuple(
            _number(part, 1.0) for part in texts.get("inlineSpeedAlpha", "").split(",") if part.strip()
        ),
        normalize=not (_flag(texts, "noTextNormalization") or _flag(texts, "reduceLatency")),
    )


def given_rate(values: Mapping[str, object]) -> int | None:
    """Return the sampling rate that was given, which may be out of range; None where none or no number was."""
    text = str(values.get("samplingRate", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def problem_of(speech: RequestedSpeech) -> str | None:
    """Return why Rime refuses these parameters with status 400, in its words; None where it does not."""
    if not speech.speaker:
        return "speaker is required"
    if canonical(speech.lang) is None:
        return f"Language {speech.lang} is not supported for model {speech.model}"
    if speech.sampling_rate not in RATES[speech.model in MIST]:
        return f"samplingRate {speech.sampling_rate} is out of range for model {speech.model}"
    return None


def _default_rate(model: str) -> int:
    return OLDER_DEFAULT_RATE if model in OLDER_MODELS else DEFAULT_RATE


def _segment(texts: Mapping[str, str]) -> str:
    if (segment := texts.get("segment", "")) in SEGMENTS:
        return segment
    return "immediate" if _flag(texts, "immediate") else "bySentence"


def _speed(texts: Mapping[str, str], model: str) -> float:
    """`speedAlpha` below 1 is faster on mist and mistv2, slower on all others; `timeScaleFactor` above 1 is slower."""
    alpha = _number(texts.get("speedAlpha", ""), 1.0)
    scale = min(max(_number(texts.get("timeScaleFactor", ""), 1.0), 0.4), 2.5)
    speed = 1 / alpha if model in OLDER_MODELS else alpha / scale
    return min(max(speed, 0.2), 5.0)


def _flag(texts: Mapping[str, str], name: str) -> bool:
    return texts.get(name, "").lower() == "true"


def _number(text: str, otherwise: float) -> float:
    try:
        number = float(text)
    except ValueError:
        return otherwise
    return number if math.isfinite(number) and number > 0 else otherwise
