"""`telebridge serve` as a process of its own."""

import socket
import urllib.error
import urllib.request

import pytest
from support.programs import Serving, telebridge

pytestmark = pytest.mark.slow

COMMANDS = ["demo", "serve", "say", "call", "flow", "prompts", "speech-server", "simulator", "doctor"]


def test_a_busy_port_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = telebridge("serve", "--port", str(port), TELEBRIDGE_STATE_DIR=str(tmp_path))
    assert done.returncode == 2
    told = f"telebridge: server.port: port {port} on 127.0.0.1 is in use; stop what uses it, or choose another"
    assert told in done.stderr


def test_a_bridge_without_keys_serves_with_the_local_voice_and_says_so(tmp_path):
    with Serving("serve", "--port", "0", TELEBRIDGE_STATE_DIR=str(tmp_path)) as serving:
        assert f"voice webhook {serving.url}/twilio/voice · the voice of this machine" in serving.line
        assert urllib.request.urlopen(f"{serving.url}/healthz", timeout=5).status == 200
    assert "no rime.api_key and no rime.url: the voice of this machine speaks" in serving.errors


def test_a_bridge_that_others_reach_says_that_its_api_is_closed(tmp_path):
    unsigned = {"TELEBRIDGE_STATE_DIR": str(tmp_path), "TELEBRIDGE_TWILIO__VALIDATE_SIGNATURES": "false"}
    with (
        Serving("serve", "--host", "0.0.0.0", "--port", "0", **unsigned) as serving,
        pytest.raises(urllib.error.HTTPError, match="403"),
    ):
        urllib.request.urlopen(serving.url.replace("0.0.0.0", "127.0.0.1") + "/api/calls", timeout=5)
    assert serving.errors.count("the API and the metrics are closed: set server.api_token") == 1
