"""Words over a prompt: what takes the floor, what does not, and that no recognizer is ever waited for at the sound."""

import asyncio
from contextlib import contextmanager

import pytest

from telebridge.app import parts
from telebridge.recognition.source import FinalTranscript
from telebridge.recognition.whole_utterances import WholeUtteranceRecognizer
from telebridge.recognition_server.script import ScriptedWords
from telebridge.testing.phone import Phone
from telebridge.turns.barge_in import BargeInCause

NEWS = "Your appointment with Doctor Miller is on Tuesday at ten, in the second floor of the old building by the lake."
FLOW = f"""
flow: floor
start: news
nodes:
  news: {{say: "{NEWS}", then: more}}
  more: {{say: "Please bring your card.", then: sure}}
  sure:
    ask: "Please think about it for as long as you like, and then tell me whether that is right for you."
    choices: {{yes: bye, no: desk}}
    no_input: {{after: 5s, then: desk}}
    no_match: {{say: "Sorry?", reprompt: 1, then: desk}}
  desk: {{hang_up: "One moment please."}}
  bye: {{hang_up: "Goodbye."}}
"""
SENTENCE = "I would like to talk about something else now"
DEEPGRAM = {"recognition": {"provider": "deepgram"}}


@pytest.fixture
def phone(tmp_path):
    (tmp_path / "floor.yaml").write_text(FLOW)
    with Phone(flow="floor.yaml", folder=tmp_path) as phone:
        yield phone


def call_of(phone, judge="words"):
    return phone.call(settings={"barge_in": {"judge": judge}} | DEEPGRAM)


def over_news(phone, text, *, heard=None, judge="words"):
    """What became of the first prompt, over which the caller says that; and the record."""
    with call_of(phone, judge) as call:
        call.hears("Your appointment with")
        call.says(text, heard=heard)
        call.waits(2.5)
    return call.record.utterances[0], call.record


def taken(utterance):
    return utterance.interruption is not None and utterance.interruption.cause is BargeInCause.SPEECH


@pytest.mark.parametrize("text", ["mm-hm", "uh-huh yeah I see of course"])
def test_a_back_channel_silences_the_line_and_the_prompt_goes_on(phone, text):
    news, record = over_news(phone, text)
    assert not taken(news)
    [pause] = news.pauses
    assert pause.reason == "back-channel"
    assert pause.resumed_at - pause.paused_at < max(0.3, 0.065 * len(text)) + 0.6
    assert record.as_json()["utterances"][0]["resumed_for"] == ["back-channel"]
    assert record.heard == []


@pytest.mark.parametrize(("text", "reason"), [("stop", "interrupting word"), ("yeah but my bill", "words")])
def test_words_take_the_floor_however_short_they_are(phone, text, reason):
    news, record = over_news(phone, text)
    assert taken(news)
    assert news.interruption.reason == record.as_json()["utterances"][0]["reason"] == reason
    assert news.interruption.heard_text.startswith("Your appointment with")
    assert [answer.text for answer in record.heard] == [text]


def test_the_line_falls_silent_as_soon_as_with_the_sound_alone(phone):
    stopped = {}
    for judge in ("sound", "words"):
        news, _ = over_news(phone, SENTENCE, judge=judge)
        stopped[judge] = news.interruption.stop_ms
    assert stopped["words"] == stopped["sound"]


@pytest.mark.parametrize(("text", "takes"), [("yes", False), (SENTENCE, True)])
@pytest.mark.parametrize("how", [{"fault": "hangs"}, {"delay_seconds": 3.0}])
def test_where_no_words_come_in_time_the_sound_decides(phone, text, takes, how):
    news, _ = over_news(phone, text, heard=ScriptedWords(text, partials=False, **how))
    assert taken(news) is takes
    if takes:
        assert news.interruption.reason == "sound"
    else:
        [pause] = news.pauses
        assert pause.reason == "sound"
        assert pause.resumed_at - pause.paused_at < 0.3 + 0.4 + 0.7


def test_words_that_come_late_still_take_the_floor(phone):
    news, _ = over_news(phone, "stop", heard=ScriptedWords("stop", partials=False, delay_seconds=1.0))
    assert [pause.reason for pause in news.pauses] == ["sound"]
    assert news.interruption.reason == "interrupting word"


def test_a_recognizer_that_refuses_leaves_it_to_the_sound(phone):
    phone.words.refuse_status = 401
    news, _ = over_news(phone, "stop")
    assert [pause.reason for pause in news.pauses] == ["sound"]


def test_our_own_voice_takes_no_floor(phone):
    news, _ = over_news(phone, "on Tuesday at ten in the second floor of the old")
    assert [pause.reason for pause in news.pauses] == ["our own voice"]


def test_a_yeah_that_answers_is_an_answer_and_another_back_channel_is_none(phone):
    with call_of(phone) as call:
        call.hears("Please think", within=20)
        call.says("I see")
        call.hears("tell me whether", within=8)
        call.says("yeah")
        call.hears("Goodbye.")
    sure = call.record.utterances[2]
    assert [pause.reason for pause in sure.pauses] == ["back-channel"]
    assert sure.interruption.reason == "answer"


