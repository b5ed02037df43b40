"""Whether the caller speaks: judged on the inbound track, in media time.

Three steps, each only as expensive as needed. A gate on the level of each frame lets everything through that could be
speech, and keeps what cannot; it must be generous, because a strict one loses quiet callers. Behind it a
`SpeechDetector` judges windows. Once the floor is the caller's, the level alone tells when they have finished, with a
second look by the detector now and then, because noise keeps a level up.

`Background` follows how loud the line is when the caller does not speak: streets, fans, other people's voices.

One rule: in doubt it is speech. A needless pause costs a moment; a caller who is not heard hangs up.
"""

import audioop
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Protocol

from telebridge.audio.levels import FULL_SCALE
from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_MS, PCM_WIDTH
from telebridge.turns.echo import COMPARED_MS, SEARCHED_MS, EchoGuard, PlayedAudio
from telebridge.turns.pre_roll import PreRoll

STEP = 1.03  # 0.26 dB
SHARE_BELOW = 0.9
LOWEST_RMS = 8.0
HIGHEST_RMS = FULL_SCALE * 10 ** (-20 / 20)
LEARNING_FRAMES = 25
LEARNING_STEP = 1.3
FALL = STEP ** (-(1 - SHARE_BELOW) / SHARE_BELOW)
LEARNING_FALL = LEARNING_STEP ** (-(1 - SHARE_BELOW) / SHARE_BELOW)


class Background:
    """Follows the level that nine frames of ten stay below: it rises within a second and falls within ten.

    Voices in the background come and go; their loud frames, not their average, are what the caller's must exceed.

    Attributes:
        rms: That level.
        silent: Whether it is as low as it can be, and known: a frame that is no louder changes nothing.
    """

    __slots__ = ("_frames", "rms", "silent")

    def __init__(self) -> None:
        self.rms = LOWEST_RMS
        self.silent = False
        self._frames = 0

    def follow(self, rms: float, *, speaking: bool = False) -> None:
        """Take the level of a frame; while the caller is thought to speak a louder one is theirs."""
        self._frames += 1
        if rms > self.rms:
            step = LEARNING_STEP if self._frames <= LEARNING_FRAMES else STEP
            self.rms = self.rms if speaking else min(self.rms * step, rms, HIGHEST_RMS)
        else:
            fall = LEARNING_FALL if self._frames <= LEARNING_FRAMES else FALL
            self.rms = max(self.rms * fall, LOWEST_RMS)
        self.silent = self.rms <= LOWEST_RMS and self._frames > LEARNING_FRAMES


LEAD_MS = 160
"""What a detector is shown of the time before the gate opened: without it, its first verdicts are late."""

GATE_RMS = FULL_SCALE * 10 ** (-50 / 20)
OVER_BACKGROUND = 1.9  # 5.5 dB
STILL_OVER_BACKGROUND = 1.26  # 2 dB: speech that began goes on in its softer syllables too
ECHO_LATELY_MS = 2000.0
ECHO_MS = 300.0
"""So long after our own voice came back the level tells nothing of the caller's background."""
GATE_HANGOVER_FRAMES = 10
END_BELOW_SPEECH = 0.16  # -16 dB under the voice that is heard: it has stopped
SECOND_LOOK_MS = 1600.0
SECOND_LOOK_AT_MS = 320


class SpeechDetector(Protocol):
    """Judges the windows of one call's audio, in order.

    Attributes:
        window_ms: How much audio a verdict is about.
        sure_by: A window so far above the threshold needs no second one; None when each window does.
        onset_windows: How many of the last `onset_of` verdicts must say speech before it is believed.
    """

    window_ms: float
    sure_by: float | None
    onset_windows: int
    onset_of: int

    def likelihoods(self, mulaw: bytes) -> list[float]:
        """Return how likely each window that these bytes complete is speech, from 0 to 1."""
        ...

    def reset(self) -> None:
        """What comes next does not follow on what came before."""
        ...


@dataclass(frozen=True, slots=True)
class CallerSpeechStarted:
    """The caller began to speak.

    Args:
        at_ms: Media time of the first window that was speech.
        noticed_ms: Media time at which that was known.
    """

    at_ms: float
    noticed_ms: float


