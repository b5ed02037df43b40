import pytest
from support.line import HELLO, SECOND_OF_AUDIO, Line, begun, payloads, reported

from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import (
    ClearPlayback,
    ClearSpeech,
    CloseStream,
    ReleaseCall,
    ReportOutcome,
    StartSpeech,
)
from telebridge.call.session.events import (
    CallOver,
    FlowEnded,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StreamLost,
    TextTaken,
)
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import LocalProtocolError, SpeechUnavailable
from telebridge.flows.steps import Collect, Gathered, HangUp, Play, Said, Say, Wait
from telebridge.playback.writer import SendMark
from telebridge.speech.source import Audio, Word, Words
from telebridge.turns.barge_in import BargeIn, BargeInCause, BargeInPolicy
from telebridge.turns.digits import DigitRules, Ending
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MarkReturned, StreamStarted


@pytest.fixture
def line():
    return Line().started()


# Speaking.


def test_a_prompt_is_fetched_before_the_stream_exists_and_sent_when_it_does():
    line = Line()
    [start] = line.perform_step(HELLO)
    assert start == StartSpeech("u1", HELLO)
    assert line.tell(SpeechArrived("u1", Audio(b"\x01" * 320))) == []
    assert line.tell(SpeechEnded("u1")) == []
    effects = line.tell(StreamStarted("MZ1", "CA1", "AC1", {}), after=0.5)
    assert payloads(effects) == b"\x01" * 320
    assert isinstance(effects[-1], SendMark)
    assert line.session.record.first_audio_ms == 500


def test_say_ends_when_the_last_mark_came_back_not_when_the_audio_was_sent(line):
    _, mark = line.saying()
    assert not any(isinstance(effect, ReportOutcome) for effect in line.effects)
    assert line.tell(MarkReturned(mark), after=1.0) == [ReportOutcome(Said(None))]


def test_the_audio_that_goes_out_is_the_audio_that_came_in(line):
    line.perform_step(HELLO)
    audio = bytes(range(256)) * 40
    sent = b""
    for cut in range(0, len(audio), 333):
        sent += payloads(line.tell(SpeechArrived("u1", Audio(audio[cut : cut + 333])), after=0.01))
    sent += payloads(line.tell(SpeechEnded("u1")))
    assert sent == audio


def test_a_prompt_of_nothing_but_blanks_is_over_at_once(line):
    assert line.perform_step(Say("  ")) == [ReportOutcome(Said(None))]


def test_two_steps_at_once_are_a_bug_of_ours(line):
    line.perform_step(HELLO)
    with pytest.raises(LocalProtocolError):
        line.perform_step(HELLO)


def test_a_mark_that_never_returns_does_not_hang_the_call(line):
    line.saying()
    effects = []
    for _ in range(7):
        line.tell(AudioReceived(b"", 0))
        effects += line.wait(1.0)
    assert effects == [ReportOutcome(Said(None))]


def test_streamed_text_is_in_the_record(line):
    async def tokens():
        yield ""

    line.perform_step(Say(tokens()))
    line.tell(TextTaken("u1", "Hello "))
    line.tell(TextTaken("u1", "you."))
    sent = line.tell(SpeechArrived("u1", Audio(bytes(800)))) + line.tell(SpeechEnded("u1"))
    line.tell(MarkReturned(sent[-1].name))
    assert line.session.record.utterances[0].text == "Hello you."


class Written:
    """A text that can be read again, by the places it was asked for."""

    def __init__(self, position=0):
        self.position = position

    def since(self, position):
        return Written(self.position + position)

    async def __aiter__(self):
        yield ""


