"""Barge-in: what may interrupt a prompt, in which steps, and what an interruption reports.

The vocabulary is VoiceXML's: a barge-in has a cause, and each prompt has a policy that lists the causes it yields to.

Speech interrupts in two steps, because a cough must not end a prompt, and its beginning sounds like speech: playback
pauses at once, and only speech that continues takes the floor.
"""

from dataclasses import dataclass
from enum import Enum, auto


class BargeInCause(Enum):
    """What interrupted a prompt."""

    SPEECH = "speech"
    KEY = "key"
    API = "api"
    HANG_UP = "hang-up"


class BargeInPolicy(Enum):
    """What may interrupt a prompt. A request to the API always may, as the call's owner makes it; so may hanging up."""

    ANY = "any"
    SPEECH = "speech"
    KEYS = "keys"
    NONE = "none"

    def yields_to(self, cause: BargeInCause) -> bool:
        """Whether a prompt with this policy is interrupted by `cause`."""
        return cause in _YIELDS_TO[self]


_ALWAYS = frozenset({BargeInCause.API, BargeInCause.HANG_UP})
_YIELDS_TO = {
    BargeInPolicy.ANY: _ALWAYS | {BargeInCause.SPEECH, BargeInCause.KEY},
    BargeInPolicy.SPEECH: _ALWAYS | {BargeInCause.SPEECH},
    BargeInPolicy.KEYS: _ALWAYS | {BargeInCause.KEY},
    BargeInPolicy.NONE: _ALWAYS,
}


@dataclass(frozen=True, slots=True)
class BargeIn:
    """An interruption, as flows, the API and the call record see it.

    Args:
        cause: What interrupted.
        heard_text: The words the caller heard of the utterance.
        heard_ms: How much of its audio the caller heard, in milliseconds of media.
        exact: Whether `heard_text` follows from word timings; otherwise it is estimated by proportion.
        stop_ms: How long the caller had been speaking when playback stopped, in milliseconds of their audio; 0 for a
            key and the other causes, which stop it at once.
        reason: Why speech took the floor, where words may judge it: "words", "number", "interrupting word", "answer",
            "judge", or "sound" where the words came too late; otherwise empty.
    """

    cause: BargeInCause
    heard_text: str
    heard_ms: float
    exact: bool
    stop_ms: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BargeInOptions:
    """How speech interrupts a prompt; all times are media time.

    Args:
        policy: What may interrupt a prompt that does not say so itself.
        pause_after_ms: So much speech silences the line. The detector itself needs about 64 ms to know it for speech.
        commit_after_ms: So much speech takes the floor; a cough, a click or "mm-hm" is shorter.
        resume: Whether the prompt goes on after less; if not, whatever silences the line takes the floor.
        grace_ms: How long a prompt sounds before speech may silence it.
        longest_wait_ms: How long the next prompt waits for a caller who took the floor and goes on speaking.
    """

    policy: BargeInPolicy = BargeInPolicy.ANY
    pause_after_ms: float = 0.0
    commit_after_ms: float = 500.0
    resume: bool = True
    grace_ms: float = 0.0
    longest_wait_ms: float = 10_000.0


LONGEST_CONTEST_MS = 3000.0
"""After so long a sound that is neither enough speech nor a silence is no reason to be silent any more."""
LONGEST_HOLD_MS = 400.0
"""So long a prompt waits for the end of speech that may be a part of the background: a "hello?" is over by then."""
SAME_SPEECH_MS = 500.0
"""Who took the floor, fell silent and begins again so soon goes on with what they said: the prompt that began meanwhile
waits for them, and is not interrupted."""


class Decision(Enum):
    """What follows from the caller's speech for the prompt that plays."""

    PAUSE = auto()  # fall silent, and keep what was not heard
    RESUME = auto()  # go on with it
    COMMIT = auto()  # the floor is the caller's


class _Floor(Enum):
    OURS = auto()
    CONTESTED = auto()  # paused: it may have been a cough
    CALLERS = auto()  # committed, and they are still speaking
    DISMISSED = auto()  # ours again, though somebody is still speaking who is not the caller


