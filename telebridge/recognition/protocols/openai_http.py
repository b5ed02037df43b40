"""`POST /v1/audio/transcriptions`: one request for each utterance, which most on-premises servers offer.

Follows OpenAI, "Create transcription". The audio goes as a WAV file of 16-bit samples at 8000 Hz, which every server
reads. Models of the Whisper family make words of silence and noise ("Thank you."), so what is too short for a word is
not sent, and what the model itself takes for no speech is dropped.

One rule: what a request holds and what an answer means is decided here; nothing is sent.
"""

import io
import math
from dataclasses import dataclass

import msgspec

from telebridge.audio import wav
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.errors import RemoteProtocolError
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import FinalTranscript, RecognitionRequest, RecognizedWord

ADDRESS = "https://api.openai.com/v1/audio/transcriptions"
DEFAULT_MODEL = "gpt-4o-mini-transcribe"
LEAST_SPEECH_MS = 300

NO_SPEECH = 0.8
"""A result that is so likely no speech holds no words."""
VERBOSE_MODELS = ("whisper", "systran", "large", "distil", "turbo")
"""How the names of models begin, or go on after a slash, that answer `verbose_json`; OpenAI's 4o models refuse it."""


class TranscribedWord(msgspec.Struct):
    """A word of an answer; times in seconds."""

    word: str = ""
    start: float = 0.0
    end: float = 0.0


class TranscribedSegment(msgspec.Struct):
    """A stretch of an answer."""

    no_speech_prob: float | None = None
    avg_logprob: float | None = None


class Transcription(msgspec.Struct):
    """An answer: `json`, or `verbose_json` with its segments."""

    text: str = ""
    words: list[TranscribedWord] | None = None
    segments: list[TranscribedSegment] | None = None


_ANSWER = msgspec.json.Decoder(Transcription)


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A request to be sent as `multipart/form-data`.

    Args:
        address: Where it goes.
        headers: Its headers.
        fields: Its fields beside the file.
        wav: The file.
    """

    address: str
    headers: dict[str, str]
    fields: tuple[tuple[str, str], ...]
    wav: bytes


def transcription_request(
    options: RecognizerOptions, request: RecognitionRequest, mulaw: bytes
) -> TranscriptionRequest | None:
    """The request for an utterance; None for one that is too short to hold a word."""
    if len(mulaw) < LEAST_SPEECH_MS * BYTES_PER_MS:
        return None
    model = options.model or DEFAULT_MODEL
    fields = [("model", model)]
    if language := (request.language or options.language):
        fields.append(("language", language.partition("-")[0]))
    if hints := options.all_hints(request):
        fields.append(("prompt", ", ".join(hints)))
    if model.rpartition("/")[2].lower().startswith(VERBOSE_MODELS) or model.lower().startswith(VERBOSE_MODELS):
        fields += [("response_format", "verbose_json"), ("timestamp_granularities[]", "word")]
    else:
        fields.append(("response_format", "json"))
    headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
    file = io.BytesIO()
    wav.write(file, mulaw)
    return TranscriptionRequest(options.url or ADDRESS, headers, tuple(fields), file.getvalue())


def transcription_answer(utterance: int, body: bytes) -> FinalTranscript:
    """The transcript that an answer holds.

    Raises:
        RemoteProtocolError: It cannot be decoded.
    """
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RemoteProtocolError(
            "the transcription server", f"sent an answer that cannot be read ({error})"
        ) from error
    segments = answer.segments or []
    if segments and all((each.no_speech_prob or 0.0) >= NO_SPEECH for each in segments):
        return FinalTranscript(utterance, "")
    known = [each.avg_logprob for each in segments if each.avg_logprob is not None]
    words = tuple(RecognizedWord(word.word.strip(), word.start * 1000, word.end * 1000) for word in answer.words or [])
    confidence = math.exp(min(0.0, sum(known) / len(known))) if known else None
    return FinalTranscript(utterance, answer.text.strip(), confidence, words)
