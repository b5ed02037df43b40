"""Formats, rates, markup, speeds, chunks and pace: R12 to R14, R42, R44 to R47."""

import asyncio
import io
import json
import wave

import pytest
from support.rime_client import PLAIN, audio, opened, refused, until_closed
from support.speech import local_rime
from support.virtual_time import virtually

from telebridge.audio.wav import container_of
from telebridge.speech_server.options import SpeechServerFaults
from telebridge.speech_server.voices.tone import ToneVoice

SPEAKER = "speaker=astra"
MULAW = "audioFormat=mulaw&samplingRate=8000"


async def spoken(text, query, **options):
    async with local_rime(voice=ToneVoice(), **options) as url, opened(url, query=query) as socket:
        await socket.send(text)
        await socket.send("<EOS>")
        received, _ = await until_closed(socket)
        return b"".join(received)


@virtually
async def test_r12_mulaw_is_bare_and_eight_thousand_bytes_a_second():
    heard = await spoken("Hello there.", f"{SPEAKER}&modelId=arcana&{MULAW}")
    linear = await spoken("Hello there.", f"{SPEAKER}&modelId=arcana&audioFormat=pcm&samplingRate=8000")
    assert container_of(heard) is None
    assert len(heard) == len(linear) / 2


@pytest.mark.parametrize(
    ("audio_format", "container"),
    [
        ("mulaw", None),
        ("pcmu", None),
        ("pcm", None),
        ("l16", None),
        ("wav", "WAV"),
        ("mp3", "MP3"),
        ("mpeg", "MP3"),
        ("ogg", "Ogg"),
        ("unheard-of", "WAV"),
    ],
)
@virtually
async def test_r13_each_format_begins_as_it_should(audio_format, container):
    heard = await spoken("Hello there.", f"{SPEAKER}&modelId=coda&audioFormat={audio_format}&samplingRate=24000")
    assert heard
    assert container_of(heard) == container


@virtually
async def test_r13_a_wav_header_comes_once_a_connection():
    query = f"{SPEAKER}&modelId=coda&audioFormat=wav&samplingRate=16000"
    heard = await spoken("One. Two. Three. ", query)
    assert heard.count(b"RIFF") == 1
    with wave.open(io.BytesIO(heard)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)


@virtually
async def test_r14_bytes_follow_the_sampling_rate():
    sizes = [
        len(await spoken("Hello there.", f"{SPEAKER}&modelId=coda&audioFormat=pcm&samplingRate={rate}"))
        for rate in (8000, 16000, 48000)
    ]
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.01)
    assert sizes[2] == pytest.approx(6 * sizes[0], rel=0.01)


@pytest.mark.parametrize(("model", "rate"), [("mistv2", 3999), ("mistv2", 44101), ("coda", 100), ("coda", 1000000)])
@virtually
async def test_r14_a_rate_out_of_range_is_refused(model, rate):
    async with local_rime() as url:
        query = f"{SPEAKER}&modelId={model}&audioFormat=pcm&samplingRate={rate}"
        status, words, _ = await refused(url, query=query, headers={"Authorization": "Bearer key"})
    assert status == 400
    assert words == f"samplingRate {rate} is out of range for model {model}"


@virtually
async def test_r42_a_pause_is_silence_where_it_was_asked_for():
    def query(wanted):
        return f"{PLAIN}&segment=never&pauseBetweenBrackets={wanted}"

    long = len(await spoken("a <1000> b", query("true")))
    none = len(await spoken("a <0> b", query("true")))
    off = len(await spoken("a <1000> b", query("false")))
    assert long - none == 8000
    assert off == none


@pytest.mark.parametrize(
    ("model", "longer"), [("mist", True), ("mistv2", True), ("mistv3", False), ("coda", False), ("arcana", False)]
)
@virtually
async def test_r44_speed_means_the_opposite_on_older_mist(model, longer):
    query = f"{SPEAKER}&modelId={model}&{MULAW}"
    usual = len(await spoken("Hello there.", query))
    changed = len(await spoken("Hello there.", f"{query}&speedAlpha=2"))
    assert (changed > usual) is longer


@virtually
async def test_r44_the_time_scale_makes_it_longer_and_is_clamped():
    query = f"{SPEAKER}&modelId=coda&{MULAW}&segment=never"
    sizes = [len(await spoken("Hello there", f"{query}&timeScaleFactor={scale}")) for scale in (1, 2, 2.5, 100)]
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.05)
    assert sizes[3] == sizes[2]


@virtually
async def test_r44_single_words_have_speeds_of_their_own_on_mist():
    usual = len(await spoken("say [this] and [that]", f"{PLAIN}&segment=never"))
    slow = len(await spoken("say [this] and [that]", f"{PLAIN}&segment=never&inlineSpeedAlpha=3,1"))
    assert slow > usual * 1.3


@virtually
async def test_r45_spelling_says_the_units_one_by_one():
    query = PLAIN.replace("/ws", "/ws2") + "&segment=never"
    async with local_rime(voice=ToneVoice()) as url, opened(url, "/ws2", query) as socket:
        await socket.send(json.dumps({"text": "Code spell(AB12.4)"}))
        await socket.send('{"operation":"eos"}')
        messages = [json.loads(message) for message in (await until_closed(socket))[0]]
        [times] = [each["word_timestamps"] for each in messages if each["type"] == "timestamps"]
        assert times["words"] == ["Code", "A", "B,", "1", "2,", "dot,", "4"]


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
