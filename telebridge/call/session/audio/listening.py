"""The caller's half of a call's audio: whether they speak, and what that means for the prompt that plays.

Only as much is computed as somebody needs: while a prompt yields to no speech, nobody listens.

One rule: the first syllable is never lost. Every frame is kept for a while, and who listens next begins before the
speech did.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from telebridge.turns.barge_in import BargeInOptions, Decision, SpeechBargeIn
from telebridge.turns.level_detector import LevelDetector
from telebridge.turns.played_audio import PlayedAudio
from telebridge.turns.pre_roll import KEPT_MS
from telebridge.turns.voice_activity import (
    CallerSpeechEnded,
    CallerSpeechStarted,
    SpeechDetector,
    VoiceActivity,
    VoiceActivityOptions,
)


@dataclass(frozen=True, slots=True)
class ListeningOptions:
    """How the caller is listened to.

    Args:
        detector: Makes the detector of a call.
        voice_activity: How speech is distinguished from everything else.
        barge_in: How it interrupts a prompt.
        pre_roll_ms: How much of the time before the speech is forwarded to whoever listens next.
    """

    detector: Callable[[], SpeechDetector] = LevelDetector
    voice_activity: VoiceActivityOptions = field(default_factory=VoiceActivityOptions)
    barge_in: BargeInOptions = field(default_factory=BargeInOptions)
    pre_roll_ms: float = 300.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a frame of the caller's says: speech that started or ended, and what follows for the prompt."""

    speech: CallerSpeechStarted | CallerSpeechEnded | None
    decision: Decision | None


class PlayingPrompt(PlayedAudio, Protocol):
    """The prompt that plays, as far as listening needs it."""

    def heard_ms(self, *, now: float) -> float:
        """How much of it the caller has heard, in milliseconds of media."""
        ...


class Listening:
    """Follows one caller.

    Attributes:
        pre_roll: The last second of the caller's audio; every frame is appended to it, whoever listens.
        attentive: Whether somebody needs to know whether the caller speaks.
        floor: Whose turn it is.

    Args:
        options: How.
        prompt: What the bridge says meanwhile.
    """

    __slots__ = (
        "_activity",
        "_behind",
        "_forwarded_to_ms",
        "_pre_roll_ms",
        "_prompt",
        "_recognized_to_ms",
        "_speech_began_ms",
        "attentive",
        "floor",
        "pre_roll",
    )

    def __init__(self, options: ListeningOptions, prompt: PlayingPrompt) -> None:
        self.floor = SpeechBargeIn(options.barge_in)
        self._prompt = prompt
        self._activity = VoiceActivity(options.detector(), options.voice_activity, prompt)
        self.pre_roll = self._activity.pre_roll
        self._pre_roll_ms = options.pre_roll_ms
        self.attentive = False
        self._behind = True  # the background was not followed while nobody listened
        self._speech_began_ms: float | None = None
        self._forwarded_to_ms = 0.0
        self._recognized_to_ms = 0.0

    def attend(self, *, attentive: bool) -> None:
        """Listen from now on, or no longer."""
        if self.attentive and not attentive:
            self._activity.stop()
            self.floor.release()
            self._behind = True
        self.attentive = attentive

    def judge(self, payload: bytes, yields: bool, now: float) -> Judgement | None:  # noqa: FBT001 - a name would cost each frame more
        """Judge the frame that was just appended to the pre-roll.

        Args:
            payload: As much of it as `PreRoll.append` returned.
            yields: Whether a prompt plays, or waits to, that yields to speech.
            now: Monotonic seconds.

        Returns:
            None for a frame that says nothing, as most do, also while the caller speaks.
        """
        activity, floor = self._activity, self.floor
        if self._behind and yields:
            self._behind = False
            activity.catch_up(payload, now=now)
        speech = activity.receive_frame(payload, now, yields)
        speaking = activity.speaking
        if speech is None and not speaking and floor.ours:  # most frames
            return None
        if isinstance(speech, CallerSpeechStarted):
            self._speech_began_ms = speech.at_ms
        if not yields:
            floor.follow(speaking=speaking, now_ms=self.pre_roll.now_ms)
            return None if speech is None else Judgement(speech, None)
        callers = floor.callers
        decision = floor.decide(
            speaking=speaking,
            speech_ms=activity.speech_ms,
            risen_ms=activity.risen_ms,
            began_ms=self._speech_began_ms or 0.0,
            there_first=activity.there_first,
            now_ms=self.pre_roll.now_ms,
            played_ms=self._prompt.heard_ms(now=now) if speaking and floor.ours else 0.0,
        )
        if floor.callers:
            activity.await_end()
        elif speaking and decision is Decision.RESUME:
            speech = activity.dismiss()
        if speech is None and decision is None and floor.callers is callers:
            return None
        return Judgement(speech, decision)

    @property
    def speaking(self) -> bool:
        """Whether the caller speaks, as far as anybody listened."""
        return self._activity.speaking

    @property
    def speech_age_ms(self) -> float:
        """How long ago the caller last began to speak, in media time; 0 where nobody has noticed it."""
        return 0.0 if self._speech_began_ms is None else self.pre_roll.now_ms - self._speech_began_ms

    def prompt_waits(self) -> None:
        """A prompt begins that waits for the end of what the caller says."""
        self.floor.prompt_waits(now_ms=self.pre_roll.now_ms)
        self._activity.await_end()

    def interrupted(self) -> None:
        """A prompt was interrupted by something else than speech."""
        self.floor.interrupted(now_ms=self.pre_roll.now_ms)

    def forward_speech(self) -> bytes:
        """Return what the caller said since they last began to speak, and the pre-roll before it, as far as it is kept.

        Nothing is forwarded twice: a second listener begins where the first one stopped.
        """
        now_ms = self.pre_roll.now_ms
        began_ms = self._speech_began_ms
        if began_ms is None or (now_ms - began_ms > KEPT_MS and not self.speaking):
            began_ms = now_ms
        from_ms = max(began_ms - self._pre_roll_ms, self._forwarded_to_ms)
        self._forwarded_to_ms = now_ms
        return self.pre_roll.last(now_ms - from_ms)

    def speech_so_far(self) -> bytes:
        """Return what the caller said since they last began to speak, and the pre-roll before it, as far as it is kept.

        What a recognizer has already is left out.
        """
        now_ms = self.pre_roll.now_ms
        began_ms = now_ms if self._speech_began_ms is None else self._speech_began_ms
        return self.pre_roll.last(now_ms - max(began_ms - self._pre_roll_ms, self._recognized_to_ms))

    def speech_recognized(self) -> None:
        """A recognizer has everything up to the last frame."""
        self._recognized_to_ms = self.pre_roll.now_ms

    def frame_forwarded(self) -> None:
        """The last frame was forwarded to who listens."""
        self._forwarded_to_ms = self.pre_roll.now_ms
