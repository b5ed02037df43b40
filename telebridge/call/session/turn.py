"""One step of a flow between the caller and the bridge alone, from its prompt to its outcome.

It says its prompt, and knows what follows once that was heard or interrupted: nothing more, an open question, the beep
and the recording after it. Whoever performs the step tells it what happened, and is told when it is over.

One rule: a step is over once. `StepOver` is the last of the news that contains it, and nothing is asked afterwards.
"""

from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.audio.tones import beep
from telebridge.call.record import CallRecord
from telebridge.call.session.effects import CallEffect, PublishEvent, SaveMessage
from telebridge.call.session.full_duplex import FullDuplex
from telebridge.deadlines import earliest
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import (
    Collect,
    Gathered,
    Play,
    Record,
    Recorded,
    RecordingEnd,
    Said,
    Say,
    Spoken,
    StepResult,
    Wait,
)
from telebridge.turns.barge_in import BargeIn, BargeInCause
from telebridge.turns.digits import Collected, DigitCollector


@dataclass(frozen=True, slots=True)
class StepOver:
    """The step in progress is over."""

    outcome: StepResult | TelebridgeError


TurnResult = CallEffect | StepOver


class DialogTurn:
    """A step in progress.

    Attributes:
        asked: What was asked for.

    Args:
        step: The same.
        duplex: The line; nothing is being said when the step begins.
        digits: The caller's keys; those typed ahead may answer it.
        record: What answers a question is noted here.
    """

    __slots__ = ("_beeped", "_digits", "_duplex", "_record", "_recorded", "_waits_until", "asked")

    def __init__(self, step: Spoken, duplex: FullDuplex, digits: DigitCollector, record: CallRecord) -> None:
        self.asked = step
        self._duplex = duplex
        self._digits = digits
        self._record = record
        self._waits_until: float | None = None  # the end of a step that only waits
        self._beeped = False
        self._recorded: Recorded | None = None  # ended, but not yet kept

    def begin(self, *, now: float) -> list[TurnResult]:
        """Begin it."""
        match self.asked:
            case Say() as say:
                return self._say(say, now)
            case Play() as play:
                return [*self._duplex.speaking.play(play, now=now)]
            case Wait(seconds):
                self._waits_until = now + seconds
                return []
            case Collect() as collect:
                return self._collect(collect, now)
            case Record(prompt):
                return self.prompt_over(None, now=now) if prompt is None else self._say(prompt, now)

    def _say(self, say: Say, now: float) -> list[TurnResult]:
        return self.prompt_over(None, now=now) if say.is_blank else [*self._duplex.say(say, now=now)]

    def _collect(self, step: Collect, now: float) -> list[TurnResult]:
        """Keys that were typed ahead answer the question before it is asked; the prompt is then skipped."""
        prompt = step.prompt
        if prompt is not None and not self._duplex.yields(prompt, BargeInCause.KEY):
            return self._say(prompt, now)
        collected = self._digits.start(step.rules, now=now)
        if collected is not None:
            return self._collected(collected, now)
        if prompt is None or self._digits.typed:
            self._digits.prompt_ended(now=now)
            return []
        return self._say(prompt, now)

    def prompt_over(self, interruption: BargeIn | None, *, now: float) -> list[TurnResult]:
        """Its prompt was heard or interrupted: go on with it."""
        match self.asked:
            case Collect(_, rules):
                collected = None if self._digits.collecting else self._digits.start(rules, now=now)
                if collected is not None:
                    return self._collected(collected, now)
                self._digits.prompt_ended(now=now)
                return []
            case Record() as record:
                return self._record_now(record, now)
            case _:
                return [StepOver(Said(interruption))]

    def failed(self, error: TelebridgeError) -> list[TurnResult]:
        """Its prompt could not be spoken to its end."""
        self._digits.stop()
        return [StepOver(error)]

    def press(self, digit: str, *, now: float) -> list[TurnResult]:
        """Take a key; it is kept for the next question when this step asks none."""
        collected = self._digits.press(digit, now=now)
        return [] if collected is None else self._collected(collected, now)

    def _collected(self, collected: Collected, now: float) -> list[TurnResult]:
        """The digits are in; a prompt that still plays yields first."""
        effects: list[CallEffect] = []
        if self._duplex.speaking.in_progress is not None:
            effects = self._duplex.interrupt(BargeInCause.KEY, now=now).effects
        if collected.digits:
            self._record.digits.append(collected.digits)
            effects.append(PublishEvent("digits", {"digits": collected.digits}))
        return [*effects, StepOver(Gathered(collected.digits, collected.ending))]

    # Recording.

    def _record_now(self, record: Record, now: float) -> list[TurnResult]:
        if record.beep and not self._beeped:
            self._beeped = True
            return [*self._duplex.speaking.play(Play(beep(), "beep"), now=now)]
        self._duplex.record(record)
        return []

    def recording_over(self, ending: RecordingEnd) -> list[TurnResult]:
        """The caller has said what they wanted to, or enough."""
        audio = self._duplex.stop_recording()
        recorded = Recorded(None, len(audio) / BYTES_PER_MS / 1000, ending)
        if not audio:
            return [StepOver(recorded)]
        self._recorded = recorded
        return [SaveMessage(audio)]

    def recording_kept(self, file: str | None) -> list[TurnResult]:
        """What they said is in a file, or could not be kept; nothing follows when no recording of this step waits."""
        recorded, self._recorded = self._recorded, None
        return [] if recorded is None else [StepOver(Recorded(file, recorded.seconds, recorded.ending))]

    # Time.

    def next_deadline(self, *, announcing: bool) -> float | None:
        """When `handle_timeout` wants to be called, or None.

        Args:
            announcing: Whether something beside the step is being said.
        """
        silent = self._digits.next_deadline() if self._caller_can_answer(announcing=announcing) else None
        return earliest(silent, self._waits_until)

    def handle_timeout(self, *, announcing: bool, now: float) -> list[TurnResult]:
        """What follows from the time being `now`."""
        if self._caller_can_answer(announcing=announcing):
            collected = self._digits.handle_timeout(now=now)
            if collected is not None:
                return self._collected(collected, now)
        if self._waits_until is None or now < self._waits_until:
            return []
        return [StepOver(Said())]

    def _caller_can_answer(self, *, announcing: bool) -> bool:
        """Whether silence is theirs: not while something is announced, nor without a stream that would carry a key."""
        return not announcing and self._duplex.speaking.stream_open
