"""A flow file that changes under a running bridge is for the next call; the live one goes on as it began."""

from telebridge.testing import Phone

FLOW = """
flow: test
start: ask
nodes:
  ask: {menu: "Press one.", choices: {1: bye}}
  bye: {hang_up: "Old goodbye."}
"""


def test_a_live_call_keeps_the_flow_it_began_with_and_the_bridge_looks_for_changes_by_itself(tmp_path):
    file = tmp_path / "config" / "flows" / "test.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(FLOW)
    with Phone(flow="test", folder=tmp_path) as phone:
        with phone.call() as live:
            live.waits(0.5)
            assert phone.live_calls == 1
            file.write_text(FLOW.replace("Old", "A new"))
            live.waits(3)
            live.press("1")
            live.ends()
        with phone.call() as following:
            following.press("1")
            following.ends()
    assert live.said == ["Press one.", "Old goodbye."]
    assert following.said[-1] == "A new goodbye."
