"""What every source of speech promises whoever listens, whichever source it is."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.fixed_speech import FixedSpeech
from support.speech import audio_of, heard, local_rime, rime_speech
from support.virtual_time import virtually

from telebridge.errors import SpeechError
from telebridge.speech.cache.cached_source import CachedSpeech
from telebridge.speech.cache.clip import clip_key
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.speech.source import Audio
from telebridge.speech_server.options import SpeechServerFaults

TEXT = "We are open from Monday to Friday."
SOURCES = ["rime", "fixed", "cached", "memory", "failover", "second provider"]


@asynccontextmanager
async def source(kind, tmp_path, **faults):
    """A source that speaks `TEXT` as `audio_of` has it."""
    refusing = kind == "second provider"
    async with (
        local_rime(faults=SpeechServerFaults(**faults)) as url,
        local_rime(faults=SpeechServerFaults(refuse_status=503 if refusing else 0, **faults)) as first,
        rime_speech(first) as rime,
        rime_speech(url) as other,
    ):
        match kind:
            case "rime":
                yield rime
            case "fixed":
                yield FixedSpeech(lambda text: [Audio(audio_of(text))] if text == TEXT else None)
            case "cached" | "memory":
                clips = ClipStore(tmp_path / "prompts", max_bytes=1 << 20)
                speech = CachedSpeech(rime, clips, lambda text, voice: clip_key(text, voice or {}, maker="test"))
                if kind == "memory":
                    await heard(speech.speak(TEXT))
                yield speech
                await speech.aclose()
            case "failover" | "second provider":
                yield FailoverSpeech([Provider("first", rime, 3.0, 5.0), Provider("second", other, 3.0, 5.0)])


@pytest.mark.parametrize("kind", SOURCES)
@virtually
async def test_all_of_a_text_is_spoken_and_then_it_ends(tmp_path, kind):
    async with source(kind, tmp_path) as speech:
        stream = speech.speak(TEXT)
        audio, words = await heard(stream)
        assert audio == audio_of(TEXT)
        if kind != "fixed":
            assert [word.text for word in words] == TEXT.split()
        assert await heard(stream) == (b"", []), "a stream can be listened to once"


@pytest.mark.parametrize("kind", SOURCES)
@virtually
async def test_after_a_clear_nothing_comes_however_often_it_is_cleared(tmp_path, kind):
    async with source(kind, tmp_path) as speech:
        stream = speech.speak(TEXT)
        assert isinstance(await anext(stream), Audio) or kind == "memory"
        for _ in range(2):
            stream.clear()
        await asyncio.sleep(5)
        assert await heard(stream) == (b"", [])


@pytest.mark.parametrize("kind", ["rime", "cached", "failover"])
@virtually
async def test_a_listener_that_waits_is_let_go_by_a_clear(tmp_path, kind):
    async with (
        source(kind, tmp_path, silent=True)
        if kind in ("rime", "cached", "failover")
        else source(kind, tmp_path) as speech
    ):
        stream = speech.speak(TEXT)
        listener = asyncio.create_task(heard(stream))
        await asyncio.sleep(0)
        stream.clear()
        began = asyncio.get_running_loop().time()
        await listener
        assert asyncio.get_running_loop().time() == began


@pytest.mark.parametrize("kind", [kind for kind in SOURCES if kind != "memory"])
@virtually
async def test_a_stream_that_is_cleared_at_once_yields_nothing(tmp_path, kind):
    async with source(kind, tmp_path) as speech:
        stream = speech.speak(TEXT)
        stream.clear()
        assert await heard(stream) == (b"", [])


@pytest.mark.parametrize("kind", SOURCES)
@virtually
async def test_what_cannot_be_spoken_is_raised_while_iterating(tmp_path, kind):
    async with source(kind, tmp_path) as speech:
        stream = speech.speak("Hello.", voice={"no such parameter": 1})
        with pytest.raises(SpeechError):
            await heard(stream)
