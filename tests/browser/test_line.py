"""The audio thread of the browser phone, run under Node: mu-law, resampling, marks, and silence at a clear."""

import base64
import json
import shutil
import subprocess
from array import array
from pathlib import Path

import pytest

from telebridge.audio.mulaw import from_pcm, to_pcm
from telebridge.server.pages.rendering import DATA

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed: apt-get install nodejs")


@pytest.fixture(scope="module")
def line():
    script = Path(__file__).with_name("line.mjs")
    done = subprocess.run([NODE, script, DATA / "static"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_sample_is_encoded_and_every_byte_decoded_as_the_bridge_does(line):
    assert base64.b64decode(line["encoded"]) == from_pcm(array("h", range(-32768, 32768)).tobytes())
    assert line["decoded"] == list(array("h", to_pcm(bytes(range(256)))))


def test_speech_passes_the_resampler_and_what_would_fold_into_it_does_not(line):
    for rate, levels in line["down"].items():
        assert levels["speech"]["level"] == pytest.approx(-10, abs=0.5), rate
        assert levels["above"]["level"] <= -10 - 40, rate
        assert levels["speech"]["count"] == pytest.approx(4000, abs=20), rate
        assert line["up"][rate]["level"] == pytest.approx(-10, abs=0.5), rate


def test_a_frame_is_made_every_20_ms_in_silence_too(line):
    for each in line["captured"].values():
        assert each["count"] in (99, 100)
        assert each["silent"]


def test_marks_return_when_the_last_sample_before_them_was_played(line):
    for played in line["played"].values():
        returned = {each["name"]: each["at"] for each in played["returned"]}
        assert [each["name"] for each in played["returned"]] == ["empty", "first", "short", "a", "b", "again"]
        assert returned["empty"] < 0.05
        assert 2.05 <= returned["first"] < 2.2, "2 s of sound, begun after 0.05 s"
        assert returned["short"] < played["before"]


def test_a_clear_silences_at_once_without_a_click_and_returns_every_mark_once(line):
    for played in line["played"].values():
        marks = [each for each in played["returned"] if each["name"] in ("a", "b")]
        assert [each["at"] for each in marks] == [played["cleared"]] * 2
        assert played["silentAfter"] < 0.03
        assert played["jump"] < 0.2
        assert played["again"] > 0.4, "what comes after a clear is played"
