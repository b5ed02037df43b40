"""`telebridge doctor` finds what is not set up."""

import json

import pytest
from support.programs import telebridge

pytestmark = pytest.mark.slow

COMMANDS = ["demo", "serve", "say", "call", "flow", "prompts", "speech-server", "simulator", "doctor"]


def test_the_doctor_says_what_to_mend(tmp_path):
    state = {"TELEBRIDGE_STATE_DIR": str(tmp_path)}
    found = {each["what"]: each for each in json.loads(telebridge("doctor", "--json", **state).stdout)}
    assert found["settings"]["state"] == "ok"
    assert found["public_url"]["state"] == "note"
    assert found["rime"]["state"] == "ok"
    done = telebridge("doctor", TELEBRIDGE_RIME__URL="ws://127.0.0.1:1", RIME_API_KEY="x", **state)
    assert done.returncode == 1
    assert "fail  rime: no connection to Rime at 127.0.0.1:1" in done.stdout
