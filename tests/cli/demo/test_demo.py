"""`telebridge demo` leaves a recorded call."""

import json

import pytest
from support.programs import telebridge

from telebridge.audio.levels import dbfs
from telebridge.audio.wav import read

pytestmark = pytest.mark.slow

COMMANDS = ["demo", "serve", "say", "call", "flow", "prompts", "speech-server", "simulator", "doctor"]


def test_a_demo_leaves_a_call_to_be_heard_and_seen(tmp_path):
    pytest.importorskip("matplotlib", reason="telebridge[pictures] is not installed")
    state = {"TELEBRIDGE_STATE_DIR": str(tmp_path)}
    script = "wait 300ms; press 1; silence 300ms; hang up"
    done = telebridge("demo", "-o", str(tmp_path), "--script", script, "--json", **state)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["call"]["end_reason"] == "caller hung up"
    assert {"key", "clear", "mark-returned"} <= {event["kind"] for event in told["events"]}
    assert (tmp_path / "call.png").read_bytes().startswith(b"\x89PNG")
    assert dbfs(read(tmp_path / "call.wav")) > -40
