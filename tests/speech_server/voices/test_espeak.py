"""The real voice, in processes of its own; left out where the extra that brings it is not installed."""

import asyncio
import json
import os
import signal

import pytest
from support.rime_client import PLAIN, joined, opened, say, until_quiet
from support.speech import local_rime

from telebridge.audio.levels import dbfs
from telebridge.speech_server.voices.pool import EspeakWorkers, missing_packages
from telebridge.speech_server.voices.voice import Pcm, Phrase, SpokenWords

pytestmark = pytest.mark.skipif(bool(missing_packages()), reason="telebridge[voice] is not installed")

HELLO = Phrase("Hello there, how are you?", "astra", "eng", 1.0, 8000, pause_after=True)


@pytest.fixture
async def voice():
    workers = EspeakWorkers(count=2)
    await workers.start()
    yield workers
    await workers.aclose()


async def said(voice, phrase):
    pcm, words = b"", ()
    async for event in voice.say(phrase):
        match event:
            case Pcm(data):
                pcm += data
            case SpokenWords(told):
                words = told
    return pcm, words


async def test_it_speaks_audibly_with_a_time_for_every_word(voice):
    pcm, words = await said(voice, HELLO)
    seconds = len(pcm) / 16000
    assert 0.8 < seconds < 4
    assert [word.text for word in words] == ["Hello", "there,", "how", "are", "you?"]
    assert all(0 <= word.start_seconds <= word.end_seconds <= seconds for word in words)
    assert max(abs(sample) for sample in memoryview(pcm).cast("h")) > 3000


async def test_two_speakers_differ_and_one_stays_itself(voice):
    astra, again, cove = [
        (await said(voice, Phrase("Hello.", speaker, "eng", 1.0, 8000)))[0] for speaker in ("astra", "astra", "cove")
    ]
    assert abs(len(astra) - len(again)) < 320
    assert astra != cove


async def test_speed_and_rate_are_followed(voice):
    usual = len((await said(voice, HELLO))[0])
    fast = len((await said(voice, Phrase(HELLO.text, "astra", "eng", 1.6, 8000, pause_after=True)))[0])
    wide = len((await said(voice, Phrase(HELLO.text, "astra", "eng", 1.0, 24000, pause_after=True)))[0])
    assert fast < usual * 0.8
    assert wide == pytest.approx(3 * usual, rel=0.02)


async def test_phonemes_are_spoken(voice):
    pcm, _ = await said(voice, Phrase("h@l'oU", "astra", "eng", 1.0, 8000, phonetic=True))
    assert len(pcm) > 3000


async def test_a_process_that_dies_takes_no_phrase_with_it(voice):
    for pid in voice.process_ids:
        os.kill(pid, signal.SIGKILL)
    pcm, _ = await said(voice, HELLO)
    assert len(pcm) > 10_000


@pytest.mark.slow
async def test_fifty_sockets_speak_at_once_and_none_waits_for_the_whole_of_another():
    happened = []

    async def talk(url, number):
        async with opened(url, "/ws3", PLAIN.replace("mistv2", "coda")) as socket:
            await say(socket, *("This is a sentence. " for _ in range(3)), operation="eos")
            messages = [await socket.recv()]
            happened.append(("begins", number))
            messages += await until_quiet(socket, 30)
            happened.append(("ends", number))
            return joined([json.loads(message) for message in messages])

    async with local_rime(voice=EspeakWorkers(count=2)) as url:
        spoken = await asyncio.gather(*(talk(url, number) for number in range(50)))
    assert all(len(audio) > 3 * 6000 and dbfs(audio) > -40 for audio in spoken)
    first_end = next(index for index, (what, _) in enumerate(happened) if what == "ends")
    assert first_end >= 45, "nearly all have begun before the first one ends"
