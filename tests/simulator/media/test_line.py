"""A line processes frames at fixed times, whenever it is woken."""

import pytest

from telebridge.simulator.caller.caller import Caller, HangUpStep, Listen, Press, Script, Speak
from telebridge.simulator.media.line import PhoneLine
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.media.stream import StreamLeg

LOUD = b"\x00" * 160


def line(*steps):
    return PhoneLine(Caller(Script(steps)), DualChannelRecording(5.0), opened_at=5.0)


def test_a_late_wake_up_processes_all_frames_that_were_missed():
    woken_late, woken_often = line(Listen(0.1), Press("12")), line(Listen(0.1), Press("12"))
    late = woken_late.handle_timeout(now=6.0)
    keys = "".join(woken_often.handle_timeout(now=5.0 + number / 50).keys for number in range(1, 51))
    assert late.keys == keys == "12"
    assert woken_late.recording.events == woken_often.recording.events
    assert len(woken_late.recording.caller) == 8000


def test_frames_do_not_drift():
    phone = line()
    deadlines = []
    for _ in range(500):
        deadlines.append(phone.next_deadline())
        phone.handle_timeout(now=deadlines[-1])
    assert deadlines == [5.0 + number * 0.02 for number in range(1, 501)]


def test_a_mark_is_due_between_two_frames():
    phone = line()
    phone.stream = StreamLeg("MZ1", phone.playout, phone.recording)
    phone.stream.open(call_sid="CA1", account_sid="AC1", parameters={})
    phone.playout.queue_audio(b"\x00" * 40, now=5.0)
    phone.playout.queue_mark("m", now=5.0)
    assert phone.next_deadline() == 5.005
    [message] = phone.handle_timeout(now=5.005).messages
    assert b'"mark"' in message


def test_steps_are_recorded_by_their_names():
    phone = line(Speak(LOUD, words="hello"), HangUpStep())
    passed = phone.handle_timeout(now=6.0)
    assert passed.hung_up
    assert [event.detail for event in phone.recording.of_kind(EventKind.CALLER)] == ["Speak hello", "HangUp"]


def test_a_far_party_hears_the_caller_and_is_heard():
    phone = line(Speak(LOUD * 10))
    phone.far = Caller(Script((Speak(LOUD * 5), HangUpStep())))
    assert phone.handle_timeout(now=5.5).far_hung_up
    phone.close(now=5.5)
    assert b"".join(piece.audio for piece in phone.recording.heard).startswith(LOUD * 5)


def test_a_caller_who_stays_silent_may_send_long_frames_and_acts_at_once():
    phone = PhoneLine(Caller(Script()), DualChannelRecording(5.0), opened_at=5.0, silent_frames=10)
    phone.handle_timeout(now=5.0 + 2.0)
    assert phone.next_deadline() == pytest.approx(7.2)
    phone.act(Press("1"), now=7.07)
    assert phone.next_deadline() == pytest.approx(7.08)
    assert phone.handle_timeout(now=7.09).keys == "1"
    assert len(phone.recording.caller) == 104 * 160, "nothing of the time is lost"


def test_late_marks_come_back_late():
    phone = line()
    phone.stream = StreamLeg("MZ1", phone.playout, phone.recording, delay_marks_seconds=0.5)
    phone.stream.open(call_sid="CA1", account_sid="AC1", parameters={})
    phone.stream.receive_text('{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}', now=5.0)
    early = phone.handle_timeout(now=5.49).messages
    late = phone.handle_timeout(now=5.5).messages
    assert [b'"mark"' in b"".join(messages) for messages in (early, late)] == [False, True]
