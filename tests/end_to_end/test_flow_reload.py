"""A flow file that changes under a running bridge is for the next call; the live one goes on as it began."""

import asyncio

from support.bridge import bridge
from support.virtual_time import virtually

from telebridge.call.flows import reload as flow_reload
from telebridge.call.flows.reload import FlowReload
from telebridge.simulator.caller.script import parse_script

FLOW = """
flow: test
start: ask
nodes:
  ask: {menu: "Press one.", choices: {1: bye}}
  bye: {hang_up: "Old goodbye."}
"""


@virtually
async def test_a_live_call_keeps_the_flow_it_began_with(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        script = parse_script("wait; silence 1s; press 1; listen 600s")
        live = stack.simulator.place_inbound_call(stack.webhook, script)
        await asyncio.sleep(0.5)
        assert len(stack.calls) == 1
        reload = FlowReload(stack.calls.flows)
        (tmp_path / "flows" / "test.yaml").write_text(FLOW.replace("Old", "A new"))
        for found in [*reload.look(), *reload.look()]:
            reload.apply(found)
        await live.finished
        _, following = await stack.call("wait; press 1; listen 600s")
    said = [utterance.text for utterance in stack.calls.record(live.record.sid).utterances]
    assert said == ["Press one.", "Old goodbye."]
    assert following.utterances[-1].text == "A new goodbye."


async def test_a_bridge_looks_for_changes_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(flow_reload, "LOOK_SECONDS", 0.001)
    applied, apply = asyncio.Event(), FlowReload.apply
    monkeypatch.setattr(FlowReload, "apply", lambda self, found: (apply(self, found), applied.set()))
    async with bridge(tmp_path, FLOW) as stack:
        (tmp_path / "flows" / "test.yaml").write_text(FLOW.replace("Old", "A new"))
        await applied.wait()
        assert stack.calls.flows.find("test").nodes["bye"].hang_up == "A new goodbye."
