"""Collects the keys of the caller into answers, with type-ahead, a finishing key and three timers.

The vocabulary is that of Twilio's `<Gather>` (`finishOnKey`, `numDigits`) and of VoiceXML's DTMF timing
(`interdigittimeout`, type-ahead); times are monotonic seconds, given by the caller of a method.

One rule: no key is lost. It belongs to the open question, or it waits for the next one.
"""

from dataclasses import dataclass
from enum import Enum

from telebridge.errors import ConfigurationError
from telebridge.timing.deadlines import earliest

KEYS = frozenset("0123456789*#ABCD")
HELD_SECONDS = 20.0
"""Speech keeps a question open for so long in all: a caller may think aloud, but a television must not."""
TYPE_AHEAD_KEYS = 64  # more than any chain of questions takes; a key that is held down must not fill the memory


class Ending(Enum):
    """Why the collection ended; the last three are of questions that words answer.

    `UNHEARD` is the end of a question for free speech where nobody could hear it.
    """

    COMPLETE = "complete"
    FINISH_KEY = "finish-key"
    TIMED_OUT = "timed-out"
    NO_INPUT = "no-input"
    SPOKEN = "spoken"
    NOT_UNDERSTOOD = "not-understood"
    UNHEARD = "unheard"


@dataclass(frozen=True, slots=True)
class DigitRules:
    """The rules for the digits that answer a question.

    Args:
        min_digits: Fewer are no answer; the collection may still end with fewer, which `accepts` checks.
        max_digits: So many end the collection at once; None for no limit.
        finish_on_key: This key ends collecting and is not part of the digits; empty when every key is a digit.
        between_seconds: So long a pause after a key ends collecting.
        no_input_seconds: So long a silence after the prompt ends collecting.
        overall_seconds: So long after the prompt or the first key collecting ends, however busy; None for no limit.
        type_ahead: Whether keys pressed before the question answer it; otherwise they are dropped.

    Raises:
        ConfigurationError: The values contradict each other.
    """

    min_digits: int = 1
    max_digits: int | None = None
    finish_on_key: str = "#"
    between_seconds: float = 3.0
    no_input_seconds: float = 5.0
    overall_seconds: float | None = None
    type_ahead: bool = True

    def __post_init__(self) -> None:
        if self.min_digits < 0:
            raise ConfigurationError("min_digits", f"is {self.min_digits}", "it cannot be negative")
        if self.max_digits is not None and self.max_digits < max(1, self.min_digits):
            raise ConfigurationError("max_digits", f"is {self.max_digits}", "it must be at least 1 and min_digits")
        if self.finish_on_key and self.finish_on_key not in KEYS:
            raise ConfigurationError("finish_on_key", f"is '{self.finish_on_key}'", "it must be one key, or empty")

    def accepts(self, digits: str) -> bool:
        """Whether there are as many digits as were asked for."""
        return len(digits) >= self.min_digits and (self.max_digits is None or len(digits) <= self.max_digits)


@dataclass(frozen=True, slots=True)
class Collected:
    """The keys that were typed, without the one that finished them."""

    digits: str
    ending: Ending


