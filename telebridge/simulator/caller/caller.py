"""Scripted callers.

A `Script` is a value: how the call is answered, then the steps of the caller. A `Caller` performs it in frames of
20 ms: `frame` takes what was heard during a frame and returns what the caller did during that frame.

One rule: a caller knows only what came out of the telephone, never what the bridge sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES, FRAME_MS
from telebridge.simulator.caller.noises import AcousticEnvironment
from telebridge.simulator.caller.sounds import SILENCE, is_audible

QUIET_FRAME = SILENCE * FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Listen:
    """Say nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitForPrompt:
    """Wait until something sounds, and then `into_ms` longer; at most `timeout_seconds`."""

    into_ms: int = 0
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class WaitForSilence:
    """Wait until something has sounded since the last step, then been quiet for `ms`; at most `timeout_seconds`."""

    ms: int = 700
    timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Speak:
    """Speak mu-law audio of any length, whatever is heard meanwhile."""

    mulaw: bytes = field(repr=False)
    words: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys one after the other; `w` is a pause of half a second."""

    keys: str
    gap_ms: int = 240


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Wait until that many seconds after the line was opened; no wait when that is past."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Noise:
    """From now on, play this background noise in a loop. Empty audio ends it. Takes no time."""

    mulaw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """From now on, feed what the caller hears back into the microphone; a gain of None ends it. Takes no time."""

    gain_db: float | None
    delay_ms: int = 120


@dataclass(frozen=True, slots=True)
class HangUpStep:
    """Hang up."""


CallerStep = Listen | WaitForPrompt | WaitForSilence | WaitUntil | Speak | Press | Noise | Loudspeaker | HangUpStep


class Pickup(Enum):
    """How a callee reacts to a call; the value is the status of the call."""

    ANSWER = "in-progress"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Script:
    """What a caller or callee does. After the last step they stay on the line and listen.

    Args:
        steps: The steps once the line is open.
        pickup: How a callee reacts to the call.
        ring_seconds: How long it rings before the callee answers or is busy.
        answered_by: The result of answering machine detection: human, machine, fax or unknown.
        detection_seconds: How long the detection takes.
        sip_response_code: Sent with the final status of a call that failed.
    """

    steps: tuple[CallerStep, ...] = ()
    pickup: Pickup = Pickup.ANSWER
    ring_seconds: float = 1.0
    answered_by: str = "human"
    detection_seconds: float = 3.0
    sip_response_code: int = 404


Scripts = Mapping[str, Script]
"""Maps a number to the script of whoever answers it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a caller did during one frame; `began` is a step that began in it, `spoke` one of speech that ended."""

    audio: bytes = QUIET_FRAME
    keys: str = ""
    hung_up: bool = False
    began: CallerStep | None = None
    spoke: Speak | None = None


class Caller:
    """Performs a script frame by frame. Steps that take no time follow each other within one frame."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._steps = list(script.steps)
        self._next = 0
        self._step: CallerStep | None = None
        self._elapsed_ms = 0  # in this step
        self._sounded = False  # since this step began
        self._quiet_ms = 0  # at the end of what was heard
        self._ended = False
        self._open_ms = 0  # since the line opened
        self._environment = AcousticEnvironment()

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self._step is None and self._next >= len(self._steps)

    @property
    def silent(self) -> bool:
        """Whether every frame will be silence until a step is added: all steps are done, in a quiet place."""
        return self.finished and self._environment.silent

    def add(self, step: CallerStep) -> None:
        """Do this too, after the steps that are left; nothing is done after hanging up."""
        self._steps.append(step)

    def rest(self, frames: int) -> None:
        """Advance by so many frames of 20 ms while the caller is `silent`."""
        self._open_ms += frames * FRAME_MS
        self._quiet_ms += frames * FRAME_MS

    def frame(self, heard: bytes) -> Turn:
        """Advance by 20 ms, during which `heard` came out of the telephone (empty counts as silence)."""
        self._open_ms += FRAME_MS
        began = self._begin_next() if self._step is None else None
        while isinstance(self._step, Noise | Loudspeaker):
            self._set_environment(self._step)
            began = self._begin_next()
        if is_audible(heard):
            self._sounded, self._quiet_ms = True, 0
        else:
            self._quiet_ms += FRAME_MS
        self._elapsed_ms += FRAME_MS
        turn = self._perform(self._step, began)
        if turn.hung_up:
            self._ended = True
        if self._environment.silent:
            return turn
        return replace(turn, audio=self._environment.mixed(turn.audio, heard))

    def _begin_next(self) -> CallerStep | None:
        if self._ended or self._next >= len(self._steps):
            return None
        self._step = self._steps[self._next]
        self._next += 1
        self._elapsed_ms, self._sounded = 0, False
        return self._step

    def _set_environment(self, step: Noise | Loudspeaker) -> None:
        self._step = None
        match step:
            case Noise(mulaw):
                self._environment.noise(mulaw)
            case Loudspeaker(gain_db, delay_ms):
                self._environment.loudspeaker(gain_db, delay_ms)

    def _perform(self, step: CallerStep | None, began: CallerStep | None) -> Turn:  # noqa: C901 - a case for each kind
        match step:
            case None:
                return Turn()
            case Listen(seconds):
                return self._wait(began, done=self._elapsed_ms >= seconds * 1000)
            case WaitForPrompt(into_ms, timeout_seconds):
                if not self._sounded:
                    return self._wait(began, done=self._elapsed_ms >= timeout_seconds * 1000)
                self._step = Listen((self._elapsed_ms + into_ms - FRAME_MS) / 1000)
                return self._wait(began, done=into_ms < FRAME_MS)
            case WaitForSilence(ms, timeout_seconds):
                quiet = self._sounded and self._quiet_ms >= ms
                return self._wait(began, done=quiet or self._elapsed_ms >= timeout_seconds * 1000)
            case WaitUntil(seconds):
                return self._wait(began, done=self._open_ms >= seconds * 1000)
            case Speak():
                return self._speak(step, began)
            case Press(keys, gap_ms):
                return self._press(keys, gap_ms, began)
            case Noise() | Loudspeaker():
                raise AssertionError("takes no time")
            case HangUpStep():
                self._step = None
                return Turn(hung_up=True, began=began)

    def _wait(self, began: CallerStep | None, *, done: bool) -> Turn:
        if done:
            self._step = None
        return Turn(began=began)

    def _speak(self, step: Speak, began: CallerStep | None) -> Turn:
        start = (self._elapsed_ms - FRAME_MS) * BYTES_PER_MS
        ends = start + FRAME_BYTES >= len(step.mulaw)
        if ends:
            self._step = None
        audio = step.mulaw[start : start + FRAME_BYTES].ljust(FRAME_BYTES, SILENCE)
        return Turn(audio, began=began, spoke=step if ends else None)

    def _press(self, keys: str, gap_ms: int, began: CallerStep | None) -> Turn:
        """Press the keys whose time lies in this frame: the first at once, each next one a gap (or pause) later."""
        pressed, at_ms, last_ms = "", 0, 0
        for key in keys:
            if key == "w":
                at_ms += 500
                continue
            if self._elapsed_ms - FRAME_MS <= at_ms < self._elapsed_ms:
                pressed += key
            last_ms = at_ms
            at_ms += gap_ms
        if self._elapsed_ms > last_ms and self._elapsed_ms >= at_ms:
            self._step = None
        return Turn(keys=pressed, began=began)
