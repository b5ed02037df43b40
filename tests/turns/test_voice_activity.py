"""When a caller speaks, and when not: with a detector whose verdicts the test decides, and with Silero itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.callers import NOISE, QUIET, SPEECH, ToldDetector, followed

from telebridge.audio.mulaw import from_samples, silence, to_pcm
from telebridge.simulator.caller.noises import (
    background,
    breath,
    click,
    cough,
)
from telebridge.simulator.caller.voices import murmur, speech
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted, VoiceActivity, VoiceActivityOptions

OPTIONS = VoiceActivityOptions(silence_ms=100)


def told_of(*pattern):
    return followed(b"".join(pattern), detector=ToldDetector(), options=OPTIONS)


def hear(activity, frame):
    return activity.receive_frame(frame)


def kinds(told):
    return [type(event) for _, event in told]


def mixed(*parts):
    longest = max(len(part) for part in parts)
    sums = [0] * longest
    for part in parts:
        for at, sample in enumerate(memoryview(to_pcm(part)).cast("h")):
            sums[at] += sample
    return from_samples(sums)


def quieter(mulaw, db):
    return from_samples(sample * 10 ** (db / 20) for sample in memoryview(to_pcm(mulaw)).cast("h"))


def test_speech_is_believed_when_enough_windows_say_so() -> None:
    told = told_of(QUIET * 5, SPEECH * 3)
    assert told == [(140.0, CallerSpeechStarted(at_ms=100.0, noticed_ms=140.0))]


def test_one_window_alone_is_not_believed() -> None:
    assert told_of(QUIET * 5, SPEECH, NOISE, SPEECH, NOISE) == []


def test_speech_ends_after_a_silence() -> None:
    told = told_of(QUIET * 5, SPEECH * 10, QUIET * 10)
    assert kinds(told) == [CallerSpeechStarted, CallerSpeechEnded]
    assert told[1] == (100 + 200 + 100.0, CallerSpeechEnded(speech_ms=200.0))


def test_a_short_pause_between_words_does_not_end_it() -> None:
    assert kinds(told_of(QUIET * 5, SPEECH * 5, QUIET * 4, SPEECH * 5, QUIET * 4)) == [CallerSpeechStarted]


def test_nothing_quiet_is_shown_to_the_detector() -> None:
    detector = ToldDetector()
    followed(QUIET * 500, detector=detector)
    assert detector.judged == 0


def test_the_detector_is_shown_what_came_before_the_gate_opened() -> None:
    detector = ToldDetector()
    followed(QUIET * 50 + NOISE, detector=detector)
    assert detector.judged == 9


def test_the_gate_closes_again() -> None:
    detector = ToldDetector()
    followed(QUIET * 20 + NOISE + QUIET * 500, detector=detector)
    assert detector.judged < 30


def test_settled_speech_costs_the_detector_little_and_still_ends() -> None:
    detector = ToldDetector()
    activity = VoiceActivity(detector, OPTIONS)
    told = []
    for number, frame in enumerate([QUIET] * 5 + [SPEECH] * 100 + [QUIET] * 10):
        activity.pre_roll.append(frame, number * 20)
        if (heard := hear(activity, frame)) is not None:
            told.append(heard)
            activity.await_end()
    assert [type(event) for event in told] == [CallerSpeechStarted, CallerSpeechEnded]
    assert detector.judged < 60, "of 100 frames of speech"


def test_noise_that_follows_speech_is_found_out_by_a_second_look() -> None:
    activity = VoiceActivity(ToldDetector(), OPTIONS)
    ended_at = None
    for number, frame in enumerate([QUIET] * 5 + [SPEECH] * 10 + [NOISE] * 200):
        activity.pre_roll.append(frame, number * 20)
        match hear(activity, frame):
            case CallerSpeechStarted():
                activity.await_end()
            case CallerSpeechEnded():
                ended_at = number * 20
                break
            case None:
                pass
    assert ended_at is not None, "a level that stays up must not pass for a caller who never stops"
    assert ended_at < 2 * 1600 + 300


def test_stopping_forgets_speech_that_goes_on() -> None:
    activity = VoiceActivity(ToldDetector(), OPTIONS)
    for number in range(10):
        activity.pre_roll.append(SPEECH, number * 20)
        hear(activity, SPEECH)
    assert activity.speaking
    activity.stop()
    assert not activity.speaking


@given(st.lists(st.sampled_from([QUIET, NOISE, SPEECH]), max_size=120))
def test_speech_starts_and_ends_in_turns(pattern) -> None:
    told = kinds(followed(b"".join(pattern), detector=ToldDetector(), options=OPTIONS))
    assert told[::2] == [CallerSpeechStarted] * len(told[::2])
    assert told[1::2] == [CallerSpeechEnded] * len(told[1::2])


# With Silero.


@pytest.mark.parametrize(("level", "latest_ms"), [(0, 100), (-10, 140), (-20, 300)])
def test_silero_hears_callers_of_any_loudness(level, latest_ms) -> None:
    told = followed(silence(1000) + quieter(speech(1500), level) + silence(1000))
    assert kinds(told) == [CallerSpeechStarted, CallerSpeechEnded]
    assert 0 < told[0][0] - 1000 <= latest_ms


@pytest.mark.parametrize("kind", ["hum", "street"])
def test_silero_hears_a_caller_through_noise(kind) -> None:
    noise = background(kind, -35)[: 8 * 5000]
    told = followed(mixed(noise, silence(3000) + speech(1500)))
    assert told
    assert 3000 < told[0][0] <= 3200


@pytest.mark.parametrize("sound", [click(), breath(), *(background(kind, -40) for kind in ("hum", "street"))])
def test_silero_takes_no_noise_for_a_caller(sound) -> None:
    assert followed(silence(2000) + sound + silence(1000)) == []


@pytest.mark.parametrize("sound", [cough(), murmur()])
def test_what_is_a_little_like_speech_is_short(sound) -> None:
    told = followed(silence(2000) + sound + silence(1000))
    assert [event.speech_ms < 500 for _, event in told if isinstance(event, CallerSpeechEnded)] == [True]


def test_music_on_hold_is_got_used_to() -> None:
    told = followed(background("music", -30) * 3)
    assert [at for at, event in told if at > 3000] == []
