"""Clients that others wrote, unchanged, against the local recognizer: what they send is understood, and they are.

They are no dependencies: a test is left out, and says so, where its client is not installed.
"""

import asyncio
import base64
import io
import wave
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from telebridge.recognition_server.script import ScriptedWords
from telebridge.recognition_server.server import RecognitionServerOptions, create_app

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
KEY = "key-of-the-test"
FRAME = bytes(160)
TEXT = "my last bill"


@asynccontextmanager
async def serving():
    """The local recognizer on a port of its own, and what callers say to it."""
    options = RecognitionServerOptions(api_key=KEY)
    runner = web.AppRunner(create_app(options), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    options.words.say(ScriptedWords(TEXT))
    try:
        async with asyncio.timeout(20):
            yield f"{host}:{port}"
    finally:
        await runner.cleanup()


def deepgram_client(address):
    deepgram = pytest.importorskip("deepgram", reason="deepgram-sdk is not installed")
    from deepgram.environment import DeepgramClientEnvironment

    places = dict.fromkeys(vars(DeepgramClientEnvironment.PRODUCTION), f"ws://{address}")
    return deepgram.AsyncDeepgramClient(api_key=KEY, environment=DeepgramClientEnvironment(**places))


async def test_the_sdk_of_deepgram_hears_results():
    async with serving() as address:
        client = deepgram_client(address)
        query = {"model": "nova-3", "encoding": "mulaw", "sample_rate": 8000, "interim_results": True}
        async with client.listen.v1.connect(**query) as connection:
            for _ in range(50):
                await connection.send_media(FRAME)
            await connection.send_keep_alive()
            await connection.send_finalize()
            heard = await anext(each async for each in connection if each.from_finalize)
            assert heard.channel.alternatives[0].transcript == TEXT
            assert [word.word for word in heard.channel.alternatives[0].words] == TEXT.split()
            await connection.send_close_stream()
            assert (await connection.recv()).duration == pytest.approx(1.0)


async def test_the_sdk_of_deepgram_follows_the_turns_of_flux():
    async with serving() as address:
        client = deepgram_client(address)
        query = {"model": "flux-general-en", "encoding": "mulaw", "sample_rate": 8000, "eot_threshold": 1.0}
        async with client.listen.v2.connect(**query) as connection:
            assert (await connection.recv()).type == "Connected"
            await connection.send_configure({"type": "Configure", "thresholds": {"eot_threshold": 0.9}})
            for _ in range(50):
                await connection.send_media(FRAME)
            await connection.send_force_end_turn()
            events = []
            async for each in connection:
                events.append(each.event if each.type == "TurnInfo" else each.type)
                if events[-1] == "EndOfTurn":
                    assert each.transcript == TEXT
                    break
            assert events[:2] == ["ConfigureSuccess", "StartOfTurn"]
            assert "Update" in events
            await connection.send_close_stream()


async def test_the_sdk_of_openai_gets_a_transcription_over_http():
    openai = pytest.importorskip("openai", reason="openai is not installed")
    async with serving() as address, openai.AsyncOpenAI(api_key=KEY, base_url=f"http://{address}/v1") as client:
        file = io.BytesIO()
        with wave.open(file, "wb") as speech:
            speech.setparams((1, 2, 8000, 0, "NONE", ""))
            speech.writeframes(bytes(16_000))
        answer = await client.audio.transcriptions.create(
            file=("speech.wav", file.getvalue()), model="gpt-4o-mini-transcribe", response_format="json"
        )
        assert answer.text == TEXT


async def test_the_sdk_of_openai_follows_a_realtime_transcription():
    openai = pytest.importorskip("openai", reason="openai is not installed")
    async with serving() as address, openai.AsyncOpenAI(api_key=KEY, websocket_base_url=f"ws://{address}/v1") as client:
        query = {"extra_query": {"intent": "transcription"}}
        async with client.realtime.connect(**query) as connection:
            audio = {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}}
            await connection.session.update(session={"type": "transcription", "audio": audio})
            deltas, kinds = [], []
            async for event in connection:
                kinds.append(event.type)
                if event.type == "session.updated":
                    for _ in range(50):
                        await connection.input_audio_buffer.append(audio=base64.b64encode(FRAME).decode())
                    await connection.input_audio_buffer.commit()
                elif event.type.endswith(".delta"):
                    deltas.append(event.delta)
                elif event.type.endswith(".completed"):
                    assert event.transcript == TEXT
                    break
            assert kinds[:2] == ["session.created", "session.updated"]
            assert "input_audio_buffer.committed" in kinds
            assert "".join(deltas).split() == TEXT.split()
            with suppress(Exception):
                await connection.close()
