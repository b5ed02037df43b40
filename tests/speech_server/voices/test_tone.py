"""The hum is always the same, and as long as its text."""

import pytest
from support.virtual_time import virtually

from telebridge.speech_server.voices.tone import CHARACTER_SECONDS, GAP_SECONDS, SENTENCE_PAUSE_SECONDS, ToneVoice
from telebridge.speech_server.voices.voice import Pcm, Phrase, SpokenWords


async def hummed(text, speaker="astra", speed=1.0, rate=8000, *, pause_after=False):
    phrase = Phrase(text, speaker, "eng", speed, rate, pause_after=pause_after)
    events = [event async for event in ToneVoice().say(phrase)]
    assert isinstance(events[-1], SpokenWords)
    return b"".join(event.data for event in events if isinstance(event, Pcm)), events[-1].words


@virtually
async def test_the_same_phrase_sounds_the_same_and_another_speaker_differs():
    assert await hummed("Hello there") == await hummed("Hello there")
    assert (await hummed("Hello there"))[0] != (await hummed("Hello there", speaker="luna"))[0]


@pytest.mark.parametrize(("speed", "rate"), [(1.0, 8000), (2.0, 8000), (1.0, 24000)])
@virtually
async def test_a_word_is_as_long_as_it_is_written(speed, rate):
    pcm, [word] = await hummed("abcde", speed=speed, rate=rate)
    assert word.end_seconds == pytest.approx(5 * CHARACTER_SECONDS / speed)
    assert len(pcm) / 2 / rate == pytest.approx((5 * CHARACTER_SECONDS + GAP_SECONDS) / speed)


@virtually
async def test_a_sentence_ends_with_a_pause():
    longer, _ = await hummed("abc", pause_after=True)
    shorter, _ = await hummed("abc")
    assert (len(longer) - len(shorter)) / 2 / 8000 == pytest.approx(SENTENCE_PAUSE_SECONDS)
