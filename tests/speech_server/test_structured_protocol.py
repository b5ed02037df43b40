"""JSON `/ws2` and `/ws3`: R32 to R39."""

import json
from itertools import pairwise

import pytest
from support.rime_client import PLAIN, events, joined, kinds, opened, say, until_closed
from support.speech import audio_of, local_rime
from support.virtual_time import virtually

from telebridge.speech_server.voices.tone import ToneVoice

JSON = PLAIN.replace("mistv2", "coda")
PATHS = pytest.mark.parametrize("path", ["/ws2", "/ws3"])


@PATHS
@virtually
async def test_r32_chunks_are_one_continuous_audio(path):
    async with local_rime() as url, opened(url, path) as socket:
        await say(socket, "A sentence of some length. ")
        assert joined(await events(socket)) == audio_of("A sentence of some length.")


@PATHS
@virtually
async def test_r33_a_context_sticks_once_it_was_given(path):
    async with local_rime() as url, opened(url, path) as socket:
        await say(socket, "No context. ")
        assert {each["contextId"] for each in await events(socket)} == {None}
        await say(socket, "A context. ", contextId="c1")
        await say(socket, "The same. ")
        assert {each["contextId"] for each in await events(socket)} == {"c1"}


@PATHS
@virtually
async def test_r34_rimes_example_of_two_messages(path):
    async with local_rime() as url, opened(url, path) as socket:
        await say(socket, "This is sentence one. ")
        await say(socket, "This is sentence two. ", contextId="second")
        messages = await events(socket)
        assert joined(messages, None) == audio_of("This is sentence one.")
        assert joined(messages, "second") == audio_of("This is sentence two.")


@PATHS
@virtually
async def test_r35_word_times_run_in_step_within_their_audio(path):
    async with local_rime(voice=ToneVoice()) as url, opened(url, path) as socket:
        await say(socket, "These are five short words. ")
        messages = await events(socket)
        [times] = [each["word_timestamps"] for each in messages if each["type"] == "timestamps"]
        assert times["words"] == ["These", "are", "five", "short", "words."]
        assert times["start"][0] == 0
        assert len(times["start"]) == len(times["end"]) == 5
        assert all(one <= two for one, two in pairwise(times["start"]))
        assert all(start <= end for start, end in zip(times["start"], times["end"], strict=True))
        assert times["end"][-1] <= len(joined(messages)) / 8000


@virtually
async def test_r35_the_older_spelling_can_be_had():
    async with local_rime(older_spelling=True) as url, opened(url, "/ws2") as socket:
        await say(socket, "Hello. ")
        [times] = [each for each in await events(socket) if each["type"] == "timestamps"]
        assert times["wordTimestamps"]["words"] == ["Hello."]


@pytest.mark.parametrize(("lang", "timed"), [("en", True), ("es", True), ("spa", True), ("fra", False), ("ger", False)])
@virtually
async def test_r36_word_times_are_for_english_and_spanish(lang, timed):
    async with local_rime() as url, opened(url, "/ws3", f"{JSON}&lang={lang}") as socket:
        await say(socket, "Hello. ")
        assert kinds(await events(socket)) == (["chunk", "timestamps", "done"] if timed else ["chunk", "done"])


@PATHS
@virtually
async def test_r37_a_run_ends_with_done(path):
    async with local_rime() as url, opened(url, path) as socket:
        await say(socket, "One. ", "Two. ")
        done = [each for each in await events(socket) if each["type"] == "done"]
        assert done == [{"type": "done", "contextId": None, **({"done": True} if path == "/ws2" else {})}]


@PATHS
@virtually
async def test_r38_an_end_closes_with_done_only_when_something_was_said(path):
    async with local_rime() as url:
        async with opened(url, path, f"{PLAIN}&segment=never") as socket:
            await say(socket, operation="eos")
            assert (await until_closed(socket))[0] == []
        async with opened(url, path, f"{PLAIN}&segment=never") as socket:
            await say(socket, "the rest", operation="eos")
            messages, close = await until_closed(socket)
            assert kinds([json.loads(message) for message in messages]) == ["chunk", "timestamps", "done"]
            assert close[0] in (1000, 1005)


@pytest.mark.parametrize("message", ["{", "[]", "5", b"binary", '{"operation":"stop"}', '{"text":5}', "{}"])
@PATHS
@virtually
async def test_r39_what_cannot_be_understood_is_one_error_and_the_socket_goes_on(path, message):
    async with local_rime() as url, opened(url, path) as socket:
        await socket.send(message)
        [error] = await events(socket)
        assert error["type"] == "error"
        assert error["message"]
        await say(socket, "Good. ")
        assert joined(await events(socket)) == audio_of("Good.")