def test_a_streamed_text_that_a_lost_stream_cut_goes_on_where_it_was_and_with_what_is_still_written(line):
    line.perform_step(Say(Written(), barge_in=BargeInPolicy.NONE))
    for token in ("Hello ", "there ", "my ", "friend "):
        line.tell(TextTaken("u1", token))
    words = tuple(Word(word, n * 250, (n + 1) * 250) for n, word in enumerate(["Hello", "there", "my"]))
    line.tell(SpeechArrived("u1", Audio(bytes(6000))))
    line.tell(SpeechArrived("u1", Words(words)))
    again = begun(line.tell(StreamLost(), after=0.6))
    assert again.say.text.position == len("Hello "), "from the last word that was heard"
    assert again.say.barge_in is BargeInPolicy.NONE
    line.tell(TextTaken("u2", "there my friend "))
    twice = begun(line.tell(StreamLost())) if line.session.phase is Phase.LIVE else None
    assert twice is None, "without a stream there is none to lose"
    line.tell(StreamStarted("MZ2", "CA1", "AC1", {}))
    assert begun(line.tell(StreamLost())).say.text.position == len("Hello ")


# Failing speech.


def test_speech_that_fails_before_any_audio_is_reported_where_the_flow_waits(line):
    error = SpeechUnavailable("gone")
    line.perform_step(HELLO)
    effects = line.tell(SpeechFailed("u1", error))
    assert line.tell(MarkReturned(effects[-1].name)) == [ReportOutcome(error)]


def test_what_was_spoken_before_speech_failed_is_heard_first(line):
    error = SpeechUnavailable("gone")
    line.perform_step(HELLO)
    line.tell(SpeechArrived("u1", Audio(bytes(100))))
    effects = line.tell(SpeechFailed("u1", error))
    assert payloads(effects) == bytes(100)
    assert line.tell(MarkReturned(effects[-1].name)) == [ReportOutcome(error)]


# Barge-in.


def test_a_key_silences_the_line_and_the_voice_in_one_answer(line):
    line.saying()
    effects = line.tell(DigitPressed("1"), after=0.5)
    assert effects[:2] == [ClearPlayback(), ClearSpeech("u1")]
    [report] = effects[2:]
    assert report.outcome.interruption.cause is BargeInCause.KEY
    assert report.outcome.interruption.heard_ms == 500


def test_nothing_of_an_interrupted_prompt_is_sent_afterwards(line):
    line.perform_step(HELLO)
    line.tell(SpeechArrived("u1", Audio(bytes(200))))
    line.tell(DigitPressed("1"))
    assert line.tell(SpeechArrived("u1", Audio(bytes(8000)))) == []
    assert line.tell(SpeechArrived("u1", Words((Word("Hello", 0, 10),)))) == []
    assert line.tell(SpeechEnded("u1")) == []


def test_the_next_prompt_begins_with_its_own_bytes(line):
    line.perform_step(HELLO)
    line.tell(SpeechArrived("u1", Audio(b"\x01" * 230)))
    line.tell(DigitPressed("1"))
    line.perform_step(HELLO)
    effects = line.tell(SpeechArrived("u2", Audio(b"\x02" * 160)))
    assert payloads(effects) == b"\x02" * 160


def test_marks_that_a_clear_flushed_do_not_end_anything(line):
    _, mark = line.saying()
    line.tell(DigitPressed("1"))
    line.perform_step(HELLO)
    assert line.tell(MarkReturned(mark)) == []


def test_a_barge_in_tells_the_words_that_were_heard(line):
    line.perform_step(Say("Hello there friend."))
    line.tell(SpeechArrived("u1", Audio(bytes(24_000))))
    words = (Word("Hello", 0, 900), Word("there", 900, 1900), Word("friend.", 1900, 3000))
    line.tell(SpeechArrived("u1", Words(words)))
    line.tell(SpeechEnded("u1"))
    effects = line.tell(DigitPressed("1"), after=2.0)
    assert effects[-1].outcome.interruption == BargeIn(BargeInCause.KEY, "Hello there", 2000, exact=True)


@pytest.mark.parametrize("policy", [BargeInPolicy.NONE, BargeInPolicy.SPEECH])
def test_a_prompt_that_does_not_yield_to_keys_plays_on(line, policy):
    _, mark = line.saying(Say("Listen.", barge_in=policy))
    assert line.tell(DigitPressed("1")) == []
    assert line.tell(MarkReturned(mark)) == [ReportOutcome(Said(None))]


