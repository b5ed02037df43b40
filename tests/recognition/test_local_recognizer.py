"""The recognizer `local`, with a model of which every utterance is known."""

import asyncio
import threading
from importlib.machinery import ModuleSpec

import pytest

from telebridge.app.words import open_words
from telebridge.audio.mulaw import BYTES_PER_MS, silence
from telebridge.audio.tones import sine
from telebridge.errors import ConfigurationError
from telebridge.recognition.local import moonshine
from telebridge.recognition.local.recognizer import EARLY_MS, MOST_HEARD_MS, MOST_WAITING, LocalRecognizer
from telebridge.recognition.local.transcription import ProbableWords
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import FinalTranscript, PartialTranscript, RecognitionRequest
from telebridge.recognition.whole_utterances import ENDING_MS
from telebridge.settings.sections import RecognitionSettings

SECOND = bytes(1000 * BYTES_PER_MS)
VOICE = sine(200, 400)
PAUSE = silence(240)
EARLY_BYTES = len(VOICE) + ENDING_MS * BYTES_PER_MS


class SetEar:
    """Hears "billing" in everything, as soon as it may."""

    def __init__(self, *, busy=False):
        self.heard = []
        self.may = threading.Event()
        if not busy:
            self.may.set()

    def __call__(self, mulaw, request, unwanted):
        self.may.wait(5)
        if unwanted():
            return ProbableWords("")
        self.heard.append((len(mulaw), request))
        return ProbableWords("billing", 0.9)


class Question:
    """A question, and what is heard in answer."""

    def __init__(self, recognizer, request=None):
        self.results = []
        self.recognition = recognizer.listen(request or RecognitionRequest(), self.results.append)

    @property
    def finals(self):
        return [each for each in self.results if isinstance(each, FinalTranscript)]

    def pauses(self):
        """The caller begins to speak, and pauses."""
        self.recognition.begin_speech()
        self.recognition.feed(VOICE + PAUSE)

    def says(self, mulaw=SECOND, pieces=1):
        self.recognition.begin_speech()
        for _ in range(pieces):
            self.recognition.feed(mulaw)
        self.recognition.end_speech()


async def until(condition):
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("did not happen")


def recognizer_of(ear, **options):
    return LocalRecognizer(RecognizerOptions("local", **{"language": "en", **options}), lambda: ear)


async def test_each_utterance_is_heard_once_it_is_over():
    ear = SetEar()
    recognizer = recognizer_of(ear)
    request = RecognitionRequest(answers=(("billing",),), doubtful=True)
    question = Question(recognizer, request)
    question.says()
    question.says()
    await until(lambda: len(question.finals) == 2)
    assert [(each.utterance, each.text, each.confidence) for each in question.finals] == [
        (1, "billing", 0.9),
        (2, "billing", 0.9),
    ]
    assert ear.heard == [(len(SECOND), request)] * 2
    await recognizer.aclose()


async def test_a_minute_of_speech_costs_no_more_than_its_beginning():
    ear = SetEar()
    recognizer = recognizer_of(ear)
    question = Question(recognizer)
    question.says(pieces=60)
    await until(lambda: question.finals)
    assert ear.heard[0][0] == MOST_HEARD_MS * BYTES_PER_MS
    await recognizer.aclose()


async def test_an_utterance_that_takes_too_long_is_given_up_and_the_next_is_for_keys():
    ear = SetEar(busy=True)
    recognizer = recognizer_of(ear, answer_seconds=0.03)
    question = Question(recognizer)
    question.says()
    await until(lambda: question.finals)
    assert "no answer in time" in question.finals[0].failure
    assert not recognizer.available
    ear.may.set()
    question.says()
    await until(lambda: len(question.finals) == 2)
    assert question.finals[1].failure
    assert not ear.heard  # what was given up is not heard later either
    await recognizer.aclose()


async def test_more_utterances_than_may_wait_are_not_heard():
    ear = SetEar(busy=True)
    recognizer = recognizer_of(ear)
    questions = [Question(recognizer) for _ in range(MOST_WAITING + 1)]
    for question in questions:
        question.says()
    await until(lambda: questions[-1].finals)
    assert "wait already" in questions[-1].finals[0].failure
    ear.may.set()
    await until(lambda: all(question.finals for question in questions))
    assert [bool(question.finals[0].text) for question in questions] == [True] * MOST_WAITING + [False]
    await recognizer.aclose()


async def test_nothing_is_heard_for_a_question_that_is_over():
    ear = SetEar(busy=True)
    recognizer = recognizer_of(ear)
    over, next_one = Question(recognizer), Question(recognizer)
    over.says()
    over.recognition.close()
    next_one.says()
    ear.may.set()
    await until(lambda: next_one.finals)
    assert not over.finals
    assert len(ear.heard) == 1
    await recognizer.aclose()


async def test_what_is_heard_at_a_pause_is_the_answer_where_nothing_but_silence_follows():
    ear = SetEar()
    recognizer = recognizer_of(ear)
    question = Question(recognizer)
    question.pauses()
    await until(lambda: question.results)
    assert question.results == [PartialTranscript(1, "billing")]
    question.recognition.feed(PAUSE)
    question.recognition.end_speech()
    assert len(question.results) == 1  # never inside a call of ours
    await until(lambda: question.finals)
    assert question.results[1:] == [FinalTranscript(1, "billing", 0.9)]
    assert [size for size, _ in ear.heard] == [EARLY_BYTES]
    await recognizer.aclose()


