"""Interruptions of whole calls over loopback on virtual time, through every Rime system, by every cause."""

import asyncio
import gc
from contextlib import aclosing

import aiohttp
import pytest
from support.bridge import bridge, heard_by
from support.garbage import garbage
from support.speech import SYSTEMS, TalkingVoice, audio_of
from support.virtual_time import virtually
from websockets.protocol import State

from telebridge import Bridge
from telebridge.audio.mulaw import silence
from telebridge.rime.connection import RimeConnection
from telebridge.simulator.caller.voices import speech
from telebridge.simulator.media.recording import EventKind
from telebridge.speech_server.options import SpeechServerFaults

pytestmark = pytest.mark.slow

PROMPT = "Thank you for calling Acme Dental which is open from eight to six."
NEXT = "What can I do for you?"
FLOW = f"""
flow: test
start: hours
nodes:
  hours: {{say: "{PROMPT}", then: next}}
  next: {{say: "{NEXT}", barge_in: none, then: bye}}
  bye: {{hang_up: null}}
"""
BEFORE_A_CUT = 100  # bytes that tell which part of a prompt a stretch begins with


def heard_of(placed, text):
    """The stretches that the caller heard of a prompt, as ranges of its audio in milliseconds."""
    audio, ranges = audio_of(text), []
    for stretch in b"".join(heard_by(placed)).split(audio_of(NEXT)) if text != NEXT else heard_by(placed):
        rest = stretch
        while len(rest) >= BEFORE_A_CUT:
            start = audio.find(rest[:BEFORE_A_CUT])
            assert start >= 0, "something else than the prompt was heard"
            size = next((n for n in range(len(rest), 0, -1) if audio[start : start + n] == rest[:n]), 0)
            ranges.append((start / 8, (start + size) / 8))
            rest = rest[size:]
    return ranges


def clears(placed):
    return [event.at_ms for event in placed.recording.of_kind(EventKind.CLEAR)]


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_speech_that_goes_on_ends_the_prompt(tmp_path, protocol, model):
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model) as stack:
        placed, record = await stack.call("wait 1500ms; speak 1200ms; listen 60s")
    cut = record.utterances[0].interruption
    [(start, end)] = heard_of(placed, PROMPT)
    assert start == 0
    assert 1500 < clears(placed)[0] <= 1600
    assert cut.heard_ms == pytest.approx(end, abs=1)
    assert cut.heard_text == "Thank you for calling"
    assert cut.exact is (protocol != "ws")
    assert 0 < cut.stop_ms <= 100
    assert audio_of(NEXT) in b"".join(heard_by(placed)), "what follows is heard whole"


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize("sound", ["cough", "mm-hm"])
@virtually
async def test_after_a_cough_the_prompt_goes_on_and_nothing_is_lost(tmp_path, protocol, model, sound):
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model) as stack:
        placed, record = await stack.call(f"wait 1500ms; {sound}; listen 60s")
    [first, second] = heard_of(placed, PROMPT)
    assert first[0] == 0
    assert second[1] == len(audio_of(PROMPT)) / 8
    assert 0 <= first[1] - second[0] <= 660
    assert len(record.utterances[0].pauses) == 1
    assert record.utterances[0].interruption is None


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize("chunk_bytes", [1, 161, 4096, 65536])
@pytest.mark.parametrize("script", ["wait 700ms; press 1", "wait 700ms; speak 1200ms"])
@virtually
async def test_rime_that_goes_on_for_ten_seconds_is_not_heard(tmp_path, protocol, model, chunk_bytes, script):
    rime = {"faults": SpeechServerFaults(pace=1.5, chunk_bytes=chunk_bytes, stale_seconds=10)}
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model, rime=rime) as stack:
        placed, _ = await stack.call(f"{script}; listen 60s")
    heard = b"".join(heard_by(placed))
    [(start, end)] = heard_of(placed, PROMPT)
    assert (start, 600 < end < 1000) == (0, True)
    assert heard == audio_of(PROMPT)[: round(end * 8)] + audio_of(NEXT)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_a_key_ends_the_prompt_at_once(tmp_path, protocol, model):
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model) as stack:
        placed, record = await stack.call("wait 1s; press 1; listen 60s")
    [key] = placed.recording.of_kind(EventKind.KEY)
    assert clears(placed)[0] - key.at_ms <= 20, "a frame of the local Twilio"
    assert record.utterances[0].interruption.cause.value == "key"
    assert heard_of(placed, PROMPT)[0][1] == pytest.approx(record.utterances[0].interruption.heard_ms, abs=1)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_the_owner_of_the_call_ends_the_prompt(tmp_path, protocol, model):
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model) as stack:
        call = asyncio.create_task(stack.call("listen 60s"))
        await asyncio.sleep(1.0)
        stack.runner.clear()
        placed, record = await call
    assert record.utterances[0].interruption.cause.value == "api"
    assert 900 < record.utterances[0].interruption.heard_ms < 1001
    assert len(clears(placed)) == 1


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize("script", ["wait 1s; hang up", "wait 1s; cough; hang up"])
@virtually
async def test_who_hangs_up_has_heard_that_much(tmp_path, protocol, model, script):
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model) as stack:
        placed, record = await stack.call(script)
    cut = record.utterances[0].interruption
    assert cut.cause.value == "hang-up"
    assert cut.heard_ms == pytest.approx(max(end for _, end in heard_of(placed, PROMPT)), abs=21)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_a_key_before_the_first_audio(tmp_path, protocol, model):
    rime = {"faults": SpeechServerFaults(first_byte_delay_seconds=2.0)}
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model, rime=rime) as stack:
        placed, record = await stack.call("listen 500ms; press 1; listen 60s")
    assert record.utterances[0].interruption.heard_text == ""
    assert b"".join(heard_by(placed)) == audio_of(NEXT)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_who_says_hello_before_the_first_audio_is_heard_out(tmp_path, protocol, model):
    rime = {"faults": SpeechServerFaults(first_byte_delay_seconds=1.0)}
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model, rime=rime) as stack:
        placed, record = await stack.call("listen 500ms; speak 1500ms; listen 60s")
    assert [utterance.interruption for utterance in record.utterances] == [None, None]
    assert b"".join(heard_by(placed)) == audio_of(PROMPT) + audio_of(NEXT)