def test_the_owner_of_the_call_can_clear_any_prompt(line):
    line.saying(Say("Listen.", barge_in=BargeInPolicy.NONE))
    assert line.clear()[:2] == [ClearPlayback(), ClearSpeech("u1")]
    assert line.clear() == [], "there is nothing left to clear"


def test_a_key_before_the_first_audio_interrupts_as_well(line):
    line.perform_step(HELLO)
    effects = line.tell(DigitPressed("1"))
    assert effects[:2] == [ClearPlayback(), ClearSpeech("u1")]
    assert effects[2].outcome.interruption.heard_text == ""


# Asking.


def question(barge_in=BargeInPolicy.ANY, **rules):
    return Collect(Say("Press one or two.", barge_in=barge_in), DigitRules(**{"max_digits": 1, **rules}))


def test_a_key_over_the_question_interrupts_it_and_answers_it(line):
    line.saying(question())
    effects = line.tell(DigitPressed("2"))
    assert effects == [ClearPlayback(), ClearSpeech("u1"), ReportOutcome(Gathered("2", Ending.COMPLETE))]


def test_silence_is_measured_from_when_the_question_was_heard(line):
    _, mark = line.saying(question(no_input_seconds=5.0))
    line.tell(MarkReturned(mark), after=1.0)
    line.tell(AudioReceived(b"", 0), after=4.9)
    assert line.wait(0.05) == []
    assert reported(line.wait(0.1)) == [Gathered("", Ending.NO_INPUT)]


def test_a_key_typed_ahead_answers_a_question_before_it_is_asked(line):
    line.saying(HELLO)
    line.tell(DigitPressed("1"))
    assert reported(line.perform_step(question())) == [Gathered("1", Ending.COMPLETE)]


def test_the_question_is_skipped_when_part_of_the_answer_was_typed_ahead(line):
    line.saying(HELLO)
    line.tell(DigitPressed("1"))
    assert line.perform_step(question(max_digits=3)) == []
    line.tell(DigitPressed("2"))
    assert reported(line.tell(DigitPressed("3"))) == [Gathered("123", Ending.COMPLETE)]


def test_keys_over_a_question_that_does_not_yield_wait_for_its_end(line):
    _, mark = line.saying(question(barge_in=BargeInPolicy.NONE))
    assert line.tell(DigitPressed("2")) == []
    assert reported(line.tell(MarkReturned(mark))) == [Gathered("2", Ending.COMPLETE)]


def test_a_pause_between_keys_ends_the_digits(line):
    line.saying(question(max_digits=4, between_seconds=3.0))
    line.tell(DigitPressed("7"))
    assert reported(line.wait(3.1)) == [Gathered("7", Ending.TIMED_OUT)]


def test_a_flow_that_no_longer_waits_leaves_a_quiet_line(line):
    line.saying(question())
    assert line.cancel_step() == [ClearPlayback(), ClearSpeech("u1")]
    assert line.perform_step(HELLO) == [StartSpeech("u2", HELLO)]


# The stream and the end.


def test_hanging_up_closes_the_stream_and_then_ends_the_call(line):
    assert line.perform_step(HangUp()) == [CloseStream()]
    assert line.session.phase is Phase.CLOSING
    assert line.tell(StreamLost()) == [ReleaseCall()]
    assert line.session.record.end_reason == "hung up by the flow"


def test_a_flow_that_returns_hangs_up(line):
    assert line.tell(FlowEnded()) == [CloseStream()]
    assert not line.session.apology_due


def test_a_flow_that_fails_owes_the_caller_an_apology(line):
    assert line.tell(FlowEnded("flow failed: KeyError: 'name'")) == [CloseStream()]
    assert line.session.apology_due


def test_a_caller_who_hangs_up_ends_everything_and_what_was_heard_is_kept(line):
    line.saying(audio=bytes(16_000))
    effects = line.hung_up(after=1.0)
    assert effects == [ClearSpeech("u1"), CloseStream(), ClearPlayback(), ReleaseCall()]
    assert line.session.record.end_reason == "caller hung up"
    [utterance] = line.session.record.utterances
    assert utterance.interruption.cause is BargeInCause.HANG_UP
    assert utterance.interruption.heard_ms == 1000
    assert line.perform_step(HELLO) == [], "nothing happens on a call that is over"


