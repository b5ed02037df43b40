"""The HTTP request for speech: R4, R49."""

import pytest
from support.speech import local_rime
from support.speech_requests import post
from support.virtual_time import virtually

from telebridge.speech_server.voices.tone import ToneVoice

MULAW = "audio/PCMU"
REQUEST = {"text": "Hello there.", "speaker": "astra", "modelId": "mistv2"}


def rime(**options):
    return local_rime(voice=ToneVoice(), **options)


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
        ({**REQUEST, "audioFormat": 5}, "audioFormat must be a string"),
        ({**REQUEST, "samplingRate": 1_000_000}, "samplingRate 1000000 is out of range for model mistv2"),
    ],
)
@virtually
async def test_r49_a_wrong_request_is_told_what_is_wrong(body, words):
    async with rime() as url:
        status, _, told = await post(url, body, MULAW)
    assert (status, told.decode()) == (400, words)


@virtually
async def test_r49_a_request_needs_the_key_too():
    async with rime(api_key="right") as url:
        assert (await post(url, REQUEST, MULAW))[0] == 401
