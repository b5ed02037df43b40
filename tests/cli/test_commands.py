"""The program as its users meet it: what it prints, and how it says that something is wrong."""

import json
import re
import socket
import urllib.error
import urllib.request

import pytest
from support.programs import Serving, failed, telebridge

from telebridge.audio.levels import dbfs
from telebridge.audio.wav import read

COMMANDS = ["demo", "serve", "say", "call", "flow", "prompts", "speech-server", "simulator", "doctor"]


def test_help_names_every_command_and_where_to_begin():
    done = telebridge("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    assert "telebridge demo" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    done = telebridge(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5


def test_saying_something_where_nobody_speaks_is_a_failure_and_no_other_voice(tmp_path):
    arguments = ("say", "Hello.", "--output", str(tmp_path / "said.wav"))
    code, line = failed(telebridge(*arguments, TELEBRIDGE_RIME__URL="ws://127.0.0.1:9"))
    assert code == 1
    assert line.startswith("telebridge: no connection to Rime at 127.0.0.1:9")
    assert not (tmp_path / "said.wav").exists()


def test_saying_something_leaves_a_file_that_can_be_heard(tmp_path):
    done = telebridge("say", "Hello there.", "-o", str(tmp_path / "hello.wav"), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    audio = read(tmp_path / "hello.wav")
    assert told["seconds"] == pytest.approx(len(audio) / 8000, abs=0.001)
    assert [word["text"] for word in told["words"]] == ["Hello", "there."]
    assert dbfs(audio) > -40


def test_what_is_to_be_said_can_come_from_a_pipe(tmp_path):
    done = telebridge("say", "-", "-o", str(tmp_path / "hello.wav"), text="Hello.\n")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{tmp_path / 'hello.wav'}: ")
    assert "the voice of this machine" in done.stdout


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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["say", " "], "telebridge: TEXT: is empty; what shall be said?"),
        (["say", "x", "--model", "mist9"], "telebridge: rime.model: input should be 'arcana'"),
        (["say", "x", "--config", "none.toml"], "telebridge: none.toml: cannot be read (No such file or directory)"),
        (["say", "x", "-o", "/nonexistent/x.wav"], "telebridge: --output: /nonexistent/x.wav cannot be written"),
        (["demo", "-o", "/nonexistent"], "telebridge: --output: /nonexistent is no folder"),
        (["demo", "--script", "dance"], "telebridge: script part 'dance': is not understood; there are wait"),
        (
            ["demo", "--flow", "front-dsk"],
            "telebridge: default_flow: flow 'front-dsk' does not exist; did you mean 'front-desk'?",
        ),
        (
            ["serve", "--app", "nothing"],
            "telebridge: --app: 'nothing' is not MODULE:BRIDGE; for example --app reminders:bridge",
        ),
        (["serve", "--app", "no.such:bridge"], "telebridge: --app: module 'no.such' cannot be imported"),
        (["serve", "--app", "json:dumps"], "telebridge: --app: 'json:dumps' is no telebridge.Bridge"),
        (["call", "+15551230000", "--from", "+15551230001"], "telebridge: public_url: is not set"),
        (["flow", "check", "docs"], "telebridge: docs: holds no flow files; they end in .yaml"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(tmp_path, arguments, told):
    code, line = failed(telebridge(*arguments, TELEBRIDGE_STATE_DIR=str(tmp_path)))
    assert code == 2
    assert line.startswith(told)


def test_a_misspelt_setting_is_told_with_the_nearest(tmp_path):
    (tmp_path / "settings.toml").write_text("[server]\nprot = 1\n")
    code, line = failed(telebridge("serve", "--config", str(tmp_path / "settings.toml")))
    assert code == 2
    assert line.endswith("settings.toml: server.prot: is no setting; did you mean 'server.port'?")
    code, line = failed(telebridge("serve", TELEBRIDGE_SEVER__PORT="1"))
    assert (code, line) == (
        2,
        "telebridge: TELEBRIDGE_SEVER__PORT: is no setting; did you mean 'TELEBRIDGE_SERVER__PORT'?",
    )


def test_a_busy_port_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = telebridge("serve", "--port", str(port), TELEBRIDGE_STATE_DIR=str(tmp_path))
    assert done.returncode == 2
    told = f"telebridge: server.port: port {port} on 127.0.0.1 is in use; stop what uses it, or choose another"
    assert told in done.stderr


def test_flows_are_checked(tmp_path):
    flows = ("bilingual", "front-desk", "pharmacy-refill", "reminder")
    told = "".join(f"config/flows/{flow}.yaml: no mistakes\n" for flow in flows)
    assert telebridge("flow", "check", "config/flows").stdout == told
    (tmp_path / "bad.yaml").write_text("flow: bad\nstart: a\nnodes:\n  a: {sya: Hello, then: a}\n")
    done = telebridge("flow", "check", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == f"{tmp_path}/bad.yaml:4:3: has no verb in node 'a'; did you mean 'say'?\n"
    [mistake] = json.loads(telebridge("flow", "check", str(tmp_path), "--json").stdout)
    assert (mistake["line"], mistake["column"], mistake["node"]) == (4, 3, "a")


def test_a_bridge_without_keys_serves_with_the_local_voice_and_says_so(tmp_path):
    with Serving("serve", "--port", "0", TELEBRIDGE_STATE_DIR=str(tmp_path)) as serving:
        assert f"voice webhook {serving.url}/twilio/voice · the voice of this machine" in serving.line
        assert urllib.request.urlopen(f"{serving.url}/healthz", timeout=5).status == 200
    assert "no rime.api_key and no rime.url: the voice of this machine speaks" in serving.errors


def test_a_bridge_that_others_reach_says_that_its_api_is_closed(tmp_path):
    with (
        Serving("serve", "--host", "0.0.0.0", "--port", "0", TELEBRIDGE_STATE_DIR=str(tmp_path)) as serving,
        pytest.raises(urllib.error.HTTPError, match="403"),
    ):
        urllib.request.urlopen(serving.url.replace("0.0.0.0", "127.0.0.1") + "/api/calls", timeout=5)
    assert serving.errors.count("the API is closed: set server.api_token") == 1


def test_a_call_goes_through_three_servers(tmp_path):
    speech = Serving("speech-server", "--port", "0")
    twilio = Serving(
        "simulator", "--port", "0", "--anybody", "ring 0.1s; wait 300ms; hang up", "--calls-per-second", "100"
    )
    with speech, twilio:
        account = dict(re.findall(r"(TWILIO_\w+)=(\S+)", twilio.line))
        settings = {
            "TELEBRIDGE_STATE_DIR": str(tmp_path),
            "TELEBRIDGE_RIME__URL": speech.url.replace("http", "ws", 1),
            "RIME_API_KEY": "any",
            "TELEBRIDGE_TWILIO__API_BASE_URL": twilio.url,
            "TWILIO_ACCOUNT_SID": account["TWILIO_ACCOUNT_SID"],
            "TWILIO_AUTH_TOKEN": account["TWILIO_AUTH_TOKEN"],
        }
        with Serving("serve", "--port", "0", **settings) as bridge:
            asked = ("call", "+15551230000", "--from", "+15551230001", "--json")
            done = telebridge(*asked, TELEBRIDGE_PUBLIC_URL=bridge.url, **settings)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["status"] == "completed"
            found = telebridge("doctor", "--json", TELEBRIDGE_PUBLIC_URL=bridge.url, **settings)
            assert {each["what"]: each["state"] for each in json.loads(found.stdout)}["twilio"] == "ok"
        assert '"end_reason": "caller hung up"' in bridge.errors


def test_the_doctor_says_what_to_mend(tmp_path):
    state = {"TELEBRIDGE_STATE_DIR": str(tmp_path)}
    found = {each["what"]: each for each in json.loads(telebridge("doctor", "--json", **state).stdout)}
    assert found["settings"]["state"] == "ok"
    assert found["public_url"]["state"] == "note"
    assert found["rime"]["state"] == "ok"
    done = telebridge("doctor", TELEBRIDGE_RIME__URL="ws://127.0.0.1:1", RIME_API_KEY="x", **state)
    assert done.returncode == 1
    assert "fail  rime: no connection to Rime at 127.0.0.1:1" in done.stdout