def test_a_final_status_of_the_call_ends_it_without_a_stream():
    line = Line()
    assert line.tell(CallOver("canceled")) == [ReleaseCall()]


def test_a_lost_stream_waits_for_twilio_and_says_the_prompt_again(line):
    line.saying()
    again = [CloseStream(), ClearSpeech("u1"), StartSpeech("u2", Say("Hello there."))]
    assert line.tell(StreamLost(), after=0.5) == again
    assert line.session.phase is Phase.WAITING
    line.tell(SpeechArrived("u2", Audio(bytes(160))))
    effects = line.tell(StreamStarted("MZ2", "CA1", "AC1", {}), after=2.0)
    assert payloads(effects) == bytes(160)


def test_a_stream_that_never_comes_back_ends_the_call(line):
    line.tell(StreamLost())
    assert line.wait(29.9) == []
    assert line.wait(0.2) == [ReleaseCall()]
    assert line.session.record.end_reason == "the media stream never came"


def test_a_stream_that_falls_silent_is_lost(line):
    line.tell(AudioReceived(b"", 0), after=5.0)
    assert line.wait(9.9) == []
    assert line.wait(0.2) == [CloseStream()]
    assert line.session.phase is Phase.WAITING


def test_a_closed_stream_whose_end_never_comes_ends_the_call_all_the_same(line):
    line.perform_step(HangUp())
    assert line.wait(10.1) == [ReleaseCall()]


def test_silence_does_not_count_while_there_is_no_stream(line):
    _, mark = line.saying(question(no_input_seconds=5.0))
    line.tell(MarkReturned(mark), after=1.0)
    line.tell(StreamLost(), after=4.0)
    assert line.wait(8.0) == []
    line.tell(StreamStarted("MZ2", "CA1", "AC1", {}))
    assert line.alive(4) == []
    assert reported(line.alive(2)) == [Gathered("", Ending.NO_INPUT)]


def test_half_a_number_waits_for_the_stream_as_well(line):
    line.saying(question(max_digits=4, between_seconds=3.0))
    line.tell(DigitPressed("7"))
    line.tell(StreamLost(), after=1.0)
    assert line.wait(8.0) == []
    line.tell(StreamStarted("MZ2", "CA1", "AC1", {}))
    line.tell(DigitPressed("8"), after=2.0)
    assert reported(line.wait(3.1)) == [Gathered("78", Ending.TIMED_OUT)]


# Tones and waiting.


def test_tones_are_sent_at_once_and_over_when_they_were_heard(line):
    effects = line.perform_step(Play(SECOND_OF_AUDIO, "digits 12"))
    assert payloads(effects) == SECOND_OF_AUDIO
    assert line.tell(DigitPressed("1")) == [], "nothing interrupts them"
    assert line.tell(MarkReturned(effects[-1].name), after=1.0) == [ReportOutcome(Said(None))]
    assert line.session.record.utterances[0].text == "digits 12"


def test_tones_before_the_stream_wait_for_it_and_are_played_again_when_it_was_lost():
    line = Line()
    assert line.perform_step(Play(SECOND_OF_AUDIO, "digits 12")) == []
    assert payloads(line.tell(StreamStarted("MZ1", "CA1", "AC1", {}))) == SECOND_OF_AUDIO
    line.tell(StreamLost(), after=0.5)
    assert payloads(line.tell(StreamStarted("MZ2", "CA1", "AC1", {}))) == SECOND_OF_AUDIO


def test_a_wait_is_over_after_its_time_and_keys_are_kept_for_the_next_question(line):
    assert line.perform_step(Wait(2.0)) == []
    line.tell(DigitPressed("1"), after=1.0)
    assert line.wait(0.9) == []
    assert line.wait(0.2) == [ReportOutcome(Said(None))]
    assert reported(line.perform_step(question())) == [Gathered("1", Ending.COMPLETE)]


def test_a_wait_that_is_cancelled_reports_nothing(line):
    line.perform_step(Wait(2.0))
    line.cancel_step()
    assert line.wait(3.0) == []