class DigitCollector:
    """Collects the keys of one question after another.

    A question is `start`ed when it is asked, so that keys answer it while its prompt still plays; the no-input timer
    runs from `prompt_ended`.
    """

    def __init__(self) -> None:
        self._rules: DigitRules | None = None
        self._typed = ""
        self._ahead: list[str] = []
        self._restored = ""  # typed in another process, of a question that is to be asked again
        self._silence_deadline: float | None = None  # no input, or no further key
        self._overall_deadline: float | None = None
        self._asked = False  # whether the prompt of the open question was heard or interrupted
        self._speaking = False
        self._held_until: float | None = None
        self._finish_key_after_max = ""
        self._finish_key_until = 0.0

    @property
    def collecting(self) -> bool:
        """Whether a question is open."""
        return self._rules is not None

    @property
    def typed(self) -> str:
        """The keys typed so far of the open question."""
        return self._typed

    @property
    def ahead(self) -> str:
        """The keys that wait for the next question."""
        return "".join(self._ahead)

    def restore(self, typed: str, ahead: str) -> None:
        """Restore what another process saved: the keys typed of the next question, and those typed ahead."""
        self._restored = typed
        self._ahead = list(ahead)

    def press(self, digit: str, *, now: float) -> Collected | None:
        """Take a key; it is kept for the next question when none is open.

        Returns:
            What was collected, when this key ended it.
        """
        if self.is_late_finish_key(digit, now=now):
            self._finish_key_after_max = ""
            return None
        if self._rules is not None:
            return self._add_key(digit, self._rules, now)
        self._finish_key_after_max = ""
        if len(self._ahead) < TYPE_AHEAD_KEYS:
            self._ahead.append(digit)
        return None

    def is_late_finish_key(self, digit: str, *, now: float) -> bool:
        """Whether this key only confirms an answer that is complete: such a key is ignored and interrupts nothing.

        "Enter your six digits, then press pound": the sixth digit ends collecting, and the pound that callers press
        then, as the prompt asks, must not answer the next question.
        """
        return digit == self._finish_key_after_max and now < self._finish_key_until

    def start(self, rules: DigitRules, *, now: float) -> Collected | None:
        """Open a question, in place of one still open.

        Returns:
            What was collected, when the keys typed ahead answer it already; those left over wait for the next question.
        """
        self.stop()
        if not rules.type_ahead:
            self._ahead.clear()
        self._ahead[:0] = self._restored
        self._restored = ""
        self._rules = rules
        while self._ahead:
            if (collected := self._add_key(self._ahead.pop(0), rules, now)) is not None:
                if self._ahead and self._ahead[0] == self._finish_key_after_max:
                    self._ahead.pop(0)
                    self._finish_key_after_max = ""
                return collected
        return None

    def prompt_ended(self, *, now: float) -> None:
        """The question was heard or interrupted: from now on silence counts, unless something was typed already."""
        if self._rules is None:
            return
        self._asked = True
        self._await_input(self._rules, now)
        self._start_overall(self._rules, now)

    def restart_timers(self, *, now: float) -> None:
        """Restart the timers of the open question: something was said in between."""
        if self._rules is None or not self._asked:
            return
        if self._typed:
            self._silence_deadline = now + self._rules.between_seconds
        self._await_input(self._rules, now)
        if self._overall_deadline is not None:
            self._overall_deadline = None
            self._start_overall(self._rules, now)

    def speech_started(self, *, now: float) -> None:
        """The caller speaks, which is neither an answer nor silence."""
        self._speaking = True
        if self._rules is not None and self._asked:
            self._await_input(self._rules, now)

    def speech_ended(self, *, now: float) -> None:
        """The caller stopped speaking: from now on silence counts."""
        self._speaking = False
        if self._rules is not None and self._asked:
            self._await_input(self._rules, now)

    def stop(self) -> None:
        """Close the question without an answer; what was typed of it is dropped, and what was typed ahead is kept."""
        self._rules = None
        self._typed = ""
        self._silence_deadline = None
        self._overall_deadline = None
        self._asked = False
        self._held_until = None

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return earliest(self._silence_deadline, self._overall_deadline)

    def handle_timeout(self, *, now: float) -> Collected | None:
        """What was collected, when its time is up."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return None
        return self._finish(Ending.TIMED_OUT if self._typed else Ending.NO_INPUT)

    def _add_key(self, digit: str, rules: DigitRules, now: float) -> Collected | None:
        self._finish_key_after_max = ""
        if digit == rules.finish_on_key:
            return self._finish(Ending.FINISH_KEY)
        self._typed += digit
        if rules.max_digits is not None and len(self._typed) >= rules.max_digits:
            self._finish_key_after_max = rules.finish_on_key
            self._finish_key_until = now + rules.between_seconds
            return self._finish(Ending.COMPLETE)
        self._silence_deadline = now + rules.between_seconds
        self._start_overall(rules, now)
        return None

    def _await_input(self, rules: DigitRules, now: float) -> None:
        """Set the deadline of a question of which nothing was typed yet."""
        if self._typed:
            return
        silent_until = now + rules.no_input_seconds
        if self._speaking:
            if self._held_until is None:
                self._held_until = now + HELD_SECONDS
            self._silence_deadline = max(self._held_until, self._silence_deadline or silent_until)
        elif self._held_until is None:
            self._silence_deadline = silent_until
        else:
            self._silence_deadline = min(silent_until, self._held_until + rules.no_input_seconds)

    def _start_overall(self, rules: DigitRules, now: float) -> None:
        if rules.overall_seconds is not None and self._overall_deadline is None:
            self._overall_deadline = now + rules.overall_seconds

    def _finish(self, ending: Ending) -> Collected:
        collected = Collected(self._typed, ending)
        self.stop()
        return collected
