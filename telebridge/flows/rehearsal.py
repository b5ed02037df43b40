"""Runs a flow without a call: steps become lines to read, and typed keys become what a caller presses.

Keys go through the digit collector of calls, so type-ahead, finish keys and incomplete entries work as in a call.

One rule: time passes only between answers, and then exactly as long as the open question waits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from telebridge.answering.phrases import Answerer
from telebridge.audio.mulaw import silence
from telebridge.errors import ConfigurationError, TelebridgeError
from telebridge.flows.inspection import verb_of
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.flows.steps import (
    Action,
    Collect,
    Done,
    Gathered,
    HangUp,
    LoadAudio,
    Play,
    Record,
    Recorded,
    RecordingEnd,
    Request,
    Run,
    Said,
    Say,
    Screened,
    Screening,
    SendSms,
    Step,
    StepResult,
    Transfer,
    Transferred,
    TransferStatus,
    Wait,
)
from telebridge.flows.words.meaning import meaning_of
from telebridge.recognition.words.phrases import says_nothing
from telebridge.turns.digits import KEYS, Collected, DigitCollector, DigitRules, Ending

NEXT = "w"
HANGS_UP = "!"
SAYS = "say "
"""So a typed answer begins that is words."""
MOST_STEPS = 500
"""A rehearsal of more steps has no end."""
RECORDED_SECONDS = 3.0


FAILED = "failed"
CAME = (Answerer.PERSON, Answerer.VOICEMAIL)
"""Who may come to a telephone that screens calls."""
PLACEHOLDER_MS = 60_000
"""The length of what stands for a recording, which nobody hears."""


def transfer_status(answer: object) -> TransferStatus:
    """How a transfer or a queue ends; nobody answers where nothing was said of it."""
    known: tuple[TransferStatus, ...] = get_args(TransferStatus)
    return next((status for status in known if status == answer), "no-answer")


class CannotRehearse(TelebridgeError):
    """The rehearsal was stopped because the flow has no end."""


@dataclass(frozen=True, slots=True)
class RehearsalLine:
    """A line of a rehearsal: one thing that happens.

    Args:
        node: The name of the node; empty in a Python flow.
        what: "says", "asks", "waits", "plays", "records", "transfers", "queues", "texts", "requests", "runs", "fails",
            "hangs up", "caller hangs up", or the verb of a node that makes no sound.
        text: What is said, how long it waits, why it fails; may be empty.
    """

    node: str
    what: str
    text: str = ""


def answers_in(typed: str) -> list[str]:
    """Split typed text into the answers to successive questions; an empty answer is a silence, "say …" are words.

    Raises:
        ConfigurationError: It contains something other than keys, `w` and `!`.
    """
    if typed.strip().lower().startswith(SAYS):
        return [typed.strip()]
    keys = "".join(typed.split())
    for key in keys:
        if key not in KEYS and key not in (NEXT, HANGS_UP):
            raise ConfigurationError(
                "keys", f"'{key}' is no telephone key", "0 to 9, A to D, * and # are; w waits for the next question"
            )
    return keys.split(NEXT)


def _shown(answer: object) -> str:
    return "fails" if answer is None else json.dumps(answer, default=str)


class RehearsedKeys:
    """The keys of a rehearsal, collected as in a call; time passes only while it waits."""

    def __init__(self) -> None:
        self._collector = DigitCollector()
        self._now = 0.0

    def ask(self, rules: DigitRules) -> Gathered | None:
        """Begin to collect; returns the entry that earlier keys complete."""
        collected = self._collector.start(rules, now=self._now)
        self._collector.prompt_ended(now=self._now)
        return _gathered(collected)

    def press(self, keys: str) -> Gathered | None:
        """Press keys; returns the entry that the first of them complete. Those after it wait for the next question."""
        collected = None
        for key in keys:
            collected = self._collector.press(key, now=self._now) or collected
        return _gathered(collected)

    def stop(self) -> None:
        """The question was answered by words."""
        self._collector.stop()

    def wait(self) -> Gathered | None:
        """Press nothing for as long as the question waits; returns the entry, or None when nothing is asked."""
        deadline = self._collector.next_deadline()
        if deadline is None:
            return None
        self._now = max(self._now, deadline)
        return _gathered(self._collector.handle_timeout(now=self._now))


def _gathered(collected: Collected | None) -> Gathered | None:
    return None if collected is None else Gathered(collected.digits, collected.ending)


def spoken_answer(text: str, question: Collect, keys: RehearsedKeys) -> Gathered | None:
    """What words answer to a question; None where nothing follows, because nobody listens or they are only digits."""
    rules = question.words
    if rules is None or says_nothing(text):
        return keys.wait()
    if rules.free:
        keys.stop()
        return Gathered("", Ending.SPOKEN, text)
    meaning = meaning_of(text, text, rules, rules.language or "en")
    if meaning is not None and meaning.digits:
        return keys.press(meaning.digits) or keys.wait()
    keys.stop()
    return Gathered("", Ending.NOT_UNDERSTOOD, text) if meaning is None else Gathered(meaning.key, Ending.SPOKEN, text)


class Rehearsal:
    """One run of a flow. Call `start`, then `answer` until `over` is true.

    Args:
        flow: A flow that was checked.
        variables: What is known of the call.
        answers: By name of node, the value that a request or a function returns, the seconds that are recorded, or
            "completed" for a transfer that succeeds; of a queue also "left" or "full", of a text message or a recording
            "failed", of a `screening` "person" or "voicemail". Without one a request fails, a message is recorded, and
            nobody answers a transfer or comes to a `screening`.
        surroundings: Knows the time, and the other flows.
        words: Whether somebody hears words, so that questions are asked as they are then; words answer in any case.

    Attributes:
        over: Whether the call has ended.
    """

    def __init__(
        self,
        flow: Flow,
        variables: Mapping[str, Any],
        answers: Mapping[str, Any] | None = None,
        surroundings: FlowSurroundings | None = None,
        *,
        words: bool = False,
    ) -> None:
        self.over = False
        self._words = words
        self._answers = answers or {}
        self._interpreter = FlowInterpreter(flow, variables, surroundings)
        self._keys = RehearsedKeys()
        self._question = Collect()  # the last one
        self._reported = 0  # how many nodes of the path have a line
        self._failure_reported = False
        self._steps = 0

    @property
    def path(self) -> list[str]:
        """The nodes entered so far."""
        return self._interpreter.path

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables as they are now."""
        return self._interpreter.variables

    @property
    def failure(self) -> str | None:
        """Why the caller heard the apology; None when they did not."""
        return self._interpreter.failure

    def start(self, node: str | None = None) -> list[RehearsalLine]:
        """Run up to the first question.

        Args:
            node: Where the call begins; None for the start of the flow.

        Raises:
            CannotRehearse: The flow has no end.
        """
        return self._perform(self._interpreter.start() if node is None else self._interpreter.go_to(node))

    def answer(self, keys: str) -> list[RehearsalLine]:
        """Press these keys in succession and then none, or say these words, and run up to the next open question.

        Raises:
            CannotRehearse: The flow has no end.
        """
        if keys.lower().startswith(SAYS) and not self.over:
            gathered = spoken_answer(keys[len(SAYS) :], self._question, self._keys)
            return self._perform(self._interpreter.resume(gathered)) if gathered is not None else []
        lines: list[RehearsalLine] = []
        keys, hangs_up, _ = keys.partition(HANGS_UP)
        if not self.over:
            gathered = self._keys.press(keys) or (None if hangs_up else self._keys.wait())
            if gathered is not None:
                lines += self._perform(self._interpreter.resume(gathered))
        if hangs_up and not self.over:
            lines.append(self._ended("caller hangs up"))
        return lines

    def _perform(self, step: Step) -> list[RehearsalLine]:
        """Perform step after step until a question is open or the call ends."""
        lines: list[RehearsalLine] = []
        while True:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise CannotRehearse(f"the flow takes more than {MOST_STEPS} steps; it goes in circles")
            lines += self._passed()
            result = self._performed(step, lines)
            if result is None:
                return lines
            step = self._interpreter.resume(result)

    def _performed(self, step: Step, lines: list[RehearsalLine]) -> StepResult | None:
        """The result of a step; None while a question is open, and when the call has ended."""
        node = self.path[-1]
        match step:
            case Say(text=text):
                lines.append(RehearsalLine(node, "says", text if isinstance(text, str) else "…"))
                return Said()
            case Collect(prompt, rules, words):
                self._question = step
                prompt = (words.prompt if words is not None and self._words else None) or prompt
                lines.append(
                    RehearsalLine(node, "asks", prompt.text if prompt and isinstance(prompt.text, str) else "")
                )
                return self._keys.ask(rules)
            case Screening(introduction):
                came = self._answers.get(node)
                by = next((one for one in CAME if one.value == came), None)
                lines.append(RehearsalLine(node, "says", str(introduction.text)))
                lines.append(RehearsalLine(node, "waits", f"for a person: {'nobody' if by is None else by.value}"))
                return Screened(by)
            case Wait(seconds):
                lines.append(RehearsalLine(node, "waits", f"{seconds:g} s"))
                return Said()
            case Play(name=name):
                line = RehearsalLine(node, "plays", name)
                if lines[-1:] != [line]:  # a recording that is played again and again is one line
                    lines.append(line)
                return Said()
            case HangUp():
                lines.append(self._ended("hangs up"))
                return None
            case Record() | Transfer() | Request() | Run() | LoadAudio() | SendSms():
                return self._performed_outside(node, step, lines)

    def _performed_outside(self, node: str, step: Record | Transfer | Action, lines: list[RehearsalLine]) -> StepResult:
        """The result of a step that only a call can perform: as `answers` says, or as when nobody is there."""
        answer = self._answers.get(node)
        match step:
            case Record(prompt):
                lines.append(
                    RehearsalLine(node, "records", prompt.text if prompt and isinstance(prompt.text, str) else "")
                )
                seconds = float(answer) if isinstance(answer, int | float) else RECORDED_SECONDS
                return Recorded(f"{node}.wav" if seconds else None, seconds, RecordingEnd.SILENCE)
            case Transfer(to, queue=queue):
                status = transfer_status(answer)
                lines.append(RehearsalLine(node, "queues" if queue else "transfers", f"{to}: {status}"))
                return Transferred(status)
            case LoadAudio():
                return Done(problem="it was to fail") if answer == FAILED else Done(silence(PLACEHOLDER_MS))
            case SendSms(body, to):
                lines.append(RehearsalLine(node, "texts", f"{to or 'the caller'}: {body}"))
                return Done(problem="it was to fail") if answer == FAILED else Done({"sid": "SM", "status": "queued"})
            case Request(method, url):
                lines.append(RehearsalLine(node, "requests", f"{method} {url}: {_shown(answer)}"))
            case Run(function):
                lines.append(RehearsalLine(node, "runs", f"{function}: {_shown(answer)}"))
        return Done(problem="no answer was given") if answer is None else Done(answer)

    def _passed(self) -> list[RehearsalLine]:
        """The nodes without a step that were entered since the last step, and the failure there."""
        passed = [
            RehearsalLine(name, verb_of(self._interpreter.visited(name))) for name in self.path[self._reported : -1]
        ]
        self._reported = len(self.path)
        if self.failure is not None and not self._failure_reported:
            self._failure_reported = True
            passed.append(RehearsalLine(self.path[-1], "fails", self.failure))
        return passed

    def _ended(self, how: str) -> RehearsalLine:
        self.over = True
        return RehearsalLine(self.path[-1], how)