# Another process goes on.


PHARMACY = """
flow: test
start: hello
nodes:
  hello: {say: "Thank you for calling the pharmacy.", then: number}
  number: {collect: "Please enter your number.", into: number, digits: {max: 4}, no_input: {say: "Eh?"}, then: bye}
  bye: {hang_up: "Your number is {{ number }}."}
"""


WELCOME = "Thank you for calling the pharmacy."


def at_work():
    """A call in which the welcome was sent, and the marks that went with it."""
    line = Line(PHARMACY)
    start = begun(line.effects)
    line.started()
    words = tuple(Word(word, n * 500, (n + 1) * 500) for n, word in enumerate(WELCOME.split()))
    line.tell(SpeechArrived(start.utterance, Words(words)))
    sent = line.tell(SpeechArrived(start.utterance, Audio(bytes(24_000)))) + line.tell(SpeechEnded(start.utterance))
    return line, [effect.name for effect in sent if isinstance(effect, SendMark)]


def taken_over(line):
    """The call in a process that knows only its checkpoint."""
    return Line(PHARMACY, checkpoint=Checkpoint.decode(line.kept.encode()))


def test_a_checkpoint_is_kept_at_each_node_each_mark_and_each_key():
    line, marks = at_work()
    assert (line.kept.standing.node, line.kept.words_heard) == ("hello", 0)
    line.tell(MarkReturned(marks[0]), after=1.5)
    assert line.kept.words_heard == 3
    line.tell(DigitPressed("7"), after=0.1)
    assert (line.kept.standing.node, line.kept.typed) == ("number", "7"), "a key over the welcome is typed ahead"
    line.tell(DigitPressed("8"))
    assert (line.kept.answer, line.kept.typed) == ("78", "")


def test_another_process_goes_on_at_the_last_word_that_was_heard():
    line, marks = at_work()
    line.tell(MarkReturned(marks[0]), after=1.5)
    line = taken_over(line)
    assert begun(line.effects).say.text == "for calling the pharmacy."
    assert line.session.record.path == ["hello"]


def test_a_caller_who_was_half_through_their_number_types_the_rest():
    line, _ = at_work()
    for key in "12":
        line.tell(DigitPressed(key))
    line = taken_over(line)
    assert line.effects == [], "the question is not asked again"
    line.started()
    line.tell(DigitPressed("3"))
    assert begun(line.tell(DigitPressed("4"))).say.text == "Your number is 1234."


def test_a_question_asked_again_goes_on_with_what_was_said_before_it():
    line, marks = at_work()
    line.heard(begun(line.tell(MarkReturned(marks[-1]), after=3.0)))
    again = begun(line.alive(6))
    assert again.say.text == "Eh? Please enter your number."
    line.worded(again)
    line.tell(MarkReturned("unknown"), after=1.1)
    line = taken_over(line)
    assert begun(line.effects).say.text == "your number."
    assert line.kept.standing.silences == 1


def test_a_second_process_that_dies_is_followed_by_a_third():
    line, marks = at_work()
    line.tell(MarkReturned(marks[0]), after=1.5)
    line = taken_over(taken_over(line))
    assert begun(line.effects).say.text in WELCOME
    assert line.kept.standing.node == "hello"


def test_a_python_flow_keeps_what_it_calls_its_place_through_every_key(line):
    line.checkpoint("asked", {"name": "Ann"})
    line.session.record.result["answer"] = 1
    line.tell(DigitPressed("1"))
    assert line.kept == Checkpoint(
        typed="1", name="asked", variables={"name": "Ann"}, result={"answer": 1}, person=True
    )
    again = Line(checkpoint=line.kept).started()
    assert again.session.record.result == {"answer": 1}
    assert reported(again.perform_step(question())) == [Gathered("1", Ending.COMPLETE)]


def test_a_stream_that_starts_after_the_flow_has_ended_is_closed():
    line = Line().started()
    line.hang_up()
    assert line.tell(StreamStarted("MZ2", "CA1", "AC1", {})) == [CloseStream()]
    assert line.session.phase is Phase.CLOSING
