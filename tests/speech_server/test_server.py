"""Upgrades, refusals and the catalogue: R1 to R9, R40, R41, R48, R50."""

import asyncio

import aiohttp
import pytest
from support.rime_client import PLAIN, audio, events, joined, opened, refused, say, until_closed, until_quiet
from support.speech import local_rime
from support.speech_requests import post
from support.virtual_time import virtually

from telebridge.speech_server.voices.tone import ToneVoice

REQUEST = {"text": "Hello there.", "speaker": "astra", "modelId": "mistv2"}


def rime(**options):
    return local_rime(voice=ToneVoice(), **options)


@virtually
async def test_r01_sockets_open_at_every_path():
    async with rime() as url:
        for path in ("/ws", "/"):
            async with opened(url, path) as socket:
                await socket.send("Hello. ")
                assert await audio(socket)
        for path in ("/ws2", "/ws3"):
            async with opened(url, path) as socket:
                await say(socket, "Hello. ")
                assert joined(await events(socket))


@virtually
async def test_r02_without_authorization_nothing_opens():
    async with rime() as url:
        assert (await refused(url))[:2] == (401, "missing headers")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Bearer wrong", "invalid api key"),
        ("right", "invalid api key"),
        ("bearer right", "invalid api key"),
        ("Bearer ", "empty apikey"),
        ("Bearer", "empty apikey"),
    ],
)
@virtually
async def test_r03_a_wrong_key_is_refused(header, words):
    async with rime(api_key="right") as url:
        assert (await refused(url, headers={"Authorization": header}))[:2] == (401, words)
        assert (await refused(url, headers={"Authorization": "Bearer right"}))[0] == 101


@virtually
async def test_r03_any_key_is_accepted_when_none_is_set():
    async with rime() as url:
        assert (await refused(url, headers={"Authorization": "Bearer whatever"}))[0] == 101


@virtually
async def test_r04_errors_are_plain_text():
    async with rime() as url:
        _, _, headers = await refused(url)
        assert headers["Content-Type"].startswith("text/plain")
        _, kind, _ = await post(url, b"", "audio/PCMU")
        assert kind.startswith("text/plain")


@virtually
async def test_r05_a_speaker_is_required():
    async with rime() as url:
        status, words, _ = await refused(url, query="modelId=mistv2", headers={"Authorization": "Bearer key"})
        assert (status, words) == (400, "speaker is required")


@pytest.mark.parametrize("model", ["", "modelId=v1&", "modelId=&"])
@virtually
async def test_r06_an_unknown_model_is_served_by_the_default(model):
    async with rime() as url, opened(url, query=f"{model}speaker=astra&audioFormat=mulaw&samplingRate=8000") as socket:
        await socket.send("Hello. ")
        assert await audio(socket)


@virtually
async def test_r07_an_unknown_language_is_refused():
    async with rime() as url:
        headers = {"Authorization": "Bearer key"}
        status, words, _ = await refused(url, "/ws2", f"{PLAIN}&lang=None", headers)
        assert (status, words) == (400, "Language None is not supported for model mistv2")


@virtually
async def test_r08_sockets_opened_too_fast_are_refused():
    async with rime(opens_per_second=2) as url:
        headers = {"Authorization": "Bearer key"}
        answers = [await refused(url, headers=headers) for _ in range(3)]
        assert [status for status, _, _ in answers] == [101, 101, 429]
        assert answers[2][1] == "Currently at websocket limit"
        assert "Retry-After" not in answers[2][2]


@virtually
async def test_r09_what_nobody_knows_is_ignored_and_booleans_count_in_any_case():
    query = f"{PLAIN}&news=1&pauseBetweenBrackets=True"
    async with rime() as url, opened(url, "/ws2", query) as socket:
        await say(socket, "a <2000> b. ", news=1, inlineSpeedAlpha="1")
        assert len(joined(await events(socket))) > 16_000


@virtually
async def test_r40_a_text_that_is_too_long_closes_the_socket():
    async with rime(max_characters=50) as url:
        async with opened(url, "/ws3") as socket:
            await say(socket, "x" * 51)
            assert (await until_closed(socket))[1] == (1011, "400: text is too long")
        async with opened(url) as socket:
            await socket.send("x" * 51)
            assert (await until_closed(socket))[1] == (1011, "")


@virtually
async def test_r41_an_unknown_speaker_is_told_where_the_server_is_strict():
    query = PLAIN.replace("astra", "nobody")
    async with rime(known_speakers_only=True) as url, opened(url, query=query) as socket:
        assert (await until_closed(socket))[1] == (1011, "400: Speaker not found")
    async with rime() as url, opened(url, query=query) as socket:
        await socket.send("Hello. ")
        assert await audio(socket)


@virtually
async def test_r48_pings_are_answered_and_a_quiet_socket_stays_open_unless_told():
    async with rime() as url, opened(url) as socket:
        await asyncio.sleep(600)
        await (await socket.ping())
        await socket.send("Hello. ")
        assert await audio(socket)
    async with rime(idle_seconds=7) as url, opened(url) as socket:
        assert (await until_closed(socket))[1][0] == 1001


@virtually
async def test_r50_the_catalogue_and_health_need_no_key():
    async with rime() as url, aiohttp.ClientSession() as session:
        http = url.replace("ws", "http", 1)
        async with session.get(f"{http}/data/voices/all-v2.json") as answer:
            assert "astra" in (await answer.json())["arcana"]["eng"]
        async with session.get(f"{http}/health") as answer:
            told = await answer.json()
            assert (told["apiStatus"], told["licenseStatus"], told["modelReachable"]) == ("ok", "valid", True)
        async with session.get(f"{http}/healthz") as answer:
            assert await answer.text() == "ok\n"


@virtually
async def test_a_format_whose_encoder_is_not_installed_is_refused_on_both_ways(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    reason = "audioFormat: webm needs soundfile; install telebridge[voice]"
    async with rime() as url:
        query = PLAIN.replace("mulaw", "webm")
        status, words, _ = await refused(url, query=query, headers={"Authorization": "Bearer key"})
        assert (status, words) == (400, reason)
        request = {"text": "Hello.", "speaker": "astra", "modelId": "coda"}
        assert (await post(url, request, "audio/webm;codecs=opus"))[::2] == (400, reason.encode())


@virtually
async def test_nothing_is_said_to_somebody_who_says_nothing():
    async with rime() as url, opened(url) as socket:
        assert await until_quiet(socket) == []
