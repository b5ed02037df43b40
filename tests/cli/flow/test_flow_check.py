"""`telebridge flow check` as a process of its own."""

import json

import pytest
from support.programs import telebridge

pytestmark = pytest.mark.slow

COMMANDS = ["demo", "serve", "say", "call", "flow", "prompts", "speech-server", "simulator", "doctor"]


def test_flows_are_checked(tmp_path):
    flows = ("bilingual", "clinic", "front-desk", "pharmacy-refill", "reminder", "verify-caller")
    told = "".join(f"config/flows/{flow}.yaml: no mistakes\n" for flow in flows)
    assert telebridge("flow", "check", "config/flows").stdout == told
    (tmp_path / "bad.yaml").write_text("flow: bad\nstart: a\nnodes:\n  a: {sya: Hello, then: a}\n")
    done = telebridge("flow", "check", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == f"{tmp_path}/bad.yaml:4:3: has no verb in node 'a'; did you mean 'say'?\n"
    [mistake] = json.loads(telebridge("flow", "check", str(tmp_path), "--json").stdout)
    assert (mistake["line"], mistake["column"], mistake["node"]) == (4, 3, "a")
