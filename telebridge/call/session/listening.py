"""The caller's half of the talk: whether they speak, and what that means for the prompt that plays.

Only as much is worked out as somebody wants to know: a prompt that yields to no speech is not listened over.

One rule: the first syllable is never lost. Every frame is kept for a while, and who listens next begins before the
speech did.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from telebridge.turns.barge_in import BargeInOptions, Decision, SpeechBargeIn
from telebridge.turns.detectors import LevelDetector
from telebridge.turns.pre_roll import KEPT_MS
from telebridge.turns.voice_activity import (
    CallerSpeechEnded,
    CallerSpeechStarted,
    SpeechDetector,
    VoiceActivity,
    VoiceActivityOptions,
)
from telebridge.twilio.media_stream import AudioReceived


@dataclass(frozen=True, slots=True)
class ListeningOptions:
    """How the caller is listened to.

    Args:
        detector: Makes the detector of a call.
        voice_activity: How speech is told from everything else.
        barge_in: How it interrupts a prompt.
        pre_roll_ms: How much of the time before the speech is handed to whoever listens next.
    """

    detector: Callable[[], SpeechDetector] = LevelDetector
    voice_activity: VoiceActivityOptions = field(default_factory=VoiceActivityOptions)
    barge_in: BargeInOptions = field(default_factory=BargeInOptions)
    pre_roll_ms: float = 300.0


@dataclass(frozen=True, slots=True)
class CallerActivity:
    """What a frame of the caller's told: speech that started or ended, and what follows for the prompt."""

    speech: CallerSpeechStarted | CallerSpeechEnded | None
    decision: Decision | None


class Listening:
    """Follows one caller.

    Attributes:
        attentive: Whether somebody wants to know whether the caller speaks.
        floor: Whose turn it is.
    """

    __slots__ = (
        "_activity",
        "_frame",
        "_handed_on_to_ms",
        "_passed",
        "_pre_roll",
        "_pre_roll_ms",
        "_speech_began_ms",
        "attentive",
        "floor",
    )

    def __init__(self, options: ListeningOptions) -> None:
        self.floor = SpeechBargeIn(options.barge_in)
        self._activity = VoiceActivity(options.detector(), options.voice_activity)
        self._pre_roll = self._activity.pre_roll
        self._pre_roll_ms = options.pre_roll_ms
        self.attentive = False
        self._frame = b""
        self._passed = False
        self._speech_began_ms: float | None = None
        self._handed_on_to_ms = 0.0

    def attend(self, *, attentive: bool) -> None:
        """Listen from now on, or no longer."""
        if self.attentive and not attentive:
            self._activity.stop()
            self.floor.released()
        self.attentive = attentive

    def keep(self, frame: AudioReceived) -> bool:
        """Keep a frame for whoever listens next; whether it is worth hearing: those of a quiet line are not."""
        self._frame = self._pre_roll.keep(frame.payload, frame.timestamp_ms)
        if not self.attentive:
            return False
        self._passed = self._activity.passes(self._frame)
        return self._passed or not self.floor.ours

    def hear(
        self, *, played_ms: Callable[[], float] | None, sounded: Callable[[float], bytes] | None
    ) -> CallerActivity | None:
        """Judge the frame that passed.

        Args:
            played_ms: How much of the prompt has sounded that plays, or waits to, and yields to speech; None when there
                is none.
            sounded: The last so many milliseconds that the caller's telephone played; None when it plays nothing.

        Returns:
            None for a frame that told nothing, which most do.
        """
        activity = self._activity
        speech = activity.judge(self._frame, sounded) if self._passed else None
        if isinstance(speech, CallerSpeechStarted):
            self._speech_began_ms = speech.at_ms
        speaking = activity.speaking
        if not speaking and speech is None and self.floor.ours:
            return None
        if played_ms is None:
            self.floor.caller_heard(speaking=speaking)
            return None if speech is None else CallerActivity(speech, None)
        decision = self.floor.hear(
            speaking=speaking,
            speech_ms=activity.speech_ms,
            began_ms=self._speech_began_ms or 0.0,
            now_ms=self._pre_roll.now_ms,
            played_ms=played_ms,
        )
        if self.floor.callers:
            activity.settle()
        return CallerActivity(speech, decision)

    @property
    def speaking(self) -> bool:
        """Whether the caller speaks, as far as anybody listened."""
        return self._activity.speaking

    def prompt_waits(self) -> None:
        """A prompt begins that waits for the end of what the caller says."""
        self.floor.prompt_waits(now_ms=self._pre_roll.now_ms)
        self._activity.settle()

    def interrupted(self) -> None:
        """A prompt was interrupted by something else than speech."""
        self.floor.interrupted(now_ms=self._pre_roll.now_ms)

    def hand_on(self) -> bytes:
        """What the caller said since they last began to speak, and the pre-roll before it; as far as it is kept.

        Nothing is handed on twice: a second listener begins where the first one stopped.
        """
        now_ms = self._pre_roll.now_ms
        began_ms = self._speech_began_ms
        if began_ms is None or (now_ms - began_ms > KEPT_MS and not self.speaking):
            began_ms = now_ms
        from_ms = max(began_ms - self._pre_roll_ms, self._handed_on_to_ms)
        self._handed_on_to_ms = now_ms
        return self._pre_roll.last(now_ms - from_ms)

    def handed_on(self) -> None:
        """The last frame was handed on to who listens."""
        self._handed_on_to_ms = self._pre_roll.now_ms
