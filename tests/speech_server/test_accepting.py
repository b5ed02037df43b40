"""The formats of Rime's documents against those of the server, one by one and in both directions.

The tables are those of Rime's pages of September 2026: "Streaming HTTP" of Coda, Mist v3, Mist v2 and Arcana,
"Server-sent Events", the four pages "over JSON" of Mist v2, and "Websockets" of Coda and Mist v3.
"""

import json
from base64 import b64decode
from io import BytesIO

import pytest
from support.ebml import blocks
from support.speech import local_rime
from support.speech_requests import post
from support.virtual_time import virtually

from telebridge.audio.wav import container_of
from telebridge.speech_server.accepting import ADVERTISED, MEDIA_TYPES, Packing, answer_for
from telebridge.speech_server.formats import encoder
from telebridge.speech_server.query import FORMATS, KNOWN_MODELS, OLDER_MODELS
from telebridge.speech_server.voices.tone import ToneVoice

OPUS = {"audio/webm;codecs=opus": "webm", "audio/ogg;codecs=opus": "ogg"}
STREAMED = {
    **OPUS, "audio/mpeg": "mp3", "audio/wav": "wav", "audio/L16": "pcm", "audio/PCMU": "mulaw",
    "audio/mp3": "mp3", "audio/pcm": "pcm", "audio/x-mulaw": "mulaw",
}  # fmt: skip
DEFAULTS_OF_MIST_V2 = {"mp3": 22050, "pcm": 16000, "mulaw": 8000}
OVER_JSON = {"mp3": 22050, "wav": 22050, "ogg": 24000, "mulaw": 8000}
OVER_EVENTS = {"mp3", "mulaw", "pcm"}
ON_SOCKETS = {
    "wav": "wav", "mp3": "mp3", "mpeg": "mp3", "ogg": "ogg", "webm": "webm", "pcm": "pcm", "l16": "pcm",
    "mulaw": "mulaw", "pcmu": "mulaw",
}  # fmt: skip
CONTAINERS = {"webm": "WebM", "ogg": "Ogg", "mp3": "MP3", "wav": "WAV", "pcm": None, "mulaw": None}
SPEECH = {"text": "Hello there.", "speaker": "astra"}


def test_the_formats_are_those_of_the_documents():
    assert {name.split(";")[0].lower(): audio for name, audio in STREAMED.items()} == MEDIA_TYPES
    assert ON_SOCKETS == FORMATS
    assert set(ADVERTISED) <= set(STREAMED)
    assert set(CONTAINERS) == set(ON_SOCKETS.values())
    for audio_format in CONTAINERS:
        encoder(audio_format, 24000).encode(bytes(480))


@pytest.mark.parametrize("model", sorted(KNOWN_MODELS))
@pytest.mark.parametrize("accept", STREAMED)
def test_each_type_of_each_model(model, accept):
    answer = answer_for(accept, model, "wav")
    if model not in OLDER_MODELS:
        assert (answer.packing, answer.audio_format, answer.default_rate) == (Packing.AUDIO, STREAMED[accept], 24000)
        assert answer.content_type == accept.lower()
    elif STREAMED[accept] in DEFAULTS_OF_MIST_V2:
        assert (answer.packing, answer.default_rate) == (Packing.AUDIO, DEFAULTS_OF_MIST_V2[STREAMED[accept]])
    else:
        assert answer.packing is Packing.JSON


@pytest.mark.parametrize("model", sorted(OLDER_MODELS))
@pytest.mark.parametrize("audio_format", sorted(CONTAINERS))
def test_json_and_events_have_the_format_of_the_body(model, audio_format):
    packed = answer_for("application/json", model, audio_format)
    assert (packed.packing, packed.audio_format) == (
        Packing.JSON,
        audio_format if audio_format in {*OVER_JSON, "pcm"} else "wav",
    )
    assert packed.default_rate == OVER_JSON.get(packed.audio_format, 16000)
    events = answer_for("text/event-stream", model, audio_format)
    assert (events.packing, events.default_rate) == (Packing.EVENTS, 22050)
    assert events.audio_format == (audio_format if audio_format in OVER_EVENTS else "mp3")


