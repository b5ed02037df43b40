"""Voices of flows and nodes are checked over the voice of the settings."""

import pytest
from support.flow_command import flow

from telebridge.cli.flow.voices import speech_check
from telebridge.errors import ConfigurationError


def test_voices_are_checked_over_the_voice_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_RIME__MODEL", "mistv2")
    path = tmp_path / "flow.yaml"
    path.write_text(
        "flow: x\nstart: a\nspeech: {lang: spa}\nnodes:\n"
        "  a: {say: x, then: b, speech: {lang: 3}}\n"
        "  b: {say: x, then: c, speech: {speeker: luna}}\n"
        "  c: {say: x, then: d, speech: {temperature: 0.3}}\n"
        "  d: {hang_up: x, speech: {speed_alpha: 0.9}}\n"
    )
    done = flow("check", path)
    assert done.exit_code == 2
    assert done.stdout.splitlines() == [
        f"{path}:5:39: 'lang': input should be a valid string in node 'a'",
        f"{path}:6:42: 'speeker': is no parameter of Rime's voices in node 'b'; did you mean 'speaker'?",
        f"{path}:7:46: 'temperature': mistv2 does not take it in node 'c'; it is for arcana, coda",
    ]
    path.write_text(path.read_text().replace("lang: spa", "lang: 5"))
    assert flow("check", path).stdout == f"{path}:3:16: 'lang': input should be a valid string\n", "told once"


def test_a_wrong_voice_of_the_settings_is_no_mistake_of_a_flow():
    with pytest.raises(ConfigurationError, match="speeker"):
        speech_check({"speeker": "luna"})