@virtually
async def test_the_line_is_cleared_even_where_the_interruption_ends_the_call(tmp_path):
    flow = FLOW.replace("then: next}", "then: bye}", 1)
    flow = "\n".join(line for line in flow.splitlines() if not line.startswith("  next"))
    async with bridge(tmp_path, flow) as stack:
        placed, record = await stack.call("wait 1s; press 1; listen 60s")
    assert len(clears(placed)) == 1
    assert record.end_reason == "hung up by the flow"


@virtually
async def test_a_second_listener_takes_over_where_the_first_one_is(tmp_path):
    flows, first, second = Bridge(), bytearray(), bytearray()

    @flows.flow("test")
    async def flow(call):
        await asyncio.sleep(1)
        async for piece in call.caller_audio():
            first.extend(piece)
            if len(first) >= 8000:
                break
        async for piece in call.caller_audio():
            second.extend(piece)
            if len(second) >= 8000:
                break

    async with bridge(tmp_path, None, python=flows) as stack:
        placed, _ = await stack.call("listen 300ms; speak 4s; listen 60s")
    assert bytes(first + second) in placed.recording.caller_leg()


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_an_interruption_between_two_chunks(tmp_path, protocol, model):
    rime = {"faults": SpeechServerFaults(pace=0.5, chunk_bytes=8000)}
    async with bridge(tmp_path, FLOW, protocol=protocol, model=model, rime=rime) as stack:
        placed, record = await stack.call("wait 1500ms; press 1; listen 60s")
    assert record.utterances[0].interruption.heard_ms == 1000
    assert b"".join(heard_by(placed)) == audio_of(PROMPT)[:8000] + audio_of(NEXT)


def connections_to_rime():
    """The client's open connections, those in reserve too; nobody but the client holds them."""
    opened = (each for each in gc.get_objects() if type(each) is RimeConnection and each.state is State.OPEN)
    return [each for each in opened if each.request.path.startswith("/ws")]


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_an_interruption_when_the_connection_to_rime_is_already_dead(tmp_path, protocol, model):
    flows, told = Bridge(), []

    @flows.flow("test")
    async def flow(call):
        told.append(await call.say(PROMPT))
        told.append(await call.say(NEXT, barge_in="none"))

    async with bridge(tmp_path, None, python=flows, protocol=protocol, model=model) as stack:
        call = asyncio.create_task(stack.call("wait 1s; speak 1200ms; listen 60s"))
        await asyncio.sleep(0.5)
        connected = connections_to_rime()
        assert connected
        for connection in connected:
            connection.transport.abort()
        placed, record = await call
    assert [utterance.interruption is None for utterance in record.utterances] == [False, True]
    assert audio_of(NEXT) in b"".join(heard_by(placed))
    assert told[1] is None


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_interruptions_twice_in_a_row(tmp_path, protocol, model):
    flow = FLOW.replace(", barge_in: none", "")
    async with bridge(tmp_path, flow, protocol=protocol, model=model) as stack:
        placed, record = await stack.call("wait 1s; speak 900ms; wait 500ms; speak 900ms; listen 60s")
    assert [utterance.interruption.cause.value for utterance in record.utterances] == ["speech", "speech"]
    assert len(clears(placed)) == 2
    assert audio_of(NEXT).startswith(heard_by(placed)[1])


