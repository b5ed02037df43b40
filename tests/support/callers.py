"""What a caller's telephone sends, for tests of whoever listens."""

from telebridge.audio.mulaw import frames, silence
from telebridge.call.session.effects import PublishEvent, SaveCheckpoint, SaveProgress
from telebridge.turns.detectors import detector_maker
from telebridge.turns.played_audio import PlayedAudio
from telebridge.turns.voice_activity import SpeechDetector, VoiceActivity, VoiceActivityOptions

silero = detector_maker("silero")


class ToldDetector(SpeechDetector):
    """Takes frames that begin with this byte for speech: a detector whose every verdict the test decides."""

    SPEECH = 0x10
    window_ms = 20.0
    sure_by = None
    onset_windows = 2
    onset_of = 2

    def __init__(self):
        self.judged = 0
        self.resets = 0

    def likelihoods(self, mulaw, goes_on=False):
        windows = list(frames(mulaw))
        self.judged += len(windows)
        return [0.6 if window[0] == self.SPEECH else 0.0 for window in windows]

    def reset(self):
        self.resets += 1


SPEECH = bytes([ToldDetector.SPEECH]) * 160
"""A loud frame that `ToldDetector` takes for speech."""
NOISE = bytes([0x11]) * 160
"""One as loud that it does not."""
QUIET = silence(20)


class Played(PlayedAudio):
    """A telephone that plays what `sounded` answers for so many milliseconds up to a time in milliseconds."""

    def __init__(self, sounded):
        self._sounded = sounded

    def sounds(self, *, now):
        return True

    def sounded(self, ms, *, now):
        return self._sounded(ms, round(now * 1000))


def followed(audio, *, detector=None, sounded=None, options=None):
    """All that a fresh `VoiceActivity` tells of this audio, each with the media time it was told at."""
    played = None if sounded is None else Played(sounded)
    activity = VoiceActivity(detector or silero(), options or VoiceActivityOptions(), played)
    told = []
    for number, frame in enumerate(frames(audio)):
        activity.pre_roll.append(frame, number * 20)
        heard = activity.receive_frame(frame, now=(number + 1) / 50)
        if heard is not None:
            told.append((activity.pre_roll.now_ms, heard))
    return told


def felt(effects):
    """The effects that the caller or the flow feels; what is told to others and kept for later left out."""
    return [effect for effect in effects if not isinstance(effect, PublishEvent | SaveCheckpoint | SaveProgress)]
