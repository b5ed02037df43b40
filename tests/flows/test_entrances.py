"""Nodes that something beside the flow leads to are no mistake, and must exist."""

import pytest

from telebridge.flows.loading import check_flow

FLOW = """flow: test
start: hello
ENTRANCES
nodes:
  hello: {say: "Hello.", then: bye}
  message: {opt_out: "Goodbye for ever.", then: bye}
  bye: {hang_up: "Goodbye."}
"""


@pytest.mark.parametrize(
    ("entrances", "mistakes"),
    [
        ("entrances: [message]", []),
        ("", ["6:3: nothing leads here in node 'message'"]),
        ("entrances: [message, mesage]", ["3:22: there is no node 'mesage'; did you mean 'message'?"]),
    ],
)
def test_an_entrance_is_reached(tmp_path, entrances, mistakes):
    path = tmp_path / "test.yaml"
    path.write_text(FLOW.replace("ENTRANCES\n", f"{entrances}\n" if entrances else "\n"))
    assert [str(error).removeprefix(f"{path}:") for error in check_flow(path)] == mistakes
