"""Sockets: plain `/ws` (R10, R11, R15 to R21, R23, R43, R51), `/ws2` and `/ws3` (R32 to R39)."""

import asyncio
import json
from itertools import pairwise

import pytest
from support.rime_client import PLAIN, audio, events, joined, kinds, opened, say, until_closed, until_quiet
from support.speech import audio_of, local_rime
from support.virtual_time import virtually

from telebridge.speech_server.buffer import ClearMode
from telebridge.speech_server.options import SpeechServerFaults
from telebridge.speech_server.voices.tone import ToneVoice

ARCANA = PLAIN.replace("mistv2", "arcana")
NEVER = f"{ARCANA}&segment=never"
JSON = PLAIN.replace("mistv2", "coda")
PATHS = pytest.mark.parametrize("path", ["/ws2", "/ws3"])


@virtually
async def test_r10_frames_are_appended_as_they_are():
    async with local_rime() as url, opened(url, query=ARCANA) as socket:
        for token in ("a ", "b ", "c. "):
            await socket.send(token)
        assert await audio(socket) == audio_of("a b c.")


@virtually
async def test_r11_only_audio_comes():
    async with local_rime() as url, opened(url, query=ARCANA) as socket:
        await socket.send("Hello. ")
        await socket.send('{"not": "understood"}. ')
        received = await until_quiet(socket)
        assert received
        assert all(isinstance(message, bytes) for message in received)


@virtually
async def test_r15_a_flush_speaks_what_is_there_and_nothing_else():
    async with local_rime() as url, opened(url, query=NEVER) as socket:
        await socket.send("<FLUSH>")
        assert await audio(socket) == b""
        await socket.send("not a sentence")
        assert await audio(socket) == b""
        await socket.send("<FLUSH>")
        assert await audio(socket) == audio_of("not a sentence")


@virtually
async def test_r16_an_end_speaks_the_rest_and_closes():
    async with local_rime() as url:
        async with opened(url, query=NEVER) as socket:
            await socket.send("the rest")
            await socket.send("<EOS>")
            received, _ = await until_closed(socket)
            assert b"".join(received) == audio_of("the rest")
        async with opened(url, query=NEVER) as socket:
            await socket.send("<EOS>")
            assert (await until_closed(socket))[0] == []


@virtually
async def test_r17_the_close_after_an_end_is_a_clean_one():
    async with local_rime() as url, opened(url) as socket:
        await socket.send("<EOS>")
        assert (await until_closed(socket))[1][0] in (1000, 1005)


@virtually
async def test_r18_what_is_cleared_before_it_is_spoken_is_never_spoken():
    async with local_rime() as url, opened(url, query=NEVER) as socket:
        await socket.send("cleared words ")
        await socket.send("<CLEAR>")
        await socket.send("words that stay")
        await socket.send("<FLUSH>")
        assert await audio(socket) == audio_of("words that stay")


@virtually
async def test_r19_a_clear_lets_the_running_synthesis_finish():
    async with local_rime(faults=SpeechServerFaults(pace=1.0)) as url, opened(url, query=NEVER) as socket:
        await socket.send("running")
        await socket.send("<FLUSH>")
        first = await socket.recv()
        await socket.send("<CLEAR>")
        assert first + await audio(socket) == audio_of("running")


@virtually
async def test_r19_or_stops_it_where_the_server_is_told_to():
    options = {"faults": SpeechServerFaults(pace=1.0), "clear": ClearMode.ABORT}
    async with local_rime(**options) as url, opened(url, query=NEVER) as socket:
        await socket.send("running on and on and on")
        await socket.send("<FLUSH>")
        first = await socket.recv()
        await socket.send("<CLEAR>")
        assert len(first + await audio(socket)) < len(audio_of("running on and on and on"))
        await socket.send("next")
        await socket.send("<FLUSH>")
        assert await audio(socket) == audio_of("next")


@virtually
async def test_r20_a_clear_does_not_reach_what_a_flush_has_queued():
    async with local_rime(faults=SpeechServerFaults(pace=1.0)) as url, opened(url, query=NEVER) as socket:
        await socket.send("one")
        await socket.send("<FLUSH>")
        await socket.send("two")
        await socket.send("<FLUSH>")
        await socket.send("three")
        await socket.send("<CLEAR>")
        assert await audio(socket) == audio_of("one") + audio_of("two")


@virtually
async def test_r21_a_clear_is_not_answered_and_the_socket_goes_on():
    async with local_rime() as url, opened(url) as socket:
        await socket.send("<CLEAR>")
        assert await until_quiet(socket) == []
        await socket.send("Hello. ")
        assert await audio(socket) == audio_of("Hello.")


@virtually
async def test_r23_on_mist_a_comma_is_enough():
    async with local_rime() as url:
        async with opened(url) as socket:
            await socket.send("First clause, second")
            assert await audio(socket) == audio_of("First clause,")
        async with opened(url, query=ARCANA) as socket:
            await socket.send("First clause, second")
            assert await audio(socket) == b""


@pytest.mark.parametrize("text", ["<200>", "<EOS> not", " <EOS>", "<eos>"])
@virtually
async def test_r43_only_a_frame_that_is_exactly_the_token_is_a_command(text):
    async with local_rime() as url, opened(url, query=NEVER) as socket:
        await socket.send(text)
        await socket.send(" and more words")
        await socket.send("<FLUSH>")
        assert await audio(socket)
        await socket.send("Still here")
        await socket.send("<FLUSH>")
        assert await audio(socket) == audio_of("Still here")


@virtually
async def test_r51_who_vanishes_leaves_nothing_running_and_others_do_not_notice():
    async with local_rime(faults=SpeechServerFaults(pace=1.0)) as url, opened(url, query=NEVER) as stays:
        async with opened(url, query=NEVER) as vanishes:
            await vanishes.send("a very long sentence of somebody who does not listen to its end")
            await vanishes.send("<FLUSH>")
            await stays.send("mine")
            await stays.send("<FLUSH>")
            await vanishes.recv()
            vanishes.transport.abort()
        assert await audio(stays) == audio_of("mine")
        await asyncio.sleep(1)
        running = [task for task in asyncio.all_tasks() if "_speak" in repr(task.get_coro())]
        assert len(running) == 1, "only the one that is still connected"


@virtually
async def test_r51_another_sockets_commands_are_its_own():
    async with local_rime() as url, opened(url, query=NEVER) as one, opened(url, query=NEVER) as other:
        await one.send("kept")
        await other.send("<CLEAR>")
        await other.send("<EOS>")
        await until_closed(other)
        await one.send("<FLUSH>")
        assert await audio(one) == audio_of("kept")


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
