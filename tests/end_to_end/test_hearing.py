"""What the caller hears is what Rime sent: whole calls over loopback on virtual time."""

import asyncio

import pytest
from support.bridge import bridge, heard_by
from support.speech import SYSTEMS, audio_of
from support.virtual_time import virtually

from telebridge import Bridge
from telebridge.audio.tones import dtmf
from telebridge.simulator.media.recording import EventKind
from telebridge.speech_server.options import SpeechServerFaults

SENTENCE = "We are open from Monday to Friday."
GOODBYE = "Goodbye and thank you."
FLOW = f"""
flow: test
start: hours
nodes:
  hours: {{say: "{SENTENCE}", then: bye}}
  bye: {{hang_up: "{GOODBYE}"}}
"""


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize("chunk_bytes", [0, pytest.param(1, marks=pytest.mark.slow), 161, 65536])
@virtually
async def test_the_caller_hears_byte_for_byte_what_rime_sent(tmp_path, protocol, model, chunk_bytes):
    rime = {"faults": SpeechServerFaults(chunk_bytes=chunk_bytes)}
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model, rime=rime) as stack:
        placed, record = await stack.call("listen 600s")
    assert b"".join(heard_by(placed)) == audio_of(SENTENCE) + audio_of(GOODBYE)
    assert [utterance.text for utterance in record.utterances] == [SENTENCE, GOODBYE]
    assert all(utterance.interruption is None for utterance in record.utterances)
    assert record.end_reason == "hung up by the flow"
    assert placed.recording.of_kind(EventKind.WARNING) == []


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize("chunk_bytes", [0, 400])
@virtually
async def test_nothing_runs_dry_while_rime_keeps_up_with_real_time(tmp_path, protocol, model, chunk_bytes):
    rime = {"faults": SpeechServerFaults(pace=1.02, chunk_bytes=chunk_bytes)}
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model, rime=rime) as stack:
        placed, _ = await stack.call("listen 600s")
    assert b"".join(heard_by(placed)) == audio_of(SENTENCE) + audio_of(GOODBYE)
    assert len(heard_by(placed)) <= 2, "each of the two sentences plays in one stretch"


@virtually
async def test_say_returns_when_the_last_byte_was_heard(tmp_path):
    flows, returned = Bridge(), []

    @flows.flow("test")
    async def flow(call):
        await call.say(SENTENCE)
        returned.append(asyncio.get_running_loop().time())

    async with bridge(tmp_path, None, python=flows) as stack:
        placed, _ = await stack.call("listen 600s")
    [stretch] = placed.recording.heard
    assert stretch.audio == audio_of(SENTENCE)
    assert returned[0] == pytest.approx(stretch.end_time, abs=0.03)
    assert returned[0] >= stretch.end_time - 0.001


@virtually
async def test_a_goodbye_is_heard_to_its_end_before_the_line_closes(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed, _ = await stack.call("listen 600s; hang up")
    closed = placed.recording.of_kind(EventKind.STREAM_STOPPED)[0].at_ms / 1000 + placed.recording.opened_at
    assert closed >= placed.recording.heard[-1].end_time


@virtually
async def test_a_key_silences_the_prompt_at_once_and_what_was_heard_is_known(tmp_path):
    flow = f"""
flow: test
start: menu
nodes:
  menu: {{menu: "{SENTENCE}", choices: {{1: bye}}, no_input: {{then: bye}}, no_match: {{then: bye}}}}
  bye: {{hang_up: "{GOODBYE}"}}
"""
    async with bridge(tmp_path, flow) as stack:
        placed, record = await stack.call("wait 500ms; press 1; listen 600s")
    first, *rest = heard_by(placed)
    assert audio_of(SENTENCE).startswith(first)
    assert rest == [audio_of(GOODBYE)]
    [key] = placed.recording.of_kind(EventKind.KEY)
    [clear] = placed.recording.of_kind(EventKind.CLEAR)
    assert clear.at_ms - key.at_ms <= 40
    cut = record.utterances[0].interruption
    assert cut.heard_ms == pytest.approx(len(first) / 8, abs=40)
    assert record.digits == ["1"]


@virtually
async def test_tokens_of_a_model_are_heard_as_one_text(tmp_path):
    flows = Bridge()

    @flows.flow("test")
    async def flow(call):
        async def tokens():
            for token in ("Hello ", "there. ", "How are ", "you?"):
                yield token
                await asyncio.sleep(0.3)

        await call.say(tokens())
        await call.hang_up("Bye.")

    async with bridge(tmp_path, None, python=flows) as stack:
        placed, record = await stack.call("listen 600s")
    heard = b"".join(heard_by(placed))
    assert heard == audio_of("Hello there.") + audio_of("How are you?") + audio_of("Bye.")
    assert record.utterances[0].text == "Hello there. How are you?"


@pytest.mark.slow
@virtually
async def test_fifty_calls_at_once_hear_each_their_own(tmp_path):
    flow = """
flow: test
start: hello
nodes:
  hello: {say: "Your number is {{ from }}.", then: bye}
  bye: {hang_up: null}
"""
    async with bridge(tmp_path, flow) as stack:
        numbers = [f"+1555{index:07}" for index in range(50)]
        called = await asyncio.gather(*(stack.call("listen 60s", from_number=number) for number in numbers))
    for number, (placed, _) in zip(numbers, called, strict=True):
        assert b"".join(heard_by(placed)) == audio_of(f"Your number is {number}.")


@virtually
async def test_tones_and_silences_are_heard_where_the_flow_has_them(tmp_path):
    flow = """
flow: test
variables: {extension: "204"}
start: dial
nodes:
  dial: {send_digits: "{{ extension }}#", then: rest}
  rest: {wait: 2s, then: route}
  route:
    choose:
      - {if: "extension == '204'", then: bye}
      - {then: dial}
  bye: {hang_up: "Goodbye and thank you."}
"""
    async with bridge(tmp_path, flow) as stack:
        placed, record = await stack.call("listen 600s")
    tones, goodbye = placed.recording.heard
    assert tones.audio == dtmf("204#")
    assert goodbye.audio == audio_of(GOODBYE)
    assert 2.0 <= goodbye.start_time - tones.end_time < 2.1
    assert record.utterances[0].text == "digits 204#"


@virtually
async def test_a_python_flow_plays_tones_and_audio(tmp_path):
    flows = Bridge()

    @flows.flow("test")
    async def flow(call):
        await call.send_digits("1w2")
        await call.play(audio_of(SENTENCE), name="a recording")

    async with bridge(tmp_path, None, python=flows) as stack:
        placed, record = await stack.call("listen 600s")
    assert b"".join(heard_by(placed)) == dtmf("1w2") + audio_of(SENTENCE)
    assert [utterance.text for utterance in record.utterances] == ["digits 1w2", "a recording"]
