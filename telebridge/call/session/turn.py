"""One dialog turn: a step of a flow that needs nobody but the caller, from its prompt to its outcome.

A turn says its prompt, and knows what follows once that was heard or interrupted: nothing more, an open question, or
the beep and the recording after it. VoiceXML calls such a step a form item.

One rule: a turn is over once. `StepOver` is the last of the results that contain it, and nothing follows it.
"""

from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.audio.tones import beep
from telebridge.call.record import CallRecord
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.effects import CallEffect, PublishEvent, SaveMessage
from telebridge.deadlines import earliest
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import (
    Collect,
    DialogueStep,
    Gathered,
    Play,
    Record,
    Recorded,
    RecordingEnd,
    Said,
    Say,
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
    """A turn in progress.

    Attributes:
        step: The step that it performs.

    Args:
        step: The step that it performs.
        duplex: The audio of the call; nothing is being said when the step begins.
        digits: The caller's keys; those typed ahead may answer it.
        record: What answers a question is noted here.
    """

    __slots__ = ("_beeped", "_digits", "_duplex", "_record", "_recorded", "_waits_until", "step")

    def __init__(self, step: DialogueStep, duplex: FullDuplex, digits: DigitCollector, record: CallRecord) -> None:
        self.step = step
        self._duplex = duplex
        self._digits = digits
        self._record = record
        self._waits_until: float | None = None  # the end of a step that only waits
        self._beeped = False
        self._recorded: Recorded | None = None  # ended, but not yet saved

    @property
    def mail_to(self) -> str | None:
        """To whom a message that it records is sent by e-mail; None where the settings say."""
        return self.step.mail_to if isinstance(self.step, Record) else None

    def begin(self, *, now: float) -> list[TurnResult]:
        """Begin the turn."""
        match self.step:
            case Say() as say:
                return self._say(say, now)
            case Play() as play:
                return [*self._duplex.play(play, now=now)]
            case Wait(seconds):
                self._waits_until = now + seconds
                return []
            case Collect() as collect:
                return self._collect(collect, now)
            case Record(prompt):
                return self.prompt_ended(None, now=now) if prompt is None else self._say(prompt, now)

    def _say(self, say: Say, now: float) -> list[TurnResult]:
        return self.prompt_ended(None, now=now) if say.is_blank else [*self._duplex.say(say, now=now)]

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

    def prompt_ended(self, interruption: BargeIn | None, *, now: float) -> list[TurnResult]:
        """The prompt was heard or interrupted: go on with what follows it."""
        match self.step:
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

    def prompt_failed(self, error: TelebridgeError) -> list[TurnResult]:
        """The prompt could not be spoken to its end."""
        self._digits.stop()
        return [StepOver(error)]

    def press(self, digit: str, *, now: float) -> list[TurnResult]:
        """Take a key; it is typed ahead for the next question when this turn asks none."""
        collected = self._digits.press(digit, now=now)
        return [] if collected is None else self._collected(collected, now)

    def _collected(self, collected: Collected, now: float) -> list[TurnResult]:
        """The digits are complete; a prompt that still plays is interrupted first."""
        effects: list[CallEffect] = []
        if self._duplex.saying is not None:
            effects = self._duplex.interrupt(BargeInCause.KEY, now=now).effects
        if collected.digits:
            self._record.digits.append(collected.digits)
            effects.append(PublishEvent("digits", {"digits": collected.digits}))
        return [*effects, StepOver(Gathered(collected.digits, collected.ending))]

    # Recording.

    def _record_now(self, record: Record, now: float) -> list[TurnResult]:
        if record.beep and not self._beeped:
            self._beeped = True
            return [*self._duplex.play(Play(beep(), "beep"), now=now)]
        self._duplex.record(record)
        return []

    def recording_ended(self, ending: RecordingEnd) -> list[TurnResult]:
        """The caller has said what they wanted to, or enough."""
        audio = self._duplex.stop_recording()
        recorded = Recorded(None, len(audio) / BYTES_PER_MS / 1000, ending)
        if not audio:
            return [StepOver(recorded)]
        self._recorded = recorded
        return [SaveMessage(audio, self.mail_to)]

    def message_saved(self, file: str | None) -> list[TurnResult]:
        """The message is in that file, or could not be saved; nothing follows when this turn has none that waits."""
        recorded, self._recorded = self._recorded, None
        return [] if recorded is None else [StepOver(Recorded(file, recorded.seconds, recorded.ending))]

    # Time.

    def next_deadline(self, *, announcing: bool) -> float | None:
        """When `handle_timeout` wants to be called, or None.

        Args:
            announcing: Whether an announcement is being said.
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
        """Whether silence counts: not during an announcement, nor without a stream that would carry a key."""
        return not announcing and self._duplex.stream_open