class SpeechBargeIn:
    """Decides, frame by frame, what the caller's speech means for the prompt that plays.

    One stretch of speech interrupts one prompt at the most: the next one waits until the caller has finished, and so
    does one that begins while they already speak.

    Attributes:
        ours: Whether nobody disputes the bridge's turn.
        stop_ms: How long after the caller began to speak the line last fell silent.
    """

    def __init__(self, options: BargeInOptions) -> None:
        self.stop_ms = 0.0
        self._options = options
        self._give(_Floor.OURS)
        self._since_ms = 0.0  # when the floor was contested, or a prompt began to wait for the caller's end
        self._longest_wait_ms = options.longest_wait_ms
        self._taken = False  # whether this stretch of speech took the floor
        self._given_back_ms = -SAME_SPEECH_MS  # when the last stretch that took it was over

    @property
    def callers(self) -> bool:
        """Whether the caller took the floor and has not finished."""
        return self._floor is _Floor.CALLERS

    @property
    def contested(self) -> bool:
        """Whether the prompt is silent until it is known whether the caller takes the floor."""
        return self._floor is _Floor.CONTESTED

    def decide(
        self,
        *,
        speaking: bool,
        speech_ms: float,
        risen_ms: float,
        began_ms: float,
        there_first: bool,
        now_ms: float,
        played_ms: float,
    ) -> Decision | None:
        """Decide on a frame of the caller's that came while a prompt that yields to speech plays, or waits to.

        Args:
            speaking: Whether the caller speaks.
            speech_ms: How much of this stretch was speech so far.
            risen_ms: How much of that rose clearly above the background; only this takes the floor.
            began_ms: When it began.
            there_first: Whether it began before the background was known; such speech takes no floor.
            now_ms: Media time.
            played_ms: How much of the prompt has sounded; asked only of a caller who speaks while `ours`.

        Returns:
            What follows; `RESUME` while they still speak says that it is not the caller who does.
        """
        if not speaking:
            return self._caller_is_silent(now_ms)
        match self._floor:
            case _Floor.OURS:
                if speech_ms < self._options.pause_after_ms:
                    return None
                return self._contest(risen_ms, began_ms, now_ms, played_ms, there_first=there_first)
            case _Floor.CONTESTED:
                if self._enough(risen_ms):
                    return self._give_to_caller(now_ms, Decision.COMMIT)
                return self._resume_after(LONGEST_CONTEST_MS, now_ms)
            case _Floor.CALLERS:
                return self._resume_after(self._longest_wait_ms, now_ms)
            case _Floor.DISMISSED:
                return None

    def prompt_waits(self, *, now_ms: float) -> None:
        """A prompt begins that waits until the caller, who speaks already, has finished."""
        self._give_to_caller(now_ms, Decision.PAUSE)

    def follow(self, *, speaking: bool, now_ms: float) -> None:
        """Follow a frame of the caller's that came while no prompt plays that yields to speech."""
        if not speaking:
            self._caller_is_silent(now_ms)
        elif self._floor is _Floor.CONTESTED:
            self._give(_Floor.CALLERS)

    def interrupted(self, *, now_ms: float) -> None:
        """The prompt was interrupted by something else than speech: what was contested is the caller's."""
        if self._floor is _Floor.CONTESTED:
            self._give_to_caller(now_ms, Decision.COMMIT)

    def release(self) -> None:
        """Give the floor back: nobody listens any more."""
        self._give(_Floor.OURS)

    def _caller_is_silent(self, now_ms: float) -> Decision | None:
        disputed = self._floor in {_Floor.CONTESTED, _Floor.CALLERS}
        if self._taken:
            self._given_back_ms, self._taken = now_ms, False
        self._give(_Floor.OURS)
        return Decision.RESUME if disputed else None

    def _give(self, floor: _Floor) -> None:
        self._floor = floor
        self.ours = floor is _Floor.OURS  # asked for at every frame of every call

    def _enough(self, risen_ms: float) -> bool:
        return not self._options.resume or risen_ms >= self._options.commit_after_ms

    def _resume_after(self, ms: float, now_ms: float) -> Decision | None:
        if now_ms - self._since_ms < ms:
            return None
        self._give(_Floor.DISMISSED)
        return Decision.RESUME

    def _contest(
        self, risen_ms: float, began_ms: float, now_ms: float, played_ms: float, *, there_first: bool
    ) -> Decision | None:
        """Speech over a prompt; who began before the prompt did says nothing to it, and is heard out."""
        if played_ms < self._options.grace_ms:
            return None
        if there_first:
            return self._give_to_caller(now_ms, Decision.PAUSE, LONGEST_HOLD_MS)
        if began_ms - self._given_back_ms < SAME_SPEECH_MS:
            return self._give_to_caller(now_ms, Decision.PAUSE, LONGEST_CONTEST_MS)
        if played_ms < now_ms - began_ms:
            return self._give_to_caller(now_ms, Decision.PAUSE)
        self.stop_ms = now_ms - began_ms
        if self._enough(risen_ms):
            return self._give_to_caller(now_ms, Decision.COMMIT)
        self._give(_Floor.CONTESTED)
        self._since_ms = now_ms
        return Decision.PAUSE

    def _give_to_caller(self, now_ms: float, decision: Decision, longest_wait_ms: float | None = None) -> Decision:
        self._give(_Floor.CALLERS)
        self._since_ms = now_ms
        self._longest_wait_ms = self._options.longest_wait_ms if longest_wait_ms is None else longest_wait_ms
        self._taken = self._taken or decision is Decision.COMMIT
        return decision
