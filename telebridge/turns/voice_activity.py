"""Whether the caller speaks: judged on the inbound track, in media time.

Three steps, each only as expensive as needed. A gate on the level of each frame lets everything through that could be
speech, and keeps what cannot; it must be generous, because a strict one loses quiet callers. Behind it a
`SpeechDetector` judges windows. Once the floor is the caller's, the level alone tells when they have finished, with a
second look by the detector now and then, because noise keeps a level up.

`Background` follows how loud the line is when the caller does not speak. While a prompt plays, who spoke from the first
sample on is part of it.

One rule: in doubt it is speech. A needless pause costs a moment; a caller who is not heard hangs up.
"""

import audioop
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Protocol

from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_MS, PCM_WIDTH, SILENCE_BYTE, frames, silence, to_pcm
from telebridge.turns.background import GATE_RMS, Background
from telebridge.turns.played_audio import PlayedAudio
from telebridge.turns.pre_roll import PreRoll

LEAD_MS = 160
"""What a detector is shown of the time before the gate opened: without it, its first verdicts are late."""

OVER_BACKGROUND = 1.9  # 5.5 dB
OVER_PEAK = 1.6  # 4 dB
RISEN_OVER_PEAK = 1.33  # 2.5 dB: only what is so loud counts for taking the floor
STILL_OVER_BACKGROUND = 1.26  # 2 dB: speech that began goes on in its softer syllables too
ECHO_LATELY_MS = 2000.0
ECHO_MS = 300.0
"""So long after our own voice came back the level tells nothing of the caller's background."""
GATE_HANGOVER_FRAMES = 10
STEP_WHILE_SPEAKING = 1.005
THERE_FIRST_MS = 500.0
"""Where something loud was heard just before anybody listened, speech that is noticed so soon is taken to be that."""
JUST_BEGUN_MS = 40
"""The echo of a prompt that began so lately has not come back yet."""
SILENCE = bytes([SILENCE_BYTE])
SILENT_FRAME = silence(FRAME_MS)
PEAK_OVER_MEAN = 1.6
"""4 dB: nine frames of ten of a voice are no louder than this, times their average."""
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

    def likelihoods(self, mulaw: bytes, goes_on: bool = False) -> list[float]:  # noqa: FBT001, FBT002 - as below
        """Return how likely each window that these bytes complete is speech, from 0 to 1.

        Args:
            mulaw: What comes next.
            goes_on: Whether it goes on with speech that is believed: not each window must be judged then.
        """
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

    threshold: float = 0.35
    end_threshold: float = 0.245
    silence_ms: float = 400.0


SpeechChange = CallerSpeechStarted | CallerSpeechEnded


class _State(Enum):
    QUIET = auto()  # the gate is closed
    JUDGING = auto()  # it is open, and nothing was believed yet
    SPEECH = auto()  # the detector follows the speech
    SETTLED = auto()  # the level follows it


_QUIET, _JUDGING, _SPEECH, _SETTLED = _State  # an attribute of an enum costs a call, in each frame


