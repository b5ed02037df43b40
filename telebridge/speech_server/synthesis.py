"""One synthesis: a text with its markup, said by a voice phrase by phrase, as encoded audio and word times."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from telebridge.audio.mulaw import PCM_WIDTH
from telebridge.speech_server.formats import Encoder
from telebridge.speech_server.markup import Pause, Spoken, pieces
from telebridge.speech_server.query import RequestedSpeech
from telebridge.speech_server.voices.espeak_names import canonical
from telebridge.speech_server.voices.voice import (
    Pcm,
    Phrase,
    SpokenWord,
    SpokenWords,
    Voice,
)


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """The next audio in the client's format; `seconds` is how long it plays."""

    data: bytes
    seconds: float


async def synthesize(
    text: str, asked: RequestedSpeech, voice: Voice, encoder: Encoder
) -> AsyncIterator[EncodedAudio | SpokenWords]:
    """Say `text`: its audio as it is made, at last its words, timed from the start of this synthesis.

    Raises:
        VoiceFailed: The voice broke down.
    """
    bytes_per_second = asked.sampling_rate * PCM_WIDTH
    spoken_bytes = 0
    words: list[SpokenWord] = []
    for piece in pieces(text, asked):
        began = spoken_bytes / bytes_per_second
        if isinstance(piece, Pause):
            pcm = bytes(round(piece.ms / 1000 * asked.sampling_rate) * PCM_WIDTH)
            spoken_bytes += len(pcm)
            yield EncodedAudio(encoder.encode(pcm), len(pcm) / bytes_per_second)
            continue
        async for event in voice.say(_phrase(piece, asked)):
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


def _phrase(piece: Spoken, asked: RequestedSpeech) -> Phrase:
    return Phrase(
        text=piece.text,
        speaker=asked.speaker,
        lang=canonical(asked.lang) or "eng",
        speed=piece.speed,
        sample_rate=asked.sampling_rate,
        phonetic=piece.phonetic,
        pause_after=piece.ends_sentence,
    )


def _from_zero(words: list[SpokenWord]) -> tuple[SpokenWord, ...]:
    """The first word starts the audio, as Rime has it; what a voice takes to draw breath counts as part of it."""
    if words:
        words[0] = SpokenWord(words[0].text, 0.0, words[0].end_seconds)
    return tuple(words)
