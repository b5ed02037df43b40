"""Our own voice that comes back is not the caller; the caller over it is."""

import numpy as np
import pytest
from support.callers import followed

from telebridge.audio.mulaw import from_samples, silence, to_pcm
from telebridge.simulator.caller.voices import speech
from telebridge.turns.echo import COMPARISONS, WINDOWS_PER_COMPARISON, EchoGuard, _covariance
from telebridge.turns.pre_roll import PreRoll
from telebridge.turns.voice_activity import CallerSpeechStarted

PROMPT = silence(300) + speech(4000, pitch_hz=180, seed=9) + silence(200)


def echoed(gain_db, delay_ms, *, room=False):
    """The prompt as a microphone beside the loudspeaker picks it up."""
    played = memoryview(to_pcm(PROMPT)).cast("h")
    late = delay_ms * 8
    reflections = [(0, 1.0), (13, -0.4), (29, 0.25), (37, -0.15)] if room else [(0, 1.0)]
    gain = 10 ** (gain_db / 20)
    return [
        gain * sum(share * played[at - late - more] for more, share in reflections if at - late - more >= 0)
        for at in range(len(played))
    ]


def sounded(ms, until_ms):
    wanted = int(ms * 8)
    return PROMPT[max(0, int(until_ms * 8) - wanted) : int(until_ms * 8)].rjust(wanted, b"\xff")


def started(samples, *, guarded=True):
    told = followed(from_samples(samples), sounded=sounded if guarded else None)
    return [at for at, event in told if isinstance(event, CallerSpeechStarted)]


@pytest.mark.slow
@pytest.mark.parametrize("gain_db", [-6, -12, -20, -30])
@pytest.mark.parametrize("delay_ms", [20, 120, 300])
def test_an_echo_interrupts_nothing(gain_db, delay_ms):
    assert started(echoed(gain_db, delay_ms)) == []


def test_without_the_guard_it_would():
    assert started(echoed(-12, 120), guarded=False) != []


@pytest.mark.parametrize("gain_db", [-12, -20])
def test_nor_does_an_echo_with_reflections(gain_db):
    assert started(echoed(gain_db, 120, room=True)) == []


@pytest.mark.slow
@pytest.mark.parametrize("gain_db", [-6, -12, -20, -30])
@pytest.mark.parametrize("delay_ms", [20, 120, 300])
def test_a_caller_over_the_echo_interrupts(gain_db, delay_ms):
    samples = echoed(gain_db, delay_ms)
    for at, sample in enumerate(memoryview(to_pcm(speech(1200, pitch_hz=110, seed=2))).cast("h")):
        samples[2000 * 8 + at] += sample
    starts = started(samples)
    assert starts
    assert 2000 < starts[0] <= 2350, "where an echo is about, one sure window is not enough"


def test_the_covariance_of_delayed_samples_is_that_of_each_pair():
    signal = np.random.default_rng(1).standard_normal(200)
    taps = 12
    delayed = np.stack([signal[taps - 1 - lag : len(signal) - lag] for lag in range(taps)])
    assert np.allclose(_covariance(signal, taps), delayed @ delayed.T)


def test_a_caller_is_never_taken_for_an_echo_of_someone_else():
    caller = silence(1000) + speech(1500, pitch_hz=120, seed=2) + silence(500)
    assert started(memoryview(to_pcm(caller)).cast("h")) != []


class Played:
    """A telephone that plays the prompt; every comparison with it is counted."""

    def __init__(self):
        self.comparisons = 0

    def sounds(self, *, now):
        return True

    def sounded(self, ms, *, now):
        self.comparisons += 1
        return sounded(ms, now * 1000)


def heard_until(samples, ms):
    pre_roll = PreRoll()
    for at in range(0, ms, 20):
        pre_roll.append(samples[at * 8 : (at + 20) * 8], at)
    return pre_roll


def test_speech_that_is_believed_is_compared_a_few_times_and_then_no_more():
    played = Played()
    guard = EchoGuard(played)
    caller = silence(1000) + speech(2000, pitch_hz=120, seed=2)
    heard = heard_until(caller, 2000)
    for _ in range(2):
        before = played.comparisons
        guard.speech_believed()
        assert not any(guard.is_heard(heard, believed=True, now=2.0) for _ in range(50))
        assert played.comparisons == before + COMPARISONS


def test_an_echo_that_was_believed_to_be_speech_is_still_found_and_compared_on():
    played = Played()
    guard = EchoGuard(played)
    heard = heard_until(from_samples(echoed(-12, 120)), 2000)
    guard.speech_believed()
    found = [guard.is_heard(heard, believed=True, now=2.0) for _ in range(30)]
    assert found.count(True) == played.comparisons == 30 // WINDOWS_PER_COMPARISON