def test_a_key_wins_over_words_that_are_waited_for(phone):
    with call_of(phone) as call:
        call.hears("Please think", within=20)
        call.says("I believe", heard=ScriptedWords("I believe", partials=False, delay_seconds=0.5))
        call.press("1")
        call.hears("Goodbye.")
    assert call.record.utterances[2].interruption.cause is BargeInCause.KEY


def test_a_back_channel_that_real_words_follow_takes_the_floor(phone):
    with call_of(phone) as call:
        call.hears("Your appointment with")
        call.says("yeah")
        call.waits(0.45)
        call.says("wait a moment")
        call.waits(1)
    assert call.record.utterances[0].interruption.reason == "interrupting word"


@pytest.mark.slow
@pytest.mark.parametrize(("partials", "most"), [(True, 0.6), (False, 0.8)])
def test_each_back_channel_resumes_soon_after_its_end(tmp_path, partials, most):
    texts = ["mm-hm", "uh-huh", "yeah", "okay"]
    ended = []
    with called_over_notices(tmp_path, len(texts)) as call:
        for at, text in enumerate(texts):
            call.hears(f"Notice {at}. Your visit", within=20)
            call.says(text, heard=ScriptedWords(text, partials=partials, delay_seconds=0.2))
            ended.append(call.recording.opened_at + call.seconds)
        call.hears("Goodbye.", within=20)
    for prompt, ended_at in zip(call.record.utterances, ended, strict=False):
        [pause] = prompt.pauses
        assert (pause.reason, prompt.interruption) == ("back-channel", None)
        assert pause.resumed_at - ended_at <= most, "the silence that ends it, and what the recognizer takes"


class SlowEar(WholeUtteranceRecognizer):
    """Hears each utterance early and as a whole, and takes a while for that.

    Args:
        texts: What it hears: of an utterance, what belongs to the longest audio that it exceeds, in seconds.
    """

    hears_pauses = True

    def __init__(self, texts):
        super().__init__()
        self.texts = texts
        self.passes = []
        self.seconds = 0.165

    async def transcribe(self, utterance, request, mulaw, unwanted):
        await asyncio.sleep(self.seconds)
        text = self.texts[max(each for each in self.texts if each <= len(mulaw) / 8000)]
        self.passes.append(text)
        return FinalTranscript(utterance, text, 0.9)


@pytest.fixture
def slow_ear(monkeypatch):
    ear = SlowEar({0: "mm-hm"})
    monkeypatch.setattr(parts, "open_words", lambda settings: ear)
    return ear


@pytest.mark.parametrize("text", ["mm-hm", "uh-huh", "okay, I see"])
def test_a_back_channel_that_is_heard_at_its_end_costs_no_pass_after_the_silence(phone, slow_ear, text):
    slow_ear.texts = {0: text}
    with call_of(phone) as call:
        call.hears("Your appointment with")
        call.says(text)
        ended_at = call.recording.opened_at + call.seconds
        call.waits(2)
    [pause] = call.record.utterances[0].pauses
    assert pause.reason == "back-channel"
    assert pause.resumed_at - ended_at <= 0.6
    assert slow_ear.passes == [text]


def test_a_back_channel_that_is_only_the_beginning_does_not_let_the_prompt_go_on(phone, slow_ear):
    slow_ear.texts = {0: "mm", 1.1: "mm no wait"}
    with phone.call(settings={"barge_in": {"judge": "words", "commit_after_ms": 900}} | DEEPGRAM) as call:
        call.hears("Your appointment with")
        call.says("mm")
        call.waits(0.42)
        slow_ear.seconds = 0.6  # the machine is busy: the words are known after the silence
        call.says("no")
        call.waits(2)
    news = call.record.utterances[0]
    assert news.pauses == ()
    assert news.interruption.reason == "interrupting word"
    assert slow_ear.passes[-1] == "mm no wait"


def test_each_interrupting_word_takes_the_floor(tmp_path):
    texts = ["stop", "no", "wait", "agent"]
    with called_over_notices(tmp_path, len(texts)) as call:
        for at, text in enumerate(texts):
            call.hears(f"Notice {at}. Your visit", within=20)
            call.says(text)
        call.hears("Goodbye.", within=20)
    reasons = [prompt.interruption.reason for prompt in call.record.utterances[: len(texts)]]
    assert reasons == ["interrupting word"] * len(texts)


@contextmanager
def called_over_notices(folder, count):
    """A call of so many prompts, one after the other."""
    nodes = "".join(
        f'  n{at}: {{say: "Notice {at}. Your visit is on Tuesday at ten, by the lake.", then: n{at + 1}}}\n'
        for at in range(count)
    )
    (folder / "notices.yaml").write_text(
        f"flow: notices\nstart: n0\nnodes:\n{nodes}  n{count}: {{hang_up: Goodbye.}}\n"
    )
    with Phone(flow="notices.yaml", folder=folder) as phone, call_of(phone) as call:
        yield call
