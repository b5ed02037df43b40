"""A synthesis yields its audio first and its words last, timed over all of its phrases."""

from itertools import pairwise

from support.virtual_time import virtually

from telebridge.speech_server.formats import encoder
from telebridge.speech_server.query import requested
from telebridge.speech_server.synthesis import EncodedAudio, synthesize
from telebridge.speech_server.voices.tone import ToneVoice
from telebridge.speech_server.voices.voice import SpokenWords

MULAW = {"speaker": "astra", "modelId": "mistv2", "audioFormat": "mulaw", "samplingRate": "8000"}


async def synthesized(text, **parameters):
    speech = requested({**MULAW, **parameters})
    events = [
        event
        async for event in synthesize(text, speech, ToneVoice(), encoder(speech.audio_format, speech.sampling_rate))
    ]
    assert all(isinstance(event, EncodedAudio) for event in events[:-1])
    assert isinstance(events[-1], SpokenWords)
    return events[:-1], events[-1].words


@virtually
async def test_words_are_timed_across_phrases_and_the_first_begins_the_audio():
    audio, words = await synthesized("One two. Three four.")
    assert [word.text for word in words] == ["One", "two.", "Three", "four."]
    assert words[0].start_seconds == 0.0
    assert all(before.end_seconds <= after.start_seconds for before, after in pairwise(words))
    assert words[-1].end_seconds <= sum(piece.seconds for piece in audio)


@virtually
async def test_the_length_that_is_told_is_that_of_the_bytes():
    audio, _ = await synthesized("Hello there.")
    assert sum(piece.seconds for piece in audio) * 8000 == sum(len(piece.data) for piece in audio)


@virtually
async def test_a_pause_moves_the_words_after_it():
    _, words = await synthesized("One <1000> two", pauseBetweenBrackets="true")
    _, without = await synthesized("One <0> two", pauseBetweenBrackets="true")
    assert words[1].start_seconds - without[1].start_seconds == 1.0


@virtually
async def test_a_text_without_words_has_neither_audio_nor_words():
    audio, words = await synthesized(" ... ")
    assert (audio, words) == ([], ())


@virtually
async def test_what_a_format_holds_back_comes_before_the_words():
    audio, _ = await synthesized("Hello.", audioFormat="ogg")
    assert [bool(piece.data) for piece in audio][-1]
    assert audio[-1].data.startswith(b"OggS")
