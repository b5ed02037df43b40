"""A fault of ours is an apology and a log line, never Twilio's own error read to the caller."""

import pytest
from support.bridge import bridge
from support.faults import fault
from support.virtual_time import virtually

from telebridge import Bridge
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind

FLOW = "flow: test\nstart: bye\nnodes:\n  bye: {hang_up: Goodbye.}\n"


def verbs(placed):
    return [event.detail for event in placed.recording.of_kind(EventKind.TWIML)]


@fault(
    "A number leads to a flow that does not exist.",
    caller="The apology.",
    operator="The log line 'call cannot be answered' with the flow's name.",
    kept="The line: Twilio's own error is not read out.",
)
@virtually
async def test_a_flow_that_does_not_exist_is_an_apology(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed = stack.simulator.place_inbound_call(f"{stack.webhook}/nowhere", parse_script("listen 60s"))
        await placed.finished
    assert verbs(placed) == ["Fetch", "Say", "hangup"]


@fault(
    "A webhook fails by a fault of the bridge's own.",
    caller="The apology.",
    operator="The log line with its traceback.",
    kept="The other calls.",
)
@virtually
async def test_a_webhook_that_breaks_is_an_apology(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        stack.calls._begin = None  # whatever the fault may be
        placed, _ = await stack.call("listen 60s")
    assert verbs(placed) == ["Fetch", "Say", "hangup"]


@fault(
    "A Python flow raises an error that its author did not foresee.",
    caller="The apology, after what was said before.",
    operator="The record with 'flow failed' and the error.",
    kept="The other calls, and the record.",
)
@pytest.mark.parametrize("raised", [ValueError("a mistake"), KeyError("name")])
@virtually
async def test_a_python_flow_that_breaks_is_an_apology_and_told_in_the_record(tmp_path, raised):
    flows = Bridge()

    @flows.flow("test")
    async def flow(call):
        await call.say("Hello.")
        raise raised

    async with bridge(tmp_path, None, python=flows) as stack:
        placed, record = await stack.call("listen 60s")
    assert verbs(placed) == ["Fetch", "Stream", "Fetch", "Say", "hangup"]
    assert record.end_reason == f"flow failed: {type(raised).__name__}: {raised}"


@fault(
    "A Python flow goes on speaking in its `finally` after the caller has hung up.",
    caller="Nothing.",
    operator="The record with 'caller hung up'.",
    kept="The process: no flow holds a call that is over.",
)
@virtually
async def test_a_python_flow_is_cancelled_when_the_caller_hangs_up_and_cannot_hold_the_call(tmp_path):
    flows, happened = Bridge(), []

    @flows.flow("test")
    async def flow(call):
        try:
            await call.say("Hello, this is a long sentence that nobody wants to hear.")
        finally:
            happened.append("cancelled")
            await call.say("Still there?")
            happened.append("never")

    async with bridge(tmp_path, None, python=flows) as stack:
        _, record = await stack.call("wait 200ms; hang up")
        assert len(stack.calls) == 0
    assert happened == ["cancelled"]
    assert record.end_reason == "caller hung up"
