"""What a request for speech is answered with: bare audio, events, or JSON with the audio.

Follows the tables of Rime's pages "Streaming HTTP" of Coda, Mist v3 and Mist v2, "Server-sent Events", "MP3 over JSON"
and its siblings, and "Error reference", 406. Where they are silent:

- A type that Mist v1 and Mist v2 do not have, and no type at all, gives JSON with the audio in `audioFormat`; that is
  WAV where it is missing, as on a WebSocket.
- No type, or any, from the other models, which have no JSON, gives MP3: every player has it.
- Mist v1 is treated as Mist v2.
"""

from dataclasses import dataclass
from enum import StrEnum

from telebridge.speech_server.query import DEFAULT_RATE, OLDER_MODELS

MEDIA_TYPES = {
    "audio/webm": "webm", "audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/wav": "wav", "audio/l16": "pcm",
    "audio/pcmu": "mulaw", "audio/mp3": "mp3", "audio/pcm": "pcm", "audio/x-mulaw": "mulaw",
}  # fmt: skip
"""The format of each type, with the deprecated names of some."""
ADVERTISED = (
    "audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mpeg", "audio/wav", "audio/L16", "audio/PCMU",
)  # fmt: skip
"""The types that Rime recommends."""
EVENT_STREAM = "text/event-stream"
OLDER_FORMATS = frozenset({"mp3", "pcm", "mulaw"})
OLDER_RATES = {"mp3": 22050, "pcm": 16000, "mulaw": 8000, "wav": 22050, "ogg": 24000}
"""The sampling rate of each format of the older models where none is asked for, in Hz."""
OGG_RATES = (8000, 12000, 16000, 24000)
EVENTS_RATE = 22050
OTHERWISE = "mp3"
ANYTHING = frozenset({"", "*/*", "audio/*"})


class Packing(StrEnum):
    """How the audio of an answer is packed."""

    AUDIO = "audio"
    EVENTS = "events"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class SpeechAnswer:
    """What a request is answered with.

    Args:
        packing: How the audio is packed.
        audio_format: "mulaw", "pcm", "wav", "mp3", "ogg" or "webm".
        content_type: The media type of the answer.
        default_rate: The sampling rate where the request has none, in Hz.
        rates: The only sampling rates that there are; None for all of the model.
    """

    packing: Packing
    audio_format: str
    content_type: str
    default_rate: int = DEFAULT_RATE
    rates: tuple[int, ...] | None = None


class NotAcceptable(Exception):
    """A model has none of the types that a request accepts; the text is what Rime answers with status 406."""


def answer_for(accept: str, model: str, audio_format: str) -> SpeechAnswer:
    """Return what a request is answered with.

    Args:
        accept: The header `Accept`; empty where it is missing. Of several types the first that there is counts.
        model: The model.
        audio_format: The format in the body of the request, which counts in JSON and events.

    Raises:
        NotAcceptable: The model has none of the types.
    """
    wanted = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    return _older(wanted, audio_format) if model in OLDER_MODELS else _newer(wanted, model)


def _older(wanted: list[str], audio_format: str) -> SpeechAnswer:
    for name in wanted:
        if MEDIA_TYPES.get(name) in OLDER_FORMATS:
            audio = MEDIA_TYPES[name]
            return SpeechAnswer(Packing.AUDIO, audio, name, OLDER_RATES[audio])
        if name == EVENT_STREAM:
            audio = audio_format if audio_format in OLDER_FORMATS else OTHERWISE
            return SpeechAnswer(Packing.EVENTS, audio, name, EVENTS_RATE)
    audio = audio_format if audio_format in OLDER_RATES else "wav"
    rates = OGG_RATES if audio == "ogg" else None
    return SpeechAnswer(Packing.JSON, audio, "application/json", OLDER_RATES[audio], rates)


def _newer(wanted: list[str], model: str) -> SpeechAnswer:
    for name in wanted:
        if name in MEDIA_TYPES:
            audio = MEDIA_TYPES[name]
            return SpeechAnswer(Packing.AUDIO, audio, _with_codec(name))
        if name in ANYTHING:
            return SpeechAnswer(Packing.AUDIO, OTHERWISE, "audio/mpeg")
    raise NotAcceptable(
        f'modelId "{model}" can only be returned as streamed audio; set Accept to one of: {", ".join(ADVERTISED)}'
    )


def _with_codec(name: str) -> str:
    """The media type, with the codec where it has one."""
    return f"{name};codecs=opus" if name in ("audio/ogg", "audio/webm") else name
