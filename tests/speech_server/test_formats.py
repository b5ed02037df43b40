"""Formats and sampling rates: R12 to R14."""

import io
import wave

import pytest
from support.rime_client import opened, refused, until_closed
from support.speech import local_rime
from support.virtual_time import virtually

from telebridge.audio.wav import container_of
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
