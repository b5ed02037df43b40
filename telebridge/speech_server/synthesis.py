"""One synthesis: a text with its markup becomes encoded audio and word times, phrase by phrase.

One rule: the audio is yielded as it is synthesized, and the words come last, timed from the start of the synthesis.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from telebridge.audio.mulaw import PCM_WIDTH
from telebridge.speech_server.formats import Encoder
from telebridge.speech_server.markup import PausePiece, SpokenPiece, pieces
from telebridge.speech_server.query import RequestedSpeech
from telebridge.speech_server.voices.espeak_names import canonical
from telebridge.speech_server.voices.voice import (
    Pcm,
    Phrase,
    SpokenWord,
    SpokenWords,
    Synthesizer,
)


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """The next audio in the client's format; `seconds` is how long it plays."""

    data: bytes
    seconds: float


async def synthesize(
    text: str, speech: RequestedSpeech, voice: Synthesizer, encoder: Encoder
) -> AsyncIterator[EncodedAudio | SpokenWords]:
    """Synthesize `text`: yield its audio as it is synthesized, then its words.

    Raises:
        VoiceFailed: The synthesizer failed.
    """
    bytes_per_second = speech.sampling_rate * PCM_WIDTH
    spoken_bytes = 0
    words: list[SpokenWord] = []
    for piece in pieces(text, speech):
        began = spoken_bytes / bytes_per_second
        if isinstance(piece, PausePiece):
            pcm = bytes(round(piece.ms / 1000 * speech.sampling_rate) * PCM_WIDTH)
            spoken_bytes += len(pcm)
            yield EncodedAudio(encoder.encode(pcm), len(pcm) / bytes_per_second)
            continue
        async for event in voice.say(_phrase(piece, speech)):
            match event:
                case Pcm(pcm):
                    spoken_bytes += len(pcm)
                    yield EncodedAudio(encoder.encode(pcm), len(pcm) / bytes_per_second)
                case SpokenWords(said):
                    words += (
                        SpokenWord(word.text, began + word.start_seconds, began + word.end_seconds) for word in said
                    )
    if rest := encoder.flush():
        yield EncodedAudio(rest, 0.0)
    yield SpokenWords(_from_zero(words))


def _phrase(piece: SpokenPiece, speech: RequestedSpeech) -> Phrase:
    return Phrase(
        text=piece.text,
        speaker=speech.speaker,
        lang=canonical(speech.lang) or "eng",
        speed=piece.speed,
        sample_rate=speech.sampling_rate,
        phonetic=piece.phonetic,
        pause_after=piece.ends_sentence,
    )


def _from_zero(words: list[SpokenWord]) -> tuple[SpokenWord, ...]:
    """Make the first word start at 0, as Rime does; leading silence counts as part of it."""
    if words:
        words[0] = SpokenWord(words[0].text, 0.0, words[0].end_seconds)
    return tuple(words)