@virtually
async def test_an_interruption_while_the_prompt_resumes(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed, record = await stack.call("wait 1500ms; cough; wait 100ms; speak 1200ms; listen 60s")
    assert record.utterances[0].interruption.cause.value == "speech"
    truth = max(end for _, end in heard_of(placed, PROMPT))
    assert record.utterances[0].interruption.heard_ms == pytest.approx(truth, abs=1)


@pytest.mark.parametrize(
    ("policy", "by_speech", "by_key"),
    [("any", True, True), ("speech", True, False), ("keys", False, True), ("none", False, False)],
)
@virtually
async def test_each_policy_yields_to_its_causes_alone(tmp_path, policy, by_speech, by_key):
    flow = FLOW.replace("then: next}", f"barge_in: {policy}, then: next}}", 1)
    async with bridge(tmp_path, flow) as stack:
        _, spoken = await stack.call("wait 1s; speak 1s; listen 60s")
        _, keyed = await stack.call("wait 1s; press 1; listen 60s")
    assert (spoken.utterances[0].interruption is not None) is by_speech
    assert (keyed.utterances[0].interruption is not None) is by_key


@virtually
async def test_a_call_that_is_over_is_freed_without_the_garbage_collector(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        await stack.call("wait 1500ms; speak 1200ms; listen 60s")
        with garbage() as found:
            await stack.call("wait 1500ms; speak 1200ms; press 1; listen 60s")
            await asyncio.sleep(5)
    assert not found


@pytest.mark.parametrize("place", ["noise hum -40dB", "noise street -35dB", "noise street -30dB"])
@virtually
async def test_a_noisy_place_is_no_interruption_and_a_caller_there_is(tmp_path, place):
    async with bridge(tmp_path, FLOW) as stack:
        _, quiet = await stack.call(f"{place}; listen 60s")
        placed, loud = await stack.call(f"{place}; wait 2500ms; speak 2s; listen 60s")
    assert quiet.utterances[0].interruption is None
    assert quiet.utterances[0].pauses == ()
    assert loud.utterances[0].interruption.cause.value == "speech"
    assert clears(placed)[0] <= 2700


@pytest.mark.parametrize("echo", ["-6dB 120ms", "-12dB 20ms", "-20dB 300ms"])
@virtually
async def test_our_own_voice_from_a_loudspeaker_is_no_interruption(tmp_path, echo):
    flow = FLOW.replace(", barge_in: none", "")
    rime = {"voice": TalkingVoice()}
    async with bridge(tmp_path, flow, rime=rime) as stack:
        placed, alone = await stack.call(f"echo {echo}; listen 60s")
        _, over = await stack.call(f"echo {echo}; wait 1500ms; speak 2500ms; listen 60s")
    assert [utterance.interruption for utterance in alone.utterances] == [None, None]
    assert clears(placed) == []
    assert over.utterances[0].interruption.cause.value == "speech"


@virtually
async def test_a_python_flow_gets_the_callers_words_from_the_first_syllable(tmp_path):
    flows, heard = Bridge(), bytearray()

    @flows.flow("test")
    async def flow(call):
        await call.say(PROMPT)
        async with aclosing(call.caller_audio()) as audio:
            async for piece in audio:
                heard.extend(piece)
                if len(heard) > 8 * 2500:
                    break
        await call.say(NEXT)

    async with bridge(tmp_path, None, python=flows) as stack:
        await stack.call("wait 1s; speak 1500ms; listen 60s")
    spoken = speech(1500)
    assert spoken in bytes(heard)
    before = bytes(heard)[: bytes(heard).index(spoken)]
    assert before == silence(len(before) // 8)
    assert 200 <= len(before) / 8 <= 320


@virtually
async def test_pauses_and_interruptions_are_counted(tmp_path):
    async def counted(session, name):
        async with session.get(f"{stack.url}/metrics") as answer:
            [line] = [each for each in (await answer.text()).splitlines() if each.startswith(name)]
        return float(line.rpartition(" ")[2])

    names = ["telebridge_pauses_total", 'telebridge_barge_ins_total{cause="speech"}', "telebridge_stop_seconds_count"]
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        await stack.call("wait 1s; speak 1s; listen 60s")
        before = [await counted(session, name) for name in names]
        await stack.call("wait 1s; cough; wait 500ms; speak 1s; listen 60s")
        assert [await counted(session, name) for name in names] == [each + 1 for each in before]
