import asyncio

import pytest
from support.fixed_speech import FixedSpeech

from telebridge.errors import SpeechUnavailable
from telebridge.speech.source import Audio
from telebridge.speech.utterance import Utterance


async def test_what_is_put_in_comes_out_in_order_and_then_it_ends():
    utterance = Utterance()
    utterance.put(Audio(b"a"))
    listener = asyncio.create_task(_all(utterance))
    await asyncio.sleep(0)
    utterance.put(Audio(b"b"))
    utterance.end()
    assert await listener == [Audio(b"a"), Audio(b"b")]


async def test_an_error_is_raised_after_what_came_before():
    utterance = Utterance()
    utterance.put(Audio(b"a"))
    utterance.end(SpeechUnavailable("gone"))
    assert await anext(utterance) == Audio(b"a")
    with pytest.raises(SpeechUnavailable, match="gone"):
        await anext(utterance)
    with pytest.raises(StopAsyncIteration):
        await anext(utterance)


async def test_after_a_clear_nothing_comes_and_its_maker_is_told_once():
    told = []
    utterance = Utterance(lambda: told.append(True))
    utterance.put(Audio(b"a"))
    utterance.clear()
    utterance.clear()
    utterance.put(Audio(b"b"))
    utterance.end(SpeechUnavailable("late"))
    assert await _all(utterance) == []
    assert told == [True]


async def test_a_listener_that_waits_is_let_go_by_a_clear():
    utterance = Utterance()
    listener = asyncio.create_task(_all(utterance))
    await asyncio.sleep(0)
    utterance.clear()
    assert await listener == []


async def test_a_complete_utterance_has_nothing_to_tell_its_maker():
    told = []
    utterance = Utterance(lambda: told.append(True))
    utterance.end()
    utterance.clear()
    assert told == []


async def test_fixed_speech_speaks_what_it_knows():
    source = FixedSpeech({"Hello.": [Audio(b"\xff" * 160)]}.get)
    assert await _all(source.speak("Hello.")) == [Audio(b"\xff" * 160)]
    with pytest.raises(SpeechUnavailable):
        await _all(source.speak("Unknown."))
    await source.aclose()


async def _all(utterance):
    return [event async for event in utterance]
