"""What a caller hears when the media stream is cut in the middle of something, or the bridge dies under a call."""

import asyncio

import pytest
from support.faults import fault
from support.flows import OPERATOR_RINGS, followed

from telebridge import Bridge
from telebridge.testing import Phone

pytestmark = pytest.mark.slow

WORDS = [f"{word}." for word in "One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve".split()]  # noqa: SIM905
MESSAGE = """
flow: message
start: message
nodes:
  message: {record: "Speak after the tone.", silence: 4s, longest: 20s, into: message, nothing: bye, then: thanks}
  thanks: {say: "{{ message.seconds | round | int }} seconds were kept.", then: bye}
  bye: {hang_up: null}
"""
CHOICES = "Press one for the desk, or two to enter the number that we have sent you with our last letter."
DESK = """
flow: desk
start: main
nodes:
  main: {menu: "CHOICES", choices: {1: desk, 2: number}}
  number: {collect: "Please enter your number of four digits.", into: number, digits: {min: 4, max: 4}, then: read}
  read: {say: "Your number is {{ number }}.", then: bye}
  desk: {transfer: "+15551230100", timeout: 20s, failed: nobody, then: bye}
  nobody: {say: "Nobody is there.", then: main}
  bye: {hang_up: "Goodbye."}
""".replace("CHOICES", CHOICES)


@pytest.fixture
def lines(tmp_path):
    """A telephone beside the flows `message.yaml` and `desk.yaml`."""
    (tmp_path / "message.yaml").write_text(MESSAGE)
    (tmp_path / "desk.yaml").write_text(DESK)
    with Phone(folder=tmp_path) as phone:
        yield phone


@fault(
    "The stream breaks while a language model still writes the text.",
    caller="Every word once, over two streams.",
    operator="One utterance in the record.",
    kept="What is still being written.",
)
def test_a_streamed_text_is_heard_to_its_end_although_the_stream_was_cut(lines):
    led = Bridge()

    async def written():
        for word in WORDS:
            await asyncio.sleep(0.4)
            yield f"{word} "

    @led.flow("test")
    async def flow(call):
        await call.say(written())

    lines.twilio.drops_stream(at=3)
    call = followed(lines, "listen 60s", target=led, flow="test")
    assert call.record.end_reason == "flow ended"
    assert " ".join(call.said).split() == WORDS, "each once, whichever stream it was heard over"


@fault(
    "The stream breaks while the caller leaves a message.",
    caller="The thanks, once the message is over.",
    operator="One recording in the record.",
    kept="What was said before and after the break.",
)
@pytest.mark.parametrize("cut_after", [1.0, 4.0, 6.0])
def test_a_recording_outlives_a_lost_stream(lines, cut_after):
    lines.twilio.drops_stream(at=cut_after)
    call = followed(lines, "at 4s; speak 8s; listen 60s", target="message.yaml")
    assert call.path == ["message", "thanks", "bye"]
    assert len(call.recordings) == 1
    assert call.said[-1].endswith("seconds were kept.")
    assert 5 <= int(call.said[-1].split()[0]) <= 12
    assert call.said[-1] in call.heard


@fault(
    "The stream breaks in the middle of a message, and the caller hangs up.",
    caller="Nothing.",
    operator="The recording in the record.",
    kept="What was said until then.",
)
def test_what_was_recorded_is_kept_when_the_stream_never_comes_back(lines):
    lines.twilio.hangs_stream(at=6)
    call = followed(lines, "at 3s; speak 2s; at 9s; hang up", target="message.yaml")
    assert len(call.recordings) == 1


@fault(
    "The process dies in the middle of a prompt, and Twilio asks another one.",
    caller="The prompt from about the word that was heard last.",
    operator="The log line 'call taken over'; one record.",
    kept="The position in the flow.",
)
def test_another_process_goes_on_at_the_word_that_was_heard_last(lines):
    call = lines.call("desk.yaml")
    call.waits(3.5)  # how far a prompt is heard is written every two seconds
    lines.restart()
    call.follows("at 7s; press 2; silence; press 1234; listen 60s")
    call.ends(within=200)
    assert call.path == ["main", "number", "read", "bye"]
    assert "Your number is 1234." in call.heard
    first = call.said[0]
    assert CHOICES.endswith(first)
    assert first != CHOICES, "not all of it again"
    assert first in call.heard


@fault(
    "The process dies when half a number is typed.",
    caller="The rest of the question; the other half is enough.",
    operator="The whole number in the record.",
    kept="The keys that were pressed.",
)
def test_keys_that_were_typed_are_not_typed_again(lines):
    call = lines.call("desk.yaml")
    call.follows("silence; press 2; silence; press 12")
    call.waits(0.5)  # what waits to be written is
    lines.restart()
    call.follows("listen 2s; press 34; listen 60s")
    call.ends(within=200)
    assert call.path == ["main", "number", "read", "bye"]
    assert "Your number is 1234." in call.heard


@fault(
    "The process dies while the caller talks to somebody else.",
    caller="What follows the transfer, from another process.",
    operator="One record with both halves of the path.",
    kept="Whom the caller talked to, and that they did.",
)
@pytest.mark.parametrize(
    ("desk", "path"), [(OPERATOR_RINGS, ["main", "desk", "bye"]), ("busy after 6s", ["main", "desk", "nobody", "main"])]
)
def test_another_process_hears_how_the_transfer_went(lines, desk, path):
    lines.answers("+15551230100", desk)
    call = lines.call("desk.yaml")
    call.follows("silence; press 1; wait 1s")
    lines.restart()
    call.follows("listen 12s; wait; hang up")
    call.ends(within=200)
    assert call.path[: len(path)] == path
    assert call.status == "completed"
