"""`telebridge say` writes a file that can be heard, or says why not."""

import json

import pytest
from support.programs import failed, telebridge

from telebridge.audio.levels import dbfs
from telebridge.audio.wav import read

pytestmark = pytest.mark.slow

COMMANDS = ["demo", "serve", "say", "call", "flow", "prompts", "speech-server", "simulator", "doctor"]


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