@dataclass(frozen=True, slots=True)
class CallerSpeechEnded:
    """The caller stopped.

    Args:
        speech_ms: How much speech there was, pauses left out.
    """

    speech_ms: float


@dataclass(frozen=True, slots=True)
class VoiceActivityOptions:
    """How speech is distinguished from everything else.

    Args:
        threshold: A window at least as likely as this is speech.
        end_threshold: A window at most as likely as this is not, once there was speech.
        silence_ms: So long without speech ends it.
    """

    threshold: float = 0.4
    end_threshold: float = 0.28
    silence_ms: float = 400.0


SpeechChange = CallerSpeechStarted | CallerSpeechEnded


class _State(Enum):
    QUIET = auto()  # the gate is closed
    JUDGING = auto()  # it is open, and nothing was believed yet
    SPEECH = auto()  # the detector follows the speech
    SETTLED = auto()  # the level follows it


class VoiceActivity:
    """Follows one caller.

    Append every frame to `pre_roll`; those that somebody listens to also go to `receive_frame`.

    Attributes:
        pre_roll: The last second of the caller's audio.
        speaking: Whether the caller speaks.
        speech_ms: How much speech there was since it began.

    Args:
        detector: Judges windows of this call's audio.
        options: The thresholds.
        played: What the caller's telephone plays; None where no echo is expected.
    """

    __slots__ = (
        "_background",
        "_detector",
        "_echo",
        "_echo_until_ms",
        "_loud",
        "_next_look_ms",
        "_options",
        "_played",
        "_rms",
        "_silent_ms",
        "_state",
        "_verdicts",
        "_voice_rms",
        "pre_roll",
        "speaking",
        "speech_ms",
    )

    def __init__(
        self, detector: SpeechDetector, options: VoiceActivityOptions, played: PlayedAudio | None = None
    ) -> None:
        self.pre_roll = PreRoll()
        self.speaking = False
        self.speech_ms = 0.0
        self._detector = detector
        self._options = options
        self._echo = EchoGuard()
        self._played = played
        self._state = _State.QUIET
        self._background = Background()
        self._loud: deque[bool] = deque(maxlen=GATE_HANGOVER_FRAMES)  # whether the last frames passed the gate
        self._verdicts: deque[bool] = deque(maxlen=detector.onset_of + 1)
        self._silent_ms = 0.0
        self._rms = 0.0  # of the last frame
        self._voice_rms = 0.0
        self._next_look_ms = 0.0
        self._echo_until_ms = -ECHO_LATELY_MS

    def receive_frame(self, payload: bytes, *, now: float = 0.0) -> SpeechChange | None:
        """Judge the frame that was just appended to the pre-roll; None when nothing changed with it.

        Args:
            payload: The frame, mu-law.
            now: Monotonic seconds, at which the caller's telephone plays what `played` says.
        """
        self._rms = rms = audioop.rms(audioop.ulaw2lin(payload, PCM_WIDTH), PCM_WIDTH)
        state, background = self._state, self._background
        if state is _State.QUIET and rms < GATE_RMS:  # most frames of most calls
            if rms > background.rms or not background.silent:
                background.follow(rms)
            return None
        over = STILL_OVER_BACKGROUND if state is _State.SPEECH else OVER_BACKGROUND
        loud = rms >= max(GATE_RMS, background.rms * over)
        self._loud.append(loud)
        if self.pre_roll.now_ms >= self._echo_until_ms:
            background.follow(rms, speaking=self.speaking)
        if state is _State.SETTLED:
            return self._judge_settled(len(payload) / BYTES_PER_MS)
        if state is _State.QUIET:
            return self._wake(now) if loud else None
        change = self._take_verdicts(self._detector.likelihoods(payload), now)
        if self._state is _State.SPEECH:
            self._voice_rms += (self._rms - self._voice_rms) * 0.1
        elif self._state is _State.JUDGING and not any(self._loud):
            self._quiet()
        return change

    def await_end(self) -> None:
        """From now on only the end of the caller's speech matters, for which the level does.

        Does nothing when nobody speaks.
        """
        if self._state is _State.SPEECH:
            self._state = _State.SETTLED
            self._silent_ms = 0.0
            self._next_look_ms = self.pre_roll.now_ms + SECOND_LOOK_MS

    def stop(self) -> None:
        """Nobody listens any more: forget what was judged so far."""
        self._quiet()

    # Inside.

    def _wake(self, now: float) -> SpeechChange | None:
        """The gate opened: give the detector the audio just before, and this frame."""
        self._detector.reset()
        self._verdicts.clear()
        self._state = _State.JUDGING
        return self._take_verdicts(self._detector.likelihoods(self.pre_roll.last(LEAD_MS + FRAME_MS)), now)

    def _take_verdicts(self, verdicts: list[float], now: float) -> SpeechChange | None:
        started: CallerSpeechStarted | None = None
        loud = any(islice(reversed(self._loud), 2))
        for likelihood in verdicts:
            speech = loud and likelihood >= self._options.threshold
            echo = speech and self._is_echo(now)
            if echo and self._echo.established:
                self._echo_until_ms = self.pre_roll.now_ms + ECHO_MS
            change = self._take_verdict(0.0 if echo else likelihood, speech=speech and not echo)
            if isinstance(change, CallerSpeechEnded):
                return None if started else change  # speech that ended before it was noticed is not reported
            started = change or started
        return started

    def _take_verdict(self, likelihood: float, *, speech: bool) -> SpeechChange | None:
        window_ms = self._detector.window_ms
        self._verdicts.append(speech)
        if self._state is _State.SPEECH:
            goes_on = any(self._loud) and likelihood > self._options.end_threshold
            self.speech_ms += window_ms if speech else 0.0
            self._silent_ms = 0.0 if goes_on else self._silent_ms + window_ms
            return self._end() if self._silent_ms >= self._options.silence_ms else None
        if not self._believed(likelihood, speech=speech):
            return None
        self._state = _State.SPEECH
        self.speaking = True
        self._silent_ms = 0.0
        self._voice_rms = self._rms
        self.speech_ms = sum(self._verdicts) * window_ms
        return CallerSpeechStarted(
            max(0.0, self.pre_roll.now_ms - sum(self._verdicts) * window_ms), self.pre_roll.now_ms
        )

    def _is_echo(self, now: float) -> bool:
        """Whether the audio just before now is the bridge's own voice."""
        played = self._played
        if played is None or not played.sounds(now=now):
            return False
        return self._echo.explains(self.pre_roll.last(COMPARED_MS), played.sounded(SEARCHED_MS, now=now))

    def _believed(self, likelihood: float, *, speech: bool) -> bool:
        """Whether the last verdicts are enough: fewer when one is sure, more where our own voice is about."""
        if self.pre_roll.now_ms < self._echo_until_ms + ECHO_LATELY_MS:
            return len(self._verdicts) == self._verdicts.maxlen and all(self._verdicts)
        sure_by = self._detector.sure_by
        sure = sure_by is not None and speech and likelihood >= self._options.threshold + sure_by
        return sure or sum(islice(reversed(self._verdicts), self._detector.onset_of)) >= self._detector.onset_windows

    def _judge_settled(self, frame_ms: float) -> CallerSpeechEnded | None:
        if self._rms >= max(GATE_RMS, self._voice_rms * END_BELOW_SPEECH):
            self._silent_ms = 0.0
        else:
            self._silent_ms += frame_ms
        if self._silent_ms >= self._options.silence_ms:
            return self._end()
        if self.pre_roll.now_ms < self._next_look_ms:
            return None
        self._next_look_ms = self.pre_roll.now_ms + SECOND_LOOK_MS
        return None if self._sounds_like_speech() else self._end()

    def _sounds_like_speech(self) -> bool:
        """A second look at the last third of a second."""
        self._detector.reset()
        verdicts = self._detector.likelihoods(self.pre_roll.last(SECOND_LOOK_AT_MS))
        return any(likelihood >= self._options.end_threshold for likelihood in verdicts)

    def _end(self) -> CallerSpeechEnded:
        self._quiet()
        return CallerSpeechEnded(self.speech_ms)

    def _quiet(self) -> None:
        self._state = _State.QUIET
        self.speaking = False
        self._verdicts.clear()
        self._loud.clear()
        self._silent_ms = 0.0
