"""`telebridge simulator` and `telebridge speech-server`, with a bridge between them."""

import json
import re

import pytest
from support.programs import Serving, telebridge

pytestmark = pytest.mark.slow

COMMANDS = ["demo", "serve", "say", "call", "flow", "prompts", "speech-server", "simulator", "doctor"]


def test_a_call_goes_through_three_servers(tmp_path):
    speech = Serving("speech-server", "--port", "0")
    twilio = Serving(
        "simulator", "--port", "0", "--anybody", "ring 0.1s; wait 300ms; hang up", "--calls-per-second", "100"
    )
    with speech, twilio:
        told = [twilio.process.stdout.readline() for _ in range(4)]
        account = dict(re.findall(r"export (\w+)=(\S+)", "".join(told)))
        assert account["TELEBRIDGE_TWILIO__API_BASE_URL"] == twilio.url
        settings = {
            "TELEBRIDGE_STATE_DIR": str(tmp_path),
            "TELEBRIDGE_RIME__URL": speech.url.replace("http", "ws", 1),
            "RIME_API_KEY": "any",
            **account,
        }
        with Serving("serve", "--port", "0", **settings) as bridge:
            asked = ("call", "+15551230000", "--from", "+15551230001", "--json")
            done = telebridge(*asked, TELEBRIDGE_PUBLIC_URL=bridge.url, **settings)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["status"] == "completed"
            found = telebridge("doctor", "--json", TELEBRIDGE_PUBLIC_URL=bridge.url, **settings)
            assert {each["what"]: each["state"] for each in json.loads(found.stdout)}["twilio"] == "ok"
        assert '"end_reason": "caller hung up"' in bridge.errors