class VoiceActivity:
    """Follows one caller.

    Append every frame to `pre_roll`; those that somebody listens to also go to `receive_frame`.

    Attributes:
        pre_roll: The last second of the caller's audio.
        speaking: Whether the caller speaks.
        speech_ms: How much speech there was since it began.
        risen_ms: How much of it rose clearly above the background.
        there_first: Whether it began before the background was known or anybody listened, and so may be a part of it.

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
        "_left_ms",
        "_loud",
        "_next_look_ms",
        "_options",
        "_played",
        "_risen",
        "_rms",
        "_silent_ms",
        "_state",
        "_there_until_ms",
        "_verdicts",
        "_voice_rms",
        "pre_roll",
        "risen_ms",
        "speaking",
        "speech_ms",
        "there_first",
    )

    def __init__(
        self, detector: SpeechDetector, options: VoiceActivityOptions, played: PlayedAudio | None = None
    ) -> None:
        self.pre_roll = PreRoll()
        self.speaking = False
        self.speech_ms = self.risen_ms = 0.0
        self.there_first = False
        self._detector = detector
        self._options = options
        from telebridge.turns.echo import EchoGuard  # imports numpy: loaded by whoever loads the detector

        self._echo = EchoGuard(played)
        self._played = played
        self._state = _QUIET
        self._background = Background()
        self._loud: deque[bool] = deque(maxlen=GATE_HANGOVER_FRAMES)  # whether the last frames passed the gate
        self._verdicts: deque[bool] = deque(maxlen=detector.onset_of + 1)
        self._silent_ms = 0.0
        self._rms = 0.0  # of the last frame
        self._risen = (False, False)  # whether the last two frames rose clearly above the background
        self._there_until_ms = 0.0  # what is taken for speech so soon was there when listening began
        self._left_ms = 0.0  # media time up to which the background was followed when nobody listened any more
        self._voice_rms = 0.0
        self._next_look_ms = 0.0
        self._echo_until_ms = -ECHO_LATELY_MS

    def receive_frame(  # names would cost each frame more
        self,
        payload: bytes,
        now: float = 0.0,
        prompting: bool = False,  # noqa: FBT001, FBT002
    ) -> SpeechChange | None:
        """Judge the frame that was just appended to the pre-roll; None when nothing changed with it.

        Args:
            payload: The frame, mu-law.
            now: Monotonic seconds, at which the caller's telephone plays what `played` says.
            prompting: Whether a prompt plays; then whoever speaks before the background is known is part of it.
        """
        silent = payload == SILENT_FRAME  # as the telephone network sends it while nobody speaks
        self._rms = rms = 0 if silent else audioop.rms(audioop.ulaw2lin(payload, PCM_WIDTH), PCM_WIDTH)
        state, background = self._state, self._background
        if state is _QUIET and rms < GATE_RMS:  # most frames of most calls
            if rms > background.rms or not background.silent:
                background.follow(rms)
            return None
        risen = rms >= max(GATE_RMS, background.rms * STILL_OVER_BACKGROUND, background.peak * RISEN_OVER_PEAK)
        over, over_peak = (STILL_OVER_BACKGROUND, 0.0) if state is _SPEECH else (OVER_BACKGROUND, OVER_PEAK)
        loud = rms >= max(GATE_RMS, background.rms * over, background.peak * over_peak)
        self._loud.append(loud)
        self._risen = (self._risen[1], risen)
        if self.pre_roll.now_ms >= self._echo_until_ms:
            if not self.speaking:
                background.follow(rms, at_once=prompting)
            elif prompting and state is _SPEECH:
                background.follow(rms, step=STEP_WHILE_SPEAKING)
        if state is _SETTLED:
            return self._judge_settled(len(payload) / BYTES_PER_MS)
        if state is _QUIET:
            return self._wake(now) if loud else None
        change = self._take_verdicts(self._detector.likelihoods(payload, state is _SPEECH), now)
        if self._state is _SPEECH:
            self._voice_rms += (self._rms - self._voice_rms) * 0.1
        elif self._state is _JUDGING and not any(self._loud):
            self._quiet()
        return change

    def await_end(self) -> None:
        """From now on only the end of the caller's speech matters, for which the level does.

        Does nothing when nobody speaks.
        """
        if self._state is _SPEECH:
            self._state = _SETTLED
            self._silent_ms = 0.0
            self._next_look_ms = self.pre_roll.now_ms + SECOND_LOOK_MS

    def dismiss(self) -> CallerSpeechEnded | None:
        """What was taken for the caller's speech is a part of the background."""
        if not self.speaking:
            return None
        self._background.rise_to(self._voice_rms * PEAK_OVER_MEAN)
        return self._end()

    def catch_up(self, frame: bytes, *, now: float) -> None:
        """Learn the background from what was heard while nobody listened, as far as it is kept and holds no echo.

        Args:
            frame: The frame that was just appended to the pre-roll; it is judged next.
            now: Monotonic seconds.
        """
        unheard = self.pre_roll.last(self.pre_roll.now_ms - self._left_ms)[: -len(frame)]
        if self._played is not None and self._played.sounds(now=now):
            sounded = self._played.sounded(len(unheard) / BYTES_PER_MS, now=now)
            if sounded[: -JUST_BEGUN_MS * BYTES_PER_MS].strip(SILENCE):
                return
        loud: deque[bool] = deque(maxlen=GATE_HANGOVER_FRAMES)
        for each in frames(unheard):
            rms = audioop.rms(to_pcm(each), PCM_WIDTH)
            loud.append(rms >= max(GATE_RMS, self._background.rms * STILL_OVER_BACKGROUND))
            self._background.follow(rms)
        if any(loud):
            self._there_until_ms = self.pre_roll.now_ms + THERE_FIRST_MS

    def stop(self) -> None:
        """Nobody listens any more: forget what was judged so far."""
        self._left_ms = self.pre_roll.now_ms
        self._quiet()

    # Inside.

    def _wake(self, now: float) -> SpeechChange | None:
        """The gate opened: give the detector the audio just before, and this frame."""
        self._detector.reset()
        self._verdicts.clear()
        self._state = _JUDGING
        started = self._take_verdicts(self._detector.likelihoods(self.pre_roll.last(LEAD_MS + FRAME_MS)), now)
        self.risen_ms = min(self.risen_ms, self._detector.window_ms)  # what came before did not open the gate
        return started

    def _take_verdicts(self, verdicts: list[float], now: float) -> SpeechChange | None:
        started: CallerSpeechStarted | None = None
        loud = any(islice(reversed(self._loud), 2))
        for likelihood in verdicts:
            speech = loud and likelihood >= self._options.threshold
            echo = speech and self._echo.is_heard(self.pre_roll, believed=self._state is _SPEECH, now=now)
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
        if self._state is _SPEECH:
            goes_on = any(self._loud) and likelihood > self._options.end_threshold
            if speech:
                self.speech_ms += window_ms
                self.risen_ms += window_ms if any(self._risen) else 0.0
            self._silent_ms = 0.0 if goes_on else self._silent_ms + window_ms
            return self._end() if self._silent_ms >= self._options.silence_ms else None
        if not self._believed(likelihood, speech=speech):
            return None
        self._state = _SPEECH
        self._echo.speech_believed()
        self.speaking = True
        self._silent_ms = 0.0
        self._voice_rms = self._rms
        self.speech_ms = sum(self._verdicts) * window_ms
        self.risen_ms = self.speech_ms if any(self._risen) else 0.0
        self.there_first = not self._background.known or self.pre_roll.now_ms < self._there_until_ms
        return CallerSpeechStarted(
            max(0.0, self.pre_roll.now_ms - sum(self._verdicts) * window_ms), self.pre_roll.now_ms
        )

    def _believed(self, likelihood: float, *, speech: bool) -> bool:
        """Whether the last verdicts are enough: fewer when one is sure, more where our own voice is about."""
        if self.pre_roll.now_ms < self._echo_until_ms + ECHO_LATELY_MS:
            return len(self._verdicts) == self._verdicts.maxlen and all(self._verdicts)
        sure_by = self._detector.sure_by
        sure = sure_by is not None and speech and likelihood >= self._options.threshold + sure_by
        return sure or sum(islice(reversed(self._verdicts), self._detector.onset_of)) >= self._detector.onset_windows

    def _judge_settled(self, frame_ms: float) -> CallerSpeechEnded | None:
        ended_below = max(self._voice_rms * END_BELOW_SPEECH, self._background.rms * STILL_OVER_BACKGROUND)
        if self._rms >= max(GATE_RMS, ended_below):
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
        """A second look at the last third of a second, up to the first window that is speech."""
        self._detector.reset()
        audio = self.pre_roll.last(SECOND_LOOK_AT_MS)
        step = round(self._detector.window_ms * BYTES_PER_MS)
        for at in range(0, len(audio), step):
            verdicts = self._detector.likelihoods(audio[at : at + step])
            if any(likelihood >= self._options.end_threshold for likelihood in verdicts):
                return True
        return False

    def _end(self) -> CallerSpeechEnded:
        self._quiet()
        return CallerSpeechEnded(self.speech_ms)

    def _quiet(self) -> None:
        self._state = _QUIET
        self.speaking = False
        self._verdicts.clear()
        self._loud.clear()
        self._silent_ms = 0.0
