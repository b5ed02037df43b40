"""The recognizer `local` with the model itself, and recordings of people where they are installed."""

import asyncio
import sys
from pathlib import Path

import pytest
from aiohttp import web
from support.recognition import PATHS

from telebridge.audio import wav
from telebridge.audio.mulaw import silence
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import open_recognizer
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition_server.server import RecognitionServerOptions, create_app

for name in ("moonshine_voice", "onnxruntime", "soxr"):
    if not any((Path(folder) / name).is_dir() for folder in sys.path):
        pytest.skip(f"{name} is not installed: pip install 'telebridge[words]'", allow_module_level=True)

RECORDINGS = Path("/usr/share/asterisk/sounds/en_US_f_Allison/digits")
DAYS = tuple((day,) for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))

pytestmark = pytest.mark.slow


async def heard(mulaw, answers=()):
    recognizer = open_recognizer(RecognizerOptions("local", language="en", answer_seconds=30.0))
    finals = asyncio.Queue()
    recognition = recognizer.listen(RecognitionRequest("en", answers=answers), finals.put_nowait)
    try:
        recognition.begin_speech()
        recognition.feed(mulaw)
        recognition.end_speech()
        return await asyncio.wait_for(finals.get(), 40)
    finally:
        await recognizer.aclose()


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="needs Debian's asterisk-core-sounds-en-wav")
@pytest.mark.parametrize("provider", PATHS)
async def test_the_local_recognizer_hears_people_by_each_protocol(provider):
    ear = open_recognizer(RecognizerOptions("local", language="en", answer_seconds=30.0))
    runner = web.AppRunner(create_app(RecognitionServerOptions(recognizer=ear)), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = PATHS[provider].replace("9003", str(runner.addresses[0][1]))
    recognizer = open_recognizer(RecognizerOptions(provider, url, language="en", answer_seconds=30.0))
    results = asyncio.Queue()
    recognition = recognizer.listen(RecognitionRequest("en"), results.put_nowait)
    try:
        recognition.begin_speech()
        recognition.feed(silence(300) + wav.read(RECORDINGS / "day-2.wav") + silence(400))
        recognition.end_speech()
        while not isinstance(final := await asyncio.wait_for(results.get(), 40), FinalTranscript):
            pass
        assert final.text.strip(" .").lower() == "tuesday"
    finally:
        recognition.close()
        await recognizer.aclose()
        await runner.cleanup()


async def test_silence_has_no_words_and_the_code_of_the_wheel_is_not_imported():
    final = await heard(silence(1500))
    assert (final.text, final.failure) == ("", "")
    assert not {"moonshine_voice", "sounddevice"} & set(sys.modules)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="needs Debian's asterisk-core-sounds-en-wav")
@pytest.mark.parametrize(("file", "day"), [("day-2", "tuesday"), ("day-6", "saturday")])
async def test_a_phrase_that_somebody_says_is_heard(file, day):
    spoken = silence(300) + wav.read(RECORDINGS / f"{file}.wav") + silence(400)
    final = await heard(spoken, DAYS)
    assert day in final.text.lower()
    assert final.confidence > 0.6