async def test_who_ends_before_the_pass_of_a_pause_waits_for_no_other_one():
    ear = SetEar(busy=True)
    recognizer = recognizer_of(ear)
    question = Question(recognizer)
    question.says(VOICE + PAUSE)
    await asyncio.sleep(0)
    ear.may.set()
    await until(lambda: question.results)
    assert question.results == [FinalTranscript(1, "billing", 0.9)]
    assert len(ear.heard) == 1
    await recognizer.aclose()


async def test_who_speaks_on_after_a_pause_is_heard_out():
    ear = SetEar()
    recognizer = recognizer_of(ear)
    question = Question(recognizer)
    question.pauses()
    await until(lambda: question.results)
    question.recognition.feed(VOICE)
    assert len(question.results) == 1
    await until(lambda: len(question.results) == 2)
    question.recognition.end_speech()
    await until(lambda: question.finals)
    assert question.results == [
        PartialTranscript(1, "billing"),
        PartialTranscript(1, ""),  # so that nobody takes the first word for all that is said
        FinalTranscript(1, "billing", 0.9),
    ]
    assert [size for size, _ in ear.heard] == [EARLY_BYTES, len(VOICE + PAUSE + VOICE)]
    await recognizer.aclose()


async def test_a_pass_is_given_up_once_the_caller_speaks_on():
    ear = SetEar(busy=True)
    recognizer = recognizer_of(ear)
    question = Question(recognizer)
    question.pauses()
    await asyncio.sleep(0)
    question.recognition.feed(VOICE)
    ear.may.set()
    question.recognition.end_speech()
    await until(lambda: question.finals)
    assert question.results == [FinalTranscript(1, "billing", 0.9)]
    assert [size for size, _ in ear.heard] == [len(VOICE + PAUSE + VOICE)]
    await recognizer.aclose()


async def test_nobody_is_heard_early_while_another_waits_for_the_model():
    ear = SetEar(busy=True)
    recognizer = recognizer_of(ear)
    first, second = Question(recognizer), Question(recognizer)
    first.says()
    await asyncio.sleep(0)
    second.pauses()
    ear.may.set()
    await until(lambda: first.finals)
    assert not second.results
    second.recognition.feed(silence(20))  # the model is free now
    await until(lambda: second.results)
    assert second.results == [PartialTranscript(1, "billing")]
    await recognizer.aclose()


async def test_a_long_utterance_is_heard_once():
    ear = SetEar()
    recognizer = recognizer_of(ear)
    question = Question(recognizer)
    question.says(sine(200, EARLY_MS) + PAUSE)
    await until(lambda: question.finals)
    assert len(question.results) == len(ear.heard) == 1
    await recognizer.aclose()


async def test_a_model_that_is_too_slow_at_a_pause_is_not_waited_for_once_more_at_the_end():
    ear = SetEar(busy=True)
    recognizer = recognizer_of(ear, answer_seconds=0.03)
    question = Question(recognizer)
    question.pauses()
    await until(lambda: not recognizer.available)
    ear.may.set()
    question.recognition.end_speech()
    await until(lambda: question.results)
    assert [each.failure for each in question.results] == ["no recognizer is there"]
    await recognizer.aclose()


async def test_a_question_in_another_language_is_for_keys_and_english_goes_on():
    recognizer = recognizer_of(SetEar())
    spanish, english = Question(recognizer, RecognitionRequest("es")), Question(recognizer, RecognitionRequest("en-GB"))
    spanish.says()
    english.says()
    await until(lambda: spanish.finals and english.finals)
    assert "English only" in spanish.finals[0].failure
    assert english.finals[0].text == "billing"
    await recognizer.aclose()


async def test_a_model_that_fails_is_a_failure_of_the_utterance():
    def load():
        raise RuntimeError("bad model")

    recognizer = LocalRecognizer(RecognizerOptions("local"), load)
    question = Question(recognizer)
    question.says()
    await until(lambda: question.finals)
    assert question.finals[0].failure == "RuntimeError: bad model"
    await recognizer.aclose()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"language": "fr"}, "recognition.language: is 'fr', and the recognizer local hears English only"),
        ({"url": "ws://127.0.0.1"}, "recognition.provider: is local, which has no address, key or model"),
    ],
)
def test_settings_that_local_cannot_follow_are_told_in_one_line(settings, expected):
    with pytest.raises(ConfigurationError) as told:
        open_words(RecognitionSettings(provider="local", **settings))
    assert str(told.value).startswith(expected)
    assert "\n" not in str(told.value)


def test_what_is_not_installed_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setattr(moonshine, "find_spec", lambda name: None if name != "soxr" else ModuleSpec(name, None))
    with pytest.raises(ConfigurationError, match="moonshine-voice and onnxruntime are not installed") as told:
        open_words(RecognitionSettings(provider="local"))
    assert "pip install 'telebridge[words]'" in str(told.value)


def test_a_wheel_without_the_model_is_told(monkeypatch, tmp_path):
    spec = ModuleSpec("moonshine_voice", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(moonshine, "find_spec", lambda _: spec)
    with pytest.raises(ConfigurationError, match="brings no model"):
        moonshine.find_model()
