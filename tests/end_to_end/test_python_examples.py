"""The Python examples that come with telebridge, led through their branches with the telephone of tests."""

import pytest
from support.flows import OPERATOR_RINGS, followed

import telebridge
from telebridge.app.python_flows import load_bridge
from telebridge.simulator.media.recording import EventKind

pytestmark = pytest.mark.slow

ASK = "To confirm it, press 1. To move it, press 2. To cancel it, press 3."
HELLO = "Hello there. This is Acme Dental, about your appointment tomorrow at ten."
MAIN = "For opening hours, press 1. To check an appointment, press 2. To hear this again, press star."


def called(phone, example, script, *, desk=OPERATOR_RINGS):
    """Somebody calls an example, which is loaded as `telebridge serve --app` does."""
    found = load_bridge(f"config.python.{example}:bridge")
    [flow] = found.flows
    phone.answers("+15551230100", desk)
    return followed(phone, script, target=found, flow=flow, settings={"transfers": {"allowed": ["+1555"]}})


def test_two_names_are_enough_for_a_flow():
    assert {"Bridge", "Call"} <= set(telebridge.__all__)


@pytest.mark.parametrize(
    ("keys", "result", "last"),
    [
        ("press 1", "confirmed", "Thank you. We will see you tomorrow at ten."),
        ("press 3", "cancelled", "Your appointment is cancelled. Goodbye."),
        ("press 9; silence; press 3", "cancelled", "Your appointment is cancelled. Goodbye."),
        ("listen 60s", "none", "We did not get an answer. Please call us back. Goodbye."),
    ],
)
def test_a_reminder_keeps_the_answer(phone, keys, result, last):
    call = called(phone, "reminder", f"silence; {keys}; listen 60s")
    assert call.said[:2] == [HELLO, ASK]
    assert call.result == {"answer": result}
    assert last in call.heard
    assert call.record.end_reason == "hung up by the flow"


def test_who_wants_to_move_it_talks_to_the_office(phone):
    call = called(phone, "reminder", "silence; press 2; listen 60s")
    assert call.result == {"answer": "to be moved"}
    assert call.said == [HELLO, ASK], "a flow that ends while Twilio connects the stream is not begun again"
    [whisper] = call.recording.of_kind(EventKind.WHISPER)
    assert whisper.detail == "Somebody wants to move an appointment."
    assert call.record.end_reason == "flow ended"


def test_or_leaves_a_message(phone):
    script = "silence; press 2; silence; speak 3s; press #; listen 60s"
    call = called(phone, "reminder", script, desk="busy")
    assert call.result == {"answer": "to be moved", "message": call.record.recordings[0]}
    assert "Thank you. We will call you back. Goodbye." in call.heard


def test_a_message_that_never_ends_is_cut_and_kept(phone):
    script = "silence; press 2; silence; speak 100s; listen 60s"
    call = called(phone, "reminder", script, desk="busy")
    assert call.result == {"answer": "to be moved", "message": "too long"}
    assert len(call.record.recordings) == 1, "what was said until then is not lost"


@pytest.mark.parametrize("script", ["wait 300ms", "silence", "silence; press 2; listen 5s"])
def test_hanging_up_ends_a_python_flow(phone, script):
    call = called(phone, "reminder", f"{script}; hang up", desk="ring 60s")
    assert call.record.end_reason in ("caller hung up", "call completed")


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("press 1; silence", "We are open Monday to Friday, from eight in the morning to six in the evening."),
        ("press 2; silence; press 123456#; silence", "Account 1 2 3 4 5 6 has an appointment on Tuesday at ten."),
        ("press 2; silence; press 12#; silence; press 654321", "Account 6 5 4 3 2 1 has no appointment."),
    ],
)
def test_the_front_desk_answers(phone, keys, answer):
    call = called(phone, "front_desk", f"silence; press *; silence; {keys}; listen 60s")
    assert call.said[:3] == ["Thank you for calling Acme Dental.", MAIN, MAIN]
    assert answer in call.heard
    assert "Thank you for calling Acme Dental. Goodbye." in call.heard


def test_the_front_desk_can_be_typed_through(phone):
    call = called(phone, "front_desk", "wait; press 2123456; silence; press 1; silence; hang up")
    assert call.result == {"account": "123456"}
    assert call.said[-1] == MAIN


def test_a_streamed_answer_is_heard_whole_when_nobody_interrupts(phone):
    call = called(phone, "streamed", "listen 120s")
    assert call.said[0].startswith("You said hello. I could tell you")
    assert call.result["conversation"][1] == f"assistant: {call.said[0].strip()}"
    assert call.record.end_reason == "hung up by the flow"


def test_what_was_heard_of_a_streamed_answer_goes_back_into_the_conversation(phone):
    call = called(phone, "streamed", "wait 2500ms; speak 1500ms; listen 120s")
    cut = call.record.utterances[0].interruption
    assert cut.cause.value == "speech"
    assert call.result["conversation"][1] == f"assistant: {cut.heard_text}"
    assert "story" not in cut.heard_text
    assert call.said[1].startswith("You said something that I did not understand.")