@pytest.mark.parametrize("accept", STREAMED)
@virtually
async def test_what_comes_is_what_was_accepted_and_lasts_as_long_at_any_rate(accept):
    soundfile = pytest.importorskip("soundfile", reason="telebridge[voice] is not installed")
    audio_format, seconds = STREAMED[accept], []
    async with local_rime(voice=ToneVoice()) as url:
        for model in ("coda", "mistv3", "arcana"):
            status, kind, body = await post(url, {**SPEECH, "modelId": model}, accept)
            assert (status, kind, container_of(body)) == (200, accept.lower(), CONTAINERS[audio_format])
            seconds.append(_seconds(audio_format, body, soundfile))
        _, _, eight = await post(url, {**SPEECH, "modelId": "coda", "samplingRate": 8000}, "audio/PCMU")
    assert seconds == pytest.approx([len(eight) / 8000] * 3, abs=0.1)


def _seconds(audio_format, body, soundfile):
    if audio_format == "pcm":
        return len(body) / 2 / 24000
    if audio_format == "mulaw":
        return len(body) / 24000
    if audio_format == "webm":
        return sum(ms for _, ms in blocks(body)) / 1000
    samples, rate = soundfile.read(BytesIO(body))
    return len(samples) / rate


@virtually
async def test_opus_is_opus():
    soundfile = pytest.importorskip("soundfile", reason="telebridge[voice] is not installed")
    async with local_rime(voice=ToneVoice()) as url:
        _, _, body = await post(url, {**SPEECH, "modelId": "coda"}, "audio/ogg;codecs=opus")
        _, _, other = await post(url, {**SPEECH, "modelId": "coda", "samplingRate": 22050}, "audio/ogg;codecs=opus")
    assert b"OpusHead" in body[:64]
    assert soundfile.info(BytesIO(body)).subtype == "OPUS"
    assert soundfile.info(BytesIO(other)).duration == pytest.approx(soundfile.info(BytesIO(body)).duration, rel=0.02)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "audio/flac", "text/html"])
@virtually
async def test_a_type_that_newer_models_do_not_have_is_refused_in_rimes_words(accept):
    async with local_rime(voice=ToneVoice()) as url:
        status, kind, body = await post(url, {**SPEECH, "modelId": "coda"}, accept)
    assert (status, kind) == (406, "text/plain; charset=utf-8")
    assert body.decode().startswith(
        'modelId "coda" can only be returned as streamed audio; set Accept to one of: audio/'
    )


@virtually
async def test_events_are_chunks_the_times_of_words_and_the_end():
    async with local_rime(voice=ToneVoice()) as url:
        request = {**SPEECH, "modelId": "mistv2", "audioFormat": "mulaw", "samplingRate": 8000}
        status, kind, body = await post(url, request, "text/event-stream")
        _, _, audio = await post(url, {**SPEECH, "modelId": "mistv2"}, "audio/PCMU")
    assert (status, kind) == (200, "text/event-stream")
    told = [each.split("\n") for each in body.decode().strip().split("\n\n")]
    names = [name.removeprefix("event: ") for name, _ in told]
    data = [json.loads(line.removeprefix("data: ")) for _, line in told]
    assert names == ["chunk"] * (len(names) - 2) + ["timestamps", "done"]
    assert b"".join(b64decode(each["data"]) for each in data[:-2]) == audio
    assert data[-2]["word_timestamps"]["words"] == ["Hello", "there."]
    assert data[-1] == {"done": True}


@virtually
async def test_a_client_that_names_no_type_gets_json_of_the_older_models_and_mp3_of_the_others():
    async with local_rime(voice=ToneVoice(), default_model="mistv2") as url:
        status, kind, body = await post(url, SPEECH, "*/*")
        assert (status, kind) == (200, "application/json; charset=utf-8")
        wav = b64decode(json.loads(body)["audioContent"])
        assert int.from_bytes(wav[40:44], "little") == len(wav) - 44
        ogg = {**SPEECH, "audioFormat": "ogg", "samplingRate": 22050}
        assert (await post(url, ogg, "application/json"))[::2] == (
            400,
            b"samplingRate must be one of 8000, 12000, 16000, 24000 for ogg",
        )
        status, kind, body = await post(url, {**SPEECH, "modelId": "coda"}, None)
        assert (status, kind, container_of(body)) == (200, "audio/mpeg", "MP3")


def test_the_blocks_of_webm_follow_each_other_over_clusters():
    pytest.importorskip("soundfile", reason="telebridge[voice] is not installed")
    spoken = encoder("webm", 24000)
    spoken.encode(bytes(2 * 24000 * 11))
    told = list(blocks(spoken.flush()))
    assert [at for at, _ in told] == [20 * number for number in range(len(told))]
    assert sum(ms for _, ms in told) == pytest.approx(11_000, abs=40)
