"""A walk through a flow without a call: steps become lines to read, and what is typed becomes what a caller does.

Keys go through the collector that calls have, so that type-ahead, finishing keys and too few digits are as on the
telephone. One rule: time passes between answers only, and then as much as the open question waits for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telebridge.errors import ConfigurationError, TelebridgeError
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow, verb_of
from telebridge.flows.steps import (
    Collect,
    Done,
    Gathered,
    HangUp,
    Play,
    Record,
    Recorded,
    RecordingEnd,
    Request,
    Run,
    Said,
    Say,
    Step,
    StepResult,
    Transfer,
    Transferred,
    TransferStatus,
    Wait,
)
from telebridge.turns.digits import KEYS, Collected, DigitCollector

NEXT = "w"
HANGS_UP = "!"
MOST_STEPS = 500
"""A walk of so many steps goes in circles."""
RECORDED_SECONDS = 3.0


class CannotRehearse(TelebridgeError):
    """The walk cannot go on: it has no end."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happens.

    Args:
        node: The node it happens in.
        what: says, asks, waits, plays, records, transfers, requests, runs, fails, hangs up, caller hangs up, or the
            verb of a node that makes no sound.
        text: What is said, how long it waits, why it fails; may be empty.
    """

    node: str
    what: str
    text: str = ""


def answers_in(typed: str) -> list[str]:
    """What is typed, cut into one answer after another; an empty one is a silence.

    Raises:
        ConfigurationError: There is something else among it than keys, `w` and `!`.
    """
    keys = "".join(typed.split())
    for key in keys:
        if key not in KEYS and key not in (NEXT, HANGS_UP):
            raise ConfigurationError(
                "keys", f"'{key}' is no telephone key", "0 to 9, A to D, * and # are; w waits for the next question"
            )
    return keys.split(NEXT)


def _shown(told: object) -> str:
    return "fails" if told is None else json.dumps(told, default=str)


class Rehearsal:
    """One walk. `start` it, then `answer` until it is `over`.

    Args:
        flow: A flow that was checked.
        variables: What is known of the call.
        answers: By node, what a request or a function answers, how many seconds are recorded, or `completed` for a
            transfer that succeeds. Without one a request fails, a message is left, and nobody takes a transfer.

    Attributes:
        over: Whether the call has ended.
    """

    def __init__(self, flow: Flow, variables: Mapping[str, Any], answers: Mapping[str, Any] | None = None) -> None:
        self.over = False
        self._answers = answers or {}
        self._flow = flow
        self._walk = FlowInterpreter(flow, variables)
        self._collector = DigitCollector()
        self._now = 0.0
        self._told = 0  # so many nodes of the path were told
        self._failure_told = False
        self._steps = 0

    @property
    def path(self) -> list[str]:
        """The nodes entered so far."""
        return self._walk.path

    @property
    def variables(self) -> Mapping[str, Any]:
        """What is known now."""
        return self._walk.variables

    @property
    def failure(self) -> str | None:
        """Why the caller heard an apology; None when that did not happen."""
        return self._walk.failure

    def start(self) -> list[Line]:
        """What happens up to the first question.

        Raises:
            CannotRehearse: It has no end.
        """
        return self._perform(self._walk.start())

    def answer(self, keys: str) -> list[Line]:
        """What happens when these keys are pressed in one go and then none, up to the next open question.

        Raises:
            CannotRehearse: It has no end.
        """
        lines: list[Line] = []
        keys, hangs_up, _ = keys.partition(HANGS_UP)
        if not self.over and (collected := self._pressed(keys) or (None if hangs_up else self._waited())) is not None:
            lines += self._perform(self._walk.resume(Gathered(collected.digits, collected.ending)))
        if hangs_up and not self.over:
            lines.append(self._ended("caller hangs up"))
        return lines

    def _pressed(self, keys: str) -> Collected | None:
        """What the first keys answer; those that are left over wait for the next question."""
        collected = None
        for key in keys:
            collected = self._collector.press(key, now=self._now) or collected
        return collected

    def _waited(self) -> Collected | None:
        """What comes of silence."""
        deadline = self._collector.next_deadline()
        if deadline is None:
            return None
        self._now = max(self._now, deadline)
        return self._collector.handle_timeout(now=self._now)

    def _perform(self, step: Step) -> list[Line]:
        """Go on from step to step until a question stands open or the call ends."""
        lines: list[Line] = []
        while True:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise CannotRehearse(f"the flow takes more than {MOST_STEPS} steps; it goes in circles")
            lines += self._passed()
            outcome = self._performed(step, lines)
            if outcome is None:
                return lines
            step = self._walk.resume(outcome)

    def _performed(self, step: Step, lines: list[Line]) -> StepResult | None:
        """How a step goes; None when it is the caller's turn, or nobody's any more."""
        node = self.path[-1]
        match step:
            case Say(text=text):
                lines.append(Line(node, "says", text if isinstance(text, str) else "…"))
                return Said()
            case Collect(prompt, rules):
                lines.append(Line(node, "asks", prompt.text if prompt and isinstance(prompt.text, str) else ""))
                collected = self._collector.start(rules, now=self._now)
                self._collector.prompt_ended(now=self._now)
                return None if collected is None else Gathered(collected.digits, collected.ending)
            case Wait(seconds):
                lines.append(Line(node, "waits", f"{seconds:g} s"))
                return Said()
            case Play(name=name):
                lines.append(Line(node, "plays", name))
                return Said()
            case HangUp():
                lines.append(self._ended("hangs up"))
                return None
            case Record() | Transfer() | Request() | Run():
                return self._elsewhere(node, step, lines)

    def _elsewhere(self, node: str, step: Record | Transfer | Request | Run, lines: list[Line]) -> StepResult:
        """What only a call can do goes as it was told to, or as it goes when nobody is there."""
        told = self._answers.get(node)
        match step:
            case Record(prompt):
                lines.append(Line(node, "records", prompt.text if prompt and isinstance(prompt.text, str) else ""))
                seconds = float(told) if isinstance(told, int | float) else RECORDED_SECONDS
                return Recorded(f"{node}.wav" if seconds else None, seconds, RecordingEnd.SILENCE)
            case Transfer(to):
                status: TransferStatus = "completed" if told == "completed" else "no-answer"
                lines.append(Line(node, "transfers", f"{to}: {status}"))
                return Transferred(status)
            case Request(method, url):
                lines.append(Line(node, "requests", f"{method} {url}: {_shown(told)}"))
            case Run(function):
                lines.append(Line(node, "runs", f"{function}: {_shown(told)}"))
        return Done(problem="no answer was given") if told is None else Done(told)

    def _passed(self) -> list[Line]:
        """The nodes without a sound that were gone through since the last step, and what went wrong there."""
        passed = [Line(name, verb_of(self._flow.nodes[name])) for name in self.path[self._told : -1]]
        self._told = len(self.path)
        if self.failure is not None and not self._failure_told:
            self._failure_told = True
            passed.append(Line(self.path[-1], "fails", self.failure))
        return passed

    def _ended(self, how: str) -> Line:
        self.over = True
        return Line(self.path[-1], how)
