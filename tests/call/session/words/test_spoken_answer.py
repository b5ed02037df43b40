"""The words of one question: which audio is recognized, and what its transcripts mean."""

from telebridge.call.session.effects import RecognizeAudio
from telebridge.call.session.words.options import WordOptions
from telebridge.call.session.words.spoken_answer import OVERDUE_SECONDS, SpokenAnswer, SpokenResult
from telebridge.flows.steps import WordRules
from telebridge.recognition.source import FinalTranscript, PartialTranscript

MENU = WordRules({"1": ("billing",), "2": ("support",)}, longest_seconds=10.0)
FREE = WordRules(free=True, silence_seconds=1.0)
AUDIO = b"\x10" * 160


def answer(rules, prompt=""):
    return SpokenAnswer(1, rules, WordOptions(lambda: True), prompt)


def spoken(words, *texts, at=0.0, failure=""):
    """Say each text; returns what the last one means."""
    result = None
    for text in texts:
        assert words.speech_started(AUDIO, now=at) == [RecognizeAudio(1, AUDIO, begins=True)]
        assert words.speech_ended(now=at) == [RecognizeAudio(1, b"", ends=True)]
        number = words.utterance
        assert words.receive(PartialTranscript(number, text), now=at) is None
        result = words.receive(FinalTranscript(number, text, 0.9, failure=failure), now=at)
    return result


def test_a_phrase_is_an_answer_at_once():
    assert spoken(answer(MENU), "billing please") == SpokenResult("billing please", 0.9, "1")


def test_a_recognizer_is_told_which_phrases_mean_the_same_and_whether_doubt_is_confirmed():
    rules = WordRules({"1": ("billing", "my bill"), "2": (), "3": ("support",)}, confirmed=True)
    (started,) = answer(rules).start()
    assert started.request.answers == (("billing", "my bill"), ("support",))
    assert started.request.doubtful
    (started,) = answer(FREE).start()
    assert (started.request.answers, started.request.doubtful) == ((), False)


def test_a_phrase_may_come_in_pieces():
    words = answer(WordRules({"1": ("my bill",)}))
    assert spoken(words, "um") is None
    assert not spoken(words, "my").understood
    words.speech_started(AUDIO, now=1.0)
    words.speech_ended(now=1.0)
    words.speech_started(AUDIO, now=1.1)
    assert words.receive(FinalTranscript(words.utterance - 1, "my"), now=1.2) is None, "they go on"
    words.speech_ended(now=1.3)
    assert words.receive(FinalTranscript(words.utterance, "bill"), now=1.4).key == "1"


def test_a_number_chooses_its_key():
    assert spoken(answer(MENU), "number two").key == "2"
    assert not spoken(answer(MENU), "one moment").understood


def test_an_oh_between_digits_is_a_zero_and_none_before_them():
    words = answer(WordRules(digits=True, longest_seconds=10.0))
    assert spoken(words, "oh") is None
    assert [spoken(words, text).digits for text in ("five", "oh", "three")] == ["5", "0", "3"]
    assert spoken(words, "uh") is None


def test_a_transcript_of_our_own_voice_is_dropped():
    words = answer(MENU, "For billing press one, for support press two.")
    assert spoken(words, "for billing press one for support") is None
    assert not words.waiting


def test_free_speech_ends_with_a_silence():
    words = answer(FREE)
    assert spoken(words, "I have lost") is None
    assert words.next_deadline() == 0.6, "0.4 s of the silence had passed when it was noticed"
    assert spoken(words, "a crown", at=0.5) is None
    assert words.handle_timeout(now=0.7) == ([], None)
    assert words.handle_timeout(now=1.1)[1] == SpokenResult("I have lost a crown", 0.9)


def test_a_failure_is_a_mismatch_and_not_a_silence():
    assert not spoken(answer(MENU), "", failure="no answer in time").understood
    assert spoken(answer(MENU), "") is None


def test_a_transcript_counts_once_and_for_its_own_question():
    words = answer(MENU)
    assert spoken(words, "pizza") == SpokenResult("pizza", 0.9, understood=False)
    assert words.receive(FinalTranscript(1, "billing"), now=1.0) is None
    assert words.receive(FinalTranscript(7, "billing"), now=1.0) is None


def test_a_recognizer_that_never_answers_is_given_up():
    words = answer(MENU)
    words.speech_started(AUDIO, now=0.0)
    words.speech_ended(now=1.0)
    assert words.next_deadline() == 1.0 + OVERDUE_SECONDS
    _, result = words.handle_timeout(now=1.0 + OVERDUE_SECONDS)
    assert not result.understood
    assert words.next_deadline() is None


def test_who_does_not_stop_is_cut_short_and_asked_again():
    words = answer(MENU)
    words.speech_started(AUDIO, now=0.0)
    assert words.next_deadline() == 10.0
    effects, result = words.handle_timeout(now=10.0)
    assert (effects, result) == ([RecognizeAudio(1, b"", ends=True)], None)
    assert words.speech_started(AUDIO, now=10.1) == [], "nothing more is taken"
    assert not words.receive(FinalTranscript(1, "la la"), now=10.5).understood
