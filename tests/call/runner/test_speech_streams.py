"""What a speech source makes is delivered, and so is its end, whatever kind of end it is."""

import asyncio

import pytest
from support.faults import fault
from support.sources import ToldSpeech

from telebridge.call.runner.speech_streams import SpeechStreams
from telebridge.call.session.events import (
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    TextTaken,
)
from telebridge.errors import SpeechRejected, SpeechUnavailable
from telebridge.flows.steps import Say
from telebridge.speech.source import Audio, SpeechSource, SpeechStream


class Spoken:
    """A call's speech, and what was delivered of it."""

    def __init__(self, source):
        self.delivered = []
        self.streams = SpeechStreams(source, "CA1")

    def start(self, utterance="u1", text="Hello."):
        self.streams.start(utterance, Say(text, voice={"speed": 1.2}), self.delivered.append)

    async def settled(self):
        for _ in range(5):
            await asyncio.sleep(0)
        return self.delivered


async def test_all_that_is_made_is_delivered_and_then_its_end():
    source = ToldSpeech()
    spoken = Spoken(source)
    spoken.start()
    assert source.asked == [("Hello.", {"speed": 1.2})]
    source.last.put(Audio(bytes(160)))
    source.last.end()
    assert await spoken.settled() == [SpeechArrived("u1", Audio(bytes(160))), SpeechEnded("u1")]


async def test_a_source_that_fails_is_delivered_as_its_error():
    source = ToldSpeech()
    spoken = Spoken(source)
    spoken.start()
    error = SpeechUnavailable("gone")
    source.last.end(error)
    assert await spoken.settled() == [SpeechFailed("u1", error)]


class Broken(SpeechSource, SpeechStream):
    """Has a fault of its own."""

    substitute = False

    def speak(self, text, *, voice=None):
        return self

    def clear(self):
        raise AssertionError("it is over")

    def subscribe(self, sink):
        raise KeyError("voice")

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise AssertionError("nobody iterates")

    async def aclose(self):
        pass


@fault(
    "A speech source fails with an error that nobody foresaw.",
    caller="What the flow says when speech fails.",
    operator="The record names the error.",
    kept="The call.",
)
async def test_a_fault_leaves_no_caller_in_silence():
    spoken = Spoken(Broken())
    spoken.start()
    [failed] = await spoken.settled()
    assert isinstance(failed.error, SpeechRejected)
    assert "KeyError" in str(failed.error)
    spoken.streams.clear("u1")
    spoken.streams.clear_all()


@fault(
    "A session fails while it takes a chunk of speech.",
    caller="What follows a prompt that failed.",
    operator="The error in the record.",
    kept="The source, and the other calls that share it.",
)
async def test_a_fault_of_the_session_ends_the_utterance_and_not_its_source():
    source, delivered = ToldSpeech(), []

    def deliver(event):
        delivered.append(event)
        if isinstance(event, SpeechArrived):
            raise KeyError("a bug")

    SpeechStreams(source, "CA1").start("u1", Say("Hello."), deliver)
    source.last.put(Audio(bytes(160)))
    source.last.put(Audio(bytes(160)))
    [_, failed] = delivered
    assert isinstance(failed, SpeechFailed)
    assert "KeyError" in str(failed.error)
    assert source.cleared == [0]


async def test_what_was_made_already_is_delivered_after_the_start_and_not_within_it():
    class AtOnce(ToldSpeech):
        def speak(self, text, *, voice=None):
            utterance = super().speak(text, voice=voice)
            utterance.put(Audio(bytes(160)))
            utterance.end()
            return utterance

    spoken = Spoken(AtOnce())
    spoken.start()
    assert spoken.delivered == []
    assert await spoken.settled() == [SpeechArrived("u1", Audio(bytes(160))), SpeechEnded("u1")]


async def test_what_nobody_wants_any_more_is_cleared_once():
    source = ToldSpeech()
    spoken = Spoken(source)
    for utterance in ("u1", "u2", "u3"):
        spoken.start(utterance)
    await spoken.settled()
    spoken.streams.clear("u2")
    spoken.streams.clear("u2")
    assert source.cleared == [1]
    spoken.streams.clear_all()
    assert sorted(source.cleared) == [0, 1, 2]


@pytest.mark.parametrize("tokens", [["Hello ", "there."], []])
async def test_each_token_that_the_source_takes_is_told(tokens):
    async def written():
        for token in tokens:
            yield token

    source = ToldSpeech()
    spoken = Spoken(source)
    spoken.start(text=written())
    taken = [token async for token in source.asked[0][0]]
    assert taken == tokens
    assert spoken.delivered == [TextTaken("u1", token) for token in tokens]
    spoken.streams.clear_all()
