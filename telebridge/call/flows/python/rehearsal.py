"""Runs a Python flow without a call: its steps become lines to read, and typed keys become what a caller presses.

One rule: the flow cannot see the difference. It gets a `Call`, and is cancelled when the caller hangs up.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from telebridge.audio.mulaw import silence
from telebridge.call.flows.flow_steps import CallSteps
from telebridge.call.flows.python.call import Call
from telebridge.call.flows.python.registry import PythonFlow
from telebridge.call.flows.turn_stream import TurnStream
from telebridge.call.record import CallRecord
from telebridge.errors import TelebridgeError
from telebridge.flows.rehearsal import (
    HANGS_UP,
    MOST_STEPS,
    RECORDED_SECONDS,
    SAYS,
    CannotRehearse,
    RehearsalLine,
    RehearsedKeys,
    spoken_answer,
    transfer_status,
)
from telebridge.flows.steps import (
    Action,
    CallBack,
    Collect,
    DialogueStep,
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
    Screening,
    SendSms,
    Step,
    StepResult,
    Transfer,
    Transferred,
    Wait,
)
from telebridge.turns.caller_turn import CallerTurn

RECORD, TRANSFER = "record", "transfer"
NO_AUDIO: tuple[bytes, ...] = ()
NO_SOUND = silence(1000)
CALL_SID = f"CA{0:032x}"


class RehearsedSteps(CallSteps):
    """The steps of a Python flow in a rehearsal.

    Args:
        record: The record of the call that does not happen.
        typed: What the caller presses, question by question; silence when there is no more.
        outcomes: Under "record", how many seconds are recorded, and under "transfer" "completed" for one that succeeds.
        tell: Called with each thing that happens.

    Attributes:
        over: Whether somebody has hung up.
    """

    def __init__(
        self,
        record: CallRecord,
        typed: Iterator[str],
        outcomes: Mapping[str, Any],
        tell: Callable[[RehearsalLine], None],
    ) -> None:
        self.over = False
        self._record = record
        self._typed = typed
        self._outcomes = outcomes
        self._tell = tell
        self._keys = RehearsedKeys()
        self._steps = 0

    @property
    @override
    def record(self) -> CallRecord:
        return self._record

    @property
    @override
    def clean_streams(self) -> bool:
        return True

    @override
    async def perform(self, step: Step) -> StepResult:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise CannotRehearse(f"the flow takes more than {MOST_STEPS} steps; it goes in circles")
        if self.over:
            raise asyncio.CancelledError("the call is over")
        await asyncio.sleep(0)  # a flow that waits for others lets them run, as in a call
        if isinstance(step, HangUp):
            self._end("hangs up")
            raise asyncio.CancelledError("the call is over")
        return await self._performed(step)

    async def _performed(self, step: DialogueStep | Action | Transfer) -> StepResult:
        match step:
            case Say(text=text):
                self._line("says", await _written(text))
                return Said()
            case Collect(prompt, rules):
                self._line("asks", "" if prompt is None else await _written(prompt.text))
                return self._keys.ask(rules) or self._answered(step)
            case Wait(seconds):
                self._line("waits", f"{seconds:g} s")
                return Said()
            case Play(name=name):
                self._line("plays", name)
                return Said()
            case Record(prompt):
                self._line("records", prompt.text if prompt is not None and isinstance(prompt.text, str) else "")
                return self._recorded()
            case Transfer(to, queue=queue):
                status = transfer_status(self._outcomes.get(TRANSFER))
                self._line("queues" if queue else "transfers", f"{to}: {status}")
                return Transferred(status)
            case LoadAudio(source):
                self._line("loads", source)
                return Done(NO_SOUND)
            case SendSms(body, to):
                self._line("texts", f"{to or 'the caller'}: {body}")
                return Done({"sid": "SM", "status": "queued"})
            case Request() | Run() | Screening():  # of flow files alone
                return Done(problem="no answer was given")

    @override
    async def caller_audio(self) -> AsyncGenerator[bytes, None]:
        self._line("listens", "a rehearsal has no sound")
        for piece in NO_AUDIO:
            yield piece

    @override
    def turns(self) -> TurnStream:
        self._line("listens")
        return _TypedTurns(self._typed, self._end)

    @override
    def checkpoint(self, name: str, variables: dict[str, Any]) -> None:
        self._line("saves", name)

    @override
    def opt_out(self) -> None:
        self._line("opts out")

    @override
    def call_back(self, call_back: CallBack) -> None:
        when = f"in {call_back.in_seconds:g} s" if call_back.in_seconds is not None else f"at {call_back.at}"
        self._line("calls back", when)

    def _answered(self, question: Collect) -> Gathered:
        """The answer to an open question: keys, words, or a silence until the wait is over."""
        while True:
            typed = next(self._typed, "")
            if typed.lower().startswith(SAYS):
                if (spoken := spoken_answer(typed[len(SAYS) :], question, self._keys)) is not None:
                    return spoken
                continue
            keys, hangs_up, _ = typed.partition(HANGS_UP)
            gathered = self._keys.press(keys) or (None if hangs_up else self._keys.wait())
            if gathered is not None:
                return gathered
            if hangs_up:
                self._end("caller hangs up")
                raise asyncio.CancelledError("the caller hung up")

    def _recorded(self) -> Recorded:
        given = self._outcomes.get(RECORD)
        seconds = float(given) if isinstance(given, int | float) else RECORDED_SECONDS
        return Recorded("message.wav" if seconds else None, seconds, RecordingEnd.SILENCE)

    def _end(self, how: str) -> None:
        self.over = True
        self._line(how)

    def _line(self, what: str, text: str = "") -> None:
        self._tell(RehearsalLine("", what, text))


class _TypedTurns(TurnStream):
    """What is typed as "say …"; the caller hangs up after that."""

    def __init__(self, typed: Iterator[str], end: Callable[[str], None]) -> None:
        self._typed = typed
        self._end = end
        self._at = 0.0

    @override
    async def __anext__(self) -> CallerTurn:
        for typed in self._typed:
            if HANGS_UP in typed:
                break
            said = typed[len(SAYS) :].strip() if typed.lower().startswith(SAYS) else ""
            if said:
                self._at += 1.0
                return CallerTurn(said, final=True, began_seconds=self._at, ended_seconds=self._at)
        self._end("caller hangs up")
        raise asyncio.CancelledError("the call is over")

    @override
    async def aclose(self) -> None:
        """Nothing is kept."""


async def rehearse_python(
    flow: PythonFlow,
    name: str,
    variables: dict[str, Any],
    typed: Iterator[str],
    outcomes: Mapping[str, Any],
    tell: Callable[[RehearsalLine], None],
) -> tuple[CallRecord, BaseException | None]:
    """Run a Python flow to its end.

    Args:
        flow: The flow.
        name: Its name.
        variables: What it is started with, which it may change; "from" and "to" are the numbers.
        typed: What the caller presses, question by question.
        outcomes: How recordings and transfers go; see `RehearsedSteps`.
        tell: Called with each thing that happens.

    Returns:
        The record, and what the flow raised, if it did.
    """
    record = CallRecord(CALL_SID, name, variables["from"], variables["to"], "inbound", datetime.now(UTC))
    steps = RehearsedSteps(record, typed, outcomes, tell)
    leading = asyncio.ensure_future(flow(Call(steps, variables)))
    await asyncio.wait([leading])
    if leading.cancelled():
        return record, None if steps.over else TelebridgeError("the flow cancelled itself")
    error = leading.exception()
    if error is None and not steps.over:
        tell(RehearsalLine("", "hangs up"))
    return record, error


async def _written(text: str | AsyncIterable[str]) -> str:
    return text if isinstance(text, str) else "".join([token async for token in text])
