"""The recognizer of a demo hears what the caller's script says; whole calls of the flows that can be spoken to."""

import asyncio

import pytest

from telebridge.bundled import BUNDLED_FLOWS
from telebridge.cli.demo.recognition import demo_recognition
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import open_recognizer
from telebridge.recognition.source import RecognitionRequest
from telebridge.settings.settings import Settings
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind, TimelineEvent
from telebridge.testing.phone import Phone


async def heard(settings, script, *details):
    """The words of each utterance that the demo's recognizer hears after those events."""
    async with demo_recognition(settings, parse_script(script)) as demo:
        recognition = demo.settings.recognition
        if not recognition.url:
            return recognition.provider
        options = RecognizerOptions(recognition.provider, recognition.url)
        recognizer, texts = open_recognizer(options), asyncio.Queue()
        try:
            listening = recognizer.listen(RecognitionRequest(), texts.put_nowait)
            said = []
            for detail in details:
                demo.watch(TimelineEvent(0.0, EventKind.CALLER, detail))
                listening.begin_speech()
                listening.feed(bytes(8000))
                listening.end_speech()
                while not hasattr(result := await texts.get(), "failure"):
                    pass
                said.append(result.text)
            return said
        finally:
            await recognizer.aclose()


def test_it_hears_the_words_of_the_script_and_none_in_a_cough():
    script = "say billing please; cough; mm-hm"
    said = asyncio.run(heard(Settings(), script, "Speak billing please", "Speak cough", "Speak mm-hm"))
    assert said == ["billing please", "", "mm-hm"]


def test_a_script_without_words_and_a_recognizer_of_the_settings_are_left_alone():
    assert asyncio.run(heard(Settings(), "wait; cough; press 1")) == ""
    assert asyncio.run(heard(Settings(recognition={"provider": "vosk"}), "say yes")) == "vosk"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flow", "said"),
    [
        ("front-desk", ["appointment please", "one two three four five six", "Account 1 2 3 4 5 6 has an appointment"]),
        ("bilingual", ["English", "my order", "seven double two oh one", "Order number 7 2 2 0 1"]),
        ("bilingual", ["en español por favor", "el horario", "Abrimos de lunes a viernes"]),
    ],
)
def test_the_flow_can_be_spoken_to(flow, said):
    *words, answer = said
    settings = {"recognition": {"provider": "deepgram"}}
    with Phone(flow=str(BUNDLED_FLOWS / f"{flow}.yaml"), settings=settings) as phone, phone.call() as call:
        for text in words:
            call.waits(3)
            call.says(text)
        call.hears(answer, within=20)
