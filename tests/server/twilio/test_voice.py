"""What the voice webhook reads from its address."""

import random

from support.bridge import bridge
from support.faults import fault
from support.virtual_time import virtually

from telebridge.simulator.caller.script import parse_script
from telebridge.twilio.signed_urls import MOST_CHARACTERS, CallVariables

FLOW = """
flow: test
variables: {name: nobody}
start: hello
nodes:
  hello: {say: "Hello {{ name }}.", then: bye}
  bye: {hang_up: null}
"""


async def called(stack, query):
    placed = stack.simulator.place_inbound_call(f"{stack.webhook}?{query}", parse_script("listen 20s"))
    await placed.finished
    return placed, stack.calls.record(placed.record.sid)


@virtually
async def test_the_flow_is_led_by_the_variables_of_the_address(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        _, record = await called(stack, f"variables={CallVariables('secret').sign({'name': 'Ada'})}")
    assert [utterance.text for utterance in record.utterances] == ["Hello Ada."]


@fault(
    "Somebody changes the variables in the address of a voice webhook.",
    caller="Nothing: the call is not begun.",
    operator='The answer 403; `telebridge_refused_total{reason="variables"}` counts.',
    kept="What a flow is told is what the bridge signed.",
)
@virtually
async def test_variables_that_this_bridge_did_not_sign_lead_no_call(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        _, record = await called(stack, f"variables={CallVariables('other').sign({'name': 'Eve'})}")
    assert record is None


@virtually
async def test_the_longest_variables_fit_every_address_that_carries_them(tmp_path):
    choose = random.Random(1).choice
    variables = {"name": "Ada", "text": "".join(choose("éüñßøåæ漢字仮") for _ in range(4500))}
    signed = CallVariables("secret").sign(variables)
    assert len(signed) > 0.95 * MOST_CHARACTERS
    async with bridge(tmp_path, FLOW) as stack:
        _, record = await called(stack, f"variables={signed}")
    assert [utterance.text for utterance in record.utterances] == ["Hello Ada."]
