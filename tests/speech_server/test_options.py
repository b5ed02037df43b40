"""Chunk sizes, pace and delay of the audio: R46, R47."""

import asyncio

import pytest
from support.rime_client import audio, opened, until_closed
from support.speech import local_rime
from support.virtual_time import virtually

from telebridge.speech_server.options import SpeechServerFaults
from telebridge.speech_server.voices.tone import ToneVoice

SPEAKER = "speaker=astra"
MULAW = "audioFormat=mulaw&samplingRate=8000"


@virtually
async def test_r46_chunks_have_any_size():
    async with local_rime(voice=ToneVoice()) as url, opened(url) as socket:
        await socket.send("A sentence that takes some time to say. ")
        sizes = [len(await socket.recv()) for _ in range(8)]
        assert len(set(sizes)) > 3
        assert any(size % 2 for size in sizes)
        assert any(size % 160 for size in sizes)


@pytest.mark.parametrize("size", [1, 7, 4096])
@virtually
async def test_r46_or_the_size_that_is_set(size):
    async with local_rime(voice=ToneVoice(), faults=SpeechServerFaults(chunk_bytes=size)) as url, opened(url) as socket:
        await socket.send("A sentence that takes some time to say. ")
        assert {len(await socket.recv()) for _ in range(4)} == {size}


@virtually
async def test_r47_audio_comes_faster_than_it_plays_unless_paced():
    loop = asyncio.get_running_loop()
    for pace, least, most in ((0.0, 0.0, 0.1), (2.0, 0.4, 0.6)):
        async with local_rime(voice=ToneVoice(), faults=SpeechServerFaults(pace=pace)) as url, opened(url) as socket:
            began = loop.time()
            await socket.send("Hello there, you")
            await socket.send("<EOS>")
            received, _ = await until_closed(socket)
            seconds = len(b"".join(received)) / 8000
            assert least <= (loop.time() - began) / seconds <= most


@virtually
async def test_r47_the_first_byte_can_be_late():
    faults = SpeechServerFaults(first_byte_delay_seconds=2)
    async with local_rime(voice=ToneVoice(), faults=faults) as url, opened(url) as socket:
        began = asyncio.get_running_loop().time()
        await socket.send("Hello. ")
        await socket.recv()
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.1)
        assert await audio(socket)
