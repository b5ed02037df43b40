"""The Python examples that come with telebridge, led through their branches on virtual time."""

import pytest
from support.bridge import bridge
from support.flows import OPERATOR_RINGS, heard_whole, left_running, said
from support.virtual_time import virtually

import telebridge
from telebridge.app.python_flows import load_bridge
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind

pytestmark = pytest.mark.slow

ASK = "To confirm it, press 1. To move it, press 2. To cancel it, press 3."
HELLO = "Hello there. This is Acme Dental, about your appointment tomorrow at ten."
MAIN = "For opening hours, press 1. To check an appointment, press 2. To hear this again, press star."


async def called(tmp_path, example, script, *, desk=OPERATOR_RINGS):
    """Somebody calls an example, which is loaded as `telebridge serve --app` does."""
    found = load_bridge(f"config.python.{example}:bridge")
    [flow] = found.flows
    twilio = {"callers": {"+15551230100": parse_script(desk)}}
    async with bridge(
        tmp_path, None, default_flow=flow, python=found, twilio=twilio, transfers={"allowed": ["+1555"]}
    ) as stack:
        placed, record = await stack.call(script)
        assert len(stack.calls) == 0
        assert await left_running() == []
    return placed, record


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
@virtually
async def test_a_reminder_keeps_the_answer(tmp_path, keys, result, last):
    placed, record = await called(tmp_path, "reminder", f"silence; {keys}; listen 60s")
    assert said(record)[:2] == [HELLO, ASK]
    assert record.result == {"answer": result}
    assert heard_whole(placed, last)
    assert record.end_reason == "hung up by the flow"


@virtually
async def test_who_wants_to_move_it_talks_to_the_office(tmp_path):
    placed, record = await called(tmp_path, "reminder", "silence; press 2; listen 60s")
    assert record.result == {"answer": "to be moved"}
    assert said(record) == [HELLO, ASK], "a flow that ends while Twilio connects the stream is not begun again"
    [whisper] = placed.recording.of_kind(EventKind.WHISPER)
    assert whisper.detail == "Somebody wants to move an appointment."
    assert record.end_reason == "flow ended"


@virtually
async def test_or_leaves_a_message(tmp_path):
    script = "silence; press 2; silence; speak 3s; press #; listen 60s"
    placed, record = await called(tmp_path, "reminder", script, desk="busy")
    assert record.result == {"answer": "to be moved", "message": record.recordings[0]}
    assert heard_whole(placed, "Thank you. We will call you back. Goodbye.")


@virtually
async def test_a_message_that_never_ends_is_cut_and_kept(tmp_path):
    script = "silence; press 2; silence; speak 100s; listen 60s"
    _, record = await called(tmp_path, "reminder", script, desk="busy")
    assert record.result == {"answer": "to be moved", "message": "too long"}
    assert len(record.recordings) == 1, "what was said until then is not lost"


@pytest.mark.parametrize("script", ["wait 300ms", "silence", "silence; press 2; listen 5s"])
@virtually
async def test_hanging_up_ends_a_python_flow(tmp_path, script):
    _, record = await called(tmp_path, "reminder", f"{script}; hang up", desk="ring 60s")
    assert record.end_reason in ("caller hung up", "call completed")


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("press 1; silence", "We are open Monday to Friday, from eight in the morning to six in the evening."),
        ("press 2; silence; press 123456#; silence", "Account 1 2 3 4 5 6 has an appointment on Tuesday at ten."),
        ("press 2; silence; press 12#; silence; press 654321", "Account 6 5 4 3 2 1 has no appointment."),
    ],
)
@virtually
async def test_the_front_desk_answers(tmp_path, keys, answer):
    placed, record = await called(tmp_path, "front_desk", f"silence; press *; silence; {keys}; listen 60s")
    assert said(record)[:3] == ["Thank you for calling Acme Dental.", MAIN, MAIN]
    assert heard_whole(placed, answer)
    assert heard_whole(placed, "Thank you for calling Acme Dental. Goodbye.")


@virtually
async def test_the_front_desk_can_be_typed_through(tmp_path):
    _, record = await called(tmp_path, "front_desk", "wait; press 2123456; silence; press 1; silence; hang up")
    assert record.result == {"account": "123456"}
    assert said(record)[-1] == MAIN


@virtually
async def test_a_streamed_answer_is_heard_whole_when_nobody_interrupts(tmp_path):
    _, record = await called(tmp_path, "streamed", "listen 120s")
    assert said(record)[0].startswith("You said hello. I could tell you")
    assert record.result["conversation"][1] == f"assistant: {said(record)[0].strip()}"
    assert record.end_reason == "hung up by the flow"


@virtually
async def test_what_was_heard_of_a_streamed_answer_goes_back_into_the_conversation(tmp_path):
    _, record = await called(tmp_path, "streamed", "wait 2500ms; speak 1500ms; listen 120s")
    cut = record.utterances[0].interruption
    assert cut.cause.value == "speech"
    assert record.result["conversation"][1] == f"assistant: {cut.heard_text}"
    assert "story" not in cut.heard_text
    assert said(record)[1].startswith("You said something for 1.5 seconds.")
