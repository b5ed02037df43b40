"""After a cut nothing of the old utterance is heard, whatever Twilio, Rime, the owner and the flow do, in any order.

`TELEBRIDGE_STEPS` says how many steps the slow test takes in all: 12,000 by default, so that all tests end soon.
"""

import os
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from support.whole_call import OFTEN, WholeCall

from telebridge.call.session import effects, events
from telebridge.speech.source import Audio
from telebridge.twilio import media_stream

PROTOCOLS = ("ws", "ws2", "ws3")
STEPS = int(os.environ.get("TELEBRIDGE_STEPS", "12000"))
STEPS_OF_A_CALL = 60
UNREACHABLE = {"TextTaken"}  # streamed texts have tests of their own

EVERY_EVENT = {each.__name__ for each in events.CallEvent.__args__} - UNREACHABLE
EVERY_EFFECT = {each.__name__ for each in effects.CallEffect.__args__} - {"SaveOptOut", "SaveCallBack"}
EVERY_FAULT = {"former stream", "on hold", "too much audio", "another process", "SpeechIncomplete", "SpeechUnavailable"}


def machine_of(protocol):
    return type(f"CallOver{protocol}", (WholeCall,), {"protocol": protocol, "reached": Counter(), "steps": 0})


def run(machine, steps):
    while machine.steps < steps:
        calls = max(1, (steps - machine.steps) // STEPS_OF_A_CALL)
        run_state_machine_as_test(
            machine, settings=settings(max_examples=calls, stateful_step_count=STEPS_OF_A_CALL, deadline=None)
        )


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_takes_everything_in_any_order(protocol):
    run(machine_of(protocol), 600)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_call_takes_everything_in_any_order_a_hundred_thousand_times(record_property):
    machines = [machine_of(protocol) for protocol in PROTOCOLS]
    for machine in machines:
        run(machine, STEPS // len(PROTOCOLS))
    reached = sum((machine.reached for machine in machines), Counter())
    record_property(
        "figures",
        f"{sum(machine.steps for machine in machines):,} steps; "
        + ", ".join(f"{name} {times:,}" for name, times in sorted(reached.items())),
    )
    if STEPS >= 100_000:
        never = (EVERY_EVENT | EVERY_EFFECT | EVERY_FAULT) - reached.keys()
        assert not never, never


def begun():
    call = machine_of("ws")()
    call.begin()
    return call


def test_the_machine_hears_what_rime_says():
    call = begun()
    call.say(OFTEN[0])
    call.rime_sends(call.current, call.current.chunk(8000))
    assert call.playout.queued_bytes(now=call.now) == 8000


def test_the_machine_would_notice_a_stale_byte():
    call = begun()
    call.say(OFTEN[0])
    call.requests["u1"].spoken.utterance.put(Audio(bytes([call.current.tag]) * 800))
    call.deliver(call.current)
    call.key("1")
    call.playout.queue_audio(bytes([call.requests["u1"].tag]) * 10, now=call.now)
    with pytest.raises(AssertionError):
        call.nothing_stale_is_heard_or_will_be()


def test_every_event_of_the_stream_is_one_of_a_call():
    assert {each.__name__ for each in media_stream.BridgeEvent.__args__} <= EVERY_EVENT
