"""The HTTP request for speech: R4, R49."""

import json
from base64 import b64decode

import aiohttp
import pytest
from support.speech import local_rime
from support.virtual_time import virtually

from telebridge.speech_server.voices.tone import ToneVoice

MULAW = {"Authorization": "Bearer key", "Accept": "audio/PCMU"}
REQUEST = {"text": "Hello there.", "speaker": "astra", "modelId": "mistv2"}


def rime(**options):
    return local_rime(voice=ToneVoice(), **options)


async def post(url, body, headers=MULAW, path="/v1/rime-tts"):
    data = body if isinstance(body, bytes) else json.dumps(body)
    address = url.replace("ws", "http", 1) + path
    async with aiohttp.ClientSession() as session, session.post(address, data=data, headers=headers) as answer:
        return answer.status, answer.headers.get("Content-Type", ""), await answer.read()


@pytest.mark.parametrize(
    ("accept", "begins"),
    [
        ("audio/PCMU", b""),
        ("audio/x-mulaw", b""),
        ("audio/L16", b""),
        ("audio/pcm", b""),
        ("audio/wav", b"RIFF"),
        ("audio/mpeg", b"\xff"),
        ("audio/ogg;codecs=opus", b"OggS"),
    ],
)
@virtually
async def test_r49_a_request_is_answered_in_the_format_it_accepts(accept, begins):
    async with rime() as url:
        status, kind, body = await post(url, REQUEST, {**MULAW, "Accept": accept})
    assert status == 200
    assert kind == accept.split(";")[0].lower()
    assert body.startswith(begins)


@virtually
async def test_r49_an_unknown_format_is_answered_with_json():
    async with rime() as url:
        status, kind, body = await post(url, REQUEST, {"Authorization": "Bearer key"})
    assert (status, kind) == (200, "application/json; charset=utf-8")
    assert b64decode(json.loads(body)["audioContent"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "request body is required"),
        (b"[]", "payload must be an object"),
        (b"{", "payload must be an object"),
        ({"speaker": "astra"}, "text is required"),
        ({"speaker": "astra", "text": 5}, "text must be a string"),
        ({"speaker": "astra", "text": " "}, "text must not be empty"),
        ({"text": "Hello."}, "speaker is required"),
        ({"text": "x" * 2000, "speaker": "astra"}, "text is too long"),
        ({"text": "Hello.", "speaker": "astra", "lang": 5}, "lang must be a string"),
        (
            {"text": "Hello.", "speaker": "astra", "lang": "xx", "modelId": "coda"},
            "Language xx is not supported for model coda",
        ),
    ],
)
@virtually
async def test_r49_a_wrong_request_is_told_what_is_wrong(body, words):
    async with rime() as url:
        status, _, told = await post(url, body)
    assert (status, told.decode()) == (400, words)


@virtually
async def test_r49_a_request_needs_the_key_too():
    async with rime(api_key="right") as url:
        assert (await post(url, REQUEST))[0] == 401
