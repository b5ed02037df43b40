"""What the caller's sound over a prompt turns out to be, once there are words: an interruption, or none.

The line falls silent at the sound, by `SpeechBargeIn` alone. What `SpeechBargeIn` decides after that is held here until
the words of the sound are known, and they decide in its place.

One rule: words are waited for while the line is silent anyway, and never longer than `wait_seconds` after the sound
alone would have decided; then it does.
"""

from dataclasses import dataclass
from enum import Enum, auto

from telebridge.turns.barge_in import Decision

BY_SOUND = "sound"
"""The reason where words came too late, or not at all."""
LISTENING_SECONDS = 2.0
"""So long after words that leave the floor others are waited for, while the caller still speaks."""
BY_BACKGROUND = "background"
"""The reason where the sound was not the caller's."""


class FloorVerdict(Enum):
    """What words over a prompt mean for it."""

    TAKES = auto()  # the floor is the caller's
    LEAVES = auto()  # the prompt goes on
    UNKNOWN = auto()  # nobody knows, and nobody will


class _Phase(Enum):
    NONE = auto()  # nothing is in question
    SPEAKING = auto()  # the prompt is silent, and the caller is not
    SILENT = auto()  # both are


@dataclass(frozen=True, slots=True)
class Settled:
    """How a contest has ended.

    Args:
        decision: What follows for the prompt: `COMMIT` or `RESUME`.
        reason: Why.
    """

    decision: Decision
    reason: str


class FloorContest:
    """The contest for the floor of one call, prompt by prompt.

    Call `prompt_began` for each prompt, `sound_decided` with what `SpeechBargeIn` decides, and `words_heard` with what
    the words mean.

    Args:
        wait_seconds: How long words may take once the sound alone would have decided.

    Attributes:
        hearing: Whether a recognizer hears the caller; otherwise the sound decides at once.
        prompt: The number of the prompt that began last.
        reason: Why the contest that ended last has ended as it did.
    """

    __slots__ = ("_deadline", "_left", "_phase", "_resumed", "_sound", "_wait_seconds", "hearing", "prompt", "reason")

    def __init__(self, wait_seconds: float) -> None:
        self.hearing = False
        self.prompt = 0
        self.reason = ""
        self._wait_seconds = wait_seconds
        self._phase = _Phase.NONE
        self._sound: Decision | None = None  # what it alone has decided since the prompt paused
        self._deadline: float | None = None
        self._left = ""  # why the words so far leave the floor, as far as they do
        self._resumed = False  # whether this prompt has gone on after a sound

    @property
    def open(self) -> bool:
        """Whether the prompt is silent until it is known what the sound meant."""
        return self._phase is not _Phase.NONE

    @property
    def awaits_words(self) -> bool:
        """Whether words can still decide about this prompt: while the contest is open, and after it went on."""
        return self.open or self._resumed

    def prompt_began(self, number: int) -> None:
        """A prompt begins, or the one before is over."""
        self.prompt = number
        self._resumed = False
        self._end()

    def sound_decided(self, decision: Decision, *, contested: bool, speaking: bool, now: float) -> Settled | None:
        """Take what the sound alone decides.

        Args:
            decision: The decision.
            contested: Whether the floor is contested by it, so that a prompt pauses for more than a wait.
            speaking: Whether the caller speaks.
            now: Monotonic seconds.

        Returns:
            What follows for the prompt now; None when it stays as it is.
        """
        if not self.open and not (self.hearing and (contested or decision is Decision.COMMIT)):
            return Settled(decision, BY_SOUND)
        match decision:
            case Decision.PAUSE:
                self._speaks()
                return Settled(decision, "")
            case Decision.COMMIT:
                began = not self.open
                self._speaks()
                self._sound, self._deadline = decision, now + self._listening_seconds
                return Settled(Decision.PAUSE, "") if began else None
            case Decision.RESUME if speaking:
                return self._settle(self._sound or decision, BY_BACKGROUND)
            case Decision.RESUME:
                return self._falls_silent(now)

    def _speaks(self) -> None:
        if self._phase is _Phase.SILENT and self._sound is Decision.RESUME:
            self._sound = None  # they go on
        if self._phase is not _Phase.SPEAKING:
            self._left = ""
        self._phase, self._deadline = _Phase.SPEAKING, None

    @property
    def _listening_seconds(self) -> float:
        """How long words are waited for while the caller speaks."""
        return max(self._wait_seconds, LISTENING_SECONDS) if self._left else self._wait_seconds

    def _falls_silent(self, now: float) -> Settled | None:
        self._phase = _Phase.SILENT
        self._sound = self._sound or Decision.RESUME
        if self._left and self._sound is Decision.RESUME:  # it was short, and all of its words are known
            return self._settle(Decision.RESUME, self._left)
        self._deadline = now + self._wait_seconds
        return None

    def words_heard(self, verdict: FloorVerdict, reason: str, *, final: bool, now: float) -> Settled | None:
        """Take what the words mean that were spoken over this prompt.

        Args:
            verdict: What they mean.
            reason: Why.
            final: Whether no other words of the same sound follow.
            now: Monotonic seconds.

        Returns:
            What follows for the prompt now; None when it stays as it is.
        """
        if verdict is FloorVerdict.TAKES:
            return self._settle(Decision.COMMIT, reason) if self.awaits_words else None
        if not self.open:
            return None
        if verdict is FloorVerdict.UNKNOWN:
            return self._by_sound() if final and self._phase is _Phase.SILENT else None
        if self._phase is _Phase.SPEAKING:
            self._left = "" if final else reason  # a final one is of a sound before this one
            self._deadline = None if self._sound is None else now + self._listening_seconds
            return None
        if final or self._sound is Decision.RESUME:
            return self._settle(Decision.RESUME, reason)
        return None

    def words_withdrawn(self) -> None:
        """The words so far do not say any more what the caller means, who speaks on: others follow."""
        self._left = ""

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return self._deadline

    def handle_timeout(self, *, now: float) -> Settled | None:
        """What follows from the time being `now`: the sound decides where words are overdue."""
        if self._deadline is None or now < self._deadline:
            return None
        return self._by_sound()

    def _by_sound(self) -> Settled:
        return self._settle(self._sound or Decision.RESUME, BY_SOUND)

    def _settle(self, decision: Decision, reason: str) -> Settled:
        self.reason = reason
        self._resumed = decision is Decision.RESUME
        self._end()
        return Settled(decision, reason)

    def _end(self) -> None:
        self._phase = _Phase.NONE
        self._sound = self._deadline = None
        self._left = ""
