import asyncio

import pytest
from support.fixed_speech import FixedSpeech

from telebridge.errors import SpeechRejected, SpeechUnavailable
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


class Sink:
    """Notes what it is passed."""

    def __init__(self):
        self.events = []

    def put(self, event):
        self.events.append(event)

    def end(self, error=None):
        self.events.append(error or "end")


async def test_a_sink_gets_what_came_before_in_the_next_turn_and_then_each_event_at_once():
    utterance, sink = Utterance(), Sink()
    utterance.put(Audio(b"a"))
    utterance.subscribe(sink)
    utterance.put(Audio(b"b"))
    assert sink.events == []
    await asyncio.sleep(0)
    assert sink.events == [Audio(b"a"), Audio(b"b")]
    utterance.put(Audio(b"c"))
    utterance.end()
    assert sink.events == [Audio(b"a"), Audio(b"b"), Audio(b"c"), "end"]


async def test_a_sink_gets_the_error_last_and_once():
    gone = SpeechUnavailable("gone")
    utterance, sink = Utterance(), Sink()
    utterance.put(Audio(b"a"))
    utterance.end(gone)
    utterance.subscribe(sink)
    await asyncio.sleep(0)
    utterance.end(gone)
    assert sink.events == [Audio(b"a"), gone]


async def test_after_a_clear_a_sink_gets_neither_events_nor_an_end():
    utterance, sink = Utterance(), Sink()
    utterance.put(Audio(b"a"))
    utterance.subscribe(sink)
    utterance.clear()
    utterance.put(Audio(b"b"))
    utterance.end()
    await asyncio.sleep(0)
    assert sink.events == []


async def test_a_sink_may_clear_while_it_is_passed_an_event():
    class Clearing(Sink):
        def put(self, event):
            super().put(event)
            utterance.clear()

    told = []
    utterance, sink = Utterance(lambda: told.append(True)), Clearing()
    for data in (b"a", b"b"):
        utterance.put(Audio(data))
    utterance.subscribe(sink)
    await asyncio.sleep(0)
    assert sink.events == [Audio(b"a")]
    assert told == [True]


async def test_a_sink_that_fails_gets_a_refusal_and_its_source_is_let_go():
    class Failing(Sink):
        def put(self, event):
            raise KeyError("a bug")

    told = []
    utterance, sink = Utterance(lambda: told.append(True)), Failing()
    utterance.subscribe(sink)
    utterance.put(Audio(b"a"))
    [error] = sink.events
    assert isinstance(error, SpeechRejected)
    assert "KeyError" in str(error)
    assert told == [True]


async def test_an_utterance_can_be_subscribed_to_another():
    first, second = Utterance(), Utterance()
    first.subscribe(second)
    first.put(Audio(b"a"))
    first.end()
    assert await _all(second) == [Audio(b"a")]


async def test_fixed_speech_speaks_what_it_knows():
    source = FixedSpeech({"Hello.": [Audio(b"\xff" * 160)]}.get)
    assert await _all(source.speak("Hello.")) == [Audio(b"\xff" * 160)]
    with pytest.raises(SpeechUnavailable):
        await _all(source.speak("Unknown."))
    await source.aclose()


async def _all(utterance):
    return [event async for event in utterance]
