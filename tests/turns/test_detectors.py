"""Each detector behind the one Protocol: windows in order whatever the pieces, and a clear word when one is missing."""

import importlib
import random
from itertools import groupby

import pytest
from support.callers import followed

from telebridge.audio.mulaw import silence
from telebridge.errors import ConfigurationError
from telebridge.simulator.caller.voices import speech
from telebridge.turns.detectors import detector_maker
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted, VoiceActivityOptions

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
    assert pieces == pytest.approx(whole, abs=1e-5)
    assert len(whole) == int(len(AUDIO) / 8 / make().window_ms)


@pytest.mark.parametrize("name", NAMES)
def test_a_reset_forgets_what_came_before(name):
    detector = detector_maker(name)()
    detector.likelihoods(speech(500)[:-7])
    detector.reset()
    assert detector.likelihoods(silence(320)) == pytest.approx(
        detector_maker(name)().likelihoods(silence(320)), abs=0.05
    )


def test_in_speech_that_goes_on_a_sure_window_speaks_for_the_next():
    make = detector_maker("silero")
    detector, each = make(), make()
    looked_at, judged_ = [], detector._judged
    detector._judged = lambda window: looked_at.append(window) or judged_(window)
    found, judged = detector.likelihoods(AUDIO, goes_on=True), each.likelihoods(AUDIO)
    threshold = VoiceActivityOptions().threshold
    differ = sum((one >= threshold) is not (other >= threshold) for one, other in zip(found, judged, strict=True))
    assert differ <= len(judged) * 0.05
    assert len(looked_at) < len(judged) * 0.8
    sure = [likelihood >= detector.sure for likelihood in found]
    runs = [len(list(run)) for likelihood, run in groupby(found) if likelihood >= detector.sure]
    assert any(sure)
    assert all(run % (detector.sure_for + 1) == 0 for run in runs), "each sure window and those that it speaks for"


@pytest.mark.parametrize("name", ["webrtc", "level"])
def test_detectors_that_cost_little_look_at_each_window(name):
    make = detector_maker(name)
    assert make().likelihoods(AUDIO, goes_on=True) == make().likelihoods(AUDIO)


def test_calls_do_not_hear_each_other():
    make = detector_maker("silero")
    alone = make().likelihoods(AUDIO)
    first, second, heard = make(), make(), []
    for at in range(0, len(AUDIO), 160):
        heard += first.likelihoods(AUDIO[at : at + 160])
        second.likelihoods(bytes(reversed(AUDIO))[at : at + 160])
    assert heard == pytest.approx(alone, abs=1e-5)


def test_what_is_missing_is_named(monkeypatch):
    def missing(_name, *_):
        raise ImportError

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match="webrtcvad-wheels"):
        detector_maker("webrtc")
